/** An answer over HTTP/2 that takes what the pipeline writes for HTTP/1.1, and leaves out what only that has. */

import type { OutgoingHttpHeaders } from 'node:http'
import { constants, Http2ServerResponse } from 'node:http2'
import { resetStream } from './h2-reset.ts'

/** Of a connection, not of an answer. RFC 9113 §8.2.2 */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

type HeadersToWrite = OutgoingHttpHeaders | readonly string[] | undefined

/** Node makes one for each stream. */
export class H2Response extends Http2ServerResponse {
  /** Called when everything has been written, if it has not gone by then. */
  onWritten: (() => void) | undefined

  override writeHead(status: number, phrase?: unknown, headers?: unknown): this {
    const given = (typeof phrase === 'string' ? headers : (phrase ?? headers)) as HeadersToWrite
    const kept = withoutConnection(given)
    if (kept === undefined || !saysEmpty(kept)) {
      return super.writeHead(status, kept as OutgoingHttpHeaders)
    }
    // Sent by `end` in one frame that ends the stream: gRPC takes its status from no other kind of head.
    this.statusCode = status
    for (const [name, values] of byName(kept)) this.setHeader(name, values)
    return this
  }

  override end(...given: readonly unknown[]): this {
    const [chunk, encoding] = given
    const isText = typeof chunk === 'string' || chunk instanceof Uint8Array
    // Over HTTP/1.1 Node leaves out the body where there is none; here it would be an error.
    if (!isText || chunk.length === 0 || this.#hasNoBody()) super.end()
    else super.end(chunk, (typeof encoding === 'string' ? encoding : 'utf8') as BufferEncoding)
    this.onWritten?.()
    return this
  }

  /** @param trailers names and values, or pairs of them, as over HTTP/1.1 */
  override addTrailers(trailers: unknown): void {
    const pairs = Array.isArray(trailers)
      ? (trailers as readonly (readonly [string, string])[])
      : Object.entries(trailers as Readonly<Record<string, string>>)
    const fields: Record<string, string> = Object.create(null)
    for (const [name, value] of pairs) {
      const before = fields[name.toLowerCase()]
      fields[name.toLowerCase()] = before === undefined ? value : `${before}, ${value}`
    }
    super.addTrailers(fields)
  }

  /** Cuts the answer off so that it cannot be taken for a whole one. */
  override destroy(): this {
    resetStream(this.stream, constants.NGHTTP2_INTERNAL_ERROR)
    return this
  }

  #hasNoBody(): boolean {
    const { statusCode, stream } = this
    const { headRequest } = stream as { readonly headRequest?: boolean }
    return headRequest === true || statusCode === 204 || statusCode === 304
  }
}

/** What its class lacks or warns of. Set here, because its types say that these are no accessors. */
Object.defineProperties(H2Response.prototype, {
  destroyed: {
    get(this: H2Response) {
      return this.stream.destroyed
    },
  },
  // HTTP/2 has no reason phrase.
  statusMessage: { get: () => '', set: () => undefined },
  // It is the connection that is kept, and h2-sessions.ts that ends it.
  shouldKeepAlive: { get: () => true, set: () => undefined },
})

function withoutConnection(headers: HeadersToWrite): HeadersToWrite {
  if (headers === undefined) return undefined
  if (!isList(headers)) {
    const kept = Object.entries(headers).filter(([name]) => isKept(name))
    return Object.fromEntries(kept)
  }
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (isKept(name)) kept.push(name, headers[i + 1] ?? '')
  }
  return kept
}

/** True where the head says that nothing follows it. */
function saysEmpty(headers: NonNullable<HeadersToWrite>): boolean {
  for (const [name, values] of byName(headers)) {
    if (name.toLowerCase() === 'content-length') return values.length === 1 && values[0] === '0'
  }
  return false
}

function byName(headers: NonNullable<HeadersToWrite>): ReadonlyMap<string, string[]> {
  const list = isList(headers)
    ? headers
    : Object.entries(headers).flatMap(([name, value]) =>
        [value].flat().flatMap((one) => [name, String(one)]),
      )
  const found = new Map<string, string[]>()
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i] ?? ''
    const values = found.get(name) ?? []
    values.push(list[i + 1] ?? '')
    found.set(name, values)
  }
  return found
}

function isList(headers: OutgoingHttpHeaders | readonly string[]): headers is readonly string[] {
  return Array.isArray(headers)
}

function isKept(name: string): boolean {
  return !CONNECTION_SPECIFIC.has(name.toLowerCase())
}
