/** A route on which sessions end sooner than elsewhere: whoever signed in, or was here, too long ago signs in anew. */

import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { loadSnapshot } from '../../src/config/load.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startRedis } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'

const STRICT = 'http://strict.localhost:8080'
const EASY = 'http://easy.localhost:8080'
const MINUTE = 60_000

async function start(t: Test, session: string, store = 'memory:', gateways = 1) {
  const clock = { time: Date.now() }
  const upstream = await startUpstream(t)
  const provider = await startProvider(t)
  const policies = `
routes:
  - { name: strict, from: "${STRICT}", to: "${upstream.origin}", session: ${session}, allow_websockets: true, allow_any_authenticated_user: true }
  - { name: easy, from: "${EASY}", to: "${upstream.origin}", allow_websockets: true, allow_any_authenticated_user: true }
`
  const options = { provider, policies, now: () => clock.time, config: { session: { store } } }
  const started = await Promise.all(
    Array.from({ length: gateways }, () => startGateway(t, options)),
  )
  const [first] = started
  if (first === undefined) throw new Error('no gateway')
  const browser = createBrowserClient(first.port)
  const status = async (url: string) => (await browser.send(`${url}/`)).status
  const sockets = new WebSocketServer({ server: upstream.server })
  t.teardown(() => sockets.close())
  const openSocket = async (url: string) => {
    const { host, hostname } = new URL(url)
    const socket = new WebSocket(`ws://127.0.0.1:${first.port}/`, {
      headers: { host, cookie: browser.cookieHeader(hostname) },
    })
    t.teardown(() => socket.terminate())
    const closed = once(socket, 'close').then(([code, reason]) => `${code} ${reason}`)
    await once(socket, 'open')
    return { socket, closed }
  }
  return { clock, upstream, browser, status, sockets, openSocket, gateways: started }
}

test('a sign-in is too old for a route with a shorter lifetime, and good for the others', async (t) => {
  const { clock, browser, status } = await start(t, '{ lifetime: 30m }')
  await signIn(browser, `${STRICT}/`, 'ana')
  await browser.follow(`${EASY}/`)
  for (let minutes = 0; minutes < 29; minutes++) {
    t.equal(await status(STRICT), 200)
    clock.time += MINUTE
  }
  clock.time += MINUTE
  t.equal(await status(STRICT), 401, 'however active')
  t.equal(await status(EASY), 200)
  const before = browser.cookies('strict.localhost').get('gatehouse')
  const { status: again, way } = await browser.follow(`${STRICT}/`)
  t.equal(again, 200)
  t.ok(
    way.some(({ url }) => new URL(url).hostname === '127.0.0.1'),
    'by the provider, and not by the session that is there',
  )
  t.not(browser.cookies('strict.localhost').get('gatehouse'), before)
  t.equal(await status(STRICT), 200)
})

test('a WebSocket of such a route closes at the same time', async (t) => {
  const { clock, browser, openSocket } = await start(t, '{ lifetime: 30m }')
  await signIn(browser, `${STRICT}/`, 'ana')
  const { closed } = await openSocket(STRICT)
  clock.time += 30 * MINUTE
  t.equal(await closed, '1008 access has ended')
})

test('a silent WebSocket closes when the session is idle too long for its route, then for all', async (t) => {
  const { clock, browser, status, sockets, openSocket } = await start(t, '{ idle: 10m }')
  await signIn(browser, `${STRICT}/`, 'ana')
  await browser.follow(`${EASY}/`)
  const [strict, easy] = [await openSocket(STRICT), await openSocket(EASY)]
  for (let i = 0; i < 3; i++) {
    clock.time += 9 * MINUTE
    const arrived = Promise.all([...sockets.clients].slice(0, 1).map((one) => once(one, 'message')))
    strict.socket.send('what a client sends is a use')
    await arrived
  }
  t.equal(await status(STRICT), 200)
  t.equal(strict.socket.readyState, WebSocket.OPEN)
  clock.time += 10 * MINUTE
  t.equal(await strict.closed, '1008 access has ended')
  t.equal(await status(STRICT), 401)
  t.equal(await status(EASY), 200)
  t.equal(easy.socket.readyState, WebSocket.OPEN)
  clock.time += 60 * MINUTE
  t.equal(await easy.closed, '1008 the session has ended')
})

