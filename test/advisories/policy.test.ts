/** Class G: what nobody has allowed, what is not known, and what only looks allowed stays closed. */

import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { emptyTrail } from '../../src/proxy/exchange.ts'
import { judge } from '../../src/proxy/judge.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { healthChecks, PROBES, similarGroups } from './cases/policy.ts'
import { holds } from './holds.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

const PUBLIC_HOST = 'localhost'

test('G: nothing is open by itself', async (t) => {
  const target = await startTarget(t, {
    routes: (to) => `
  - { name: api, from: "http://api.localhost:8080", to: "${to}", allowed_groups: [admins], cors_allow_preflight: true }
  - name: staging
    from: http://staging.localhost:8080
    to: "${to}"
    policy:
      - allow: { or: [{ accept: true }] }
      - deny: { or: [{ header/X-Stage: production }, { http_method: { in: [DELETE] } }] }
`,
  })
  const { ask, upstream, gateway } = target
  const ada = cookieLine(await target.signedIn('ada'))

  await t.test('a route without a policy refuses everyone', async (t) => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
      for (const who of ['X-Nobody: 1', ada]) {
        const answer = await ask([`${method} / HTTP/1.1`, 'Host: nobody.localhost', who], '', {
          until: 'close',
        })
        t.equal(answer.status, 403)
      }
    }
    t.same(upstream.requests, [])
  })

  for (const attack of similarGroups) {
    await holds(t, target, attack, ({ answer }) => answer.status === 403)
  }

  await holds(t, target, healthChecks, ({ answer }) => answer.status === 401)
  await t.test('nor are they open on other hosts', async (t) => {
    upstream.forget()
    for (const path of PROBES) {
      t.equal((await ask([`GET ${path} HTTP/1.1`, `Host: ${PUBLIC_HOST}`])).status, 404)
      t.equal((await ask([`GET ${path} HTTP/1.1`, 'Host: 10.0.0.1'])).status, 421)
    }
    t.same(upstream.requests, [])
  })

  const notPreflights: Record<string, readonly string[]> = {
    'without Origin': ['OPTIONS / HTTP/1.1', 'Access-Control-Request-Method: DELETE'],
    'without the method that it asks about': ['OPTIONS / HTTP/1.1', `Origin: ${APP}`],
    'that is a GET': ['GET / HTTP/1.1', `Origin: ${APP}`, 'Access-Control-Request-Method: GET'],
    'that is a POST': ['POST / HTTP/1.1', `Origin: ${APP}`, 'Access-Control-Request-Method: POST'],
    'that says it is OPTIONS': [
      'POST / HTTP/1.1',
      `Origin: ${APP}`,
      'Access-Control-Request-Method: POST',
      'X-HTTP-Method-Override: OPTIONS',
    ],
    'in other spellings': [
      'OPTIONS / HTTP/1.1',
      `Origin_: ${APP}`,
      'Access_Control_Request_Method: GET',
    ],
  }
  for (const [name, [request = '', ...headers]] of Object.entries(notPreflights)) {
    await t.test(`a preflight ${name} is none`, async (t) => {
      upstream.forget()
      t.equal((await ask([request, 'Host: api.localhost', ...headers])).status, 401)
      t.same(upstream.requests, [])
    })
  }

  await t.test(
    'a preflight passes where the route says so, as nobody, and nowhere else',
    async (t) => {
      const preflight = [
        `Origin: ${APP}`,
        'Access-Control-Request-Method: DELETE',
        'X-Forwarded-User: root',
      ]
      upstream.forget()
      t.equal((await ask(['OPTIONS /admin HTTP/1.1', `Host: ${HOST}`, ...preflight])).status, 401)
      t.same(upstream.requests, [])
      t.equal((await ask(['OPTIONS / HTTP/1.1', 'Host: api.localhost', ...preflight])).status, 200)
      t.same(upstream.last.header('x-forwarded-user'), [])
    },
  )

  await t.test('a repeated header cannot hide the value that is kept out', async (t) => {
    const lines = ['GET / HTTP/1.1', 'Host: staging.localhost']
    const production = 'X-Stage: production'
    t.equal((await ask(lines)).status, 200)
    for (const headers of [
      [production],
      ['X-Stage: test', production],
      [production, 'X-Stage: test'],
      ['x-stage: production'],
    ]) {
      t.equal((await ask([...lines, ...headers])).status, 403, headers.join(', '))
    }
  })

  await t.test('the method that is judged is the method that is sent', async (t) => {
    const lines = [
      'Host: staging.localhost',
      'X-HTTP-Method-Override: GET',
      'X-Original-Method: GET',
    ]
    t.equal((await ask(['DELETE / HTTP/1.1', ...lines])).status, 403)
    await ask(['POST / HTTP/1.1', 'Host: staging.localhost', 'X-HTTP-Method-Override: DELETE'])
    t.equal(upstream.last.method, 'POST')
  })

  await t.test('the admin listener is for nobody’s browser but the machine’s own', async (t) => {
    const port = Number(new URL(gateway.adminUrl).port)
    const askAdmin = async (...lines: string[]) =>
      (await rawRequest(port, `${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)).status
    for (const path of ['/healthz', '/readyz', '/metrics', '/config', '/sessions']) {
      for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${port + 1}`]) {
        t.equal(
          await askAdmin(`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, `Origin: ${origin}`),
          403,
        )
      }
    }
    for (const [site, mode, status] of [
      ['cross-site', 'no-cors', 403],
      ['same-site', 'no-cors', 403],
      ['cross-site', 'navigate', 200],
      ['same-origin', 'cors', 200],
      ['none', 'navigate', 200],
    ] as const) {
      const fetched = [`Sec-Fetch-Site: ${site}`, `Sec-Fetch-Mode: ${mode}`]
      const local = `Host: 127.0.0.1:${port}`
      t.equal(
        await askAdmin('GET /sessions HTTP/1.1', local, ...fetched),
        status,
        `${site} ${mode}`,
      )
    }
    const rebound = `evil.example:${port}`
    for (const request of [
      'GET /config HTTP/1.1',
      'GET /sessions HTTP/1.1',
      'DELETE /sessions?all=true HTTP/1.1',
    ]) {
      t.equal(await askAdmin(request, `Host: ${rebound}`), 403, request)
      t.equal(await askAdmin(request, `Host: ${rebound}`, `Origin: http://${rebound}`), 403)
    }
    for (const host of [
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '127.0.0.1@evil.example',
      'xlocalhost',
      '',
    ]) {
      t.equal(await askAdmin('GET /config HTTP/1.1', `Host: ${host}`), 403, host)
    }
    t.equal(await askAdmin('GET /config HTTP/1.1', `Host: 127.0.0.1:${port}`), 200)
    t.equal(await askAdmin('GET /admin HTTP/1.1', `Host: ${HOST}`), 404, 'and it serves no route')
  })

  t.same(upstream.problems, [])
})

