/** What a snapshot says about sessions, asked anew each time, so that a reload takes effect at once. */

import type { Snapshot } from '../config/snapshot.ts'
import type { SessionsOptions } from '../identity/live-sessions.ts'
import { LOCAL_PROVIDER, localEnd } from '../identity/local-admins.ts'
import type { Route } from '../policy/route.ts'

export function sessionSettings(
  snapshot: () => Snapshot,
): Pick<SessionsOptions, 'secrets' | 'lifetimes' | 'providers' | 'maxPerUser'> {
  const endOfLocal = (sub: string) => localEnd(snapshot().localAdmins, sub)
  // Asked with every request, so that it is not looked up in all routes each time.
  let known: Snapshot | undefined
  let shortestIdleMs = Number.POSITIVE_INFINITY
  return {
    secrets: () => snapshot().sessionSecrets,
    lifetimes: () => {
      const current = snapshot()
      if (current !== known) {
        known = current
        shortestIdleMs = Math.min(...current.table.routes.map(idleMsOf))
      }
      const { lifetime, idle, not_before: notBefore } = current.config.session
      const lifetimes = { lifetimeMs: lifetime, idleMs: idle, shortestIdleMs, notBefore }
      return { ...lifetimes, localEnd: endOfLocal }
    },
    providers: () => [...Object.keys(snapshot().config.providers), LOCAL_PROVIDER],
    maxPerUser: () => snapshot().config.session.max_per_user,
  }
}

function idleMsOf({ session }: Route): number {
  return session?.idleMs ?? Number.POSITIVE_INFINITY
}
