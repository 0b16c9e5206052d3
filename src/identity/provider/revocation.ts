/** Ending sessions from outside: those of a person, the oldest, or all. What is ended here ends everywhere, as any other end does. */

import type { Audit } from '../../support/audit.ts'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { type EndMarks, namedKeys } from '../end-marks.ts'
import type { LiveSession, SessionCard } from '../session.ts'
import type { SessionLists } from '../session-lists.ts'
import type { SessionSeals } from '../session-seals.ts'
import type { ListedSession } from '../sessions.ts'
import type { SessionStore } from '../store/session-store.ts'
import { isOfUser, type NamedSessions, type Tally } from '../unfinished-ends.ts'

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
  readonly audit?: Audit
  readonly now: Clock
  readonly endById: (id: string) => Promise<boolean>
}

/** Counted in `tally` as they end, also where the store then fails. Sessions that began after `before` are not meant. */
export interface Revocation {
  /** Ends every session of `user`, an e-mail in any case or a subject, at any provider. */
  ofUser(user: string, before: EpochMs, tally: Tally): Promise<void>
  /** Ends the sessions at one provider that an index entry names, and those that are being made. */
  of(named: NamedSessions, before: EpochMs, tally: Tally): Promise<void>
  /** Whether an index entry names any session. */
  isAny(named: NamedSessions): Promise<boolean>
  /** Ends every session, those that no secret opens included. */
  all(before: EpochMs, tally: Tally): Promise<void>
  /**
   * Ends the oldest sessions of a person where `made` is one too many. Of several at once each ends the same ones, itself
   * included: they do not end each other, and no more are left than may be.
   */
  surplus(made: LiveSession): Promise<void>
}

/** Sessions ended at the same time: a store is kept busy, and not flooded. */
const AT_ONCE = 50
/** Sign-ins with so little between them may not know of each other. */
const BEGUN_AT_ONCE_MS = 5_000

export function createRevocation(options: RevocationOptions): Revocation {
  const { store, seals, lists, marks, endById, log, now } = options
  const { providers = () => [], maxPerUser = () => Number.POSITIVE_INFINITY } = options

  const endEach = async (
    ids: AsyncIterable<string> | Iterable<string>,
    tally: Tally = { ended: 0 },
  ): Promise<void> => {
    let batch: string[] = []
    const endBatch = async () => {
      const ends = await Promise.allSettled(batch.map(endById))
      for (const end of ends) if (end.status === 'fulfilled' && end.value) tally.ended++
      const failed = ends.find((end) => end.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      batch = []
    }
    for await (const id of ids) {
      batch.push(id)
      if (batch.length === AT_ONCE) await endBatch()
    }
    await endBatch()
  }

  const idsNamed = async ({ provider, by, value }: NamedSessions): Promise<Set<string>> => {
    const keys = namedKeys(seals(), provider, by, value)
    return new Set((await Promise.all(keys.map((key) => store.findByIndex(key)))).flat())
  }

  const of: Revocation['of'] = async (named, before, tally) => {
    await marks.set(named.provider, named.by, named.value, before)
    const found = await idsNamed(named)
    await endEach(before < now() ? begunOf(found, before) : found, tally)
  }

  async function* begunOf(ids: Iterable<string>, before: EpochMs): AsyncIterable<string> {
    for (const id of ids) {
      const stored = await store.read(id)
      const card = stored && seals().openCard(stored.card, id)
      if (card === undefined || card.signedInAt <= before) yield id
    }
  }

  /** Those that began by `before`. Of one that no secret opens nobody can say; nobody can use it either. */
  async function* begun(before: EpochMs): AsyncIterable<{ id: string; card?: SessionCard }> {
    for await (const { id, card: sealed } of store.list()) {
      const card = seals().openCard(sealed, id)
      if (card === undefined) yield { id }
      else if (card.signedInAt <= before) yield { id, card }
    }
  }

  async function* matching(user: string, before: EpochMs): AsyncIterable<string> {
    for await (const { id, card } of begun(before)) {
      if (card !== undefined && isOfUser(card, user)) yield id
    }
  }

  return {
    ofUser: async (user, before, tally) => {
      // At once those that the index knows; then all others, such as those of a provider that has left the config.
      for (const provider of providers()) {
        await of({ provider, by: 'email', value: user }, before, tally)
        await of({ provider, by: 'sub', value: user }, before, tally)
      }
      await endEach(matching(user, before), tally)
    },
    of,
    isAny: async (named) => (await idsNamed(named)).size > 0,
    all: (before, tally) => endEach(idsOf(begun(before)), tally),
    surplus: async (made) => {
      const { provider, sub } = made.record
      const max = maxPerUser()
      if (max === Number.POSITIVE_INFINITY) return
      try {
        if ((await lists.idsOf(provider, sub)).length <= max) return
        const others = (await lists.of(provider, sub)).filter(({ id }) => id !== made.id)
        const surplus = [dated(made, others), ...others].sort(newestFirst).slice(max)
        const tally = { ended: 0 }
        await endEach(
          surplus.map(({ id }) => id),
          tally,
        )
        options.audit?.({
          event: 'session_ended',
          outcome: 'success',
          by: 'max_per_user',
          provider,
          subject: sub,
          sessions: tally.ended,
        })
      } catch (err) {
        // Whoever signed in is in; the next sign-in looks again.
        log.warn({ err }, 'the oldest sessions of a person could not be ended')
      }
    },
  }
}

async function* idsOf(sessions: AsyncIterable<{ readonly id: string }>): AsyncIterable<string> {
  for await (const { id } of sessions) yield id
}

/** What was just made is the newest, whatever the clocks of other replicas say, unless others begin at the same time. */
function dated({ id, record: { signedInAt } }: LiveSession, others: readonly Dated[]): Dated {
  const newest = Math.max(...others.map((other) => other.signedInAt))
  const isAtOnce = newest - signedInAt < BEGUN_AT_ONCE_MS
  return { id, signedInAt: isAtOnce ? signedInAt : Number.POSITIVE_INFINITY }
}

type Dated = Pick<ListedSession, 'id' | 'signedInAt'>

/** The same order for everybody, also of those that began in the same moment. */
function newestFirst(a: Dated, b: Dated): number {
  return b.signedInAt - a.signedInAt || (a.id < b.id ? -1 : 1)
}
