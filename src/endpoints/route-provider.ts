/** Routes may insist on one of several providers; then a sign-in for them goes there. */

import { canonicalPath } from '../routing/canonical.ts'
import type { Visit } from './visit.ts'

/** The name of the provider that the route behind `target`, a return URL, insists on. */
export function routeProvider(visit: Visit, target: string): string | undefined {
  const url = new URL(target, visit.origin)
  const entry = visit.snapshot.table.host(url.hostname)
  if (entry === undefined) return undefined
  const path = canonicalPath(url.pathname, entry.keepEncodedSlashes)
  if (path.kind === 'refused') return undefined
  const provider = entry.match(path.decoded)?.provider
  return provider !== undefined && visit.providers.has(provider) ? provider : undefined
}
