/**
 * What comes twice acts once. It counts as done when it has been: what could not act may come again, also where the store
 * failed meanwhile, and of two at once the second waits for how the first comes out.
 */

import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { GatehouseError } from '../errors.ts'
import type { EpochMs } from '../support/time.ts'
import type { SessionStore } from './store/session-store.ts'

/** Acting takes no longer; past it whoever was at it is taken for dead. */
const LEASE_MS = 10_000
/** Senders wait for a few seconds. */
const PATIENCE_MS = 2_000
const ASK_EVERY_MS = 50

/**
 * Runs `act` for the first call with `what` before `until`, and returns false for others.
 * Rejects with what `act` rejects with, and with STORE_UNAVAILABLE where nobody can tell whether it has been done.
 */
export type ActOnce = (what: string, until: EpochMs, act: () => Promise<void>) => Promise<boolean>

export function createActedOnce(
  store: Pick<SessionStore, 'lock' | 'unlock' | 'mark' | 'marked'>,
): ActOnce {
  const underWay = new Map<string, Promise<boolean>>()

  const takeTurn = async (key: string, owner: string): Promise<void> => {
    const giveUpAt = performance.now() + PATIENCE_MS
    while (!(await store.lock(key, owner, LEASE_MS))) {
      if (performance.now() > giveUpAt) {
        throw new GatehouseError('STORE_UNAVAILABLE', 'another gateway is acting on the same')
      }
      await wait(ASK_EVERY_MS)
    }
  }

  const run = async (key: string, until: EpochMs, act: () => Promise<void>): Promise<boolean> => {
    const owner = randomUUID()
    await takeTurn(key, owner)
    try {
      if ((await store.marked(key)) !== undefined) return false
      await act()
      await store.mark(key, Buffer.from('done'), until)
      return true
    } finally {
      // Else its time runs out.
      await store.unlock(key, owner).catch(() => undefined)
    }
  }

  return async (what, until, act) => {
    const key = `replay:${createHash('sha256').update(what).digest('base64url')}`
    for (let other = underWay.get(key); other !== undefined; other = underWay.get(key)) {
      await other.catch(() => undefined)
    }
    const mine = run(key, until, act)
    underWay.set(key, mine)
    try {
      return await mine
    } finally {
      if (underWay.get(key) === mine) underWay.delete(key)
    }
  }
}