test('a session that was not used for long is none for a route with a shorter idle time', async (t) => {
  const { clock, browser, status } = await start(t, '{ idle: 10m }')
  await signIn(browser, `${STRICT}/`, 'ana')
  await browser.follow(`${EASY}/`)
  clock.time += 9 * MINUTE
  t.equal(await status(STRICT), 200)
  clock.time += 9 * MINUTE
  t.equal(await status(EASY), 200, 'a use anywhere is a use')
  clock.time += 9 * MINUTE
  t.equal(await status(STRICT), 200)
  clock.time += 10 * MINUTE
  t.equal(await status(STRICT), 401)
  t.equal(await status(STRICT), 401, 'a request that was refused is no use')
  const { way } = await browser.follow(`${STRICT}/`)
  t.ok(way.some(({ url }) => new URL(url).hostname === '127.0.0.1'))
  t.equal(await status(STRICT), 200)
})

test('a use at another gateway counts too', async (t) => {
  const redis = await startRedis(t)
  const url = `redis://127.0.0.1:${redis.port}`
  const { clock, browser, gateways } = await start(t, '{ idle: 10m }', url, 2)
  const [here, there] = gateways
  await signIn(browser, `${STRICT}/`, 'ana')
  const headers = { cookie: browser.cookieHeader('strict.localhost') }
  t.equal((await there?.get(`${STRICT}/`, { headers }))?.status, 200)
  for (let minutes = 0; minutes < 30; minutes += 3) {
    clock.time += 3 * MINUTE
    t.equal((await here?.get(`${STRICT}/`, { headers }))?.status, 200)
  }
  t.equal((await there?.get(`${STRICT}/`, { headers }))?.status, 200)
})

async function problemsOf(t: Test, policies: string) {
  const folder = tempFolder(t, {
    'gatehouse.yaml': `
server: { public_url: "https://auth.example.com" }
providers: { okta: { issuer: "https://acme.okta.com", client_id: a, client_secret: b } }
session: { secret: "${Buffer.alloc(32, 7).toString('base64')}", store: "sqlite:s.db", lifetime: 8h }
policies: [p.yaml]
`,
    'p.yaml': policies,
  })
  const { problems, snapshot } = await loadSnapshot({
    configFile: `${folder}/gatehouse.yaml`,
    env: {},
    now: Date.now,
  })
  t.ok(snapshot)
  return problems
}

test('a reload with `not_before` puts out who signed in earlier, WebSockets too; whoever comes again is in', async (t) => {
  const { clock, browser, status, openSocket, gateways } = await start(t, '{ idle: 10m }')
  await signIn(browser, `${STRICT}/`, 'ana')
  const { closed } = await openSocket(STRICT)
  clock.time += 5_000
  const [gateway] = gateways
  const file = join(gateway?.folder ?? '', 'gatehouse.yaml')
  const written = JSON.parse(readFileSync(file, 'utf8'))
  written.session.not_before = new Date(clock.time).toISOString()
  writeFileSync(file, JSON.stringify(written))
  await gateway?.gateway.reload()
  t.equal(await closed, '1008 the session has ended')
  t.equal(await status(STRICT), 401)
  const listed = await fetch(`${gateway?.adminUrl}/sessions`)
  t.strictSame(await listed.json(), { sessions: [] })
  clock.time += 1_000
  t.equal((await browser.follow(`${STRICT}/`)).status, 200)
})

test('a time that is longer than every session has no effect, and `check` says so', async (t) => {
  const problems = await problemsOf(
    t,
    `routes: [{ from: "https://a.example.com", to: "http://a.internal", session: { lifetime: 30d, idle: 10m }, allow_any_authenticated_user: true }]`,
  )
  t.match(problems, [
    {
      severity: 'warning',
      message: '`lifetime` has no effect: every session ends with `session.lifetime` of the config',
    },
  ])
  t.equal(problems.length, 1)
})

test('a token that another proxy passes on cannot be kept from the app, and `check` says so', async (t) => {
  const route = (host: string, bearer: string, to = '') =>
    `  - { from: "https://${host}.example.com", ${to} bearer: { provider: okta, audience: api${bearer} }, allow_any_authenticated_user: true }\n`
  const problems = await problemsOf(
    t,
    `routes:\n${route('a', '')}${route('b', ', forward: true')}${route('c', '', 'to: "http://c.internal",')}`,
  )
  t.match(problems, [{ severity: 'warning', line: 2, message: /let it remove `Authorization`/ }])
  t.equal(problems.length, 1)
})
