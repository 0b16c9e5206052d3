/** Class F: what is no session opens nothing and breaks nothing; what has ended stays ended. */

import { once } from 'node:events'
import { test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { FORGED_COOKIES, forgedCookies } from './cases/limits.ts'
import { keptAnswers } from './cases/pages.ts'
import { holds } from './holds.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

test('F: cookies', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream } = target
  const browser = await target.signedIn('ada')
  const good = browser.cookies(HOST).get('gatehouse') ?? ''
  const publicCookie = browser.cookies('localhost').get('gatehouse') ?? ''
  t.ok(good.length > 100 && publicCookie.length > 100)

  await holds(t, target, forgedCookies, ({ answer, arrived: [first] }, name) => {
    const isOpen = name.endsWith('/public/x')
    return (
      answer.status === (isOpen ? 200 : 401) &&
      answer.header('set-cookie') === undefined &&
      (first?.header('x-forwarded-user') ?? []).length === 0
    )
  })

  await t.test(
    'nor do they at our own pages, nor is a browser told that it is known',
    async (t) => {
      upstream.forget()
      const forgeries = {
        ...FORGED_COOKIES,
        'the session of another host': (_name: string, _good: string) =>
          `gatehouse=${publicCookie}`,
      }
      for (const [name, forge] of Object.entries(forgeries)) {
        const cookie = forge('gatehouse', good)
        const lines = [`Host: ${HOST}`, `Cookie: ${cookie}`]
        for (const path of ['/.gatehouse/user', '/.gatehouse/', '/admin']) {
          t.equal((await ask([`GET ${path} HTTP/1.1`, ...lines])).status, 401, name)
        }
        const page = await ask(['GET /admin HTTP/1.1', ...lines, 'Accept: text/html'])
        t.equal(page.status, 302, name)
      }
      t.same(upstream.requests, [])
    },
  )

  await t.test(
    'of two cookies with our name the first counts, here and at our own pages',
    async (t) => {
      const mallory = (await target.signedIn('mallory')).cookies(HOST).get('gatehouse') ?? ''
      const [first, second] = [`gatehouse=${good}`, `gatehouse=${mallory}`]
      for (const [cookies, sub] of [
        [`${first}; ${second}`, 'sub-ada'],
        [`${second}; ${first}`, 'sub-mallory'],
      ] as const) {
        await ask(['GET /x HTTP/1.1', `Host: ${HOST}`, `Cookie: ${cookies}`])
        t.same(upstream.last.header('x-forwarded-user'), [sub])
        t.same(upstream.last.header('cookie'), [])
        const own = await ask([
          'GET /.gatehouse/user HTTP/1.1',
          `Host: ${HOST}`,
          `Cookie: ${cookies}`,
        ])
        t.match(JSON.parse(own.body), { subject: sub })
      }
    },
  )

  await t.test('a cookie of one app opens no other', async (t) => {
    for (const host of ['keep.localhost', 'one.tenants.localhost', 'localhost']) {
      const answer = await ask([
        'GET /.gatehouse/user HTTP/1.1',
        `Host: ${host}`,
        `Cookie: gatehouse=${good}`,
      ])
      t.equal(answer.status, 401, host)
    }
  })

  await holds(
    t,
    target,
    keptAnswers,
    ({ answer }) => answer.status === 302 && answer.header('cache-control') === 'no-store',
  )

  await t.test('no answer of ours may be kept by anybody', async (t) => {
    const ada = cookieLine(browser)
    const mallory = cookieLine(await target.signedIn('mallory'))
    const answers: Record<string, readonly string[]> = {
      'a redirect': ['GET /admin HTTP/1.1', 'Accept: text/html'],
      'a 401': ['GET /admin HTTP/1.1'],
      'a 403 page': ['GET /admin HTTP/1.1', 'Accept: text/html', mallory],
      'a 403': ['GET /admin HTTP/1.1', mallory],
      'the own page': ['GET /.gatehouse/ HTTP/1.1', 'Accept: text/html', ada],
      'the own JSON': ['GET /.gatehouse/user HTTP/1.1', ada],
      'the sign-out question': ['GET /.gatehouse/sign_out HTTP/1.1', ada],
      'a 404': ['GET /.gatehouse/nothing HTTP/1.1', ada],
      'a 400': ['GET /a%2fb HTTP/1.1', ada],
    }
    for (const [name, [request = '', ...headers]] of Object.entries(answers)) {
      const conditions = ['If-None-Match: *', 'Range: bytes=0-0']
      const answer = await ask([request, `Host: ${HOST}`, ...headers, ...conditions])
      t.equal(answer.header('cache-control'), 'no-store', name)
      t.equal(answer.header('access-control-allow-origin'), undefined, name)
      t.notOk([206, 304].includes(answer.status), name)
    }
  })

  await t.test(
    'what an app answers to somebody known is private; to nobody it is as the app says',
    async (t) => {
      const known = await ask(['GET /public/x HTTP/1.1', `Host: ${HOST}`, cookieLine(browser)])
      t.equal(known.header('cache-control'), 'private')
      const unknown = await ask(['GET /public/x HTTP/1.1', `Host: ${HOST}`])
      t.equal(unknown.header('cache-control'), undefined)
    },
  )

  t.same(upstream.problems, [])
})

