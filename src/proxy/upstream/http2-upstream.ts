/** Requests to an upstream over HTTP/2, by Node's own client. */

import {
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2'
import type { Route, UpstreamUrl } from '../../policy/route.ts'
import { Http2Session, type Waiting } from './http2-session.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream-call.ts'
import { UpstreamError } from './upstream-error.ts'

export class Http2Upstream {
  readonly #url: UpstreamUrl
  readonly #tls: Route['tls']
  readonly #sessions = new Set<Http2Session>()

  constructor(url: UpstreamUrl, tls: Route['tls']) {
    this.#url = url
    this.#tls = tls
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): void {
    let session: Http2Session
    try {
      session = this.#sessionWithRoom()
    } catch (error) {
      // TLS cannot be spoken with what the route has.
      setImmediate(() => handler.onError(error instanceof Error ? error : new Error(String(error))))
      return
    }
    const exchange = new Http2Exchange(this.#url, session, request, handler)
    session.reserve(exchange)
  }

  /** Lets requests finish. */
  close(): void {
    for (const session of this.#sessions) session.leave()
  }

  destroy(): void {
    for (const session of this.#sessions) session.destroy()
  }

  #sessionWithRoom(): Http2Session {
    for (const session of this.#sessions) if (session.takesMore()) return session
    const opened = new Http2Session(this.#url, this.#tls, (ended) => this.#sessions.delete(ended))
    this.#sessions.add(opened)
    return opened
  }
}

/** One request and its answer. */
class Http2Exchange implements Waiting, UpstreamCall {
  readonly #url: UpstreamUrl
  readonly #session: Http2Session
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  #stream: ClientHttp2Stream | undefined
  #timer: NodeJS.Timeout | undefined
  #trailers: readonly string[] = []
  #error: Error | undefined
  /** Whether the upstream has said that its answer ends here. */
  #ended = false
  #over = false

  constructor(
    url: UpstreamUrl,
    session: Http2Session,
    request: UpstreamRequest,
    handler: UpstreamHandler,
  ) {
    this.#url = url
    this.#session = session
    this.#request = request
    this.#handler = handler
  }

  onFailure(error: Error): void {
    this.#finish(() => this.#handler.onError(error))
  }

  onOpen(): void {
    const { body, trailers } = this.#request
    const options = { endStream: body === null, waitForTrailers: trailers !== undefined }
    let stream: ClientHttp2Stream
    try {
      stream = this.#session.request(headersOf(this.#request, this.#url), options)
    } catch (error) {
      return this.onFailure(error instanceof Error ? error : new Error(String(error)))
    }
    this.#stream = stream
    this.#listen(stream)
    this.#handler.onConnect(this)
    if (stream.closed) return
    this.#limit(stream, 'HEADERS_TIMEOUT', this.#request.headersTimeout)
    // A client that breaks off in the middle of its body has not sent a whole one.
    body?.once('error', (error) => this.#abort(stream, error))
    body?.pipe(stream)
    if (trailers !== undefined) {
      stream.once('wantTrailers', () => stream.sendTrailers(byName(trailers.read())))
    }
  }

  abort(error: Error): void {
    if (this.#stream !== undefined) this.#abort(this.#stream, error)
  }

  resume(): void {
    this.#stream?.resume()
  }

  #listen(stream: ClientHttp2Stream): void {
    const { bodyTimeout } = this.#request
    const push = stream.push
    // Node ends what is read of a stream also where it was reset with NO_ERROR; then it is closed by now.
    stream.push = (chunk, encoding) => {
      if (chunk === null && !stream.closed) this.#ended = true
      return push.call(stream, chunk, encoding)
    }
    stream.on('response', (headers, flags) => {
      clearTimeout(this.#timer)
      if (bodyTimeout > 0) {
        stream.setTimeout(bodyTimeout, () => this.#abort(stream, timeoutError('BODY_TIMEOUT')))
      }
      this.#guard(stream, () => this.#answered(headers, flags))
    })
    stream.on('headers', (headers: IncomingHttpHeaders & IncomingHttpStatusHeader) =>
      this.#guard(stream, () =>
        this.#handler.onHeaders(headers[':status'] ?? 100, fieldsOf(headers), ''),
      ),
    )
    stream.on('data', (chunk: Buffer) =>
      this.#guard(stream, () => {
        if (!this.#handler.onData(chunk, false)) stream.pause()
      }),
    )
    stream.on('trailers', (trailers) => {
      this.#trailers = fieldsOf(trailers)
    })
    stream.on('error', (error) => {
      this.#error ??= error
    })
    stream.on('close', () => this.#closed(stream))
  }

  #answered(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number): void {
    const fields = fieldsOf(headers)
    if (this.#isEmpty(headers, flags)) fields.push('content-length', '0')
    this.#handler.onHeaders(headers[':status'] ?? 0, fields, '')
  }

  /** A head that ends the stream says that nothing follows, as gRPC does with an error; HTTP/1.1 says it by a length. */
  #isEmpty(headers: IncomingHttpHeaders & IncomingHttpStatusHeader, flags: number): boolean {
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) === 0) return false
    const status = headers[':status'] ?? 0
    if (this.#request.method === 'HEAD' || status === 204 || status === 304) return false
    return headers['content-length'] === undefined
  }

  /** What the handler throws is the end of the exchange. */
  #guard(stream: ClientHttp2Stream, act: () => void): void {
    if (this.#over || this.#error !== undefined) return
    try {
      act()
    } catch (error) {
      this.#abort(stream, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #limit(stream: ClientHttp2Stream, code: 'HEADERS_TIMEOUT', ms: number): void {
    if (ms > 0) this.#timer = setTimeout(() => this.#abort(stream, timeoutError(code)), ms)
  }

  #abort(stream: ClientHttp2Stream, error: Error): void {
    this.#error ??= error
    stream.close(constants.NGHTTP2_CANCEL)
  }

  #closed(stream: ClientHttp2Stream): void {
    const { body } = this.#request
    body?.unpipe(stream)
    const whole = this.#ended && stream.readableEnded && this.#error === undefined
    this.#finish(() => {
      if (whole) this.#handler.onComplete(this.#trailers)
      else this.#handler.onError(this.#error ?? brokenError(stream.rstCode))
    })
  }

  #finish(tell: () => void): void {
    if (this.#over) return
    this.#over = true
    clearTimeout(this.#timer)
    this.#session.release(this)
    tell()
  }
}

function timeoutError(code: 'HEADERS_TIMEOUT' | 'BODY_TIMEOUT'): Error {
  return new UpstreamError(code, 'the upstream says nothing')
}

function brokenError(rstCode: number | undefined): Error {
  const text = `the upstream ended the stream with code ${rstCode ?? 'none'}`
  return new UpstreamError('CLOSED', text)
}

/** Names in lower case; `Host` becomes the authority. RFC 9113 §8.3.1 */
function headersOf(
  { path, method, headers, fixed, trailers }: UpstreamRequest,
  { scheme, origin }: UpstreamUrl,
): Record<string, string | string[]> {
  // Without a prototype: clients may call a header `constructor`.
  const made: Record<string, string | string[]> = Object.create(null)
  made[':method'] = method
  made[':scheme'] = scheme
  made[':path'] = path
  made[':authority'] = origin.slice(origin.indexOf('//') + 2)
  if (trailers !== undefined) made.trailer = trailers.names.join(', ')
  addFields(made, headers)
  return fixed === undefined ? made : addFields(made, fixed.headers)
}

/** Without a prototype: clients may call a header `constructor`. */
function byName(fields: readonly string[]): Record<string, string | string[]> {
  return addFields(Object.create(null), fields)
}

function addFields(
  made: Record<string, string | string[]>,
  fields: readonly string[],
): Record<string, string | string[]> {
  for (let i = 0; i < fields.length; i += 2) {
    const written = (fields[i] as string).toLowerCase()
    const value = fields[i + 1] as string
    const name = written === 'host' ? ':authority' : written
    const known = made[name]
    made[name] = known === undefined || name === ':authority' ? value : [known, value].flat()
  }
  return made
}

/** Names and values in turn. */
function fieldsOf(headers: IncomingHttpHeaders): string[] {
  const fields: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':')) continue
    for (const one of [value].flat()) if (one !== undefined) fields.push(name, one)
  }
  return fields
}
