/** Forward-auth through a real nginx and a real Caddy, set up as docs/forward-auth.md says, with a real browser in front. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { createBrowserClient } from '../support/browser-client.ts'
import { newVisitor, startChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { signIn } from '../support/sign-in.ts'
import { startCaddy } from '../support/start-caddy.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startNginx } from '../support/start-nginx.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'

const GUIDE = readFileSync(join(import.meta.dirname, '../../docs/forward-auth.md'), 'utf8')

/** The recipe of the guide in `language`, without the lines around what stands in its server. */
function recipe(language: string, gateway: string, app: string): string {
  const block = new RegExp(`\`\`\`${language}\n[^\n]+\n(.*?)\n}\n\`\`\``, 's').exec(GUIDE)?.[1]
  if (block === undefined) throw new Error(`no recipe for ${language} in the guide`)
  return block
    .replace(/^ *(listen|server_name) .*\n/gm, '')
    .replaceAll('http://gatehouse:8080', `http://${gateway}`)
    .replaceAll('gatehouse:8080', gateway)
    .replaceAll('grafana.monitoring:3000', app)
}

const PROXIES = {
  nginx: async (t: Test, gateway: string, app: string) =>
    startNginx(t, { server: recipe('nginx', gateway, app) }),
  caddy: async (t: Test, gateway: string, app: string) =>
    startCaddy(t, recipe('caddyfile', gateway, app)),
}

/** The same, with the line of the guide that keeps access tokens from the app. */
const WITHOUT_TOKENS = {
  nginx: async (t: Test, gateway: string, app: string) => {
    const line = /\| nginx \| `([^`]+)`/.exec(GUIDE)?.[1] ?? ''
    const server = recipe('nginx', gateway, app)
    return startNginx(t, {
      server: server.replace(/(?= +proxy_pass http:\/\/[^/\n]+;\n *}\s+location @)/, `${line}\n`),
    })
  },
  caddy: async (t: Test, gateway: string, app: string) => {
    const line = /\| Caddy \| `([^`]+)`/.exec(GUIDE)?.[1] ?? ''
    return startCaddy(
      t,
      recipe('caddyfile', gateway, app).replace(`reverse_proxy ${app}`, `${line}\n$&`),
    )
  },
}

/** The proxy in front of everything; the gateway behind it, which also serves its public URL by itself. */
async function startAll(t: Test, proxy: keyof typeof PROXIES, proxies = PROXIES) {
  const upstream = await startUpstream(t)
  const port = await freePort()
  const front = await proxies[proxy](t, `127.0.0.1:${port}`, new URL(upstream.origin).host)
  const publicUrl = `http://localhost:${port}`
  const app = `http://app.localhost:${front.port}`
  const provider = await startProvider(t, { publicUrl })
  const gateway = await startGateway(t, {
    provider,
    config: {
      server: { listen: `127.0.0.1:${port}`, public_url: publicUrl },
      forward_auth: { trusted_proxies: ['127.0.0.1/32'] },
    },
    policies: `
routes:
  - { name: app, from: "${app}", allow_websockets: true, allowed_groups: [platform-engineers] }
  - { name: open, from: "${app}", prefix: /public, allow_public_unauthenticated_access: true }
`,
  })
  return { upstream, front, gateway, app, provider }
}

