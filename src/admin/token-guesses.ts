/** How often an address may bring a wrong token: whoever guesses is made to wait, even with the right one. */

import { LRUCache } from 'lru-cache'
import { addressKey } from '../identity/rate-limits.ts'
import type { Log } from '../support/log.ts'
import type { Clock, EpochMs } from '../support/time.ts'

export interface TokenGuesses {
  /** Counts a wrong token. */
  wrong(address: string): void
  /** Seconds that are left to wait; `undefined`: none. */
  waitSeconds(address: string): number | undefined
}

/** A person who mistypes never gets so far; a browser that holds an old password asks for a few pages. */
const MOST_WRONG = 30
const WINDOW_MS = 60_000
/** Past it the address that was quiet longest is forgotten. */
const MAX_ADDRESSES = 5_000

export function createTokenGuesses(now: Clock, log: Log): TokenGuesses {
  const known = new LRUCache<string, { readonly count: number; readonly endsAt: EpochMs }>({
    max: MAX_ADDRESSES,
  })
  const running = (key: string) => {
    const window = known.get(key)
    return window !== undefined && window.endsAt > now() ? window : undefined
  }
  return {
    wrong: (address) => {
      const key = addressKey(address)
      const { count, endsAt } = running(key) ?? { count: 0, endsAt: now() + WINDOW_MS }
      known.set(key, { count: count + 1, endsAt })
      if (count + 1 === MOST_WRONG) log.warn({ of: key }, 'too many wrong admin tokens')
    },
    waitSeconds: (address) => {
      const window = running(addressKey(address))
      if (window === undefined || window.count < MOST_WRONG) return undefined
      return Math.max(1, Math.ceil((window.endsAt - now()) / 1_000))
    },
  }
}
