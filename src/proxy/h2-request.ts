/** A request over HTTP/2 in the form in which the pipeline reads one over HTTP/1.1, so that there is one reading of both. */

import type { IncomingHttpHeaders } from 'node:http'
import { Http2ServerRequest, type ServerHttp2Stream } from 'node:http2'
import type { ReadableOptions } from 'node:stream'
import { readAuthority } from '../routing/host-name.ts'

/** The head of a request as HTTP/1.1 has it. */
export interface Head {
  /** Names and values in turn: Host in place of `:authority`, one line of cookies, no pseudo-header. */
  readonly rawHeaders: readonly string[]
  /** Why it is refused, where HTTP/2 says something that HTTP/1.1 could not. */
  readonly problem: string | undefined
}

/**
 * What the handshake over HTTP/1.1 has in place of `:method` and `:protocol`. Its key is there to tell a WebSocket from what
 * only looks like one to a server that knows of none (RFC 6455 §1.3), which RFC 8441 §5 leaves to `:protocol`: any will do.
 */
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
}
const HANDSHAKE_LINES = Object.entries(HANDSHAKE).flat()

/** Node makes one for each stream. Nothing but its form is another than that of its class. */
export class H2Request extends Http2ServerRequest {
  readonly problem: string | undefined
  /** Whether its stream ended with its head. */
  readonly isBodyless: boolean
  /** As Node says it of a request over HTTP/1.1 that has been taken as an upgrade. */
  readonly upgrade: boolean

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    options: ReadableOptions,
    rawHeaders: readonly string[],
  ) {
    const head = readHead(rawHeaders)
    const upgrade = opensWebSocket(headers)
    if (upgrade)
      super(stream, asUpgrade(headers), options, [...head.rawHeaders, ...HANDSHAKE_LINES])
    else super(stream, headers, options, head.rawHeaders)
    this.isBodyless = stream.endAfterHeaders
    this.upgrade = upgrade
    this.problem = head.problem ?? (this.upgrade ? checkTunnel(this) : undefined)
  }

  /** Node takes a stream that is reset with NO_ERROR for one that has ended; what came of the body is not a whole one. */
  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk === null && !this.isBodyless && this.stream.closed) return false
    return super.push(chunk, encoding)
  }

  /** Without that end the body may be read further, of a stream that is gone. */
  override _read(size: number): void {
    if (!this.stream.destroyed) super._read(size)
  }
}

/** @param rawHeaders names and values in turn, pseudo-headers among them; RFC 9113 §8.3.1 */
export function readHead(rawHeaders: readonly string[]): Head {
  const others: string[] = []
  const cookies: string[] = []
  let authority: string | undefined
  let host: string | undefined
  let problem: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (name === ':authority') authority = value
    else if (name === ':path') problem ??= checkPath(value)
    else if (name === ':scheme') problem ??= checkScheme(value)
    else if (name === 'cookie') cookies.push(value)
    // A second one stays, to be refused as over HTTP/1.1.
    else if (name === 'host' && host === undefined) host = value
    else if (!name.startsWith(':')) others.push(name, value)
  }
  problem ??= checkHosts(authority, host)
  const asked = authority ?? host
  return {
    rawHeaders: [
      ...(asked === undefined ? [] : ['Host', asked]),
      ...others,
      // In as many pieces as the client liked. RFC 9113 §8.2.3
      ...(cookies.length === 0 ? [] : ['Cookie', cookies.join('; ')]),
    ],
    problem,
  }
}

/** An extended CONNECT, which over HTTP/1.1 is an upgrade. RFC 8441 §4, §5 */
function opensWebSocket(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'CONNECT' && headers[':protocol'] === 'websocket'
}

/** The head as that of the request that is judged, and that @fastify/http-proxy knows for the handshake of a WebSocket. */
function asUpgrade({ ':protocol': _, ...headers }: IncomingHttpHeaders): IncomingHttpHeaders {
  return { ...headers, ':method': 'GET', ...HANDSHAKE }
}

/** What follows the head are messages, in both directions: it has no body, and no end before it has begun. */
function checkTunnel({ headers, isBodyless }: H2Request): string | undefined {
  if (headers['content-length'] !== undefined) return 'a WebSocket has no Content-Length'
  return isBodyless ? 'the stream of the WebSocket has ended with its head' : undefined
}

/** A path and nothing else: `*` and targets in absolute form are of HTTP/1.1. */
function checkPath(path: string): string | undefined {
  return path.startsWith('/') ? undefined : '`:path` is no path'
}

function checkScheme(scheme: string): string | undefined {
  return /^https?$/i.test(scheme) ? undefined : 'a `:scheme` other than http and https'
}

function checkHosts(authority: string | undefined, host: string | undefined): string | undefined {
  if (authority === undefined || host === undefined) return undefined
  const [one, other] = [readAuthority(authority), readAuthority(host)]
  if (one !== undefined && one.name === other?.name) return undefined
  return '`:authority` names another host than the Host header'
}
