/** Sessions kept in this process: gone with it, and seen by no other. For development and small single instances. */

import { GatehouseError } from '../../errors.ts'
import { type Every, every } from '../../support/every.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import type { SessionStore, StoredSession } from './session-store.ts'

/**
 * Only people who can sign in add sessions, and each ends by itself, so this is reached by a fault rather than by use.
 * Past it nobody new can sign in; nobody who has is thrown out. About 3 KB each: 300 MB.
 */
const MAX_SESSIONS = 100_000
/** Hand-over codes and replay guards. Dropping one early would let it be used twice, so a new one is refused instead. */
const MAX_ONCE = 100_000
const SWEEP_MS = 30_000
/** Marks are kept beside what is taken once, under names of their own. */
const MARK = 'mark:'

export interface MemoryStoreOptions {
  readonly now: Clock
  readonly every?: Every
  readonly maxSessions?: number
  readonly maxOnce?: number
}

interface Expiring {
  readonly expiresAt: EpochMs
}

/** A store that lives and dies with the process. */
export function createMemoryStore(options: MemoryStoreOptions): SessionStore {
  const { now, maxSessions = MAX_SESSIONS, maxOnce = MAX_ONCE } = options
  const sessions = new Map<string, StoredSession>()
  const index = new Map<string, Set<string>>()
  const once = new Map<string, Expiring & { readonly value: Uint8Array }>()
  const kept = new Map<string, Uint8Array>()
  const locks = new Map<string, Expiring & { readonly owner: string }>()
  let closed = false

  const forget = (session: StoredSession) => {
    sessions.delete(session.id)
    for (const key of session.indexKeys) {
      const ids = index.get(key)
      ids?.delete(session.id)
      if (ids?.size === 0) index.delete(key)
    }
  }
  const put = (session: StoredSession) => {
    sessions.set(session.id, session)
    for (const key of session.indexKeys) {
      const ids = index.get(key)
      if (ids === undefined) index.set(key, new Set([session.id]))
      else ids.add(session.id)
    }
  }
  const lockOf = (name: string) => {
    const held = locks.get(name)
    return held !== undefined && held.expiresAt > now() ? held : undefined
  }
  const live = (id: string) => {
    const session = sessions.get(id)
    return session !== undefined && session.expiresAt > now() ? session : undefined
  }
  const sweep = () => {
    const time = now()
    for (const session of sessions.values()) if (session.expiresAt <= time) forget(session)
    for (const map of [once, locks]) {
      for (const [key, { expiresAt }] of map) if (expiresAt <= time) map.delete(key)
    }
  }
  const makeRoom = (map: ReadonlyMap<string, unknown>, max: number) => {
    if (map.size >= max) sweep()
    if (map.size >= max) throw unavailable(`the memory store is full (${max} entries)`)
  }
  const checkOpen = () => {
    if (closed) throw unavailable('the memory store is closed')
  }
  const stopSweeping = (options.every ?? every)(SWEEP_MS, sweep)

  return {
    async create(session) {
      checkOpen()
      makeRoom(sessions, maxSessions)
      if (live(session.id) !== undefined) throw unavailable('a session of this id exists already')
      put(session)
    },
    async read(id) {
      checkOpen()
      return live(id)
    },
    async revision(id) {
      checkOpen()
      return live(id)?.revision
    },
    async touch({ id, revision }, card, expiresAt) {
      checkOpen()
      const session = live(id)
      if (session === undefined) return undefined
      if (session.revision === revision) sessions.set(id, { ...session, card, expiresAt })
      return session.revision
    },
    async replace(next, previous) {
      checkOpen()
      const session = live(next.id)
      if (session === undefined) return 'gone'
      if (session.revision !== previous.revision) return 'changed'
      forget(session)
      put({ ...next, expiresAt: Math.max(next.expiresAt, session.expiresAt) })
      return 'replaced'
    },
    async delete(id) {
      checkOpen()
      const session = live(id)
      if (session === undefined) return false
      forget(session)
      return true
    },
    async findByIndex(indexKey) {
      checkOpen()
      return [...(index.get(indexKey) ?? [])].filter((id) => live(id) !== undefined)
    },
    async *list() {
      checkOpen()
      for (const id of [...sessions.keys()]) {
        const session = live(id)
        if (session !== undefined) {
          yield { id, card: session.card, expiresAt: session.expiresAt }
        }
      }
    },
    async count() {
      checkOpen()
      sweep()
      return sessions.size
    },
    async putOnce(key, value, expiresAt) {
      checkOpen()
      const present = once.get(key)
      if (present !== undefined && present.expiresAt > now()) return false
      makeRoom(once, maxOnce)
      once.set(key, { value, expiresAt })
      return true
    },
    async takeOnce(key) {
      checkOpen()
      const present = once.get(key)
      once.delete(key)
      return present !== undefined && present.expiresAt > now() ? present.value : undefined
    },
    async mark(key, value, expiresAt) {
      checkOpen()
      if (!once.has(MARK + key)) makeRoom(once, maxOnce)
      once.set(MARK + key, { value, expiresAt })
    },
    async marked(key) {
      checkOpen()
      const present = once.get(MARK + key)
      return present !== undefined && present.expiresAt > now() ? present.value : undefined
    },
    async keep(key, value) {
      checkOpen()
      const present = kept.get(key)
      if (present !== undefined) return present
      kept.set(key, value)
      return value
    },
    // Nobody else knows these sessions.
    onDeleted: () => () => undefined,
    onReplaced: () => () => undefined,
    async lock(name, owner, ms) {
      checkOpen()
      if (lockOf(name) !== undefined) return false
      locks.set(name, { owner, expiresAt: now() + ms })
      return true
    },
    async renewLock(name, owner, ms) {
      checkOpen()
      if (lockOf(name)?.owner !== owner) return false
      locks.set(name, { owner, expiresAt: now() + ms })
      return true
    },
    async unlock(name, owner) {
      checkOpen()
      if (lockOf(name)?.owner === owner) locks.delete(name)
    },
    async close() {
      closed = true
      stopSweeping()
      sessions.clear()
      index.clear()
      once.clear()
      kept.clear()
      locks.clear()
    },
  }
}

function unavailable(detail: string): GatehouseError {
  return new GatehouseError('STORE_UNAVAILABLE', detail)
}
