/** What a route without an upstream answers to those whom its policy lets in: a redirect, or a fixed text. */

import type { ServerResponse } from 'node:http'
import { GatehouseError } from '../errors.ts'
import type { OwnAnswer } from '../policy/route.ts'
import { redirectUrl } from '../routing/redirect.ts'
import type { CanonicalRequest } from './canonicalize.ts'
import type { Received } from './exchange.ts'
import { withResponseHeaders } from './response-headers.ts'

/** @throws GatehouseError MALFORMED_REQUEST where the redirect makes no canonical path of this one */
export function sendOwnAnswer(
  { request, response, headers, trail }: Received,
  { route, origin, path }: CanonicalRequest,
  answer: OwnAnswer,
): void {
  const own =
    answer.kind === 'redirect' ? redirectHeaders(answer, origin, path) : responseHeaders(answer)
  own.push('Cache-Control', 'no-store')
  if (trail.hsts !== undefined) own.push('Strict-Transport-Security', trail.hsts)
  // A body that nobody will read is not waited for. RFC 9112 §9.6
  if (headers.hasBody && !request.complete) own.push('Connection', 'close')
  const changes = route.responseHeaders
  response.writeHead(answer.status, changes === undefined ? own : withResponseHeaders(own, changes))
  end(response, answer)
}

function redirectHeaders(
  { target }: OwnAnswer & { readonly kind: 'redirect' },
  origin: string,
  path: CanonicalRequest['path'],
): string[] {
  const location = redirectUrl(target, origin, path)
  if (typeof location === 'string') return ['Location', location, 'Content-Length', '0']
  throw new GatehouseError('MALFORMED_REQUEST', location.detail)
}

/** The body is the operator's own and goes as it is written; browsers take it for nothing but its type. */
function responseHeaders({
  status,
  body,
  contentType,
}: OwnAnswer & { readonly kind: 'response' }): string[] {
  if (status === 204 || status === 304) return []
  const length = String(Buffer.byteLength(body))
  return [
    ...(body === '' ? [] : ['Content-Type', contentType, 'X-Content-Type-Options', 'nosniff']),
    'Content-Length',
    length,
  ]
}

/** Node itself sends no body where there is none: HEAD, 204, 304. */
function end(response: ServerResponse, answer: OwnAnswer): void {
  response.end(answer.kind === 'response' ? answer.body : '')
}
