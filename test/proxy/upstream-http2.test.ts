/** HTTP/2 to upstreams: h2c as written, h2 where both sides of TLS agree; bodies, trailers, aborts, many at once. */

import { once } from 'node:events'
import { request } from 'node:http'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

const APP = 'http://app.localhost:8080'

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

const echo: Handler = (stream, headers) => {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  stream.on('end', () => {
    stream.respond({
      ':status': 200,
      'content-type': 'application/json',
      'set-cookie': ['a=1', 'b=2'],
    })
    stream.end(JSON.stringify({ headers, body: Buffer.concat(chunks).toString() }))
  })
}

async function startH2(t: Test, handler: Handler = echo, secure = false) {
  const tls = secure ? selfSigned(['127.0.0.1']) : undefined
  const server: Http2Server =
    tls === undefined ? createServer() : createSecureServer({ key: tls.key, cert: tls.cert })
  let sessions = 0
  const open = new Set<{ destroy(): void }>()
  server.on('session', (session) => {
    sessions++
    open.add(session)
    session.on('error', () => undefined)
    session.on('close', () => open.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    handler(stream, headers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const session of open) session.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, cert: tls?.cert, sessions: () => sessions }
}

async function startFor(t: Test, port: number, cert?: string, keys = '') {
  const folder = tempFolder(t)
  writeFiles(folder, { 'ca.pem': cert ?? '' })
  const to = cert === undefined ? `h2c://127.0.0.1:${port}` : `https://127.0.0.1:${port}`
  const ca = cert === undefined ? '' : `, tls_custom_ca_file: "${join(folder, 'ca.pem')}"`
  return startGateway(t, {
    policies: `routes:\n  - { name: app, from: "${APP}", to: "${to}", allow_public_unauthenticated_access: true${ca}${keys} }\n`,
  })
}

for (const secure of [false, true]) {
  const name = secure ? 'h2 over TLS' : 'h2c'

  test(`${name}: a request and its answer, headers and body`, async (t) => {
    const upstream = await startH2(t, echo, secure)
    const gateway = await startFor(t, upstream.port, upstream.cert)
    const answer = await gateway.get(`${APP}/a%20b?x=1`, {
      method: 'POST',
      body: 'hello',
      headers: { 'X-Custom': 'yes', cookie: 'c=3', connection: 'keep-alive' },
    })
    t.equal(answer.status, 200)
    t.same(answer.headers['set-cookie'], ['a=1', 'b=2'])
    const { headers, body } = answer.json() as { headers: Record<string, string>; body: string }
    t.equal(body, 'hello')
    t.match(headers, {
      ':method': 'POST',
      ':path': '/a%20b?x=1',
      ':authority': `127.0.0.1:${upstream.port}`,
      ':scheme': secure ? 'https' : 'http',
      'x-custom': 'yes',
      cookie: 'c=3',
      'x-forwarded-host': 'app.localhost:8080',
    })
    t.notOk('connection' in headers || 'transfer-encoding' in headers)
  })

  test(`${name}: 150 requests at once share two connections at most`, async (t) => {
    const upstream = await startH2(t, echo, secure)
    const gateway = await startFor(t, upstream.port, upstream.cert)
    await gateway.get(`${APP}/`)
    const all = await Promise.all(Array.from({ length: 150 }, (_, i) => gateway.get(`${APP}/${i}`)))
    t.ok(all.every(({ status }) => status === 200))
    t.ok(upstream.sessions() <= 3, `${upstream.sessions()} connections`)
  })

  test(`${name}: a large body both ways arrives whole`, async (t) => {
    const upstream = await startH2(
      t,
      (stream) => {
        stream.respond({ ':status': 200 })
        stream.pipe(stream)
      },
      secure,
    )
    const gateway = await startFor(t, upstream.port, upstream.cert)
    const body = Buffer.alloc(3_000_000, 'abcdefghij')
    const answer = await gateway.get(`${APP}/`, { method: 'PUT', body })
    t.equal(answer.body.length, body.length)
    t.equal(answer.body, body.toString())
  })

  test(`${name}: trailers reach the client, and those that would frame or set do not`, async (t) => {
    const upstream = await startH2(
      t,
      (stream) => {
        stream.resume()
        stream.respond({ ':status': 200 }, { waitForTrailers: true })
        stream.on('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': '5', 'x-end': 'here', 'set-cookie': 'a=1' }),
        )
        stream.end('body')
      },
      secure,
    )
    const gateway = await startFor(t, upstream.port, upstream.cert)
    const answer = await rawRequest(
      gateway.port,
      'GET / HTTP/1.1\r\nHost: app.localhost:8080\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n',
      { until: 'close' },
    )
    t.match(answer.text, /0\r\ngrpc-status: 5\r\nx-end: here\r\n\r\n$/i)
    t.notMatch(answer.text, /set-cookie/i)
  })

  test(`${name}: a client that leaves ends the stream, and the connection serves on`, async (t) => {
    let ended = 0
    const upstream = await startH2(
      t,
      (stream, headers) => {
        if (headers[':path'] !== '/stream') return echo(stream, headers)
        stream.respond({ ':status': 200 })
        stream.write('first')
        stream.on('close', () => ended++)
      },
      secure,
    )
    const gateway = await startFor(t, upstream.port, upstream.cert)
    const leaving = request({
      host: '127.0.0.1',
      port: gateway.port,
      path: '/stream',
      headers: { host: 'app.localhost:8080' },
    })
    leaving.on('error', () => undefined)
    leaving.on('response', (response) => response.once('data', () => leaving.destroy()))
    leaving.end()
    await until(async () => ended === 1)
    t.equal((await gateway.get(`${APP}/`)).status, 200)
    t.equal(upstream.sessions(), 1)
  })

  test(`${name}: a stream that the upstream resets is a 502, and nobody else's matter`, async (t) => {
    const upstream = await startH2(
      t,
      (stream, headers) => {
        if (headers[':path'] === '/reset') stream.close(2)
        else echo(stream, headers)
      },
      secure,
    )
    const gateway = await startFor(t, upstream.port, upstream.cert)
    const [good, bad] = await Promise.all([gateway.get(`${APP}/`), gateway.get(`${APP}/reset`)])
    t.equal(good.status, 200)
    t.equal(bad.status, 502)
    t.equal((await gateway.get(`${APP}/`)).status, 200)
  })

  test(`${name}: an upstream that says nothing in time is a 504`, async (t) => {
    const upstream = await startH2(t, () => undefined, secure)
    const gateway = await startFor(t, upstream.port, upstream.cert, ', timeout: 300ms')
    t.equal((await gateway.get(`${APP}/`)).status, 504)
  })

  test(`${name}: an upstream that goes away with GOAWAY loses no later request`, async (t) => {
    const upstream = await startH2(
      t,
      (stream, headers) => {
        echo(stream, headers)
        if (headers[':path'] === '/last') stream.session?.close()
      },
      secure,
    )
    const gateway = await startFor(t, upstream.port, upstream.cert)
    for (const path of ['/', '/last', '/', '/last', '/']) {
      t.equal((await gateway.get(`${APP}${path}`)).status, 200, path)
    }
  })
}

