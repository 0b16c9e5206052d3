/**
 * A directory whose answers are kept: fresh ones cost a look into a map, those that grow old are asked again in the background,
 * old ones serve while the directory fails, and past `max_stale` nothing is known.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { UNKNOWN_GROUPS } from '../../policy/groups.ts'
import { type Every, every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import {
  type Directory,
  type DirectoryAnswer,
  DirectoryFailure,
  type DirectorySource,
  NOBODY,
} from './directory.ts'
import { createDirectoryQueue } from './directory-queue.ts'

export interface DirectoryCacheOptions {
  /** The provider's name. */
  readonly provider: string
  readonly source: DirectorySource
  /** Answers that other replicas have had; without it this process asks for itself. */
  readonly shared?: SharedAnswers | undefined
  /** From this age on an answer is not used while a newer one can be had. */
  readonly refreshMs: number
  /** From this age on it is not used at all. */
  readonly maxStaleMs: number
  readonly now: Clock
  readonly every?: Every
  readonly log: Log
  /** Called when it is heard that `sub` may have no sessions any more. */
  readonly onEnded: (sub: string) => void
  /** How long a request waits for an answer, at most. */
  readonly patienceMs?: number
  /** From 0 to 1; for tests. */
  readonly random?: () => number
}

/** Answers and endings that replicas tell each other. Nothing of it rejects. */
export interface SharedAnswers {
  read(sub: string): Promise<DirectoryAnswer | undefined>
  write(sub: string, answer: DirectoryAnswer, keptMs: number): Promise<void>
  /** Removes what is kept of `sub` (`undefined`: tells only that nothing holds any more), and tells the others. */
  forget(sub: string | undefined): Promise<void>
  /** Calls `listener` when another replica has forgotten somebody, or everybody. */
  listen(listener: (sub: string | undefined) => void): () => void
}

interface Entry {
  answer: DirectoryAnswer | undefined
  /** Answers that were asked for earlier hold no longer. */
  readonly notBefore: EpochMs
  usedAt: EpochMs
}

/** An answer of this part of `refresh` is asked for anew before it is too old, so that nobody has to wait. */
const RENEW_AT = 0.8
const PATIENCE_MS = 5_000
/** Whoever could also be served by an older answer does not wait long. */
const STALE_PATIENCE_MS = 1_000
/** Groups held at a time, each person's counted: some 150 MB. */
const MAX_HELD = 1_000_000
const IN_USE_MS = 60_000

