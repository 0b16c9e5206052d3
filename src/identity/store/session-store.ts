/** Where sessions are kept: the interface that memory, sqlite and Redis stores fulfil. Values are opaque bytes here. */

import type { EpochMs } from '../../support/time.ts'

export interface StoredSession {
  /** Hash of the handle; the handle itself is never stored. */
  readonly id: string
  readonly record: Uint8Array
  readonly groups: Uint8Array
  readonly tokens: Uint8Array
  readonly card: Uint8Array
  /** Another text whenever record, groups or tokens are replaced. Without spaces; empty in what older releases wrote. */
  readonly revision: string
  /** HMACs of sub, e-mail and sid: entries by which sessions are found from outside. */
  readonly indexKeys: readonly string[]
  /** The store forgets the session by itself after this. */
  readonly expiresAt: EpochMs
}

/** What became of a replacement: done, or the session was replaced by somebody else meanwhile, or it is gone. */
export type Replacement = 'replaced' | 'changed' | 'gone'

/**
 * Every method rejects with GatehouseError STORE_UNAVAILABLE when the store cannot answer: never with "not there".
 * Expired entries are never returned.
 */
export interface SessionStore {
  create(session: StoredSession): Promise<void>
  read(id: string): Promise<StoredSession | undefined>
  /** Cheaper than `read`: the session's revision, or `undefined` where it is no longer there. */
  revision(id: string): Promise<string | undefined>
  /**
   * New card and end after somebody was seen, where the session has this revision. The revision that it has, or `undefined`
   * where it is gone, which it then stays.
   */
  touch(
    { id, revision }: Pick<StoredSession, 'id' | 'revision'>,
    card: Uint8Array,
    expiresAt: EpochMs,
  ): Promise<string | undefined>
  /**
   * Puts `next` in the place of `previous`, as it was read, where that is still there unchanged; its index entries too.
   * Of the two ends the later one counts. Nothing in between is ever seen.
   */
  replace(
    next: StoredSession,
    previous: Pick<StoredSession, 'revision' | 'indexKeys'>,
  ): Promise<Replacement>
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
  /** Keeps `value` under `key` until then, in place of what is there; keys are apart from those of `putOnce`. */
  mark(key: string, value: Uint8Array, expiresAt: EpochMs): Promise<void>
  /** What `mark` keeps under `key`. */
  marked(key: string): Promise<Uint8Array | undefined>
  /** Returns what is kept under `key` for good, storing `value` first where nothing is: the first one wins. */
  keep(key: string, value: Uint8Array): Promise<Uint8Array>
  /**
   * Calls `listener` with the id of each session that others delete, as soon as it is known here. A hint and no more:
   * what happens while the store cannot be reached is not told later, and a store that only one process uses tells
   * nothing. Returns a function that stops it.
   */
  onDeleted(listener: (id: string) => void): () => void
  /** As `onDeleted`, of each session that others replace. */
  onReplaced(listener: (id: string) => void): () => void
  /** Takes the lock `name` for `ms`, by the store's own clock; false where anybody has it, `owner` too. */
  lock(name: string, owner: string, ms: number): Promise<boolean>
  /** The lock ends in `ms` from now; false where it is no longer `owner`'s. */
  renewLock(name: string, owner: string, ms: number): Promise<boolean>
  /** Gives the lock back where it is `owner`'s. */
  unlock(name: string, owner: string): Promise<void>
  close(): Promise<void>
}

/** Other processes of this machine that use the same store. They are told in texts that only the store reads. */
export interface Siblings {
  tell(news: string): void
  /** Calls `listener` with what another one tells; returns a function that stops that. */
  listen(listener: (news: string) => void): () => void
}
