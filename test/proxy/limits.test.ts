/** `server.limits` over raw sockets: each limit as it is written, and as a reload changes it. */

import { EventEmitter, once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { limitSilence } from '../../src/proxy/body-silence.ts'
import { head, rawRequest } from '../support/raw-request.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

async function startLimited(t: Test, limits: Readonly<Record<string, unknown>>) {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: { server: { limits } },
    policies: `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
  - { name: large, from: "http://large.localhost:8080", response: { status: 200, body: ${'a'.repeat(100_000)} }, allow_public_unauthenticated_access: true }
  - { name: own, from: "http://own.localhost:8080", response: { status: 200, body: ok }, allow_public_unauthenticated_access: true }
`,
  })
  return { upstream, gateway, port: gateway.port }
}

const lines = ['GET / HTTP/1.1', 'Host: open.localhost', 'Connection: close']

test('count and size of headers, and the target', async (t) => {
  const { port, upstream } = await startLimited(t, {
    headers: 20,
    header_bytes: 2_000,
    url_bytes: 500,
  })
  const get = (target: string, ...more: readonly string[]) =>
    rawRequest(port, head(`GET ${target} HTTP/1.1`, ...lines.slice(1), ...more))
  const extra = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: 1`)

  t.equal((await get('/', ...extra(18))).status, 200)
  t.equal((await get('/', ...extra(19))).status, 431)
  t.equal((await get('/', ...extra(400))).status, 431)
  t.equal((await get('/', `X-A: ${'a'.repeat(1_900)}`)).status, 200)
  t.equal((await get('/', `X-A: ${'a'.repeat(2_000)}`)).status, 431)
  t.equal((await get('/', `X-A: ${'a'.repeat(90_000)}`)).status, 431)
  t.equal((await get(`/${'a'.repeat(499)}`)).status, 200)
  t.equal((await get(`/${'a'.repeat(500)}`)).status, 414)
  t.equal((await get(`/?${'a'.repeat(90_000)}`)).status, 414)
  t.equal(upstream.requests.length, 3)
})

test('a head or a body that takes too long is 408', async (t) => {
  const { port, upstream } = await startLimited(t, { header_timeout: '1s', body_timeout: '1s' })
  const started = Date.now()
  const half = await rawRequest(port, 'GET / HTTP/1.1\r\nHost: open.loc')
  t.equal(half.status, 408)
  const post = ['POST / HTTP/1.1', 'Host: open.localhost', 'Content-Length: 10']
  const body = await rawRequest(port, `${head(...post)}half`, { until: 'close' })
  t.equal(body.status, 408)
  t.match(body.body, /MALFORMED_REQUEST/)
  t.ok(Date.now() - started < 30_000, 'neither waited for the default')
  t.match(upstream.requests, { length: 1 })
})

test('a client that takes nothing of its answers is cut off, whatever is left of them', async (t) => {
  const { port } = await startLimited(t, { body_timeout: '1s' })
  const socket = connect(port, '127.0.0.1')
  socket.pause()
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  // More than the system keeps for it on both sides.
  socket.write(head('GET / HTTP/1.1', 'Host: large.localhost').repeat(400))
  // Only what writes hears of its end. What comes meanwhile is a sign of life, so not more often.
  const knocking = setInterval(() => socket.write('\r\n'), 2_500)
  t.teardown(() => clearInterval(knocking))
  await closed
  t.pass('nobody waits for it')
})

test('behind an answer the silence of a body is that of a connection between two requests', (t) => {
  const request = Object.assign(new EventEmitter(), { socket: { setTimeout: () => undefined } })
  const response = Object.assign(new EventEmitter(), { writableEnded: true })
  limitSilence(request as never, response as never, 1_000, () => t.fail('it is not waited for'))
  t.equal(request.listenerCount('timeout'), 1)
  response.emit('close')
  t.equal(request.listenerCount('timeout'), 0, 'Node cuts it off, where nobody listens')
  t.end()
})

test('a connection ends in good order after as many requests as it may have', async (t) => {
  const { port } = await startLimited(t, { requests_per_connection: 3 })
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
    const answers = text.match(/HTTP\/1\.1 200/g)?.length ?? 0
    if (answers < 3) socket.write(head(...lines.slice(0, 2)))
  })
  socket.write(head(...lines.slice(0, 2)))
  await once(socket, 'close')
  t.equal(text.match(/HTTP\/1\.1 200/g)?.length, 3)
  t.equal(text.match(/^Connection: close/gim)?.length, 1)
})

test('another limit is live after a reload', async (t) => {
  const { port, gateway } = await startLimited(t, { headers: 10 })
  const bytes = head(...lines, ...Array.from({ length: 15 }, (_, i) => `X-${i}: 1`))
  t.equal((await rawRequest(port, bytes)).status, 431)
  const file = join(gateway.folder, 'gatehouse.yaml')
  const config = await readFile(file, 'utf8')
  await writeFile(file, config.replace('"headers": 10', '"headers": 50, "header_bytes": 60000'))
  await gateway.gateway.reload()
  t.equal((await rawRequest(port, bytes)).status, 200)
  const large = head(...lines.with(1, 'Host: own.localhost'), `X-A: ${'a'.repeat(55_000)}`)
  t.equal((await rawRequest(port, large)).status, 200)
})