export function createDirectoryCache(options: DirectoryCacheOptions): Directory {
  const { source, shared, refreshMs, maxStaleMs, now, log, patienceMs = PATIENCE_MS } = options
  const entries = new LRUCache<string, Entry>({
    maxSize: MAX_HELD,
    sizeCalculation: ({ answer }) => 10 + (answer?.groups.list.length ?? 0),
  })
  const repeat = options.every ?? every
  let nothingBefore: EpochMs = 0
  const queue = createDirectoryQueue({
    ask: (sub) => askAbout(sub),
    mayAsk: () => source.mayAsk(),
    now,
    every: repeat,
    ...(options.random === undefined ? {} : { random: options.random }),
  })
  const said = createComplaints(options)

  /** @param mayAskAgain where what was asked is forgotten meanwhile; once, since forgetting must not keep it busy */
  async function askAbout(sub: string, mayAskAgain = true): Promise<DirectoryAnswer | undefined> {
    clampToNow(sub)
    const kept = await shared?.read(sub)
    if (kept !== undefined && holds(sub, kept) && ageOf(kept) < refreshMs * RENEW_AT) {
      return take(sub, kept)
    }
    const askedAt = now()
    const said = await source.ask(sub)
    if (said === NOBODY) return nobody(sub, askedAt)
    const answer = { askedAt, ...said }
    if (answer.standing === 'ended') return ended(sub, answer)
    if (!holds(sub, answer)) return mayAskAgain ? askAbout(sub, false) : undefined
    await shared?.write(sub, answer, maxStaleMs)
    return take(sub, answer)
  }

  /** Never kept: whoever has signed in again since is asked about again. */
  async function ended(sub: string, answer: DirectoryAnswer): Promise<DirectoryAnswer> {
    await forget(sub)
    options.onEnded(sub)
    return answer
  }

  /** Who was known and is not any more has been deleted. Who never was may be a mistake in the config. */
  async function nobody(sub: string, askedAt: EpochMs): Promise<DirectoryAnswer | undefined> {
    if (entries.peek(sub)?.answer !== undefined) {
      return ended(sub, { askedAt, groups: UNKNOWN_GROUPS, standing: 'ended' })
    }
    log.warn(
      { provider: options.provider, sub },
      'the directory knows nobody of this id: is `directory.url` the organisation that issues the tokens?',
    )
    return undefined
  }

  function take(sub: string, answer: DirectoryAnswer): DirectoryAnswer {
    const { notBefore = 0, usedAt = now() } = entries.peek(sub) ?? {}
    entries.set(sub, { answer, notBefore, usedAt })
    return answer
  }

  /** Without it a clock that is set back would make every answer too old until it has caught up. */
  function clampToNow(sub: string): void {
    const time = now()
    nothingBefore = Math.min(nothingBefore, time)
    const entry = entries.peek(sub)
    if (entry !== undefined && entry.notBefore > time) {
      entries.set(sub, { ...entry, notBefore: time })
    }
  }

  /** An answer from the future says that a clock was set back; nobody knows how old it is. */
  const ageOf = ({ askedAt }: DirectoryAnswer) => Math.abs(now() - askedAt)
  const holds = (sub: string, { askedAt }: DirectoryAnswer): boolean =>
    askedAt >= Math.max(nothingBefore, entries.peek(sub)?.notBefore ?? 0)

  const renew = (sub: string): void => {
    queue.ask(sub, false).then(said.nothing, said.failed)
  }

  async function waitFor(
    sub: string,
    older: DirectoryAnswer | undefined,
  ): Promise<DirectoryAnswer | undefined> {
    const asked = queue.ask(sub, true).then(
      (answer) => answer,
      (error: unknown) => {
        said.failed(error)
        return older
      },
    )
    const patience = older === undefined ? patienceMs : Math.min(STALE_PATIENCE_MS, patienceMs)
    const giveUp = new AbortController()
    const late = wait(patience, older, { signal: giveUp.signal, ref: false }).catch(() => older)
    const answer = await Promise.race([asked, late])
    giveUp.abort()
    return answer
  }

  function look(sub: string) {
    const entry = entries.get(sub)
    const answer = entry?.answer
    if (entry === undefined || answer === undefined || !holds(sub, answer)) {
      return waitFor(sub, undefined)
    }
    const time = now()
    entry.usedAt = time
    const age = ageOf(answer)
    if (age < refreshMs * RENEW_AT) return answer
    if (age < refreshMs) {
      renew(sub)
      return answer
    }
    if (age >= maxStaleMs) return waitFor(sub, undefined)
    if (queue.isOpen()) return waitFor(sub, answer)
    renew(sub)
    return answer
  }

  const dropHere = (sub: string | undefined): void => {
    if (sub === undefined) nothingBefore = now()
    else entries.set(sub, { answer: undefined, notBefore: now(), usedAt: 0 })
  }
  const stopListening = shared?.listen(dropHere)
  const forget = async (sub: string | undefined) => {
    dropHere(sub)
    await shared?.forget(sub)
  }

  return {
    look,
    forget,
    forgetAll: () => forget(undefined),
    oldestInUseMs: () => {
      const time = now()
      let oldest = 0
      for (const { answer, usedAt } of entries.values()) {
        if (answer !== undefined && time - usedAt < IN_USE_MS) {
          oldest = Math.max(oldest, time - answer.askedAt)
        }
      }
      return oldest
    },
    close: () => {
      stopListening?.()
      queue.close()
      source.close()
    },
  }
}

/** The log hears of an outage when it begins, and then once a minute: not once a request. */
function createComplaints({ provider, log, now }: DirectoryCacheOptions) {
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    nothing: () => undefined,
    failed: (error: unknown): void => {
      const time = now()
      if (time - saidAt < 60_000) return
      saidAt = time
      const why = error instanceof DirectoryFailure ? { detail: error.message } : { err: error }
      log.warn(
        { ...why, provider },
        'the directory gives no answer; older ones serve while they may',
      )
    },
  }
}