for (const proxy of ['nginx', 'caddy'] as const) {
  test(`${proxy}: signing in, back to what was asked for, refused, signing out, in a browser`, async (t) => {
    const { app, upstream } = await startAll(t, proxy)
    const page = await newVisitor(await startChromium(t))

    await page.goto(`${app}/some/page?with=query`)
    await page.getByRole('button', { name: 'Ana Ferreira' }).click()
    await page.waitForURL(`${app}/some/page?with=query`)
    const asked = upstream.requests.find(({ url }) => url === '/some/page?with=query')
    t.same(asked?.header('x-forwarded-user'), ['demo-ana'])
    t.same(asked?.header('x-forwarded-groups'), ['platform-engineers'])
    t.match(asked?.header('x-gatehouse-jwt-assertion')[0] ?? '', /^ey/)
    const cookies = upstream.requests.flatMap((request) => request.header('cookie'))
    t.notMatch(cookies.join(), 'gatehouse', 'our cookies stay with us')

    await page.goto(`${app}/.gatehouse/`)
    t.match(await page.locator('main').textContent(), 'ana@example.com')

    await page.goto(`${app}/.gatehouse/sign_out`)
    await page.getByRole('button', { name: /sign out/i }).click()
    await page.waitForURL(/signed_out|session\/end/)
    await page.goto(`${app}/other`)
    t.match(await page.locator('h1').textContent(), 'Whom do you want to be?')

    await page.getByRole('button', { name: 'Ben Okafor' }).click()
    await page.waitForURL(`${app}/other`)
    const others = upstream.requests.filter(({ url }) => url === '/other')
    t.same(others, [], 'neither nobody nor somebody who is in no group of the policy')
  })

  test(`${proxy}: an access token reaches the app, unless the proxy removes it as the guide says`, async (t) => {
    for (const [proxies, seen] of [
      [PROXIES, ['Bearer abc']],
      [WITHOUT_TOKENS, []],
    ] as const) {
      const { app, front, upstream } = await startAll(t, proxy, proxies)
      const browser = createBrowserClient(front.port)
      const headers = { authorization: 'Bearer abc' }
      t.equal((await browser.send(`${app}/public/x`, { headers })).status, 200)
      t.same(upstream.last.header('authorization'), seen)
    }
  })

  test(`${proxy}: what a client claims to be never reaches the app`, async (t) => {
    const { app, front, gateway, upstream } = await startAll(t, proxy)
    const forged = {
      'x-forwarded-user': 'root',
      'x-forwarded-email': 'root@example.com',
      'x-forwarded-groups': 'admins',
      'x-gatehouse-jwt-assertion': 'forged',
    }
    const browser = createBrowserClient(front.port)
    t.equal((await browser.send(`${app}/public/x`, { headers: forged })).status, 200)
    // Caddy sends empty ones.
    for (const name of Object.keys(forged)) t.equal(upstream.last.header(name).join(), '', name)

    const person = createBrowserClient(gateway.port)
    const start = `${app}/.gatehouse/sign_in?rd=${encodeURIComponent(`${app}/`)}`
    await signIn(person, start, 'chris').catch(() => undefined)
    const cookie = `a=1; ${person.cookieHeader('app.localhost')}; b=2`
    const answer = await browser.send(`${app}/x`, {
      headers: { ...forged, cookie },
      cookies: false,
    })
    t.equal(answer.status, 200)
    t.same(upstream.last.header('x-forwarded-user'), ['demo-chris'])
    t.same(upstream.last.header('x-forwarded-groups'), ['platform-engineers'])
    t.same(upstream.last.header('cookie'), ['a=1; b=2'])
  })

  test(`${proxy}: traversal, a question by hand, and a gateway that is down let nobody in`, async (t) => {
    const { app, front, gateway, upstream } = await startAll(t, proxy)
    const browser = createBrowserClient(front.port)
    t.not((await browser.send(`${app}/public/%252e%252e/`)).status, 500)
    const before = upstream.requests.length
    t.not((await browser.send(`${app}/public%2f..%2fsecret`)).status, 200)
    t.equal(
      (await browser.send(`${app}/secret`, { method: 'POST', body: 'x' })).status >= 300,
      true,
    )
    await gateway.gateway.stop()
    t.ok((await browser.send(`${app}/public/x`)).status >= 500)
    t.equal(upstream.requests.length, before)
  })
}

test('caddy: a WebSocket of somebody who is signed in', async (t) => {
  const { app, front, gateway, upstream } = await startAll(t, 'caddy')
  const sockets = new WebSocketServer({ server: upstream.server })
  t.teardown(() => sockets.close())
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)))
  const person = createBrowserClient(gateway.port)
  await signIn(person, `${app}/.gatehouse/sign_in?rd=${encodeURIComponent(`${app}/`)}`, 'ana')
  const open = (headers: Record<string, string>) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${front.port}/ws`, {
        headers: { host: new URL(app).host, ...headers },
      })
      socket.on('open', () => socket.send('hello'))
      socket.on('message', (data) => {
        resolve(String(data))
        socket.close()
      })
      socket.on('error', (error) => resolve(error.message))
    })
  const cookie = person.cookieHeader('app.localhost')
  t.equal(await open({ cookie, origin: app }), 'echo hello')
  t.match(await open({ cookie, origin: 'https://evil.example' }), '403')
  t.match(await open({ origin: app }), '401')
})
