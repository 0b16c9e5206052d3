/** A sign-in that did not hold begins afresh, but not for ever: twice a minute in one browser, then a page says so. */

import { TEXTS } from '../pages/texts.ts'
import type { EpochMs } from '../support/time.ts'
import { failure, type Reaction, redirect } from './reaction.ts'
import { countInBrowser, restartsInBrowser } from './sign-in-cookie.ts'
import { NO_WISHES, signInUrl } from './sign-in-url.ts'
import type { Visit } from './visit.ts'

const MAX_RESTARTS = 2
const WITHIN_MS = 60_000
/** The reason may be a provider's. */
const MAX_LOGGED = 500

/** How the sign-in that did not hold would begin afresh. */
export interface Again {
  /** From its `state`: the only count where a browser keeps no cookies. */
  readonly restarts: readonly EpochMs[]
  readonly begin: (restarts: readonly EpochMs[]) => Reaction | Promise<Reaction>
}

/**
 * Begins afresh, or answers 400 when this has happened too often.
 * @param again `undefined` where not even the seal of `state` opens: then for the front page
 * @param why for the log
 */
export async function restartSignIn(
  visit: Visit,
  again: Again | undefined,
  why: string,
): Promise<Reaction> {
  const recent = recentRestarts(visit, again?.restarts ?? [])
  const fields = {
    request_id: visit.requestId,
    host: visit.host.name,
    why: why.slice(0, MAX_LOGGED),
  }
  if (recent.length >= MAX_RESTARTS) {
    visit.log.warn(fields, 'sign-in given up')
    return tooManyRestarts(visit)
  }
  visit.log.info(fields, 'sign-in begins afresh')
  const restarts = [...recent, visit.now()]
  return again === undefined ? fromTheFrontPage(visit, restarts) : again.begin(restarts)
}

/** Cookie and state of one browser tell of the same fresh sign-ins, where both are there. */
function recentRestarts(visit: Visit, inState: readonly EpochMs[]): readonly EpochMs[] {
  const now = visit.now()
  const recent = (times: readonly EpochMs[]) =>
    times.filter((time) => Math.abs(now - time) < WITHIN_MS)
  const [byCookie, byState] = [recent(restartsInBrowser(visit)), recent(inState)]
  return byCookie.length >= byState.length ? byCookie : byState
}

function fromTheFrontPage(visit: Visit, restarts: readonly EpochMs[]): Reaction {
  const url = signInUrl(visit.origin, { kind: 'here', url: '/' }, NO_WISHES)
  return redirect(url, [countInBrowser(visit, restarts)])
}

function tooManyRestarts(visit: Visit): Reaction {
  return failure(visit, 'MALFORMED_REQUEST', {
    heading: TEXTS.signInLoopTitle,
    text: TEXTS.signInLoopText,
    retryUrl: signInUrl(visit.origin, { kind: 'here', url: '/' }, NO_WISHES),
  })
}
