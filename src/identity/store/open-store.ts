/** From where the config says that sessions are kept to the store. */

import type { StoreLocation } from '../../config/snapshot.ts'
import type { Every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import type { Clock } from '../../support/time.ts'
import { createMemoryStore } from './memory-store.ts'
import type { SessionStore, Siblings } from './session-store.ts'
import { createSqliteStore } from './sqlite-store.ts'

export interface OpenStoreOptions {
  readonly now: Clock
  readonly log: Log
  readonly every?: Every
  /** Redis needs none: it tells everybody by itself. */
  readonly siblings?: Siblings | undefined
}

/**
 * Rejects with GatehouseError STORE_UNAVAILABLE that says what is wrong with the place. Redis may come later: a store is
 * there at once, and answers when Redis does.
 */
export async function openStore(
  location: StoreLocation,
  options: OpenStoreOptions,
): Promise<SessionStore> {
  switch (location.kind) {
    case 'memory':
      return createMemoryStore(options)
    case 'sqlite':
      return createSqliteStore(location.file, options)
    case 'redis': {
      // Its client takes a tenth of a second to load, which only those wait for who use it.
      const { openRedisStore } = await import('./redis-store.ts')
      return openRedisStore(location, options)
    }
  }
}
