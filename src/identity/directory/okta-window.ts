/** How many calls of Okta's management API are still ours in the running window, as its X-Rate-Limit headers tell. */

import type { Clock, EpochMs } from '../../support/time.ts'

export interface RateWindow {
  /** Whether one more call is within our share. */
  mayCall(): boolean
  /** Whether so many calls of all replicas, this one's included, are within our share. */
  isWithin(calls: number): boolean
  /** Counts a call that is about to be made. */
  called(): void
  /** What an answer said. */
  heard(status: number, headers: Headers): void
  /** Left of the whole window, as Okta last said; undefined before the first answer. */
  remaining(): number | undefined
  /** When the window ends, by our clock. */
  endsAt(): EpochMs | undefined
}

export interface RateWindowOptions {
  /** Percent of Okta's limit, for this process. */
  readonly sharePercent: number
  readonly now: Clock
  /** From 0 to 1. */
  readonly random: () => number
}

/** Left for others, whatever our share is: at the end of a window they have more need of it. */
const LEAVE = 0.1
/** Okta's own SDK waits so much longer than the reset says. */
const AFTER_RESET_MS = 1_000
const JITTER_MS = 2_000
/** For how long calls rest after too many of them were made at once, which no reset tells. */
const CONCURRENCY_PAUSE_MS = 1_000

export function createRateWindow({ sharePercent, now, random }: RateWindowOptions): RateWindow {
  let limit: number | undefined
  let remaining: number | undefined
  let endsAt: EpochMs | undefined
  let blockedUntil: EpochMs = 0
  let used = 0

  const roll = (): void => {
    if (endsAt === undefined || now() < endsAt) return
    endsAt = undefined
    remaining = limit
    used = 0
  }

  const take = (told: Told): void => {
    const isNext = endsAt !== undefined && told.endsAt > endsAt + AFTER_RESET_MS
    if (isNext) used = 1
    endsAt = isNext ? told.endsAt : Math.max(endsAt ?? 0, told.endsAt)
    limit = told.limit
    remaining = isNext ? told.remaining : Math.min(remaining ?? told.remaining, told.remaining)
  }
  const ours = () => Math.max(1, Math.floor(((limit ?? 0) * sharePercent) / 100))

  return {
    isWithin: (calls) => {
      if (limit === undefined || calls <= ours()) return true
      used = Math.max(used, ours())
      return false
    },
    mayCall: () => {
      roll()
      if (now() < blockedUntil) return false
      // Before Okta has said how much there is, one call asks.
      if (limit === undefined || remaining === undefined) return used === 0
      return used < ours() && remaining > Math.floor(limit * LEAVE)
    },
    called: () => {
      roll()
      used++
      if (remaining !== undefined) remaining--
    },
    heard: (status, headers) => {
      const time = now()
      const told = readHeaders(headers, time)
      if (status === 429) {
        const until = told === undefined || told.limit === 0 ? time : told.endsAt + AFTER_RESET_MS
        blockedUntil = Math.max(until, time + CONCURRENCY_PAUSE_MS) + random() * JITTER_MS
      }
      // A limit of 0 is about too many calls at once, and says nothing of the window.
      if (told !== undefined && told.limit > 0) take(told)
      else if (limit === undefined) used = 0
    },
    remaining: () => {
      roll()
      return remaining
    },
    endsAt: () => endsAt,
  }
}

interface Told {
  readonly limit: number
  readonly remaining: number
  /** By our clock. */
  readonly endsAt: EpochMs
}

/** Undefined where a header is missing or came twice. */
function readHeaders(headers: Headers, time: EpochMs): Told | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((name) =>
    wholeNumber(headers.get(`x-rate-limit-${name}`)),
  )
  if (limit === undefined || remaining === undefined || reset === undefined) return undefined
  // By Okta's clock, which its Date header tells: ours may be off.
  const date = Date.parse(headers.get('date') ?? '')
  const theirs = Number.isNaN(date) ? time : date
  return { limit, remaining, endsAt: time + Math.max(0, reset * 1_000 - theirs) }
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : undefined
}
