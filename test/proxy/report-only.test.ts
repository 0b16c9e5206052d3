/** `report_only`: everybody passes, and the log says who would not have. */

import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080'
const STRICT = 'http://strict.localhost:8080'
const BARE = 'http://bare.localhost:8080'

async function startAll(t: Test) {
  const upstream = await startUpstream(t)
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    policies: `
routes:
  - name: app
    from: "${APP}"
    to: "${upstream.origin}"
    allow_websockets: true
    report_only: true
    policy:
      - allow: { or: [{ email: ana@example.com }] }
      - deny: { or: [{ http_path: /closed }] }
  - { name: strict, from: "${STRICT}", to: "${upstream.origin}", allowed_users: [ana@example.com] }
  - { name: bare, from: "${BARE}", to: "${upstream.origin}", report_only: true }
`,
  })
  return { upstream, gateway, browser: createBrowserClient(gateway.port) }
}

test('somebody unknown passes, without an identity, and is logged as who would sign in', async (t) => {
  const { upstream, gateway } = await startAll(t)
  const headers = { 'x-forwarded-user': 'root' }
  t.equal((await gateway.visit(`${APP}/x`, { headers })).status, 200)
  t.same(upstream.last.header('x-forwarded-user'), [])
  t.equal((await gateway.get(`${APP}/closed`, { method: 'POST' })).status, 200)
  t.equal((await gateway.get(`${BARE}/`)).status, 200)
  t.equal((await gateway.get(`${STRICT}/`)).status, 401, 'other routes are as strict as ever')
  await gateway.gateway.stop()
  t.match(gateway.decisions(), [
    { path: '/x', status: 200, outcome: 'allow', would_be: 'sign_in', reason: 'sign-in-needed' },
    { path: '/closed', status: 200, outcome: 'allow', would_be: 'deny', rule: 'app[1]' },
    { route: 'bare', status: 200, outcome: 'allow', would_be: 'deny', reason: 'no-policy' },
    { route: 'strict', status: 401, outcome: 'sign_in', would_be: undefined },
  ])
})

test('whoever is signed in passes with their identity; whom the policy allows is no report', async (t) => {
  const { upstream, gateway, browser } = await startAll(t)
  // The route itself never asks for a sign-in.
  t.equal((await signIn(browser, `${APP}/.gatehouse/sign_in?rd=${APP}/ben`, 'ben')).status, 200)
  t.same(upstream.last.header('x-forwarded-user'), ['demo-ben'])
  const ana = createBrowserClient(gateway.port)
  await signIn(ana, `${APP}/.gatehouse/sign_in?rd=${APP}/ana`, 'ana')
  await gateway.gateway.stop()
  const lines = gateway.decisions()
  t.match(
    lines.find(({ path }) => path === '/ben'),
    { outcome: 'allow', would_be: 'deny', reason: 'no-allow-rule', email: 'ben@example.com' },
  )
  const allowed = lines.find(({ path }) => path === '/ana')
  t.match(allowed, { outcome: 'allow', reason: 'allowed' })
  t.notOk(allowed && 'would_be' in allowed)
})

test('the log names the groups that the policy names, of whom it refuses too', async (t) => {
  const provider = await startProvider(t)
  const upstream = await startUpstream(t)
  const strict =
    'policy: [{ allow: { or: [{ email: nobody@example.com }] } }, { deny: { or: [{ groups: data-science }] } }]'
  const gateway = await startGateway(t, {
    provider,
    policies: `
routes:
  - { name: strict, from: "${STRICT}", to: "${upstream.origin}", ${strict} }
  - { name: app, from: "${APP}", to: "${upstream.origin}", ${strict}, report_only: true }
`,
  })
  const browser = createBrowserClient(gateway.port)
  await signIn(browser, `${STRICT}/`, 'ben')
  await browser.follow(`${APP}/.gatehouse/sign_in?rd=${APP}/`)
  await gateway.gateway.stop()
  const line = (route: string) =>
    gateway.decisions().findLast((one) => one['route'] === route && one['email'] !== undefined)
  t.match(line('strict'), { outcome: 'deny', groups: ['data-science'] })
  t.match(line('app'), { outcome: 'allow', would_be: 'deny', groups: ['data-science'] })
})

test('what is no matter of policy is refused all the same', async (t) => {
  const { upstream, gateway } = await startAll(t)
  t.equal((await gateway.get(`${APP}/a%2f..%2fb`)).status, 400)
  t.equal((await gateway.get('http://nowhere.localhost:8080/')).status, 421)
  t.equal(upstream.requests.length, 0)
})

test('WebSockets pass too, but not those of foreign pages', async (t) => {
  const { upstream, gateway } = await startAll(t)
  const sockets = new WebSocketServer({ server: upstream.server })
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
  })
  const open = (origin: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
        headers: { host: 'app.localhost:8080', origin },
      })
      socket.on('open', () => {
        socket.terminate()
        resolve('open')
      })
      socket.on('unexpected-response', (request, response) => {
        request.destroy()
        resolve(String(response.statusCode))
      })
      socket.on('error', () => undefined)
    })
  t.equal(await open(APP), 'open')
  t.equal(await open('https://evil.example'), '403')
  await gateway.gateway.stop()
  t.match(gateway.decisions()[0], { status: 101, outcome: 'allow', would_be: 'sign_in' })
})

test('metrics count what happened, not what would have', async (t) => {
  const { gateway } = await startAll(t)
  await gateway.get(`${APP}/`)
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  t.match(metrics, /gatehouse_requests_total\{route="app",outcome="allow",status_class="2xx"\} 1/)
})