test('what is announced to come behind a body comes behind it over h2c, from clients of both protocols', async (t) => {
  const trailers: IncomingHttpHeaders[] = []
  const upstream = await startH2(t, (stream, headers) => {
    stream.once('trailers', (fields: IncomingHttpHeaders) =>
      trailers.push({ trailer: headers.trailer, ...fields }),
    )
    stream.resume().once('end', () => stream.respond({ ':status': 204 }, { endStream: true }))
  })
  const gateway = await startFor(t, upstream.port)
  const { status } = await rawRequest(
    gateway.port,
    [
      'POST / HTTP/1.1',
      'Host: app.localhost:8080',
      'Transfer-Encoding: chunked',
      'Trailer: X-Checksum, Remote-User',
      '',
      '3\r\nabc\r\n0',
      'X-Checksum: abc',
      'Remote-User: root',
      '\r\n',
    ].join('\r\n'),
  )
  t.equal(status, 204)
  await until(async () => trailers.length === 1)
  t.same(Object.fromEntries(Object.entries(trailers[0] ?? {})), {
    trailer: 'X-Checksum',
    'x-checksum': 'abc',
  })
})

test('an upstream over TLS that knows HTTP/1.1 alone is spoken to in it', async (t) => {
  const tls = selfSigned(['127.0.0.1'])
  const upstream = await startUpstream(t, { tls })
  const gateway = await startFor(t, upstream.port, tls.cert)
  t.equal((await gateway.get(`${APP}/`)).status, 200)
  t.match(upstream.last.requestLine, 'HTTP/1.1')
})
