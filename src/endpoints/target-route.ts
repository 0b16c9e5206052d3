/** The route behind an address that somebody is to come back to: which provider it insists on, what its policy asks for. */

import type { StepUp } from '../policy/compiled-policy.ts'
import type { Route, RouteSession } from '../policy/route.ts'
import { canonicalPath } from '../routing/canonical.ts'
import type { Visit } from './visit.ts'

/** The name of the provider that the route behind `target`, a return URL, insists on. */
export function routeProvider(visit: Visit, target: string): string | undefined {
  const provider = routeBehind(visit, target)?.provider
  return provider !== undefined && visit.providers.has(provider) ? provider : undefined
}

/** How recent a session must be for the route behind `target`, a return URL on the host of `origin`. */
export function routeSession(
  visit: Visit,
  target: string,
  origin: string = visit.origin,
): RouteSession | undefined {
  return routeBehind(visit, new URL(target, origin).href)?.session
}

/** What the policy at `path` on this host asks of a new sign-in; `undefined` where it asks for nothing. */
export function askedProof(visit: Visit, path: string): StepUp | undefined {
  if (!path.startsWith('/') || !URL.canParse(path, visit.origin)) return undefined
  const policy = routeBehind(visit, path)?.policy
  return policy?.asksForProof === true ? policy.stepUp : undefined
}

function routeBehind(visit: Visit, target: string): Route | undefined {
  const url = new URL(target, visit.origin)
  const entry = visit.snapshot.table.host(url.hostname)
  if (entry === undefined) return undefined
  const path = canonicalPath(url.pathname, entry.keepEncodedSlashes)
  return path.kind === 'refused' ? undefined : entry.match(path.decoded)
}
