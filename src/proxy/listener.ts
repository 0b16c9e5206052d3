/** The socket that clients reach: a Node server with its limits, over TLS where certificates are given. */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  STATUS_CODES,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { isForwardAuthPath } from './forward-auth-dialect.ts'
import type { Pipeline } from './pipeline.ts'
import { MAX_HEADER_BYTES, MAX_URL_BYTES } from './receive.ts'
import { type Certificates, rememberCertificate } from './tls.ts'

/** A request that the parser refused before there was one to handle. */
export interface BrokenRequest {
  readonly socket: Socket
  readonly status: number
  readonly detail: string
}

export interface ListenerOptions {
  readonly certificates: Certificates | undefined
  readonly onRequest: Pipeline
  readonly onBrokenRequest: (broken: BrokenRequest) => void
}

/** Product 2, `limits.header_timeout`. */
const HEADER_TIMEOUT_MS = 10_000
/** Longer than common load balancers keep theirs (60 s), so that they close first and lose no request. */
const KEEP_ALIVE_MS = 75_000
/** Product 2, `limits.requests_per_connection`. */
const REQUESTS_PER_CONNECTION = 10_000

export function createListener(options: ListenerOptions): Server {
  const server =
    options.certificates === undefined ? plainServer() : tlsServer(options.certificates)
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION
  server.on('request', options.onRequest)
  // Nobody is told to go on sending before the request has been judged; forward.ts does it then. RFC 9110 §10.1.1
  server.on('checkContinue', options.onRequest)
  // Node would answer 417 by itself, and nobody would hear of the request.
  server.on('checkExpectation', options.onRequest)
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

const SERVER_OPTIONS: ServerOptions = {
  // A missing or second Host is refused with a reason by routing/canonical.ts.
  requireHostHeader: false,
  insecureHTTPParser: false,
  // Most requests have no body, and need no stream for one.
  optimizeEmptyRequests: true,
  // A little more than both limits together: what is over one of them gets 414 or 431 and a log line.
  maxHeaderSize: MAX_HEADER_BYTES + MAX_URL_BYTES + 1_024,
  headersTimeout: HEADER_TIMEOUT_MS,
  // A body may be as large as it likes; its silence is bounded in forward.ts.
  requestTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: 5_000,
  // `Upgrade: h2c` and others are ordinary requests that ask for what we do not offer. RFC 9110 §7.8
  shouldUpgradeCallback: isWebSocketUpgrade,
} as ServerOptions

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

function plainServer(): Server {
  return createServer(SERVER_OPTIONS)
}

function tlsServer(certificates: Certificates): Server {
  const server = createTlsServer({
    ...SERVER_OPTIONS,
    SNICallback: certificates.sniCallback,
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: HEADER_TIMEOUT_MS,
  })
  // Clients that send no name never reach the SNI callback.
  const useDefault = (): void => {
    server.setSecureContext(certificates.byDefault())
  }
  useDefault()
  certificates.onReplace(useDefault)
  server.on('secureConnection', (socket: TLSSocket) => rememberCertificate(socket, certificates))
  return server
}

const STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

function refuseBroken(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  options: ListenerOptions,
): void {
  const status = STATUS[error.code ?? ''] ?? 400
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
