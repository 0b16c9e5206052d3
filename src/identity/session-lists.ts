/** Live sessions as lists of cards: for the admin listener, the CLI and a person's own page. */

import type { Log } from '../support/log.ts'
import type { Clock } from '../support/time.ts'
import type { SessionCard, SessionLifetimes } from './session.ts'
import type { SessionSeals } from './session-seals.ts'
import type { SessionStore } from './session-store.ts'

export type ListedSession = { readonly id: string } & SessionCard

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
    const { lifetimeMs, idleMs } = lifetimes()
    const time = now()
    const over =
      Math.min(card.expiresAt, card.signedInAt + lifetimeMs) <= time || lastSeenAt + idleMs <= time
    return over ? undefined : { id, ...card, lastSeenAt }
  }

  return {
    all: async () => {
      const found: ListedSession[] = []
      for await (const { id, card } of store.list()) {
        const session = listed(id, card)
        if (session !== undefined) found.push(session)
      }
      return found
    },
    of: async (provider, sub) => {
      const keys = seals().indexKeys('sub', provider, sub)
      const ids = new Set((await Promise.all(keys.map((key) => store.findByIndex(key)))).flat())
      const found: ListedSession[] = []
      for (const id of ids) {
        const stored = await store.read(id)
        const session = stored === undefined ? undefined : listed(id, stored.card)
        if (session?.provider === provider && session.sub === sub) found.push(session)
      }
      return found
    },
  }
}
