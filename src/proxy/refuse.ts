/** The answer to a request that is not forwarded: what failed or was decided, said in the form that the client reads. */

import type { ErrorCode, GatehouseError } from '../errors.ts'
import type { FailureAnswer } from '../pages/answer.ts'
import { renderFailure } from '../pages/failure.ts'
import { isForEveryone, missingFor } from '../policy/explain/missing.ts'
import { ANONYMOUS, type Decision, type Facts, type Outcome } from '../policy/model.ts'
import { answerForm } from './answer-form.ts'
import type { CanonicalRequest } from './canonicalize.ts'
import type { Received } from './exchange.ts'

/** Where the browser is sent to sign in for the page that it asked for. */
export function signInUrl({ request }: Received, { origin, path }: CanonicalRequest): string {
  // Only a page visit can be repeated after a sign-in; anything else returns to the site's front.
  const repeatable = request.method === 'GET' || request.method === 'HEAD'
  const asked = repeatable ? `${origin}${path.encoded}${path.query}` : `${origin}/`
  return `${origin}/.gatehouse/sign_in?rd=${encodeURIComponent(asked)}`
}

/** Answers a failure; nothing may have been sent yet. */
export function refuseFailure(received: Received, error: GatehouseError): void {
  received.trail.detail = error.message
  const retryLater = error.status === 503
  send(received, {
    ...common(received, error.code),
    status: error.status,
    text: error.text,
    ...(retryLater ? { retryAfterSeconds: 5 } : {}),
  })
}

const CODES: Record<Exclude<Outcome, 'allow'>, ErrorCode> = {
  sign_in: 'SIGN_IN_REQUIRED',
  step_up: 'STEP_UP_REQUIRED',
  deny: 'ACCESS_DENIED',
  unavailable: 'GROUPS_UNAVAILABLE',
}

/** Enforces every outcome but `allow` (product 4). */
export function refuseDecision(
  received: Received,
  reading: CanonicalRequest,
  decision: Decision,
  facts: Facts,
): void {
  const { outcome } = decision
  if (outcome === 'allow') throw new TypeError('an allowed request is not refused')
  const answer = common(received, CODES[outcome])
  switch (outcome) {
    case 'sign_in':
    case 'step_up':
      if (answer.form === 'page') redirect(received, signInUrl(received, reading))
      else send(received, { ...answer, loginUrl: signInUrl(received, reading), ...cors(received) })
      return
    case 'deny':
      send(received, {
        ...answer,
        ...refusal(received, reading, decision, facts),
        ...cors(received),
      })
      return
    case 'unavailable':
      send(received, { ...answer, reason: decision.reason, retryAfterSeconds: 30 })
  }
}

function refusal(
  received: Received,
  reading: CanonicalRequest,
  decision: Decision,
  facts: Facts,
): Partial<FailureAnswer> {
  const subject = received.trail.session?.subject ?? ANONYMOUS
  return {
    reason: decision.reason,
    ...(decision.rule === undefined ? {} : { rule: decision.rule.name }),
    missing: missingFor(reading.route.policy, facts, subject)
      .filter(isForEveryone)
      .map((need) => need.text),
    subject,
    site: reading.route.name,
    switchAccountUrl: `${signInUrl(received, reading)}&switch=true`,
  }
}

function common({ request, requestId, trail }: Received, code: ErrorCode): FailureAnswer {
  const head = request.method === 'HEAD'
  return { code, requestId, form: answerForm(request), head, contact: trail.route?.contact }
}

/** A page of another of our hosts may read why its fetch was refused (product 4). */
function cors({ request, plane }: Received): Pick<FailureAnswer, 'headers'> {
  const { origin } = request.headers
  if (origin === undefined || !plane.isOwnOrigin(origin)) return {}
  return {
    headers: {
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Credentials': 'true',
      Vary: 'Origin',
    },
  }
}

function redirect(received: Received, location: string): void {
  const { response } = received
  response.writeHead(302, { Location: location, 'Cache-Control': 'no-store', ...closing(received) })
  response.end()
}

function send(received: Received, answer: FailureAnswer): void {
  const { response, plane } = received
  const { status, headers, body } = renderFailure(answer, plane.brand)
  response.writeHead(status, { ...headers, ...closing(received) })
  response.end(body)
}

/** A body that nobody will read is not waited for: the connection ends with the answer. RFC 9112 §9.6 */
function closing({ request, headers }: Received): Record<string, string> {
  return headers.hasBody && !request.complete ? { Connection: 'close' } : {}
}
