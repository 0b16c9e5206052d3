/** The head of a request as bytes of HTTP/1.1. RFC 9112 §3 */

import { isToken } from '../../routing/canonical.ts'
import { addFields } from '../field-lines.ts'
import type { UpstreamRequest } from './upstream-call.ts'
import { UpstreamError } from './upstream-error.ts'

/** How the body's end is known to the upstream. RFC 9112 §6 */
export type Framing = 'none' | 'length' | 'chunked'

const SAFE_TARGET = /^\/[\x21-\x7e]*$/
/** Of these an upstream expects a body, and is to be told that there is none. RFC 9110 §8.6 */
const EXPECTS_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])
/** Whose body every server reads. RFC 9110 §9.3, RFC 4918 §9, RFC 3253 §3.6 */
const READS_BODY: ReadonlySet<string> = new Set([
  ...EXPECTS_BODY,
  'PROPFIND',
  'PROPPATCH',
  'QUERY',
  'REPORT',
])

/** @throws UpstreamError UNSENDABLE where a part of it would be read as something else */
export function requestHead(request: UpstreamRequest, framing: Framing): string {
  const { method, path, headers, fixed, trailers } = request
  if (!SAFE_TARGET.test(path)) throw new UpstreamError('UNSENDABLE', 'the path cannot be sent')
  if (!isToken(method)) throw new UpstreamError('UNSENDABLE', 'the method cannot be sent')
  // One row of parts, see flatText.
  let head = `${method} ${path} HTTP/1.1`
  head = addFields(head, headers)
  if (fixed !== undefined) head += fixed.lines
  if (framing === 'chunked') {
    head += '\r\nTransfer-Encoding: chunked'
    if (trailers !== undefined) head += `\r\nTrailer: ${trailers.names.join(', ')}`
  }
  if (framing === 'none' && EXPECTS_BODY.has(method) && !saysLength(headers))
    head += '\r\nContent-Length: 0'
  // An upstream of HTTP/1.0 would close without being asked not to.
  head += isLast(request) ? '\r\nConnection: close' : '\r\nConnection: keep-alive'
  return `${head}\r\n\r\n`
}

/**
 * True where nothing may follow on the connection: servers that are mistaken leave a body that they expect of no such method
 * on it, to be taken for the next request, or send one behind the answer to HEAD, to be taken for the next answer.
 */
export function isLast({ method, body }: UpstreamRequest): boolean {
  return body === null ? method === 'HEAD' : !READS_BODY.has(method)
}

export function framingOf({ headers, body }: UpstreamRequest): Framing {
  if (body === null) return 'none'
  return saysLength(headers) ? 'length' : 'chunked'
}

/** What Content-Length says; -1 where there is none. */
export function lengthOf(headers: readonly string[]): number {
  for (let i = 0; i < headers.length; i += 2) {
    if (isContentLength(headers[i] as string)) return Number(headers[i + 1])
  }
  return -1
}

function saysLength(headers: readonly string[]): boolean {
  return lengthOf(headers) >= 0
}

function isContentLength(name: string): boolean {
  return name.length === 14 && name.toLowerCase() === 'content-length'
}
