/** Connections of HTTP/1.1 to an upstream that says byte for byte what a test wants, without a gateway around them. */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Route, UpstreamUrl } from '../../src/policy/route.ts'
import { Deadlines } from '../../src/proxy/upstream/deadlines.ts'
import { Http1Upstream } from '../../src/proxy/upstream/http1-upstream.ts'
import type { UpstreamCall, UpstreamRequest } from '../../src/proxy/upstream/upstream-call.ts'
import type { Scope } from './scope.ts'

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
export const NO_TLS: Route['tls'] = {
  skipVerify: false,
  customCa: undefined,
  serverName: undefined,
  client: undefined,
}

/** One connection as the upstream sees it. */
export interface Seen {
  readonly socket: Socket
  /** All that has come on it. */
  received: string
}

export interface StartedHttp1 {
  readonly connections: readonly Seen[]
  readonly upstream: Http1Upstream
}

interface StartOptions {
  readonly tls?: Route['tls']
  readonly server?: Server
  readonly event?: 'connection' | 'secureConnection'
}

/** @param onBytes called with a connection whenever something has come on it */
export async function startHttp1(
  t: Scope,
  onBytes: (seen: Seen) => void,
  options: StartOptions = {},
): Promise<StartedHttp1> {
  const { server = createServer(), event = 'connection', tls = NO_TLS } = options
  const connections: Seen[] = []
  server.on(event, (socket: Socket) => {
    const seen = { socket, received: '' }
    connections.push(seen)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      seen.received += chunk.toString('latin1')
      onBytes(seen)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const scheme = event === 'connection' ? 'http' : 'https'
  const upstream = new Http1Upstream(urlOf(scheme, port), tls, new Deadlines())
  t.teardown(() => {
    upstream.destroy()
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  return { connections, upstream }
}

export function urlOf(scheme: 'http' | 'https', port: number): UpstreamUrl {
  return {
    scheme,
    hostname: '127.0.0.1',
    port,
    h2c: false,
    origin: `${scheme}://127.0.0.1:${port}`,
    socketPath: undefined,
    basePath: '',
  }
}

export interface Answer {
  readonly status: number
  readonly body: string
  readonly trailers: readonly string[]
}

export const ASKED: UpstreamRequest = {
  path: '/',
  method: 'GET',
  headers: ['Host', 'app'],
  body: null,
  headersTimeout: 0,
  bodyTimeout: 0,
}

/** Rejects with the error that the call ends with. */
export function ask(
  upstream: Http1Upstream,
  request: Partial<UpstreamRequest> = {},
  onCall: (call: UpstreamCall) => void = () => undefined,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0
    let body = ''
    upstream.dispatch(
      { ...ASKED, ...request },
      {
        onConnect: onCall,
        onHeaders: (code) => {
          status = code
        },
        onData: (piece) => {
          body += piece.toString('latin1')
          return true
        },
        onComplete: (trailers) => resolve({ status, body, trailers }),
        onError: reject,
      },
    )
  })
}

/** Answers each request that has no body. */
export function answering(text: string): (seen: Seen) => void {
  return (seen) => {
    if (seen.received.endsWith('\r\n\r\n')) seen.socket.write(text)
  }
}
