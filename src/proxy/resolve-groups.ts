/** The stage between authentication and decision: the groups of whoever asks, on routes where they make a difference. */

import type { LiveSession } from '../identity/session.ts'
import type { ResolveGroups } from '../identity/session-groups.ts'
import type { Route } from '../policy/route.ts'
import type { DataPlane } from './data-plane.ts'

/**
 * Synchronous where nothing has to be waited for. `undefined`: nobody is known, or the directory has just said that the
 * person's sessions end.
 */
export function resolveGroupsFor(
  route: Route,
  session: LiveSession | undefined,
  plane: DataPlane,
  resolveGroups: ResolveGroups,
): ReturnType<ResolveGroups> {
  if (session === undefined || !plane.needsGroups(route)) return session
  return resolveGroups(session)
}
