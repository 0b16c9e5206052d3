/** Connections of HTTP/2: their bounds, how they end in good order, and the requests that come over them. */

import {
  constants,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2'
import type { Socket } from 'node:net'
import type { ServerConfig } from '../config/schema-server.ts'
import { H2Request } from './h2-request.ts'
import { rememberConnection } from './h2-reset.ts'
import { H2Response } from './h2-response.ts'

export interface H2Options {
  /** Those in force now. */
  readonly limits: () => ServerConfig['limits']
  /** True while no connection is to be kept longer than for the requests that are on it. */
  readonly draining: () => boolean
  readonly onRequest: (request: H2Request, response: H2Response) => void
  /** CONNECT: a WebSocket, or a tunnel. RFC 8441, RFC 9113 §8.5 */
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
/** With so many WebSockets the client opens another connection, or they would leave it no streams for requests. */
const MOST_WEB_SOCKETS = 50
/** Of a request body, or of a WebSocket, what is taken before the upstream has taken it. */
const WINDOW_BYTES = 256 * 1024
const IDLE_MS = 75_000
/** How long a connection without requests may take to send what it owes; Node would wait for ever. */
const CLOSE_MS = 10_000

/** A connection and what it is spoken over. */
interface Open {
  readonly socket: Socket
  /** No new requests, and the end once those that are under way have finished. */
  leave(): void
}

export function createH2Sessions(options: H2Options): H2Sessions {
  const open = new Set<Open>()
  let taken: Socket | undefined
  const onSession = (session: ServerHttp2Session): void => {
    if (taken === undefined) return session.destroy()
    const one = bound(session, taken, options)
    open.add(one)
    taken.once('close', () => open.delete(one))
  }
  let { limits, server } = serverFor(options, onSession)
  return {
    take: (socket) => {
      // Node reads the bounds when a server is made.
      if (options.limits() !== limits) ({ limits, server } = serverFor(options, onSession))
      // A session does not give away its socket; it is made before this returns.
      taken = socket
      server.emit('connection', socket)
      taken = undefined
    },
    closeAll: () => {
      for (const one of open) one.leave()
    },
    destroyAll: () => {
      for (const { socket } of open) socket.destroy()
    },
  }
}

function serverFor(
  options: H2Options,
  onSession: (session: ServerHttp2Session) => void,
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
  server.on('session', onSession)
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
      enableConnectProtocol: true,
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
function bound(session: ServerHttp2Session, socket: Socket, options: H2Options): Open {
  const { header_timeout: headerTimeoutMs, requests_per_connection: most } = options.limits()
  rememberConnection(session, socket)
  let requests = 0
  let underWay = 0
  const webSockets = new Set<ServerHttp2Stream>()
  let late: NodeJS.Timeout | undefined
  const cut = (): void => void socket.destroy()
  const first = setTimeout(cut, headerTimeoutMs)
  socket.once('close', () => {
    clearTimeout(first)
    clearTimeout(late)
  })
  const cutSoon = (): void => {
    late ??= setTimeout(cut, CLOSE_MS)
  }
  const leave = (): void => {
    if (!session.closed) session.close()
    if (underWay === 0) cutSoon()
  }
  session.on('stream', (stream, { ':protocol': protocol }) => {
    clearTimeout(first)
    requests++
    underWay++
    if (protocol !== undefined) webSockets.add(stream)
    stream.once('close', () => {
      underWay--
      webSockets.delete(stream)
      if (underWay > 0) return
      // Told once only, of a connection on which nothing moves.
      if (session.closed) cutSoon()
      else session.setTimeout(IDLE_MS)
    })
    // What is under way goes on; the client opens another connection for more.
    const isFull = requests >= most || webSockets.size >= MOST_WEB_SOCKETS
    if ((isFull || options.draining()) && !session.closed) leave()
  })
  // An answer still reaches a client that sends nothing more; a WebSocket without a client's side is over.
  socket.once('end', () => {
    for (const stream of webSockets) stream.close(constants.NGHTTP2_CANCEL)
  })
  // Requests have times of their own.
  session.setTimeout(IDLE_MS)
  session.on('timeout', () => {
    if (underWay === 0) leave()
  })
  return { socket, leave }
}

function ignore(): void {
  // A client that breaks the protocol has been told so by the connection's end.
}
