/** The answer to a request that is not forwarded: what failed or was decided, said in the form that the client reads. */

import type { ErrorCode, GatehouseError } from '../errors.ts'
import type { FailureAnswer } from '../pages/answer.ts'
import { renderFailure } from '../pages/failure.ts'
import { withRefresh } from '../pages/retry-pause.ts'
import { isForEveryone, missingFor } from '../policy/explain/missing.ts'
import { ANONYMOUS, type Decision, type Facts, type Outcome } from '../policy/model.ts'
import { answerForm } from './answer-form.ts'
import type { CanonicalRequest } from './canonicalize.ts'
import { judgedMethod, type Received } from './exchange.ts'

/** Where the browser is sent to sign in for the page that it asked for. */
export function signInUrl(received: Received, { origin, path }: CanonicalRequest): string {
  // Only a page visit can be repeated after a sign-in; anything else returns to the site's front.
  const method = judgedMethod(received)
  const repeatable = method === 'GET' || method === 'HEAD'
  const asked = repeatable ? `${origin}${path.encoded}${path.query}` : `${origin}/`
  return `${origin}/.gatehouse/sign_in?rd=${encodeURIComponent(asked)}`
}

/** The same, with the path whose policy says what is to be proved. */
function stepUpUrl(received: Received, reading: CanonicalRequest): string {
  const path = encodeURIComponent(reading.path.encoded)
  return `${signInUrl(received, reading)}&step_up=${path}`
}

/** Answers a failure; nothing may have been sent yet. */
export function refuseFailure(received: Received, error: GatehouseError): void {
  send(received, failureAnswer(received, error))
}

/** What there is to say of a failure. */
export function failureAnswer(received: Received, error: GatehouseError): FailureAnswer {
  const { code, status, text } = error
  received.trail.detail = error.message
  if (code === 'STORE_UNAVAILABLE') received.trail.storeFailed = true
  const retryAfterSeconds = error.retryAfterSeconds ?? (status === 503 ? 5 : undefined)
  const answer = common(received, code)
  return {
    ...answer,
    status,
    text,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(code === 'BAD_TOKEN' ? { form: withoutPage(answer.form), ...cors(received) } : {}),
  }
}

/** Who brings a token is a program, whatever it accepts. */
function withoutPage(form: FailureAnswer['form']): FailureAnswer['form'] {
  return form === 'page' ? 'json' : form
}

const CODES: Record<Exclude<Outcome, 'allow'>, ErrorCode> = {
  sign_in: 'SIGN_IN_REQUIRED',
  step_up: 'STEP_UP_REQUIRED',
  deny: 'ACCESS_DENIED',
  unavailable: 'GROUPS_UNAVAILABLE',
}

/** Enforces every outcome but `allow`. */
export function refuseDecision(
  received: Received,
  reading: CanonicalRequest,
  decision: Decision,
  facts: Facts,
): void {
  const answer = decisionAnswer(received, reading, decision, facts)
  if (answer.form === 'page' && answer.loginUrl !== undefined) redirect(received, answer.loginUrl)
  else send(received, answer)
}

/** What there is to say of a decision; where it holds a `loginUrl`, a page visit is sent there instead. */
export function decisionAnswer(
  received: Received,
  reading: CanonicalRequest,
  decision: Decision,
  facts: Facts,
): FailureAnswer {
  const { outcome } = decision
  if (outcome === 'allow') throw new TypeError('an allowed request is not refused')
  const answer = common(received, CODES[outcome])
  switch (outcome) {
    case 'sign_in':
    case 'step_up':
      return {
        ...answer,
        form: isBearer(received) ? withoutPage(answer.form) : answer.form,
        loginUrl: (outcome === 'step_up' ? stepUpUrl : signInUrl)(received, reading),
        ...cors(received),
      }
    case 'deny':
      return { ...answer, ...refusal(received, reading, decision, facts), ...cors(received) }
    case 'unavailable':
      return { ...answer, reason: decision.reason, retryAfterSeconds: 30 }
  }
}

/** A browser would come back from its sign-in with the same token. */
function isBearer({ trail }: Received): boolean {
  return trail.session?.record.method === 'bearer'
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

function common(received: Received, code: ErrorCode): FailureAnswer {
  const { request, requestId, trail } = received
  const head = request.method === 'HEAD'
  const form = answerForm(request, judgedMethod(received))
  return { code, requestId, form, head, contact: trail.route?.contact }
}

/** A page of another of our hosts may read why its fetch was refused. */
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

/** Sends a browser on. */
export function redirect(received: Received, location: string): void {
  const { response } = received
  response.writeHead(302, {
    Location: location,
    'Cache-Control': 'no-store',
    ...hsts(received),
    ...closing(received),
  })
  response.end()
}

/** Writes `answer`, which may be read in any form. */
export function send(received: Received, answer: FailureAnswer): void {
  const { response, plane, time } = received
  const whole = withRefresh(answer, judgedMethod(received), plane.snapshot, time)
  const { status, headers, body } = renderFailure(whole, plane.brand)
  response.writeHead(status, { ...headers, ...hsts(received), ...closing(received) })
  response.end(body)
}

/** A body that nobody will read is not waited for: the connection ends with the answer. RFC 9112 §9.6 */
export function closing({ request, headers }: Received): Record<string, string> {
  return headers.hasBody && !request.complete ? { Connection: 'close' } : {}
}

function hsts({ trail }: Received): Record<string, string> {
  return trail.hsts === undefined ? {} : { 'Strict-Transport-Security': trail.hsts }
}