test('G: while the store of sessions cannot answer', async (t) => {
  let time = Date.now()
  const upstream = await startUpstream(t)
  const provider = await startProvider(t)
  const file = `${tempFolder(t)}/sessions.db`
  const gateway = await startGateway(t, {
    provider,
    now: () => time,
    config: { session: { store: `sqlite://${file}` } },
    policies: `
routes:
  - { name: open, from: "${APP}", prefix: /public/, to: "${upstream.origin}", allow_public_unauthenticated_access: true }
  - { name: staff, from: "${APP}", to: "${upstream.origin}", allow_websockets: true, allow_any_authenticated_user: true }
  - { name: groups, from: "${APP}", prefix: /groups, to: "${upstream.origin}", allowed_groups: [platform-engineers] }
  - { name: closed, from: "${APP}", prefix: /closed, to: "${upstream.origin}" }
`,
  })
  const browser = createBrowserClient(gateway.port)
  await signIn(browser, `${APP}/`, 'ana')
  const before = upstream.requests.length
  const database = new DatabaseSync(file)
  database.exec('ALTER TABLE sessions RENAME TO away')
  time += 2_000

  for (const path of ['/', '/groups', '/.gatehouse/user', '/.gatehouse/']) {
    await t.test(`${path} is 503 for who is signed in, and the cookie is kept`, async (t) => {
      for (const answer of [await browser.send(APP + path), await browser.visit(APP + path)]) {
        t.equal(answer.status, 503)
        t.same(answer.setCookies, [])
        t.ok(answer.headers['retry-after'])
      }
    })
  }

  await t.test('an upgrade is 503 as well', async (t) => {
    const head = [
      'GET / HTTP/1.1',
      `Host: ${HOST}`,
      `Cookie: ${browser.cookieHeader(HOST)}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ]
    t.equal((await rawRequest(gateway.port, `${head.join('\r\n')}\r\n\r\n`)).status, 503)
  })

  await t.test('what is closed to everybody stays closed, and nobody learns more', async (t) => {
    t.equal((await browser.send(`${APP}/closed`)).status, 403)
    t.equal((await browser.send(`${APP}/`, { cookies: false })).status, 401)
    const forged = await gateway.get(`${APP}/`, { headers: { cookie: 'gatehouse=forged' } })
    t.equal(forged.status, 401)
    t.equal(upstream.requests.length, before)
  })

  await t.test('open routes work, for nobody in particular', async (t) => {
    t.equal((await browser.send(`${APP}/public/x`)).status, 200)
    t.equal(upstream.last.headers['x-forwarded-user'], undefined)
  })

  await t.test('once it is back the session is there', async (t) => {
    database.exec('ALTER TABLE away RENAME TO sessions')
    time += 2_000
    t.equal((await browser.send(`${APP}/`)).status, 200)
  })
  database.close()
})

test('G: a mistake of ours while it is found out who asks lets nobody pass, not even where everybody may', async (t) => {
  const mistake = new TypeError('a mistake of ours')
  const answers: Record<string, () => Promise<undefined>> = {
    'at once': () => {
      throw mistake
    },
    later: () => Promise.reject(mistake),
  }
  for (const [name, open] of Object.entries(answers)) {
    const parts = { sessions: { open }, resolveGroups: () => undefined }
    const received = { headers: { cookie: 'gatehouse=x' }, trail: emptyTrail() }
    const reading = { route: { secure: false, policy: [] }, host: { name: HOST }, path: {} }
    const judging = async () => judge(parts as never, received as never, reading as never)
    await t.rejects(judging(), mistake, name)
    t.equal(received.trail.decision, undefined, 'nothing is decided')
  }
})
