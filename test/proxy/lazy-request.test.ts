/** Requests whose headers are made on demand, beside Node's own: a server that is given the one behaves as with the other. */

import { once } from 'node:events'
import { createServer, IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'tap'
import { LazyRequest } from '../../src/proxy/lazy-request.ts'

/** What a server made of the bytes of one connection. */
interface Told {
  readonly requests: string[]
  answers: string
}

async function tell(kind: typeof IncomingMessage, sent: string): Promise<Told> {
  const told: Told = { requests: [], answers: '' }
  const server: Server = createServer({
    IncomingMessage: kind,
    requireHostHeader: false,
    optimizeEmptyRequests: true,
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade === 'websocket',
  } as Parameters<typeof createServer>[0])
  server.maxHeadersCount = 8
  for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
    server.on(event, (request, response) => {
      if (request instanceof LazyRequest) request.isHandedOver = true
      let body = ''
      request.setEncoding('latin1')
      request.on('data', (piece) => {
        body += piece
      })
      const end = () => {
        const { headers, headersDistinct, trailers, rawHeaders } = request
        const whole = { event, body, headers, headersDistinct, trailers, rawHeaders }
        told.requests.push(JSON.stringify(whole))
        if (event === 'checkContinue') response.writeContinue()
        response.sendDate = false
        response.end(`${request.method} ${request.url}`)
      }
      // Of a request without a body Node may say no end.
      if (request.readableEnded || request.destroyed || request.complete) setImmediate(end)
      else request.on('end', end)
    })
  }
  server.on('upgrade', (request, socket) => {
    told.requests.push(JSON.stringify({ event: 'upgrade', headers: request.headers }))
    socket.end('upgraded')
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    told.requests.push(`broken: ${error.code}`)
    socket.destroy()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.on('error', () => undefined)
  client.on('data', (piece) => {
    told.answers += piece.toString('latin1')
  })
  client.write(sent, 'latin1')
  client.end()
  await new Promise<void>((resolve) => client.once('close', () => resolve()))
  server.closeAllConnections()
  server.close()
  return told
}

const HEADS: Readonly<Record<string, readonly string[]>> = {
  'no body': ['GET / HTTP/1.1', 'Host: a', '', ''],
  'a length in an odd case': ['POST / HTTP/1.1', 'cOnTeNt-LeNgTh: 3', '', 'abc'],
  'an empty body': ['POST / HTTP/1.1', 'Content-Length: 0', '', ''],
  'two lengths': ['POST / HTTP/1.1', 'Content-Length: 3', 'Content-Length: 3', '', 'abc'],
  'both framings': [
    'POST / HTTP/1.1',
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    '',
    '0',
    '',
    '',
  ],
  'chunks and trailers': [
    'PUT / HTTP/1.1',
    'TRANSFER-ENCODING: chunked',
    '',
    '3',
    'abc',
    '0',
    'X-A: b',
    '',
    '',
  ],
  'a length behind too many headers': [
    'POST / HTTP/1.1',
    ...Array(9).fill('X-A: b'),
    'Content-Length: 3',
    '',
    'abc',
  ],
  'a name that looks alike': [
    'GET / HTTP/1.1',
    'Content_Length: 3',
    'Expect-: x',
    'constructor: y',
    '__proto__: z',
    '',
    '',
  ],
  continue: ['POST / HTTP/1.1', 'Expect: 100-continue', 'Content-Length: 0', '', ''],
  'continue among others': [
    'POST / HTTP/1.1',
    'EXPECT: x, 100-Continue',
    'Content-Length: 0',
    '',
    '',
  ],
  'another expectation': ['POST / HTTP/1.1', 'Expect: tea', 'Content-Length: 0', '', ''],
  'an empty expectation': ['GET / HTTP/1.1', 'Expect:', '', ''],
  'continue in HTTP/1.0': ['POST / HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 0', '', ''],
  'HTTP/1.0 that stays': ['GET / HTTP/1.0', 'Connection: keep-alive', '', ''],
  'HTTP/1.0 that goes': ['GET / HTTP/1.0', 'Host: a', '', ''],
  'an upgrade': ['GET / HTTP/1.1', 'Connection: upgrade', 'Upgrade: websocket', '', ''],
  'an upgrade that is refused': ['GET / HTTP/1.1', 'Connection: upgrade', 'Upgrade: h2c', '', ''],
  close: ['GET / HTTP/1.1', 'Connection: close', '', ''],
}

for (const [name, lines] of Object.entries(HEADS)) {
  test(`a request with ${name}`, async (t) => {
    const sent = `${lines.join('\r\n')}GET /second HTTP/1.1\r\nHost: b\r\n\r\n`
    const [ours, nodes] = [await tell(LazyRequest, sent), await tell(IncomingMessage, sent)]
    t.same(ours, nodes)
    t.ok(nodes.requests.length > 0)
  })
}
