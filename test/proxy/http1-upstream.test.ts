/** Connections of HTTP/1.1 to an upstream that says byte for byte what a test wants. */

import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { test } from 'tap'
import type { UpstreamCall, UpstreamRequest } from '../../src/proxy/upstream/upstream-call.ts'
import { selfSigned } from '../support/self-signed.ts'
import { ASKED, answering, ask, NO_TLS, OK, type Seen, startHttp1 } from '../support/start-http1.ts'

test('a connection is used again, and the one that was used last first', async (t) => {
  const { connections, upstream } = await startHttp1(t, answering(OK))
  await Promise.all([ask(upstream), ask(upstream), ask(upstream)])
  t.equal(connections.length, 3)
  for (let i = 0; i < 5; i++) t.match(await ask(upstream), { status: 200, body: 'ok' })
  t.equal(connections.length, 3)
  const used = connections.map(({ received }) => received.split('GET').length - 1)
  t.same(used.toSorted(), [1, 1, 6], 'the others rest')
})

test('who says something without being asked is not asked again on that connection', async (t) => {
  for (const [what, extra] of [
    ['a whole answer behind another', OK],
    ['one byte behind an answer', 'H'],
  ] as const) {
    const { connections, upstream } = await startHttp1(t, answering(OK + extra))
    t.match(await ask(upstream), { status: 200, body: 'ok' }, what)
    t.match(await ask(upstream), { status: 200, body: 'ok' }, what)
    t.equal(connections.length, 2, what)
  }
  const { connections, upstream } = await startHttp1(t, answering(OK))
  await ask(upstream)
  const [first] = connections
  first?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen')
  // It is let go as soon as that has been read.
  await once(first?.socket as Socket, 'close')
  t.match(await ask(upstream), { body: 'ok' })
  t.equal(connections.length, 2)
})

