/** What an endpoint answers, as a value: status, headers, body, and cookies to keep or to forget. */

import type { ErrorCode } from '../errors.ts'
import type { FailureAnswer, RenderedAnswer } from '../pages/answer.ts'
import { renderFailure } from '../pages/failure.ts'
import { withRefresh } from '../pages/retry-pause.ts'
import type { Visit } from './visit.ts'

/** A cookie of ours. All are HttpOnly, for the whole host and for it alone, SameSite=Lax, and Secure over https. */
export interface CookieChange {
  readonly name: string
  /** `undefined`: to be forgotten. */
  readonly value: string | undefined
  readonly maxAgeSeconds: number
}

export interface Reaction extends Omit<RenderedAnswer, 'body'> {
  readonly body: string | Uint8Array
  readonly cookies?: readonly CookieChange[]
}

/** Sends the browser on, without telling the next host where it comes from. */
export function redirect(
  location: string,
  cookies: readonly CookieChange[] = [],
  status: 302 | 303 = 302,
): Reaction {
  return {
    status,
    headers: {
      location,
      'content-length': '0',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    },
    body: '',
    cookies,
  }
}

type FailureDetails = Partial<Omit<FailureAnswer, 'code' | 'requestId' | 'head'>>

/** A failure in the form that the visitor reads. */
export function failure(visit: Visit, code: ErrorCode, details: FailureDetails = {}): Reaction {
  const { requestId, head, method, snapshot, brand } = visit
  if (code === 'STORE_UNAVAILABLE') visit.onStoreFailed()
  const form = isSeen(visit) ? 'page' : 'json'
  const answer: FailureAnswer = { code, requestId, form, head, ...details }
  return renderFailure(withRefresh(answer, method, snapshot, visit.now()), brand)
}

/** A person looks at the answer to a form of ours, too. */
function isSeen({ pageVisit, method, accept }: Visit): boolean {
  return pageVisit || (method === 'POST' && accept.includes('text/html'))
}

/** @param text what the visitor may know, where that is more than the code's own text */
export function malformed(visit: Visit, text: string): Reaction {
  return failure(visit, 'MALFORMED_REQUEST', { text })
}
