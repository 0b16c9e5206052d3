/** The socket that clients reach: a Node server with its limits, over TLS where certificates are given. */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket, TlsOptions } from 'node:tls'
import type { ServerConfig } from '../config/schema-server.ts'
import { rememberClient } from './client-certificate.ts'
import { createFastPath, type FastPath, KEEP_ALIVE_MS } from './fast-path/fast-path.ts'
import type { FastPipeline } from './fast-pipeline.ts'
import { isForwardAuthPath } from './forward-auth-dialect.ts'
import { takePriorKnowledge } from './h2-prior-knowledge.ts'
import type { H2Sessions } from './h2-sessions.ts'
import { LazyRequest } from './lazy-request.ts'
import type { Pipeline } from './pipeline.ts'
import { type Certificates, rememberCertificate } from './tls.ts'

/** A request that the parser refused before there was one to handle. */
export interface BrokenRequest {
  readonly socket: Socket
  readonly status: number
  readonly detail: string
}

export interface ListenerOptions {
  readonly certificates: Certificates | undefined
  /** Those in force now. */
  readonly limits: () => ServerConfig['limits']
  /** HTTP/2 where it is spoken; `undefined`: nowhere. */
  readonly http2?: Http2Use
  /** False: WebSockets are ordinary requests too. */
  readonly upgrades: boolean
  readonly onRequest: Pipeline
  /** Simple requests over HTTP/1.1, past Node's server; `undefined`: all are Node's. */
  readonly onFastRequest?: FastPipeline
  readonly onBrokenRequest: (broken: BrokenRequest) => void
}

/** For TLS to be agreed upon. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** How often connections are looked over for what is late. */
const CHECK_INTERVAL_MS = 1_000

export interface Http2Use {
  readonly sessions: H2Sessions
  /** Whether it is offered over TLS now. */
  readonly alpn: () => boolean
  /** Whether clients without TLS may begin with it now. RFC 9113 §3.3 */
  readonly h2c: () => boolean
}

export function createListener(options: ListenerOptions): Server {
  const { certificates, upgrades } = options
  const serverOptions = {
    ...SERVER_OPTIONS,
    // `Upgrade: h2c` and others are ordinary requests that ask for what we do not offer. RFC 9110 §7.8
    shouldUpgradeCallback: upgrades ? isWebSocketUpgrade : () => false,
  } as ServerOptions
  const server =
    certificates === undefined
      ? createServer(serverOptions)
      : createTlsServer({ ...serverOptions, ...tlsOptions(certificates, options.http2) })
  takeSimple(server, options)
  if (certificates !== undefined) takeTls(server as TlsServer, certificates, options.http2)
  if (options.http2 !== undefined) {
    const closeSilent =
      certificates === undefined ? takePriorKnowledge(server, options.http2) : undefined
    const { closeAll: closeSessions, destroyAll } = options.http2.sessions
    endTogether(server, {
      closeIdle: () => {
        closeSessions()
        closeSilent?.()
      },
      closeAll: destroyAll,
    })
  }
  limitListener(server, options.limits())
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    if (request instanceof LazyRequest) request.isHandedOver = true
    options.onRequest(request, response)
  }
  server.on('request', take)
  // Nobody is told to go on sending before the request has been judged; forward.ts does it then. RFC 9110 §10.1.1
  server.on('checkContinue', take)
  // Node would answer 417 by itself, and nobody would hear of the request.
  server.on('checkExpectation', take)
  // Node takes its own listener off a connection that it hands over (CONNECT, upgrade): a reset would end the process.
  server.on(options.certificates === undefined ? 'connection' : 'secureConnection', outliveErrors)
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    refuseBroken(error, socket, options),
  )
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuseBroken(
      Object.assign(new Error('CONNECT is not served'), { code: 'CONNECT' }),
      socket,
      options,
    )
  })
  return server
}

/** Puts the limits on connections in force, for those to come and, but for the size of a head, for those that are open. */
export function limitListener(server: Server, limits: ServerConfig['limits']): void {
  // A little more than both limits together: what is over one of them gets 414 or 431 and a log line.
  const sized = server as Server & { maxHeaderSize: number }
  sized.maxHeaderSize = limits.header_bytes + limits.url_bytes + 1_024
  // Past this Node leaves headers out; one more than are allowed shows that there are too many.
  server.maxHeadersCount = limits.headers + 1
  server.headersTimeout = limits.header_timeout
}

const SERVER_OPTIONS: ServerOptions<typeof LazyRequest> = {
  IncomingMessage: LazyRequest,
  // A missing or second Host is refused with a reason by routing/canonical.ts.
  requireHostHeader: false,
  insecureHTTPParser: false,
  // Most requests have no body, and need no stream for one.
  optimizeEmptyRequests: true,
  // A body may be as large as it likes; its silence is bounded in forward.ts.
  requestTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
}

/**
 * Any other request that asks for an upgrade is answered as if it had not (RFC 9110 §7.8). So is one with a body, whose
 * bytes could be taken for messages, and one sent while an answer is still owed: the connection is not free.
 */
