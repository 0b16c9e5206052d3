/** What a client is told when it does not get what it asked for: a page, JSON or a gRPC status. */

import { ERRORS } from '../errors.ts'
import type { FailureAnswer, RenderedAnswer } from './answer.ts'
import type { Brand } from './brand.ts'
import { renderJson, renderPage } from './render.ts'
import { DOWN, HEADINGS, REASONS, TEXTS } from './texts.ts'
import { type Action, contactView, href, personView } from './views.ts'

const SIGN_OUT_PATH = '/.gatehouse/sign_out'
const DEFAULT_RETRY_SECONDS = 5

/** The answer for a failure, in the form that the client asked for. */
export function renderFailure(answer: FailureAnswer, brand: Brand): RenderedAnswer {
  const status = answer.status ?? ERRORS[answer.code].status
  const headers = { ...failureHeaders(answer, status), ...answer.headers }
  switch (answer.form) {
    case 'page':
      return failurePage(answer, status, headers, brand)
    case 'json':
      return failureJson(answer, status, headers)
    case 'grpc':
      return failureGrpc(answer, status, headers)
  }
}

function failureHeaders(answer: FailureAnswer, status: number): Record<string, string> {
  const headers: Record<string, string> = {}
  if (status === 401) {
    const why = answer.code === 'BAD_TOKEN' ? ', error="invalid_token"' : ''
    headers['www-authenticate'] = `Bearer realm="gatehouse"${why}`
  }
  const retry = answer.retryAfterSeconds ?? (status === 503 ? DEFAULT_RETRY_SECONDS : undefined)
  if (retry !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(retry)))
  if (answer.form === 'page' && answer.refreshAfterSeconds !== undefined) {
    headers['refresh'] = refreshHeader(answer.refreshAfterSeconds, answer.retryUrl)
  }
  return headers
}

/** HTML, the `Refresh` header: without an address it is the same one again, with its query. */
function refreshHeader(seconds: number, url: string | undefined): string {
  const target = url === undefined ? '#' : href(url)
  return target === '#' ? String(seconds) : `${seconds}; url=${target}`
}

function failurePage(
  answer: FailureAnswer,
  status: number,
  headers: Readonly<Record<string, string>>,
  brand: Brand,
): RenderedAnswer {
  const person = answer.subject?.kind === 'person' ? personView(answer.subject) : undefined
  const contact = contactView(answer.contact ?? brand.contact)
  // Said once: with those whom to ask, where there are any, else in small print.
  const isAsked = contact !== undefined || person !== undefined
  const shared = isAsked ? answer.requestId : undefined
  return renderPage(
    {
      template: 'failure',
      title: answer.heading ?? HEADINGS[answer.code],
      eyebrow: `${TEXTS.error} ${status}`,
      status,
      code: answer.code,
      requestId: shared === undefined ? answer.requestId : '',
      head: answer.head,
      headers,
      view: {
        text: answer.text ?? ERRORS[answer.code].text,
        again: againText(answer, status),
        person,
        site: answer.site,
        rule: answer.rule,
        down: DOWN[answer.code],
        reason: answer.reason === undefined ? undefined : (REASONS[answer.reason] ?? answer.reason),
        missing: answer.missing ?? [],
        contact,
        shared,
        actions: actionsOf(answer, status, person !== undefined),
      },
    },
    brand,
  )
}

/** When the page comes again by itself, or when it is worth coming again. */
function againText({ refreshAfterSeconds, retryAfterSeconds }: FailureAnswer, status: number) {
  if (refreshAfterSeconds !== undefined) return TEXTS.triesAgain(refreshAfterSeconds)
  if (status !== 429 || retryAfterSeconds === undefined) return undefined
  return TEXTS.tryLater(Math.max(1, Math.ceil(retryAfterSeconds)))
}

function actionsOf(answer: FailureAnswer, status: number, signedIn: boolean): readonly Action[] {
  const actions: Action[] = []
  if (answer.loginUrl !== undefined) {
    actions.push({ href: href(answer.loginUrl), text: TEXTS.signIn, main: true })
  }
  if (answer.switchAccountUrl !== undefined) {
    actions.push({ href: href(answer.switchAccountUrl), text: TEXTS.switchAccount, main: true })
  }
  if (answer.retryUrl !== undefined) {
    actions.push({ href: href(answer.retryUrl), text: TEXTS.tryAgain, main: actions.length === 0 })
  } else if (status === 502 || status === 503 || status === 504) {
    // An empty reference is the address that was asked for, with its query.
    actions.push({ href: '', text: TEXTS.tryAgain, main: actions.length === 0 })
  }
  if (signedIn) actions.push({ href: SIGN_OUT_PATH, text: TEXTS.signOut })
  return actions
}

function failureJson(
  answer: FailureAnswer,
  status: number,
  headers: Readonly<Record<string, string>>,
): RenderedAnswer {
  const value = {
    error: answer.code,
    message: answer.text ?? ERRORS[answer.code].text,
    request_id: answer.requestId,
    login_url: answer.loginUrl,
    reason: answer.reason,
    rule: answer.rule,
    missing: answer.missing?.length === 0 ? undefined : answer.missing,
  }
  return renderJson(status, value, answer.head, headers)
}

/** Trailers only: HTTP 200 and the status as headers, so that gRPC clients see our code and not their own guess. */
function failureGrpc(
  answer: FailureAnswer,
  status: number,
  headers: Readonly<Record<string, string>>,
): RenderedAnswer {
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': 'application/grpc',
      'content-length': '0',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'grpc-status': String(GRPC_STATUS[status] ?? GRPC_UNKNOWN),
      'grpc-message': percentEncoded(answer.text ?? ERRORS[answer.code].text),
    },
    body: '',
  }
}

const GRPC_UNKNOWN = 2
/** gRPC's own mapping of HTTP status codes (doc/http-grpc-status-mapping.md). */
const GRPC_STATUS: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
}

/** gRPC over HTTP/2, Status-Message: printable ASCII but for `%`. */
function percentEncoded(text: string): string {
  return text.replace(/[^\x20-\x24\x26-\x7e]+/gu, (part) =>
    [...Buffer.from(part, 'utf8')]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  )
}
