/** Answers to proxies that ask (product 4.4): what each kind of proxy can pass on, and nothing that it would misread. */

import { ERRORS } from '../errors.ts'
import type { FailureAnswer } from '../pages/answer.ts'
import type { Received } from './exchange.ts'
import type { Dialect } from './forward-auth-dialect.ts'
import { withoutOwnCookies } from './own-cookies.ts'
import { redirect, send } from './refuse.ts'

/**
 * The request may pass, with these headers: names and values in turn. `Cookie` is what is left of the client's without
 * ours, for proxies that can put it in place of what the client sent.
 */
export function admitAsked(
  { response, headers, request }: Received,
  identity: readonly string[],
): void {
  const cookie = headers.cookie === undefined ? undefined : withoutOwnCookies(headers.cookie)
  const sent = [...identity, 'Cache-Control', 'no-store', 'Content-Length', '0']
  if (cookie !== undefined && cookie !== '') sent.push('Cookie', cookie)
  // A body that nobody will read is not waited for. RFC 9112 §9.6
  if (headers.hasBody && !request.complete) sent.push('Connection', 'close')
  response.writeHead(200, sent)
  response.end()
}

/** The request may not pass. Never a status that a proxy takes for a yes. */
export function refuseAsked(received: Received, dialect: Dialect, answer: FailureAnswer): void {
  if (dialect === 'nginx') return send(received, forNginx(answer))
  if (answer.form === 'page' && answer.loginUrl !== undefined) {
    return redirect(received, answer.loginUrl)
  }
  // A gRPC refusal is HTTP 200, which says yes to a proxy that asks.
  send(received, answer.form === 'grpc' ? { ...answer, form: 'json' } : answer)
}

/** nginx passes 401 and 403 on and takes anything else but 2xx for a failure of ours: 500 to its client. */
function forNginx(answer: FailureAnswer): FailureAnswer {
  const { loginUrl, code, headers } = answer
  return {
    ...answer,
    form: 'json',
    status: nginxStatus(answer),
    headers: {
      ...headers,
      'X-Gatehouse-Error': code,
      ...(loginUrl === undefined ? {} : { Location: loginUrl, 'X-Gatehouse-Login-Url': loginUrl }),
    },
  }
}

function nginxStatus({ code, status = ERRORS[code].status }: FailureAnswer): number {
  if (status === 401 || status >= 500) return Math.min(status, 500)
  return 403
}
