/** A client of HTTP/2 for tests: one connection, requests with whatever pseudo-headers they like. */

import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2'
import type { Test } from 'tap'

export interface H2Answer {
  /** 0 where the stream ended without one. */
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly trailers: IncomingHttpHeaders
  /** Of interim answers, in order. */
  readonly informational: readonly IncomingHttpHeaders[]
  readonly body: string
  /** With which code the stream ended; 0 in good order. RFC 9113 §7 */
  readonly code: number
  json(): Record<string, unknown>
}

export interface H2Client {
  readonly session: ClientHttp2Session
  /** Whether the gateway has said that it takes no more requests on this connection. */
  goneAway(): boolean
  request(headers: OutgoingHttpHeaders, body?: string | Buffer): Promise<H2Answer>
  /** The same, with the stream in the test's hands. */
  open(headers: OutgoingHttpHeaders): { stream: ClientHttp2Stream; answer: Promise<H2Answer> }
}

export interface H2ClientOptions {
  /** Over TLS, with this server name. */
  readonly servername?: string
  readonly settings?: Parameters<ClientHttp2Session['settings']>[0]
}

export function h2Client(t: Test, port: number, options: H2ClientOptions = {}): H2Client {
  const { servername, settings = {} } = options
  const scheme = servername === undefined ? 'http' : 'https'
  const session = connect(`${scheme}://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    settings,
    ...(servername === undefined ? {} : { servername }),
  })
  let gone = false
  session.on('goaway', () => {
    gone = true
  })
  // A gateway that ends a connection is part of what is tested; each request tells how it ended.
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  const open = (headers: OutgoingHttpHeaders, endStream = false) => {
    const stream = session.request({ ':method': 'GET', ...headers }, { endStream })
    return { stream, answer: answerOf(stream) }
  }
  return {
    session,
    goneAway: () => gone,
    open: (headers) => open(headers),
    request: (headers, body) => {
      const { stream, answer } = open(headers, body === undefined)
      if (body !== undefined) stream.end(body)
      return answer
    },
  }
}

function answerOf(stream: ClientHttp2Stream): Promise<H2Answer> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders & { ':status'?: number | undefined } = {}
    let trailers: IncomingHttpHeaders = {}
    const informational: IncomingHttpHeaders[] = []
    let body = ''
    stream.on('response', (received) => {
      headers = received
    })
    stream.on('headers', (received) => informational.push(received))
    stream.on('trailers', (received) => {
      trailers = received
    })
    stream.on('data', (chunk) => {
      body += chunk.toString('latin1')
    })
    stream.on('error', () => undefined)
    stream.on('close', () =>
      resolve({
        status: headers[':status'] ?? 0,
        headers,
        trailers,
        informational,
        body,
        code: stream.rstCode,
        json: () => JSON.parse(body) as Record<string, unknown>,
      }),
    )
  })
}
