/**
 * The lock under which a session is refreshed: taken in the store, renewed while the provider is slow, given back by its
 * owner only. It ends a few seconds after its owner has died, well before a provider would take the use of an old refresh
 * token for a theft.
 */

import { randomUUID } from 'node:crypto'
import { every } from '../support/every.ts'
import type { SessionStore } from './store/session-store.ts'

export interface RefreshLock {
  /** False where another one has it. Rejects with STORE_UNAVAILABLE. */
  take(): Promise<boolean>
  /** Never rejects: a lock that cannot be given back ends by itself. */
  release(): Promise<void>
  /** Nobody gets it for so long, and then it ends. Never rejects. */
  keep(ms: number): Promise<void>
}

const LOCK_MS = 4_000
const RENEW_MS = 1_000

export function createRefreshLock(store: SessionStore, sessionId: string): RefreshLock {
  const name = `refresh:${sessionId}`
  const owner = randomUUID()
  let stopRenewing: (() => void) | undefined

  const stop = (): boolean => {
    const had = stopRenewing !== undefined
    stopRenewing?.()
    stopRenewing = undefined
    return had
  }
  return {
    take: async () => {
      if (!(await store.lock(name, owner, LOCK_MS))) return false
      stopRenewing = every(RENEW_MS, () => {
        // One that is lost all the same does no harm: a session is replaced only as it was read.
        store.renewLock(name, owner, LOCK_MS).catch(() => undefined)
      })
      return true
    },
    release: async () => {
      if (stop()) await store.unlock(name, owner).catch(() => undefined)
    },
    keep: async (ms) => {
      if (stop()) await store.renewLock(name, owner, ms).catch(() => undefined)
    },
  }
}
