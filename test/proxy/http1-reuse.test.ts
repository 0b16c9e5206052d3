/** After which exchanges a connection to an upstream may carry another, and what nobody may wait for. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { test } from 'tap'
import { Deadlines } from '../../src/proxy/upstream/deadlines.ts'
import { Http1Upstream } from '../../src/proxy/upstream/http1-upstream.ts'
import { selfSigned } from '../support/self-signed.ts'
import { answering, ask, NO_TLS, OK, startHttp1, urlOf } from '../support/start-http1.ts'

const STOLEN = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen'

function bodyOf(text: string): { headers: string[]; body: Readable } {
  const bytes = Buffer.from(text)
  return {
    headers: ['Host', 'app', 'Content-Length', String(bytes.length)],
    body: Readable.from([bytes]),
  }
}

test('an answer to HEAD that is followed by its body is nobody else’s answer', async (t) => {
  const { connections, upstream } = await startHttp1(t, (seen) => {
    if (seen.received.startsWith('HEAD')) {
      const asked = seen.received.split('\r\n\r\n').length - 1
      seen.socket.write(asked === 1 ? 'HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n' : STOLEN)
    } else answering(OK)(seen)
  })
  t.match(await ask(upstream, { method: 'HEAD' }), { status: 200, body: '' })
  t.match(await ask(upstream), { body: 'ok' })
  t.match(connections[0]?.received, /\r\nConnection: close\r\n/)
})

test('a body that a server may leave lying is not followed by another request', async (t) => {
  // Reads no body, and takes its connection for free.
  const { connections, upstream } = await startHttp1(t, (seen) => {
    if (/\r\n\r\n[\s\S]/.test(seen.received)) seen.socket.write(OK)
  })
  for (const method of ['GET', 'DELETE', 'OPTIONS', 'HEAD']) {
    const hidden = bodyOf('GET /hidden HTTP/1.1\r\nHost: app\r\n\r\n')
    t.match(await ask(upstream, { method, ...hidden }), { status: 200 })
    t.match(connections.at(-1)?.received, /\r\nConnection: close\r\n/, method)
  }
  t.equal(connections.length, 4)
  for (const method of ['POST', 'PUT', 'PATCH', 'PROPFIND'])
    t.match(await ask(upstream, { method, ...bodyOf('abc') }), { status: 200 })
  t.equal(connections.length, 5, 'of these all servers read it')
})

test('a request that has not left us when its answer comes is the last on its connection', async (t) => {
  const { connections, upstream } = await startHttp1(t, ({ socket, received }) => {
    socket.write(OK)
    if (received.startsWith('POST')) socket.pause()
  })
  const upload = bodyOf('x'.repeat(20_000_000))
  t.match(await ask(upstream, { method: 'POST', ...upload }), { body: 'ok' })
  t.match(await ask(upstream), { body: 'ok' }, 'nobody waits behind it')
  t.equal(connections.length, 2)
})

test('over TLS a connection is used again as well', async (t) => {
  const certificate = selfSigned(['127.0.0.1'])
  const { connections, upstream } = await startHttp1(
    t,
    (seen) => {
      if (!/(GET [\s\S]+\r\n\r\n|abc)$/.test(seen.received)) return
      seen.socket.write(OK)
      seen.received = ''
    },
    {
      server: createTlsServer(certificate),
      event: 'secureConnection',
      tls: { ...NO_TLS, customCa: certificate.cert },
    },
  )
  for (let i = 0; i < 3; i++) {
    t.match(await ask(upstream), { body: 'ok' })
    t.match(await ask(upstream, { method: 'POST', ...bodyOf('abc') }), { body: 'ok' })
  }
  t.equal(connections.length, 1)
})

test('a body that is over before it is sent is not waited for', async (t) => {
  const { upstream } = await startHttp1(t, () => undefined)
  for (const autoDestroy of [true, false]) {
    const body = new PassThrough({ autoDestroy })
    body.resume().end()
    await once(body, 'end')
    await t.rejects(ask(upstream, { method: 'POST', body }), { code: 'ABORTED' })
  }
})

test('a body that is not taken to its end is let go by', async (t) => {
  const { upstream } = await startHttp1(t, ({ socket, received }) => {
    socket.pause()
    if (received.startsWith('POST')) setTimeout(() => socket.write(OK), 100)
  })
  const body = new PassThrough()
  for (let i = 0; i < 400; i++) body.write(Buffer.alloc(65_536))
  body.end()
  t.match(await ask(upstream, { method: 'POST', body }), { body: 'ok' })
  if (!body.readableEnded) await once(body, 'end')
  t.pass('all of it has been read')
})

test('a client that breaks off is not put down to the upstream', async (t) => {
  const { connections, upstream } = await startHttp1(t, () => undefined)
  const body = new PassThrough()
  const asked = ask(upstream, { method: 'POST', body })
  body.write('abc')
  while (!connections[0]?.received.includes('abc')) await new Promise(setImmediate)
  body.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  await t.rejects(asked, { code: 'ABORTED' })
})

test('a connection that cannot even be tried fails its request alone', async (t) => {
  const broken = { ...NO_TLS, client: { cert: 'no certificate', key: 'no key' } }
  const upstream = new Http1Upstream(urlOf('https', 9), broken, new Deadlines())
  await t.rejects(Promise.all([ask(upstream), ask(upstream)]), { code: /^ERR_OSSL/ })
})

/** Answers each piece it gets after 50 ms, however busy this process is. */
async function startElsewhere(): Promise<{ readonly port: number; readonly child: ChildProcess }> {
  const server = `require('node:net').createServer((socket) => socket.on('data', () => setTimeout(() => socket.write(${JSON.stringify(OK)}), 50)))`
  const code = `const server = ${server}.listen(0, '127.0.0.1', () => console.log(server.address().port))`
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return { port: Number(String(line)), child }
}

test('an answer that came while this process was busy came in time', async (t) => {
  const { port, child } = await startElsewhere()
  const upstream = new Http1Upstream(urlOf('http', port), NO_TLS, new Deadlines())
  t.teardown(() => {
    upstream.destroy()
    child.kill()
  })
  t.match(await ask(upstream), { body: 'ok' })
  const asked = ask(upstream, { headersTimeout: 300 })
  // Behind what sends the request; what is late is looked for right after it.
  setImmediate(() =>
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700)),
  )
  t.match(await asked, { body: 'ok' })
})
