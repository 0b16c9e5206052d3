/** An open WebSocket is judged again when its person has become another in what is known of them: claims, or groups. */

import type { LiveSession } from '../identity/session.ts'
import type { ResolveGroups } from '../identity/session-groups.ts'
import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Facts, type Person } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'
import type { Clock } from '../support/time.ts'
import type { DataPlane } from './data-plane.ts'
import { resolveGroupsFor } from './resolve-groups.ts'

export interface Admission {
  readonly route: Route
  readonly plane: DataPlane
  readonly facts: Facts
  /** As it was opened, before its groups were resolved. */
  readonly session: LiveSession
  /** Whom the admission was decided about. */
  readonly person: Person
}

/** Whether the admission still holds. Synchronous, and nothing but a comparison, while nothing has changed. */
export type StillHolds = () => boolean | Promise<boolean>

export function createStillHolds(
  { route, plane, facts, session, person }: Admission,
  { resolveGroups, now }: { readonly resolveGroups: ResolveGroups; readonly now: Clock },
): StillHolds {
  let judged: Person | undefined = person
  const judge = (known: LiveSession | undefined): boolean => {
    const subject = known?.subject
    if (subject === judged && subject !== undefined) return true
    judged = subject
    if (route.reportOnly) return true
    const decision = decide(route.policy, { ...facts, now: now() }, subject ?? ANONYMOUS)
    return decision.outcome === 'allow'
  }
  return () => {
    const known = resolveGroupsFor(route, session, plane, resolveGroups)
    return known instanceof Promise ? known.then(judge) : judge(known)
  }
}
