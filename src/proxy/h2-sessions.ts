/** Connections of HTTP/2: their bounds, how they end in good order, and the requests that come over them. */

import {
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { ServerConfig } from '../config/schema-server.ts'
import { H2Request } from './h2-request.ts'
import { H2Response } from './h2-response.ts'

export interface H2Options {
  /** Those in force now. */
  readonly limits: () => ServerConfig['limits']
  /** True while no connection is to be kept longer than for the requests that are on it. */
  readonly draining: () => boolean
  readonly onRequest: (request: H2Request, response: H2Response) => void
  /** CONNECT: a tunnel, or a WebSocket. RFC 8441 */
  readonly onConnect: (request: H2Request, response: H2Response) => void
}

export interface H2Sessions {
  /** Takes over a connection whose client speaks HTTP/2. */
  take(socket: Socket): void
  /** No new requests: those that are under way finish, then the connections end. */
  closeAll(): void
  destroyAll(): void
}

/** Requests that one connection may have under way at once. */
const CONCURRENT_STREAMS = 100
/** Of a request body, what is taken before the upstream has taken it. */
const WINDOW_BYTES = 256 * 1024
const IDLE_MS = 75_000

export function createH2Sessions(options: H2Options): H2Sessions {
  const open = new Set<ServerHttp2Session>()
  let { limits, server } = serverFor(options, open)
  return {
    take: (socket) => {
      // Node reads the bounds when a server is made.
      if (options.limits() !== limits) ({ limits, server } = serverFor(options, open))
      server.emit('connection', socket)
    },
    closeAll: () => {
      for (const session of open) session.close()
    },
    destroyAll: () => {
      for (const session of open) session.destroy()
    },
  }
}

function serverFor(
  options: H2Options,
  open: Set<ServerHttp2Session>,
): { readonly limits: ServerConfig['limits']; readonly server: Http2Server } {
  const limits = options.limits()
  const server = createServer({
    ...boundsFor(limits),
    Http2ServerRequest: H2Request,
    Http2ServerResponse: H2Response,
  } as unknown as ServerOptions)
  // As over HTTP/1.1: whether to go on is said once the request has been judged.
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    server.on(event, options.onRequest)
  }
  server.on('connect', options.onConnect)
  server.on('sessionError', ignore)
  server.on('session', (session: ServerHttp2Session) => {
    open.add(session)
    session.once('close', () => open.delete(session))
    bound(session, options)
  })
  return { limits, server }
}

/** What is past these ends a stream or a connection before anybody hears of it; 414 and 431 are said of less. */
function boundsFor(limits: ServerConfig['limits']): ServerOptions {
  return {
    settings: {
      maxConcurrentStreams: CONCURRENT_STREAMS,
      initialWindowSize: WINDOW_BYTES,
      maxHeaderListSize: limits.header_bytes + limits.url_bytes + 8_192,
      enablePush: false,
    },
    // Cookies may come in many pieces.
    maxHeaderListPairs: limits.headers * 2 + 200,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    // Resets of streams faster than any client needs: RFC 9113 §10.5
    streamResetBurst: 200,
    streamResetRate: 20,
  }
}

/** How long a connection may live, and on how little. */
function bound(session: ServerHttp2Session, options: H2Options): void {
  const { header_timeout: headerTimeoutMs, requests_per_connection: most } = options.limits()
  let requests = 0
  let underWay = 0
  const first = setTimeout(() => session.destroy(), headerTimeoutMs)
  session.once('close', () => clearTimeout(first))
  session.on('stream', (stream) => {
    clearTimeout(first)
    requests++
    underWay++
    stream.once('close', () => underWay--)
    // What is under way goes on; the client opens another connection for more.
    if ((requests >= most || options.draining()) && !session.closed) session.close()
  })
  // Requests have times of their own.
  session.setTimeout(IDLE_MS, () => {
    if (underWay === 0 && !session.closed) session.close()
  })
}

function ignore(): void {
  // A client that breaks the protocol has been told so by the connection's end.
}
