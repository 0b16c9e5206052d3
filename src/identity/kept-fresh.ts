/** A value that is fetched from elsewhere, kept, fetched again when it is old, and retried until it is there. */

import type { Every } from '../support/every.ts'
import type { Clock, EpochMs } from '../support/time.ts'

const TICK_MS = 500
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000

export interface KeptFreshOptions<T> {
  readonly load: () => Promise<T>
  readonly maxAgeMs: number
  readonly now: Clock
  readonly every: Every
  readonly onLoaded: () => void
  readonly onFailed: (error: unknown, retryInMs: number) => void
}

export interface KeptFresh<T> {
  /** The value; waits for the first one, and rejects with the error of the attempt where there is none. */
  get(): Promise<T>
  current(): T | undefined
  /** The error of the last attempt where that failed. */
  lastError(): unknown
  /** Fetches again soon if the value is older than a minute: it may be outdated. */
  distrust(): void
  close(): void
}

/** Fetches at once and in the background; an old value serves until a new one is there. */
export function keepFresh<T>(options: KeptFreshOptions<T>): KeptFresh<T> {
  const { load, maxAgeMs, now } = options
  let kept: { readonly value: T; readonly at: EpochMs } | undefined
  let failure: { readonly error: unknown; readonly at: EpochMs } | undefined
  let failures = 0
  let nextAttemptAt: EpochMs = now()
  let underWay: Promise<T> | undefined
  let closed = false

  async function attempt(): Promise<T> {
    try {
      const value = await load()
      kept = { value, at: now() }
      failure = undefined
      failures = 0
      nextAttemptAt = kept.at + maxAgeMs
      if (!closed) options.onLoaded()
      return value
    } catch (error) {
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS)
      failures++
      failure = { error, at: now() }
      nextAttemptAt = failure.at + retryInMs
      if (!closed) options.onFailed(error, retryInMs)
      throw error
    }
  }

  /** One attempt at a time. */
  function fetchNow(): Promise<T> {
    // Not before the caller holds what this function returns: `load` may look at it.
    underWay ??= Promise.resolve()
      .then(attempt)
      .finally(() => {
        underWay = undefined
      })
    return underWay
  }

  function tick(): void {
    if (underWay !== undefined || now() < nextAttemptAt) return
    // Its failure has been told by onFailed.
    fetchNow().catch(() => undefined)
  }
  const stopTicking = options.every(TICK_MS, tick)
  tick()

  return {
    get: async () => {
      if (kept !== undefined) return kept.value
      // Somebody waits: no need to hold back as long as the background does, only to spare the other side a flood.
      if (failure !== undefined && now() - failure.at < FIRST_RETRY_MS) throw failure.error
      return fetchNow()
    },
    current: () => kept?.value,
    lastError: () => failure?.error,
    distrust: () => {
      if (kept !== undefined && now() - kept.at >= LAST_RETRY_MS) nextAttemptAt = now()
    },
    close: () => {
      closed = true
      stopTicking()
    },
  }
}
