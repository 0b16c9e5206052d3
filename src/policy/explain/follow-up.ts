/** What becomes of a request that goes on, where the route does more than forward it. */

import type { CanonicalHost, CanonicalPath } from '../../routing/canonical.ts'
import { redirectUrl } from '../../routing/redirect.ts'
import type { Route } from '../route.ts'

export type FollowUp =
  | { readonly kind: 'rewritten'; readonly path: string }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'response'; readonly status: number }
  /** The rewrite makes no canonical path of this one. */
  | { readonly kind: 'refused'; readonly detail: string }

/** `undefined` where the path goes upstream as it is. */
export function followUp(
  route: Route,
  host: CanonicalHost,
  path: CanonicalPath,
): FollowUp | undefined {
  const { ownAnswer, rewrite } = route
  if (ownAnswer?.kind === 'response') return { kind: 'response', status: ownAnswer.status }
  if (ownAnswer !== undefined) {
    const location = redirectUrl(ownAnswer.target, originFor(route, host.name), path)
    if (typeof location !== 'string') return { kind: 'refused', detail: location.detail }
    return { kind: 'redirect', status: ownAnswer.status, location }
  }
  if (rewrite === undefined) return undefined
  const rewritten = rewrite(path)
  return typeof rewritten === 'string'
    ? { kind: 'rewritten', path: rewritten }
    : { kind: 'refused', detail: rewritten.detail }
}

/** Where browsers find a route: its `from`, a wildcard's with the host that was asked for. */
export function originFor(route: Route, hostName: string): string {
  return route.match.host.kind === 'exact'
    ? route.origin
    : route.origin.replace(/\*[^:/]*/, hostName)
}
