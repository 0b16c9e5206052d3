/** Answers to proxies that ask: what each kind of proxy can pass on, and nothing that it would misread. */

import { ERRORS } from '../errors.ts'
import type { FailureAnswer } from '../pages/answer.ts'
import type { Route } from '../policy/route.ts'
import type { Received } from './exchange.ts'
import type { Dialect } from './forward-auth-dialect.ts'
import { withoutOwnCookies } from './own-cookies.ts'
import { redirect, send } from './refuse.ts'
import { allIdentityNames } from './route-claims.ts'

/**
 * The request may pass, with these headers: names and values in turn. `Cookie` is what is left of the client's without
 * ours, for proxies that can put it in place of what the client sent.
 */
export function admitAsked(
  { response, headers, request, plane }: Received,
  dialect: Dialect,
  route: Route,
  identity: readonly string[],
): void {
  const cookie = headers.cookie === undefined ? undefined : withoutOwnCookies(headers.cookie)
  const sent = [...identity]
  if (cookie !== undefined && cookie !== '') sent.push('Cookie', cookie)
  if (dialect === 'caddy') {
    const names = allIdentityNames(plane.snapshot.config.identity_headers, route)
    addEmpty(sent, [...names, 'Cookie'])
  }
  sent.push('Cache-Control', 'no-store', 'Content-Length', '0')
  // A body that nobody will read is not waited for. RFC 9112 §9.6
  if (headers.hasBody && !request.complete) sent.push('Connection', 'close')
  response.writeHead(200, sent)
  response.end()
}

/**
 * Caddy before 2.7 copies a header that is not there as the text of its own placeholder, which an app would take for
 * somebody's name. An empty one is copied as empty, and later versions leave it out.
 */
function addEmpty(headers: string[], names: readonly string[]): void {
  const present = new Set(headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase()))
  for (const name of names) if (!present.has(name.toLowerCase())) headers.push(name, '')
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
