/** Live sessions as lists of cards: for the admin listener, the CLI and a person's own page. */

import type { Log } from '../support/log.ts'
import type { Clock } from '../support/time.ts'
import { absoluteEnd, type SessionLifetimes } from './session.ts'
import type { SessionSeals } from './session-seals.ts'
import type { ListedSession } from './sessions.ts'
import type { SessionStore } from './store/session-store.ts'

export interface SessionListOptions {
  readonly store: SessionStore
  readonly seals: () => SessionSeals
  readonly now: Clock
  readonly lifetimes: () => SessionLifetimes
  readonly log: Log
  /** When a session that is open in this process was last used: newer than what the store knows. */
  readonly lastSeenHere: (id: string) => number | undefined
}

export interface SessionLists {
  /** Every live session's card. */
  all(): Promise<readonly ListedSession[]>
  /** Sessions of one person at one provider. */
  of(provider: string, sub: string): Promise<readonly ListedSession[]>
  /** Their ids, for less: there may be some more than `of` would show. */
  idsOf(provider: string, sub: string): Promise<readonly string[]>
}

export function createSessionLists(options: SessionListOptions): SessionLists {
  const { store, seals, now, lifetimes, log, lastSeenHere } = options

  const listed = (id: string, sealedCard: Uint8Array): ListedSession | undefined => {
    const card = seals().openCard(sealedCard, id)
    if (card === undefined) {
      log.warn({ session: id }, 'a session in the store is sealed under no secret known here')
      return undefined
    }
    const lastSeenAt = Math.max(card.lastSeenAt, lastSeenHere(id) ?? 0)
    const limits = lifetimes()
    const time = now()
    const over = absoluteEnd(card, limits) <= time || lastSeenAt + limits.idleMs <= time
    return over ? undefined : { id, ...card, lastSeenAt }
  }

  const idsOf = async (provider: string, sub: string) => {
    const keys = seals().indexKeys('sub', provider, sub)
    return [...new Set((await Promise.all(keys.map((key) => store.findByIndex(key)))).flat())]
  }

  return {
    idsOf,
    all: async () => {
      const found: ListedSession[] = []
      for await (const { id, card } of store.list()) {
        const session = listed(id, card)
        if (session !== undefined) found.push(session)
      }
      return found
    },
    of: async (provider, sub) => {
      const found: ListedSession[] = []
      for (const id of await idsOf(provider, sub)) {
        const stored = await store.read(id)
        const session = stored === undefined ? undefined : listed(id, stored.card)
        if (session?.provider === provider && session.sub === sub) found.push(session)
      }
      return found
    },
  }
}
