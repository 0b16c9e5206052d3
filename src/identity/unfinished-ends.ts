/**
 * Ends of sessions that the store could not take: whoever is to be out is out of this process at once, and out
 * everywhere as soon as the store answers. It is asked until then; what it may have done already is done once more.
 */

import { GatehouseError } from '../errors.ts'
import { foldAscii } from '../policy/language/fold.ts'
import { type Every, every } from '../support/every.ts'
import type { Log } from '../support/log.ts'
import type { EpochMs } from '../support/time.ts'
import type { SessionRecord } from './session.ts'
import type { IndexKind } from './session-seals.ts'

/** What is to end. Sessions that begin after `before` are not meant. */
export type Ending =
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'user'; readonly user: string; readonly before: EpochMs }
  | ({ readonly kind: 'named'; readonly before: EpochMs } & NamedSessions)
  | { readonly kind: 'all'; readonly before: EpochMs }

/** Sessions at one provider by what that provider calls them. */
export interface NamedSessions {
  readonly provider: string
  readonly by: IndexKind
  readonly value: string
}

/** What of a session says whether an ending means it. */
export interface Endable {
  readonly id: string
  readonly record: Pick<SessionRecord, 'provider' | 'sub' | 'email' | 'sid' | 'signedInAt'>
}

/** How many sessions have ended by now, also where more was to come. */
export interface Tally {
  ended: number
}

/** The store does not answer: `ended` sessions are known to have ended, and the rest is tried again. */
export class EndsUnfinished extends GatehouseError {
  readonly ended: number

  constructor(ended: number, cause: unknown) {
    const detail = cause instanceof Error ? cause.message : 'not tried yet'
    super('STORE_UNAVAILABLE', detail, { cause })
    this.ended = ended
  }
}

export interface UnfinishedEndsOptions {
  /** Ends in the store what `ending` means, and counts it. Rejects with STORE_UNAVAILABLE. */
  readonly run: (ending: Ending, tally: Tally) => Promise<void>
  /** Ends in this process every session for which `isMeant`. */
  readonly endHere: (isMeant: (session: Endable) => boolean) => void
  readonly log: Log
  readonly every?: Every | undefined
  /** How many may wait; for tests. */
  readonly maxWaiting?: number
}

export interface UnfinishedEnds {
  /** How many sessions it ended. Rejects with EndsUnfinished where the rest is left for later. */
  end(ending: Ending): Promise<number>
  /** Leaves it all for later: the store is known to be away. */
  later(ending: Ending, cause: unknown): GatehouseError
  /** Whether a session that was found in the store is only waiting for its end. */
  isEnding(session: Endable): boolean
  close(): void
}

const RETRY_MS = 1_000
/** Past it no more are taken: those that wait have been promised. About 400 bytes each. */
const MAX_WAITING = 50_000

export function createUnfinishedEnds(options: UnfinishedEndsOptions): UnfinishedEnds {
  const { run, log, maxWaiting = MAX_WAITING } = options
  const waiting = new Map<string, Ending>()
  // Of those that wait, by each name of a session that they may mean: a look costs the same however many wait.
  const byName = new Map<string, Ending>()

  let running = false

  const add = (ending: Ending): void => {
    const names = namesIn(ending)
    waiting.delete(names[0])
    waiting.set(names[0], ending)
    for (const name of names) byName.set(name, ending)
  }

  const remove = (ending: Ending): void => {
    const names = namesIn(ending)
    // Unless it was asked for once more meanwhile.
    if (waiting.get(names[0]) === ending) waiting.delete(names[0])
    for (const name of names) if (byName.get(name) === ending) byName.delete(name)
  }

  const later = (ending: Ending, cause: unknown, tally: Tally = { ended: 0 }): GatehouseError => {
    options.endHere((session) => means(ending, session))
    if (waiting.size >= maxWaiting && !waiting.has(namesIn(ending)[0])) {
      log.error(
        { err: cause, of: ending.kind },
        'sessions that are to end stay: too many wait for the store',
      )
      return new GatehouseError('STORE_UNAVAILABLE', 'too many sessions wait for their end', {
        cause,
      })
    }
    add(ending)
    log.warn({ err: cause, of: ending.kind }, 'sessions that are to end wait for the store')
    return new EndsUnfinished(tally.ended, cause)
  }

  const runAll = async (): Promise<void> => {
    for (const ending of waiting.values()) {
      const tally = { ended: 0 }
      await run(ending, tally)
      remove(ending)
      log.info({ of: ending.kind, ended: tally.ended }, 'sessions that were to end have ended')
    }
  }

  const stop = (options.every ?? every)(RETRY_MS, () => {
    if (running || waiting.size === 0) return
    running = true
    runAll()
      .catch((err: unknown) => log.debug({ err }, 'sessions that are to end still wait'))
      .finally(() => {
        running = false
      })
  })

  return {
    end: async (ending) => {
      const tally = { ended: 0 }
      try {
        await run(ending, tally)
        return tally.ended
      } catch (cause) {
        if (!isStoreAway(cause)) throw cause
        throw later(ending, cause, tally)
      }
    },
    later,
    isEnding: (session) => {
      if (waiting.size === 0) return false
      return namesOf(session).some((name) => {
        const ending = byName.get(name)
        return ending !== undefined && means(ending, session)
      })
    },
    close: stop,
  }
}

export function isStoreAway(cause: unknown): boolean {
  return cause instanceof GatehouseError && cause.code === 'STORE_UNAVAILABLE'
}

function means(ending: Ending, { id, record }: Endable): boolean {
  switch (ending.kind) {
    case 'session':
      return ending.id === id
    case 'user':
      return isOfUser(record, ending.user) && record.signedInAt <= ending.before
    case 'named':
      return isNamed(record, ending) && record.signedInAt <= ending.before
    case 'all':
      return record.signedInAt <= ending.before
  }
}

function isNamed(record: Endable['record'], { provider, by, value }: NamedSessions): boolean {
  if (record.provider !== provider) return false
  if (by !== 'email') return record[by] === value
  return record.email !== undefined && foldAscii(record.email) === foldAscii(value)
}

/** @param user an e-mail in any case, or a subject */
export function isOfUser(
  { sub, email }: Pick<Endable['record'], 'sub' | 'email'>,
  user: string,
): boolean {
  return sub === user || (email !== undefined && foldAscii(email) === foldAscii(user))
}

/** What an ending calls those that it means; the first name is like no other ending's. */
function namesIn(ending: Ending): readonly [string, ...string[]] {
  switch (ending.kind) {
    case 'session':
      return [`session ${ending.id}`]
    case 'user':
      return [`user ${ending.user}`, `e-mail ${foldAscii(ending.user)}`]
    case 'named':
      return [nameAt(ending.provider, ending.by, ending.value)]
    case 'all':
      return ['all']
  }
}

/** Every name under which an ending may mean this session. */
function namesOf({ id, record: { provider, sub, email, sid } }: Endable): readonly string[] {
  const names = ['all', `session ${id}`, `user ${sub}`, nameAt(provider, 'sub', sub)]
  if (email !== undefined)
    names.push(`e-mail ${foldAscii(email)}`, nameAt(provider, 'email', email))
  if (sid !== undefined) names.push(nameAt(provider, 'sid', sid))
  return names
}

function nameAt(provider: string, by: IndexKind, value: string): string {
  return `${by} at ${provider} ${by === 'email' ? foldAscii(value) : value}`
}
