/** How soon a page tries again by itself: the longer something has been down, the later. */

import { ERRORS, type ErrorCode } from '../errors.ts'
import type { EpochMs } from '../support/time.ts'
import type { FailureAnswer } from './answer.ts'

interface Outage {
  readonly since: EpochMs
  lastAt: EpochMs
}

const FIRST_SECONDS = 5
const LAST_SECONDS = 60
/** A page that opens after half an hour of outage need not be back sooner than in the longest pause. */
const GROWTH = 1 / 4
/** Nobody was told of it for so long: what follows is another outage. */
const OVER_AFTER_MS = 3 * LAST_SECONDS * 1_000

const outages = new WeakMap<object, Map<ErrorCode, Outage>>()

/**
 * `answer` with the pause after which its page asks once more: where it says that something is down, and only after a GET,
 * which nobody can lose anything by. Browsers cannot tell how often they have come, and another cookie or another address
 * would be in the app's way: so the pause goes by how long this process has been saying so.
 * @param snapshot what is in force: a change of it may end any outage, so all begin anew
 */
export function withRefresh(
  answer: FailureAnswer,
  method: string,
  snapshot: object,
  now: EpochMs,
): FailureAnswer {
  const status = answer.status ?? ERRORS[answer.code].status
  if (status !== 503 || answer.form !== 'page' || method !== 'GET') return answer
  const pause = pauseSeconds(snapshot, answer.code, now)
  return { ...answer, refreshAfterSeconds: Math.max(pause, answer.retryAfterSeconds ?? 0) }
}

function pauseSeconds(snapshot: object, code: ErrorCode, now: EpochMs): number {
  let known = outages.get(snapshot)
  if (known === undefined) {
    known = new Map()
    outages.set(snapshot, known)
  }
  let outage = known.get(code)
  if (outage === undefined || now - outage.lastAt > OVER_AFTER_MS) {
    outage = { since: now, lastAt: now }
    known.set(code, outage)
  }
  outage.lastAt = now
  const seconds = Math.round(((now - outage.since) / 1_000) * GROWTH)
  return Math.min(Math.max(seconds, FIRST_SECONDS), LAST_SECONDS)
}