test('the head of a request, and how its end is known', async (t) => {
  const { connections, upstream } = await startHttp1(t, ({ socket, received }) => {
    if (/\r\n\r\n$|0\r\n\r\n$|abc$/.test(received)) socket.write(OK)
  })
  const sent = async (request: Partial<UpstreamRequest>): Promise<string> => {
    const before = connections[0]?.received.length ?? 0
    await ask(upstream, request)
    return (connections[0]?.received ?? '').slice(before)
  }
  const host = 'Host: app\r\n'
  const end = 'Connection: keep-alive\r\n\r\n'
  t.equal(await sent({}), `GET / HTTP/1.1\r\n${host}${end}`)
  t.equal(await sent({ method: 'POST' }), `POST / HTTP/1.1\r\n${host}Content-Length: 0\r\n${end}`)
  t.equal(
    await sent({
      method: 'PUT',
      headers: ['Host', 'app', 'content-length', '3'],
      body: Readable.from([Buffer.from('abc')]),
    }),
    `PUT / HTTP/1.1\r\n${host}content-length: 3\r\n${end}abc`,
  )
  t.equal(
    await sent({
      method: 'POST',
      body: Readable.from([Buffer.from('abc'), Buffer.alloc(0), Buffer.from('d')]),
    }),
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n${end}3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n`,
  )
  t.equal(connections.length, 1)
})

test('what cannot be sent is not', async (t) => {
  const { connections, upstream } = await startHttp1(t, answering(OK))
  for (const request of [
    { path: '/a b' },
    { path: '/\r\nX: y' },
    { path: 'http://other/' },
    { path: '/ä' },
    { method: 'GET /x' },
    { headers: ['Host', 'app', 'X-A', 'b\r\nX-C: d'] },
    { headers: ['Host', 'app', 'X-A', 'b\0'] },
    { headers: ['Host', 'app', 'X-A\r\nX-B', 'c'] },
    { headers: ['Host', 'app', '', 'c'] },
    { headers: ['Host', 'app', 'X-A', '\u0141'] },
  ]) {
    await t.rejects(ask(upstream, request), { code: 'UNSENDABLE' }, JSON.stringify(request))
  }
  t.match(await ask(upstream), { body: 'ok' })
  t.equal(
    connections
      .map(({ received }) => received)
      .join('')
      .split('HTTP/1.1').length - 1,
    1,
  )
})

test('a body that is not as long as it was said to be is not finished as if it were', async (t) => {
  const { connections, upstream } = await startHttp1(t, () => undefined)
  const headers = ['Host', 'app', 'Content-Length', '3']
  for (const text of ['ab', 'abcd']) {
    const body = Readable.from([Buffer.from(text)])
    await t.rejects(ask(upstream, { method: 'POST', headers, body }), { code: 'UNSENDABLE' }, text)
  }
  const gone = new PassThrough()
  gone.destroy()
  await t.rejects(ask(upstream, { method: 'POST', body: gone }), { code: 'ABORTED' })
  const broken = new PassThrough()
  const asked = ask(upstream, { method: 'POST', body: broken })
  broken.write('abc')
  while (!connections.at(-1)?.received.endsWith('abc\r\n')) await new Promise(setImmediate)
  broken.destroy()
  await t.rejects(asked, { code: 'ABORTED' })
  await Promise.all(connections.map(({ socket }) => socket.destroyed || once(socket, 'close')))
  for (const { received } of connections) t.notMatch(received, /0\r\n\r\n$/)
})

test('an answer before the whole request ends the connection, and is passed on', async (t) => {
  const { connections, upstream } = await startHttp1(t, ({ socket, received }) => {
    if (received.endsWith('abc\r\n')) socket.write(OK)
  })
  const body = new PassThrough()
  body.write('abc')
  t.match(await ask(upstream, { method: 'POST', body }), { body: 'ok' })
  await once(connections[0]?.socket as Socket, 'close')
  t.notOk(body.destroyed, 'what becomes of the rest is not for us to say')
  t.equal(body.listenerCount('data'), 0)
})

test('a connection that the upstream lets rest for a short time only is not used after it', async (t) => {
  const short = OK.replace('\r\n\r\n', '\r\nKeep-Alive: timeout=2\r\n\r\n')
  const { connections, upstream } = await startHttp1(t, answering(short))
  await ask(upstream)
  await ask(upstream)
  t.equal(connections.length, 2)
})

test('who is silent too long', async (t) => {
  const silent = await startHttp1(t, () => undefined)
  await t.rejects(ask(silent.upstream, { headersTimeout: 50 }), { code: 'HEADERS_TIMEOUT' })
  const halfway = await startHttp1(t, answering(OK.slice(0, -1)))
  await t.rejects(ask(halfway.upstream, { bodyTimeout: 50 }), { code: 'BODY_TIMEOUT' })
  const { socket } = halfway.connections[0] as Seen
  if (!socket.destroyed) await once(socket, 'close')
  t.pass('and the connection is gone')
})

test('who is given up hears of it, and so does the upstream', async (t) => {
  const { connections, upstream } = await startHttp1(t, () => undefined)
  const error = new Error('enough')
  await t.rejects(
    ask(upstream, {}, (call) => setImmediate(() => call.abort(error))),
    { message: 'enough' },
  )
  const { socket } = connections[0] ?? { socket: undefined }
  if (socket !== undefined && !socket.destroyed) await once(socket, 'close')
  await t.rejects(
    ask(upstream, {}, (call) => call.abort(error)),
    { message: 'enough' },
  )
  t.notMatch(connections[1]?.received ?? '', /GET/, 'who gives up at once has sent nothing')
})

test('a closed upstream finishes what it has, and keeps nothing', async (t) => {
  const { connections, upstream } = await startHttp1(t, () => undefined)
  const asked = ask(upstream)
  while (connections[0]?.received === undefined || connections[0].received === '')
    await new Promise(setImmediate)
  upstream.close()
  connections[0].socket.write(OK)
  t.match(await asked, { body: 'ok' })
  await once(connections[0].socket, 'close')
  const late = ask(upstream)
  while (connections.length < 2 || connections[1]?.received === '') await new Promise(setImmediate)
  connections[1]?.socket.write(OK)
  t.match(await late, { body: 'ok' }, 'who comes late is served all the same')
})

test('a destroyed upstream fails what it has', async (t) => {
  const { connections, upstream } = await startHttp1(t, () => undefined)
  const asked = ask(upstream)
  while (connections.length === 0) await new Promise(setImmediate)
  upstream.destroy()
  await t.rejects(asked, { code: 'CLOSED' })
  await t.rejects(ask(upstream), { code: 'ABORTED' })
})

test('who takes nothing holds the upstream back, and gets all of it in the end', async (t) => {
  const total = 8 * 1024 * 1024
  const { connections, upstream } = await startHttp1(t, (seen) => {
    if (!seen.received.endsWith('\r\n\r\n')) return
    seen.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
    for (let sent = 0; sent < total; sent += 65_536) seen.socket.write(Buffer.alloc(65_536, 'x'))
  })
  let received = 0
  let call: UpstreamCall | undefined
  const whole = new Promise<void>((resolve, reject) => {
    upstream.dispatch(ASKED, {
      onConnect: (begun) => {
        call = begun
      },
      onHeaders: () => undefined,
      onData: (piece) => {
        received += piece.length
        return received > 100_000
      },
      onComplete: () => resolve(),
      onError: reject,
    })
  })
  while (received === 0) await new Promise(setImmediate)
  const { socket } = connections[0] as Seen
  // The system's buffers are full when nothing more leaves the upstream.
  for (let left = -1; left !== socket.writableLength; await new Promise((go) => setTimeout(go, 50)))
    left = socket.writableLength
  t.ok(socket.writableLength > 0, 'it cannot send on')
  t.ok(received <= 65_536, `${received} bytes`)
  while (received <= 100_000) {
    call?.resume()
    await new Promise(setImmediate)
  }
  await whole
  t.equal(received, total)
  t.match(await ask(upstream).catch(() => 'no'), { status: 200 }, 'the connection is of use again')
  t.equal(connections.length, 1)
})

test('TLS goes on with the session of an earlier connection', async (t) => {
  const certificate = selfSigned(['127.0.0.1', 'inner.example'])
  const reused: boolean[] = []
  const closing = OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')
  const { upstream } = await startHttp1(
    t,
    (seen) => {
      reused.push((seen.socket as TLSSocket).isSessionReused())
      answering(closing)(seen)
    },
    {
      server: createTlsServer(certificate),
      event: 'secureConnection',
      tls: { ...NO_TLS, customCa: certificate.cert, serverName: 'inner.example' },
    },
  )
  for (let i = 0; i < 3; i++) t.match(await ask(upstream), { body: 'ok' })
  t.same(reused, [false, true, true])
})