test('F: the end of a session', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream } = target

  await t.test('after a sign-out the cookie opens nothing, on any host', async (t) => {
    const browser = target.browser()
    await signIn(browser, `${APP}/.gatehouse/sign_in?rd=${APP}/.gatehouse/user`, 'ada')
    const [app, publicUrl] = [cookieLine(browser), cookieLine(browser, 'localhost')]
    await browser.post(`${APP}/.gatehouse/sign_out`)
    upstream.forget()
    t.equal((await ask(['GET /admin HTTP/1.1', `Host: ${HOST}`, app])).status, 401)
    t.equal(
      (await ask(['GET /.gatehouse/user HTTP/1.1', 'Host: localhost', publicUrl])).status,
      401,
    )
    t.same(upstream.requests, [])
  })

  const elsewhere: Record<string, readonly string[]> = {
    'an image': ['GET /.gatehouse/sign_out HTTP/1.1', 'Sec-Fetch-Site: cross-site'],
    'a link': ['GET /.gatehouse/sign_out?rd=/ HTTP/1.1', 'Accept: text/html'],
    'a HEAD': ['HEAD /.gatehouse/sign_out HTTP/1.1'],
    'a form of another site': [
      'POST /.gatehouse/sign_out HTTP/1.1',
      'Sec-Fetch-Site: cross-site',
      `Origin: ${APP}`,
    ],
    'a form of another app': [
      'POST /.gatehouse/sign_out HTTP/1.1',
      'Sec-Fetch-Site: same-site',
      'Origin: http://keep.localhost:8080',
    ],
    'a form of another port': [
      'POST /.gatehouse/sign_out HTTP/1.1',
      'Origin: http://app.localhost:9999',
    ],
    'a form of nowhere': ['POST /.gatehouse/sign_out HTTP/1.1', 'Origin: null'],
    'a request that says nothing': ['POST /.gatehouse/sign_out HTTP/1.1'],
  }
  for (const [name, [request = '', ...headers]] of Object.entries(elsewhere)) {
    await t.test(`${name} signs nobody out`, async (t) => {
      const ada = cookieLine(await target.signedIn('ada'))
      await ask([request, `Host: ${HOST}`, ada, ...headers])
      t.equal((await ask(['GET /.gatehouse/user HTTP/1.1', `Host: ${HOST}`, ada])).status, 200)
    })
  }

  await t.test('a session that was planted is not the one that a sign-in makes', async (t) => {
    const mallory = target.browser()
    await signIn(mallory, `${APP}/.gatehouse/sign_in?rd=${APP}/.gatehouse/user`, 'mallory')
    const planted = mallory.cookies(HOST).get('gatehouse') ?? ''
    const victim = target.browser()
    victim.setCookie(HOST, 'gatehouse', planted)
    await signIn(victim, `${APP}/.gatehouse/sign_in?switch=true&rd=${APP}/.gatehouse/user`, 'ada')
    t.not(victim.cookies(HOST).get('gatehouse'), planted)
    const answer = await ask([
      'GET /.gatehouse/user HTTP/1.1',
      `Host: ${HOST}`,
      `Cookie: gatehouse=${planted}`,
    ])
    t.equal(answer.status, 401, 'and the planted one is over')
  })

  await t.test('with the clock past idle and lifetime nothing opens', async (t) => {
    let time = Date.now()
    const upstreams = await startUpstream(t)
    const provider = await startProvider(t)
    const gateway = await startGateway(t, {
      provider,
      now: () => time,
      config: { session: { idle: '10m', lifetime: '1h' } },
      policies: `routes: [{ name: app, from: "${APP}", to: "${upstreams.origin}", allow_any_authenticated_user: true }]`,
    })
    const browser = createBrowserClient(gateway.port)
    await signIn(browser, `${APP}/`, 'ana')
    const status = async () => (await browser.send(`${APP}/`)).status
    for (let minutes = 0; minutes <= 54; minutes += 9) {
      t.equal(await status(), 200)
      time += 9 * 60_000
    }
    t.equal(await status(), 401, 'past the lifetime, however active')
  })

  t.same(upstream.problems, [])
})

test('F: what is under way while a session ends', async (t) => {
  const upgrades = new WebSocketServer({ noServer: true })
  const held: (() => void)[] = []
  const upstream = await startUpstream(t, {
    handler: (request, response) => {
      if (request.url === '/held') held.push(() => response.end('late'))
      else response.end('ok')
    },
  })
  upstream.server.on('upgrade', (request, socket, head) => {
    upgrades.handleUpgrade(request, socket, head, (client) => client.on('error', () => undefined))
  })
  const provider = await startProvider(t)
  const policy = (keys: string) =>
    `routes: [{ name: app, from: "${APP}", to: "${upstream.origin}", allow_websockets: true, ${keys} }]`
  const gateway = await startGateway(t, {
    provider,
    policies: policy('allow_any_authenticated_user: true'),
  })
  const browser = createBrowserClient(gateway.port)

  await t.test(
    'a request that was let in finishes, the next one is refused, and the socket closes',
    async (t) => {
      await signIn(browser, `${APP}/`, 'ana')
      const cookie = browser.cookieHeader(HOST)
      const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
        headers: { host: HOST, cookie },
      })
      await once(socket, 'open')
      const closed = once(socket, 'close')
      const before = upstream.requests.length
      const underWay = browser.send(`${APP}/held`)
      while (upstream.requests.length === before) await new Promise(setImmediate)
      await browser.post(`${APP}/.gatehouse/sign_out`)
      const after = await gateway.get(`${APP}/`, { headers: { cookie } })
      t.equal(after.status, 401)
      for (const release of held) release()
      t.equal((await underWay).body, 'late')
      t.equal((await closed)[0], 1008)
    },
  )

  await t.test(
    'a route that is closed by a reload during a sign-in stays closed at its end',
    async (t) => {
      const visitor = createBrowserClient(gateway.port)
      const picker = await visitor.follow(`${APP}/`)
      gateway.writePolicies(policy('allowed_groups: [nobody-has-this]'))
      await gateway.gateway.reload()
      const picked = await visitor.post(picker.url, { person: 'ana' })
      const { status } = await visitor.follow(picked.location ?? '')
      t.equal(status, 403)
    },
  )
})
