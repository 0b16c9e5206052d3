/** Ending sessions from outside: those of a person, the oldest, or all. What is ended here ends everywhere, as any other end does. */

import { foldAscii } from '../policy/language/fold.ts'
import type { Log } from '../support/log.ts'
import { type EndMarks, namedKeys } from './end-marks.ts'
import type { LiveSession } from './session.ts'
import type { SessionLists } from './session-lists.ts'
import type { IndexKind, SessionSeals } from './session-seals.ts'
import type { SessionStore } from './session-store.ts'

export interface RevocationOptions {
  readonly store: SessionStore
  readonly seals: () => SessionSeals
  readonly lists: SessionLists
  readonly marks: EndMarks
  /** Names under which people sign in now. */
  readonly providers?: () => Iterable<string>
  /** How many sessions a person may have at once. */
  readonly maxPerUser?: () => number
  readonly log: Log
  readonly endById: (id: string) => Promise<boolean>
}

export interface Revocation {
  /** Ends every session of `user`, an e-mail in any case or a subject, at any provider; returns how many there were. */
  ofUser(user: string): Promise<number>
  /** Ends the sessions at one provider that an index entry names, and those that are being made. */
  of(provider: string, by: IndexKind, value: string): Promise<number>
  /** Ends every session, those that no secret opens included. */
  all(): Promise<number>
  /** Ends the oldest sessions of a person where `made` is one too many. Of two at once each may end the same ones. */
  surplus(made: LiveSession): Promise<void>
}

/** Sessions ended at the same time: a store is kept busy, and not flooded. */
const AT_ONCE = 50

export function createRevocation(options: RevocationOptions): Revocation {
  const { store, seals, lists, marks, endById, log } = options
  const { providers = () => [], maxPerUser = () => Number.POSITIVE_INFINITY } = options

  const endEach = async (ids: AsyncIterable<string> | Iterable<string>): Promise<number> => {
    let ended = 0
    let batch: string[] = []
    const endBatch = async () => {
      const ends = await Promise.all(batch.map(endById))
      ended += ends.filter(Boolean).length
      batch = []
    }
    for await (const id of ids) {
      batch.push(id)
      if (batch.length === AT_ONCE) await endBatch()
    }
    await endBatch()
    return ended
  }

  const of = async (provider: string, by: IndexKind, value: string): Promise<number> => {
    await marks.set(provider, by, value)
    const keys = namedKeys(seals(), provider, by, value)
    const found = await Promise.all(keys.map((key) => store.findByIndex(key)))
    return endEach(new Set(found.flat()))
  }

  async function* matching(user: string): AsyncIterable<string> {
    const email = foldAscii(user)
    for await (const { id, card } of store.list()) {
      const known = seals().openCard(card, id)
      if (known === undefined) continue
      const isTheirs =
        known.sub === user || (known.email !== undefined && foldAscii(known.email) === email)
      if (isTheirs) yield id
    }
  }

  return {
    ofUser: async (user) => {
      // At once those that the index knows; then all others, such as those of a provider that has left the config.
      let ended = 0
      for (const provider of providers()) {
        ended += await of(provider, 'email', user)
        ended += await of(provider, 'sub', user)
      }
      return ended + (await endEach(matching(user)))
    },
    of,
    all: () => endEach(idsOf(store)),
    surplus: async ({ id, record: { provider, sub } }) => {
      const max = maxPerUser()
      if (max === Number.POSITIVE_INFINITY) return
      try {
        if ((await lists.idsOf(provider, sub)).length <= max) return
        const others = (await lists.of(provider, sub)).filter((other) => other.id !== id)
        others.sort((a, b) => b.signedInAt - a.signedInAt)
        await endEach(others.slice(max - 1).map((oldest) => oldest.id))
      } catch (err) {
        // Whoever signed in is in; the next sign-in looks again.
        log.warn({ err }, 'the oldest sessions of a person could not be ended')
      }
    },
  }
}

async function* idsOf(store: SessionStore): AsyncIterable<string> {
  for await (const { id } of store.list()) yield id
}
