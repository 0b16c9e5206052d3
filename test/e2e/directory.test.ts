import { once } from 'node:events'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { Okta } from '../../src/demo/okta/okta.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080/'
const OPEN = 'http://open.localhost:8080/'

const policies = (upstream: string) => `
routes:
  - name: engineers
    from: http://app.localhost:8080
    to: ${upstream}
    allow_websockets: true
    policy: [{ allow: { or: [{ groups: platform-engineers }] } }]
  - name: open
    from: http://open.localhost:8080
    to: ${upstream}
    allow_any_authenticated_user: true
`

/** A gateway whose groups come from the directory alone. */
async function start(t: Test, { okta, now }: { okta?: Okta; now?: () => number } = {}) {
  const known = okta ?? (await startOkta(t))
  const upstream = await startUpstream(t)
  const echo = new WebSocketServer({ server: upstream.server })
  echo.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
  const gateway = await startGateway(t, {
    policies: policies(upstream.origin),
    ...(now === undefined ? {} : { now }),
    config: {
      providers: {
        demo: {
          issuer: known.defaultIssuer,
          client_id: known.app.clientId,
          client_secret: known.app.clientSecret,
          directory: { kind: 'okta', url: known.org, api_token: known.apiToken },
        },
      },
    },
  })
  return { okta: known, upstream, gateway, browser: createBrowserClient(gateway.port) }
}

test('who is in the group by the directory alone is let in, with ids and names in the header', async (t) => {
  const { browser, upstream } = await start(t)
  const answer = await signIn(browser, APP, 'ana')
  t.equal(answer.status, 200)
  t.equal(upstream.last.headers['x-forwarded-groups'], 'platform-engineers')
})

test('who is in no such group is refused', async (t) => {
  const { browser } = await start(t)
  t.equal((await signIn(browser, APP, 'ben')).status, 403)
})

test('nobody is asked about on a route whose policy names no group', async (t) => {
  const { browser, okta } = await start(t)
  t.equal((await signIn(browser, OPEN, 'ana')).status, 200)
  t.same(okta.apiCalls, [])
})

test('without an answer from the directory a route that needs groups is unavailable, others are not', async (t) => {
  const { browser, okta } = await start(t)
  okta.faults.fail('api', { kind: 'status', status: 500 })
  const answer = await signIn(browser, APP, 'ana')
  t.equal(answer.status, 503)
  t.ok(answer.headers['retry-after'])
  const json = await browser.send(APP)
  t.match(json.json(), { error: 'GROUPS_UNAVAILABLE', reason: 'groups-unavailable' })
  t.equal((await browser.follow(OPEN)).status, 200)
})

test('a removed group ends access within `refresh`', async (t) => {
  let time = Date.now()
  const { browser, okta } = await start(t, { now: () => time })
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  okta.world.removeFromGroup('ana', 'platform-engineers')
  time += 239_000
  t.equal((await browser.visit(APP)).status, 200, 'an answer of less than five minutes holds')
  time += 61_000
  t.equal((await browser.visit(APP)).status, 403)
})

test('a suspended person loses every session within `refresh`', async (t) => {
  let time = Date.now()
  const { browser, okta, gateway } = await start(t, { now: () => time })
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  okta.world.setStatus('ana', 'SUSPENDED')
  time += 300_000
  t.equal((await browser.visit(APP)).status, 302, 'to sign in')
  await poll(async () => {
    const answer = await fetch(`${gateway.adminUrl}/sessions`)
    return ((await answer.json()) as { sessions: unknown[] }).sessions.length === 0
  })
})

async function poll(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('an open WebSocket is closed when its person leaves the group, and stays while nothing changes', async (t) => {
  let time = Date.now()
  const { browser, okta, gateway } = await start(t, { now: () => time })
  t.equal((await signIn(browser, APP, 'ana')).status, 200)
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
    headers: { host: 'app.localhost:8080', cookie: browser.cookieHeader('app.localhost') },
  })
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  const closed = once(socket, 'close')
  okta.world.addToGroup('ana', 'another-group')
  time += 300_000
  const asked = okta.apiCalls.length
  await poll(async () => okta.apiCalls.length > asked)
  socket.send('still here')
  t.equal(String((await once(socket, 'message'))[0]), 'still here')
  okta.world.removeFromGroup('ana', 'platform-engineers')
  time += 300_000
  const [code] = await closed
  t.equal(code, 1008)
})
