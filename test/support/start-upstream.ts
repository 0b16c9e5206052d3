/** A real HTTP server behind the gateway that remembers every request exactly as it came. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface RecordedRequest {
  /** `GET /raw?target HTTP/1.1`, byte for byte. */
  readonly requestLine: string
  readonly method: string
  /** The raw target. */
  readonly url: string
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  /** Values of a header in order, also where it came more than once. */
  header(name: string): readonly string[]
  /** Filled while the default handler or `readBody` reads it. */
  body: Buffer
}

export interface Upstream {
  readonly port: number
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly server: Server
  readonly requests: readonly RecordedRequest[]
  /** The latest request; throws where none came, so that a test fails with that and nothing else. */
  readonly last: RecordedRequest
  /** Stops early; the test's end does it anyway. */
  close(): Promise<void>
}

export interface UpstreamOptions {
  /** Answers instead of the default, which reads the body and answers 200 with `{ method, url, headers }`. */
  readonly handler?: (
    request: IncomingMessage,
    response: Parameters<RequestListener>[1],
    recorded: RecordedRequest,
  ) => unknown
  /** PEM; makes it an HTTPS server. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** Starts an upstream on a free port of 127.0.0.1 that stops with the test. */
export async function startUpstream(t: Test, options: UpstreamOptions = {}): Promise<Upstream> {
  const requests: RecordedRequest[] = []
  const handler = options.handler ?? echo
  const listener: RequestListener = (request, response) => {
    const recorded = record(request)
    requests.push(recorded)
    Promise.resolve(handler(request, response, recorded)).catch((cause: unknown) => {
      response.destroy(cause instanceof Error ? cause : new Error(String(cause)))
    })
  }
  const server: Server = options.tls
    ? createTlsServer(options.tls, listener)
    : createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  t.teardown(close)
  return {
    port,
    origin: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    server,
    requests,
    get last() {
      const last = requests.at(-1)
      if (last === undefined) throw new Error('no request has reached the upstream')
      return last
    },
    close,
  }
}

/** Reads the whole body of `request` into `recorded` and returns it. */
export async function readBody(
  request: IncomingMessage,
  recorded?: RecordedRequest,
): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  if (recorded !== undefined) recorded.body = body
  return body
}

function record(request: IncomingMessage): RecordedRequest {
  const { rawHeaders, headers } = request
  const method = request.method ?? ''
  const url = request.url ?? ''
  return {
    requestLine: `${method} ${url} HTTP/${request.httpVersion}`,
    method,
    url,
    rawHeaders,
    headers,
    header: (name) =>
      rawHeaders.filter(
        (_, index) =>
          index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name.toLowerCase(),
      ),
    body: Buffer.alloc(0),
  }
}

const echo: NonNullable<UpstreamOptions['handler']> = async (request, response, recorded) => {
  await readBody(request, recorded)
  response.setHeader('content-type', 'application/json')
  response.end(
    JSON.stringify({ method: request.method, url: request.url, headers: request.headers }),
  )
}

export interface RawUpstream {
  readonly port: number
  readonly origin: string
  /** Everything that connection `index` (from 0) has sent so far, one character a byte. */
  received(index?: number): string
  /** How many connections were made. */
  readonly connections: readonly Socket[]
}

/**
 * An upstream below HTTP: `onData` sees all that a connection has sent so far and writes whatever bytes it likes.
 * For answers that no HTTP library would give.
 */
export async function startRawUpstream(
  t: Test,
  onData: (socket: Socket, received: string, index: number) => void,
): Promise<RawUpstream> {
  const connections: Socket[] = []
  const texts: string[] = []
  const server = createSocketServer((socket) => {
    const index = connections.push(socket) - 1
    texts[index] = ''
    socket.on('data', (chunk) => {
      texts[index] += chunk.toString('latin1')
      onData(socket, texts[index] ?? '', index)
    })
    // A peer that resets is part of what such tests do.
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  t.teardown(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of connections) socket.destroy()
    await closed
  })
  return {
    port,
    origin: `http://127.0.0.1:${port}`,
    received: (index = 0) => texts[index] ?? '',
    connections,
  }
}
