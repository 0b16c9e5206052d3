/** What a snapshot says about sessions, asked anew each time, so that a reload takes effect at once. */

import type { Snapshot } from '../config/snapshot.ts'
import type { SessionsOptions } from '../identity/live-sessions.ts'
import { LOCAL_PROVIDER, localEnd } from '../identity/local-admins.ts'

export function sessionSettings(
  snapshot: () => Snapshot,
): Pick<SessionsOptions, 'secrets' | 'lifetimes' | 'providers' | 'maxPerUser'> {
  const endOfLocal = (sub: string) => localEnd(snapshot().localAdmins, sub)
  return {
    secrets: () => snapshot().sessionSecrets,
    lifetimes: () => {
      const { lifetime, idle, not_before: notBefore } = snapshot().config.session
      return { lifetimeMs: lifetime, idleMs: idle, notBefore, localEnd: endOfLocal }
    },
    providers: () => [...Object.keys(snapshot().config.providers), LOCAL_PROVIDER],
    maxPerUser: () => snapshot().config.session.max_per_user,
  }
}
