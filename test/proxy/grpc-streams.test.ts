/** The four kinds of calls of gRPC by what they need of HTTP/2: streams open both ways, and a status in trailers. */

import { once } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { h2Client } from '../support/h2-client.ts'
import { startGateway } from '../support/start-gateway.ts'

async function startService(t: Test): Promise<string> {
  const server: Http2Server = createServer()
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    )
    stream.on('wantTrailers', () =>
      stream.sendTrailers({
        'grpc-status': headers[':path'] === '/Fail' ? '5' : '0',
        'grpc-message': 'done',
      }),
    )
    // Each message is answered at once, before the client has sent its last.
    stream.on('data', (chunk) => stream.write(`echo ${chunk}`))
    stream.on('end', () => stream.end('bye'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `h2c://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('calls of gRPC pass as streams, with their status', async (t) => {
  const to = await startService(t)
  const gateway = await startGateway(t, {
    config: { server: { h2c: true } },
    policies: `
routes:
  - { name: grpc, from: "http://grpc.localhost:8080", to: "${to}", allow_public_unauthenticated_access: true }
`,
  })
  const client = h2Client(t, gateway.port)
  const call = (path: string) => ({
    ':method': 'POST',
    ':path': path,
    ':authority': 'grpc.localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const unary = await client.request(call('/Unary'), 'message')
  t.match(unary, {
    status: 200,
    body: 'echo messagebye',
    trailers: { 'grpc-status': '0', 'grpc-message': 'done' },
  })
  t.match(await client.request(call('/Fail'), 'x'), {
    status: 200,
    trailers: { 'grpc-status': '5' },
  })

  const { stream, answer } = client.open(call('/Bidirectional'))
  for (const message of ['one', 'two', 'three']) {
    stream.write(message)
    const [echo] = await once(stream, 'data')
    t.equal(String(echo), `echo ${message}`)
  }
  stream.end()
  t.match(await answer, { body: /bye$/, trailers: { 'grpc-status': '0' }, code: 0 })
})
