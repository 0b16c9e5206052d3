/** From where the config says that sessions are kept to the store. */

import type { StoreLocation } from '../config/snapshot.ts'
import type { Every } from '../support/every.ts'
import type { Clock } from '../support/time.ts'
import { createMemoryStore } from './memory-store.ts'
import type { SessionStore } from './session-store.ts'
import { createSqliteStore } from './sqlite-store.ts'

export interface OpenStoreOptions {
  readonly now: Clock
  readonly every?: Every
}

/** @throws GatehouseError STORE_UNAVAILABLE that says what is wrong with the place */
export function openStore(location: StoreLocation, options: OpenStoreOptions): SessionStore {
  switch (location.kind) {
    case 'memory':
      return createMemoryStore(options)
    case 'sqlite':
      return createSqliteStore(location.file, options)
  }
}
