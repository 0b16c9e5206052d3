/** Several upstreams behind one route: shared out, passed over while they fail, and never asked twice. */

import { createServer } from 'node:http'
import { connect, createServer as createSocketServer } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { UpstreamTargets, UpstreamUrl, WeightedUrl } from '../../src/policy/route.ts'
import { createBalancer, type Target } from '../../src/proxy/upstream/balancer.ts'
import { Deadlines } from '../../src/proxy/upstream/deadlines.ts'
import { Endpoint } from '../../src/proxy/upstream/endpoint.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'

const APP = 'http://app.localhost:8080'

function startFor(t: Test, to: string, keys = ''): Promise<TestGateway> {
  return startGateway(t, {
    policies: `routes:\n  - { name: app, from: "${APP}", to: ${to}, allow_public_unauthenticated_access: true${keys} }\n`,
  })
}

/** An upstream that says which one it is. */
async function startNamed(t: Test, name: string) {
  return startUpstream(t, {
    handler: (request, response) => {
      request.resume().on('end', () => response.end(name))
    },
  })
}

async function answers(gateway: TestGateway, times: number): Promise<string> {
  let said = ''
  for (let i = 0; i < times; i++) said += (await gateway.get(`${APP}/`)).body
  return said
}

test('requests go to each upstream in turn', async (t) => {
  const [a, b] = [await startNamed(t, 'a'), await startNamed(t, 'b')]
  const gateway = await startFor(t, `["${a.origin}", "${b.origin}"]`)
  t.equal(await answers(gateway, 6), 'ababab')
  t.equal(a.last.headers.host, new URL(a.origin).host, 'each hears its own name')
  t.equal(b.last.headers.host, new URL(b.origin).host)
})

test('weights say how many requests each gets, evenly spread', async (t) => {
  const [a, b] = [await startNamed(t, 'a'), await startNamed(t, 'b')]
  const to = `[{ url: "${a.origin}", weight: 3 }, { url: "${b.origin}" }]`
  const gateway = await startFor(t, to)
  t.equal(await answers(gateway, 8), 'aabaaaba')
})

test('LEAST_REQUEST goes to the one with the fewest requests under way', async (t) => {
  const held: (() => void)[] = []
  const a = await startUpstream(t, {
    handler: (_, response) => held.push(() => response.end('a')),
  })
  const b = await startNamed(t, 'b')
  const gateway = await startFor(
    t,
    `["${a.origin}", "${b.origin}"]`,
    ', load_balancing_policy: LEAST_REQUEST',
  )
  const waiting: Promise<unknown>[] = []
  await until(async () => {
    if (held.length === 0) waiting.push(gateway.get(`${APP}/`))
    return held.length > 0
  })
  t.equal(await answers(gateway, 5), 'bbbbb', 'the busy one is left alone')
  const busy = held.length
  for (const release of held) release()
  await Promise.all(waiting)
  t.equal(held.length, busy)
})

test('an upstream that cannot be reached costs no request, with a body neither', async (t) => {
  const gone = `http://127.0.0.1:${await freePort()}`
  const b = await startUpstream(t)
  const gateway = await startFor(t, `["${gone}", "${b.origin}"]`)
  for (let i = 0; i < 6; i++) {
    const answer = await gateway.get(`${APP}/${i}`, { method: 'POST', body: `body ${i}` })
    t.equal(answer.status, 200)
    t.equal(b.last.body.toString(), `body ${i}`)
    t.equal(b.last.headers.host, new URL(b.origin).host)
  }
  t.equal(b.requests.length, 6, 'each request once')
})

test('a request that was sent is not sent again', async (t) => {
  let asked = 0
  const breaking = createSocketServer((socket) => {
    socket.once('data', () => {
      asked++
      socket.destroy()
    })
  })
  await new Promise<void>((resolve) => breaking.listen(0, '127.0.0.1', resolve))
  t.teardown(() => breaking.close())
  const b = await startNamed(t, 'b')
  const { port } = breaking.address() as { port: number }
  const gateway = await startFor(t, `["http://127.0.0.1:${port}", "${b.origin}"]`)
  t.equal((await gateway.get(`${APP}/`)).status, 502)
  t.equal(asked, 1)
  t.equal(b.requests.length, 0)
  t.equal(await answers(gateway, 3), 'bbb', 'what has just failed is passed over')
})

test('where none can be reached the answer is a 502', async (t) => {
  const [one, other] = [await freePort(), await freePort()]
  const gateway = await startFor(t, `["http://127.0.0.1:${one}", "http://127.0.0.1:${other}"]`)
  t.equal((await gateway.get(`${APP}/`)).status, 502)
  t.equal((await gateway.get(`${APP}/`)).status, 502)
})

test('an upstream that fails its health check gets no requests until it is well', async (t) => {
  let sick = false
  const checked: string[] = []
  const a = await startUpstream(t, {
    handler: (request, response) => {
      if (request.url === '/base/healthz?deep=1') {
        checked.push(request.headers.host ?? '')
        response.statusCode = sick ? 500 : 204
        response.end()
      } else response.end('a')
    },
  })
  const b = await startUpstream(t, { handler: (_, response) => response.end('b') })
  const gateway = await startFor(
    t,
    `["${a.origin}/base", "${b.origin}/base"]`,
    ', health_check: { path: "/healthz?deep=1", interval: 100ms, unhealthy: 2, healthy: 1 }',
  )
  t.match(await answers(gateway, 4), /^(ab)+$|^(ba)+$/)
  sick = true
  await until(async () => (await answers(gateway, 4)) === 'bbbb')
  sick = false
  await until(async () => (await answers(gateway, 4)).includes('a'))
  t.equal(checked[0], new URL(a.origin).host)
})

