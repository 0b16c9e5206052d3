/** What a snapshot says about sessions, asked anew each time, so that a reload takes effect at once. */

import type { Snapshot } from '../config/snapshot.ts'
import type { SessionsOptions } from '../identity/live-sessions.ts'

export function sessionSettings(
  snapshot: () => Snapshot,
): Pick<SessionsOptions, 'secrets' | 'lifetimes' | 'providers' | 'maxPerUser'> {
  return {
    secrets: () => snapshot().sessionSecrets,
    lifetimes: () => {
      const { lifetime, idle, not_before: notBefore } = snapshot().config.session
      return { lifetimeMs: lifetime, idleMs: idle, notBefore }
    },
    providers: () => Object.keys(snapshot().config.providers),
    maxPerUser: () => snapshot().config.session.max_per_user,
  }
}
