/** Where sessions are kept: the interface that memory, sqlite and Redis stores fulfil. Values are opaque bytes here. */

import type { EpochMs } from '../support/time.ts'

export interface StoredSession {
  /** Hash of the handle; the handle itself is never stored. */
  readonly id: string
  readonly record: Uint8Array
  readonly groups: Uint8Array
  readonly tokens: Uint8Array
  readonly card: Uint8Array
  /** HMACs of sub, e-mail and sid: entries by which sessions are found from outside. */
  readonly indexKeys: readonly string[]
  /** The store forgets the session by itself after this. */
  readonly expiresAt: EpochMs
}

/**
 * Every method rejects with GatehouseError STORE_UNAVAILABLE when the store cannot answer: never with "not there".
 * Expired entries are never returned.
 */
export interface SessionStore {
  create(session: StoredSession): Promise<void>
  read(id: string): Promise<StoredSession | undefined>
  /** Cheaper than `read`: is it still there? */
  has(id: string): Promise<boolean>
  /** New card and end after somebody was seen; false where the session is gone, which it then stays. */
  touch(id: string, card: Uint8Array, expiresAt: EpochMs): Promise<boolean>
  /** True where there was one. Index entries go with it. */
  delete(id: string): Promise<boolean>
  findByIndex(indexKey: string): Promise<readonly string[]>
  list(): AsyncIterable<{
    readonly id: string
    readonly card: Uint8Array
    readonly expiresAt: EpochMs
  }>
  count(): Promise<number>
  /** Stores a value that is taken at most once, or guards against replay; false where the key is taken. */
  putOnce(key: string, value: Uint8Array, expiresAt: EpochMs): Promise<boolean>
  /** Returns the value and removes it, atomically; of two callers one gets it. */
  takeOnce(key: string): Promise<Uint8Array | undefined>
  /** Returns what is kept under `key` for good, storing `value` first where nothing is: the first one wins. */
  keep(key: string, value: Uint8Array): Promise<Uint8Array>
  /**
   * Calls `listener` with the id of each session that others delete, as soon as it is known here. A hint and no more:
   * what happens while the store cannot be reached is not told later, and a store that only one process uses tells
   * nothing. Returns a function that stops it.
   */
  onDeleted(listener: (id: string) => void): () => void
  close(): Promise<void>
}

/** Other processes of this machine that use the same store, and hear of the sessions that each of them deletes. */
export interface Siblings {
  tell(id: string): void
  /** Calls `listener` with each id that another one tells; returns a function that stops that. */
  listen(listener: (id: string) => void): () => void
}