function isWebSocketUpgrade(request: IncomingMessage): boolean {
  const { method, headers, socket, url = '' } = request
  // A proxy that asks about an upgrade may say so in our own headers too; it wants an answer, no socket.
  if (isForwardAuthPath(url)) return false
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket') return false
  if ('content-length' in headers || 'transfer-encoding' in headers) return false
  return !isAnswering(socket)
}

/** Node keeps the answer that a connection is busy with in this field. */
function isAnswering(socket: object): boolean {
  return Boolean((socket as { readonly _httpMessage?: unknown })._httpMessage)
}

function outliveErrors(socket: Socket): void {
  socket.on('error', ignore)
}

function ignore(): void {
  // Whoever uses the connection hears of its end by `close`.
}

/** What is read by one parser alone goes past Node's server, which gets the rest. */
function takeSimple(server: Server, options: ListenerOptions): void {
  const { onFastRequest, limits, certificates } = options
  if (onFastRequest === undefined) return
  const event = certificates === undefined ? 'connection' : 'secureConnection'
  const [toNode] = server.listeners(event)
  server.removeAllListeners(event)
  const fastPath = createFastPath(server, {
    onRequest: onFastRequest,
    toNode: (socket) => toNode?.call(server, socket),
    maxHeadBytes: () => limits().header_bytes,
    onSilent: (socket) =>
      refuseBroken(
        Object.assign(new Error('nothing was asked in time'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
        socket,
        options,
      ),
  })
  server.on(event, fastPath.take)
  endTogether(server, fastPath)
}

function tlsOptions(certificates: Certificates, http2: Http2Use | undefined): TlsOptions {
  return {
    SNICallback: certificates.sniCallback,
    minVersion: 'TLSv1.2',
    ALPNCallback: ({ protocols }) => chooseProtocol(protocols, http2?.alpn() ?? false),
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    // A certificate that nobody vouches for counts as none: whether one is needed is for policies to say.
    rejectUnauthorized: false,
  }
}

function takeTls(server: TlsServer, certificates: Certificates, http2: Http2Use | undefined): void {
  // Clients that send no name never reach the SNI callback.
  const useDefault = (): void => {
    server.setSecureContext(certificates.byDefault())
    // Read by Node for each new connection.
    Object.assign(server, { requestCert: certificates.clientCas().length > 0 })
  }
  useDefault()
  certificates.onReplace(useDefault)
  const [toHttp1] = server.listeners('secureConnection')
  server.removeAllListeners('secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    rememberCertificate(socket, certificates)
    rememberClient(socket, certificates)
    if (socket.alpnProtocol === 'h2' && http2 !== undefined) http2.sessions.take(socket)
    else toHttp1?.call(server, socket)
  })
}

/** The first of ours that the client has too; `undefined` ends the handshake. RFC 7301 §3.2 */
function chooseProtocol(offered: readonly string[], http2: boolean): string | undefined {
  const ours = http2 ? ['h2', 'http/1.1'] : ['http/1.1']
  return ours.find((protocol) => offered.includes(protocol))
}

/** What Fastify and Node end of their connections is ended of others as well. */
function endTogether(server: Server, others: Pick<FastPath, 'closeIdle' | 'closeAll'>): void {
  const [closeIdle, closeAll] = [server.closeIdleConnections, server.closeAllConnections]
  server.closeIdleConnections = () => {
    closeIdle.call(server)
    others.closeIdle()
  }
  server.closeAllConnections = () => {
    closeAll.call(server)
    others.closeAll()
  }
}

const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** The head grew too large before the end of its first line, as far as the parser was given it at once. */
function isLongTarget(
  { code, rawPacket }: NodeJS.ErrnoException & { rawPacket?: Buffer },
  urlBytes: number,
): boolean {
  if (code !== 'HPE_HEADER_OVERFLOW' || rawPacket === undefined) return false
  const start = rawPacket.toString('latin1', 0, LONGEST_METHOD + urlBytes)
  return start.length > urlBytes && /^[A-Z-]+ \S+$/.test(start)
}

const LONGEST_METHOD = 16

function refuseBroken(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  options: ListenerOptions,
): void {
  const status = isLongTarget(error, options.limits().url_bytes)
    ? 414
    : (STATUS[error.code ?? ''] ?? 400)
  const gone = !socket.writable || error.code === 'ECONNRESET' || error.code === 'EPIPE'
  // A request before this one is still waiting for its answer; this must not be taken for it.
  if (gone || isAnswering(socket)) {
    socket.destroy(error)
    return
  }
  options.onBrokenRequest({
    socket: socket as Socket,
    status,
    detail: `${error.code ?? ''}: ${error.message}`,
  })
  const body = JSON.stringify({ error: 'MALFORMED_REQUEST', message: 'The request is malformed.' })
  // Not `end` alone: a client that keeps its side open would hold the connection for ever.
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}