test('where all fail their health checks they are asked all the same', async (t) => {
  let checks = 0
  const a = await startUpstream(t, {
    handler: (request, response) => {
      if (request.url === '/healthz') {
        checks++
        response.statusCode = 500
      }
      response.end('a')
    },
  })
  const gateway = await startFor(
    t,
    `"${a.origin}"`,
    ', health_check: { path: /healthz, interval: 100ms, unhealthy: 1 }',
  )
  await until(async () => checks > 1)
  t.equal(await answers(gateway, 2), 'aa')
})

test('a reload that takes a health check away ends it', async (t) => {
  let checks = 0
  const a = await startUpstream(t, {
    handler: (request, response) => {
      if (request.url === '/healthz') checks++
      response.end('a')
    },
  })
  const gateway = await startFor(
    t,
    `"${a.origin}"`,
    ', health_check: { path: /healthz, interval: 100ms }',
  )
  await until(async () => checks > 0)
  gateway.writePolicies(
    `routes:\n  - { name: app, from: "${APP}", to: "${a.origin}", allow_public_unauthenticated_access: true }\n`,
  )
  await gateway.gateway.reload()
  const before = checks
  for (let i = 0; i < 20; i++) await gateway.get(`${APP}/`)
  t.ok(checks - before <= 1, 'one may have been under way')
})

test('a unix socket is an upstream, for plain requests and for WebSockets', async (t) => {
  const path = join(tempFolder(t), 'app.sock')
  const server = createServer((request, response) =>
    response.end(`${request.headers.host}${request.url}`),
  )
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.teardown(() => {
    sockets.close()
    server.closeAllConnections()
    server.close()
  })
  const gateway = await startFor(t, `"unix://${path}"`, ', allow_websockets: true')
  t.equal((await gateway.get(`${APP}/x?y`)).body, 'localhost/x?y')
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
    headers: { host: 'app.localhost:8080' },
  })
  const echoed = await new Promise((resolve, reject) => {
    socket.on('open', () => socket.send('hello'))
    socket.on('message', (data) => resolve(String(data)))
    socket.on('error', reject)
  })
  t.equal(echoed, 'hello')
  socket.close()
})

test('WebSockets are shared out as well', async (t) => {
  const asked: string[] = []
  const start = async (name: string) => {
    const upstream = await startUpstream(t)
    const sockets = new WebSocketServer({ server: upstream.server })
    t.teardown(() => sockets.close())
    sockets.on('connection', (socket) => {
      asked.push(name)
      socket.send(name)
    })
    return upstream
  }
  const [a, b] = [await start('a'), await start('b')]
  const gateway = await startFor(t, `["${a.origin}", "${b.origin}"]`, ', allow_websockets: true')
  for (let i = 0; i < 4; i++) {
    await new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
        headers: { host: 'app.localhost:8080' },
      })
      socket.on('message', () => socket.close())
      socket.on('close', () => resolve())
      socket.on('error', reject)
    })
  }
  t.equal(asked.join(''), 'abab')
})

const NOBODY: UpstreamUrl = {
  scheme: 'http',
  h2c: false,
  hostname: '127.0.0.1',
  port: 9,
  origin: 'http://127.0.0.1:9',
  socketPath: undefined,
  basePath: '',
}
const NO_TLS = { skipVerify: false, customCa: undefined, serverName: undefined, client: undefined }

/** Targets that nobody connects to, for choices alone. */
function targetsOf(...weights: readonly number[]): readonly Target[] {
  return weights.map((weight, i) => ({
    url: { origin: `http://${i}`, weight } as WeightedUrl,
    endpoint: new Endpoint(NOBODY, NO_TLS, new Deadlines()),
    isHealthy: () => true,
  }))
}

for (const policy of ['ROUND_ROBIN', 'LEAST_REQUEST'] satisfies UpstreamTargets['policy'][]) {
  test(`${policy}: weights hold over many requests, and paused ones are passed over`, async (t) => {
    const targets = targetsOf(1, 2, 7)
    const balancer = createBalancer(targets, policy)
    const counts = new Map<Target | undefined, number>()
    for (let i = 0; i < 1_000; i++) {
      const picked = balancer.pick()
      counts.set(picked, (counts.get(picked) ?? 0) + 1)
      // Nothing ends: the load that a target has is all it ever got.
      if (picked !== undefined) picked.endpoint.inFlight++
    }
    for (const target of targets) {
      t.ok(Math.abs((counts.get(target) ?? 0) - target.url.weight * 100) <= 5)
    }
    targets[2]?.endpoint.failed()
    for (let i = 0; i < 20; i++) t.not(balancer.pick(), targets[2])
    targets[2]?.endpoint.answered()
    t.equal(balancer.pick(new Set(targets.slice(0, 2))), targets[2])
    t.equal(balancer.pick(new Set(targets)), undefined)
  })
}

test('a client that leaves while upstreams are tried harms nobody', async (t) => {
  const gone = `http://127.0.0.1:${await freePort()}`
  const b = await startNamed(t, 'b')
  const gateway = await startFor(t, `["${gone}", "${b.origin}"]`)
  for (let i = 0; i < 5; i++) {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write('GET / HTTP/1.1\r\nHost: app.localhost:8080\r\n\r\n')
    socket.destroy()
  }
  t.equal(await answers(gateway, 2), 'bb')
})
