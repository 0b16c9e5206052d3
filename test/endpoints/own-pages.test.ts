/** Who I am, what I may open, the keys, the front of `public_url`, and everything that is not there. */

import Fastify from 'fastify'
import { test } from 'tap'
import { type EndpointOptions, endpoints } from '../../src/endpoints/endpoints.ts'
import { recorder } from '../identity/session-fixture.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { person } from './scripted-provider.ts'
import { APP, AUTH, type FixtureOptions, startEndpoints } from './start-endpoints.ts'

async function signedIn(t: Parameters<typeof startEndpoints>[0], options: FixtureOptions = {}) {
  const fixture = await startEndpoints(t, options)
  fixture.idp.person = person('lena', ['tally', 'docks'])
  const client = fixture.browser()
  await signIn(client)
  return { ...fixture, client }
}

async function signIn(client: BrowserClient): Promise<void> {
  await client.follow(`${APP}/.gatehouse/sign_in?rd=%2Fx&provider=okta`, {
    until: (url) => url.pathname === '/x',
  })
}

test('`user` says who is signed in', async (t) => {
  const { client } = await signedIn(t)
  const answer = await client.send(`${APP}/.gatehouse/user`)
  t.match(answer.headers, {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  })
  t.same(answer.json(), {
    subject: 'sub-lena',
    email: 'lena@example.com',
    name: 'lena Example',
    groups: ['tally', 'docks'],
    provider: 'okta',
    signed_in_at: '2026-03-02T09:00:00.000Z',
    expires_at: '2026-03-02T23:00:00.000Z',
  })
})

test('what is not known of somebody is null', async (t) => {
  const fixture = await startEndpoints(t)
  fixture.idp.person = { ...person('lena'), email: undefined, name: undefined }
  const client = fixture.browser()
  await signIn(client)
  t.match((await client.send(`${APP}/.gatehouse/user`)).json(), { email: null, name: null })
})

test('`user` is 401 JSON for nobody, page visit or not', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  for (const answer of [
    await client.send(`${APP}/.gatehouse/user`),
    await client.visit(`${APP}/.gatehouse/user`),
  ]) {
    t.equal(answer.status, 401)
    t.equal(answer.headers['www-authenticate'], 'Bearer realm="gatehouse"')
    t.match(answer.json(), {
      error: 'SIGN_IN_REQUIRED',
      request_id: 'req-1',
      login_url: `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/`)}`,
    })
  }
})

test('the own page and its JSON twin hold no token', async (t) => {
  const { client } = await signedIn(t)
  const answers = await Promise.all([
    client.visit(`${APP}/.gatehouse/`),
    client.send(`${APP}/.gatehouse/`),
    client.send(`${APP}/.gatehouse/user`),
    client.visit(`${AUTH}/`),
  ])
  for (const { status, body, headers } of answers) {
    t.equal(status, 200)
    t.match(body, 'lena')
    t.notMatch(body, /token-of/)
    t.notOk(body.includes(client.cookies('app.example.com').get('__Host-gatehouse') ?? '?'))
    t.equal(headers['cache-control'], 'no-store')
  }
})

test('the JSON twin tells of sessions, the current one marked', async (t) => {
  const { client, browser, clock } = await signedIn(t)
  clock.time += 60_000
  const other = browser()
  await signIn(other)
  const { sessions } = (await client.send(`${APP}/.gatehouse/`)).json()
  t.match(sessions, [
    { current: true, provider: 'okta', signed_in_at: '2026-03-02T09:00:00.000Z' },
    { current: false, address: '192.0.2.10', user_agent: /Firefox/ },
  ])
})

test('nobody sees a page with a way to sign in, or 401 JSON', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const page = await client.visit(`${APP}/.gatehouse/`)
  t.equal(page.status, 200)
  t.match(page.body, 'href="/.gatehouse/sign_in?rd=%2F.gatehouse%2F"')
  const json = await client.send(`${APP}/.gatehouse/`)
  t.equal(json.status, 401)
  t.match(json.json(), { error: 'SIGN_IN_REQUIRED', login_url: /^https:\/\/app\.example\.com\// })
})

test('the script, the list that it asks for, and JSON twins', async (t) => {
  const { client, browser } = await signedIn(t)
  const script = await client.send(`${APP}/.gatehouse/portal.js`)
  t.equal(script.headers['content-type'], 'text/javascript; charset=utf-8')
  t.equal(script.headers['x-content-type-options'], 'nosniff')
  const part = await client.send(`${APP}/.gatehouse/?q=WIKI&part=sites`)
  t.match(part.headers['content-type'], 'text/html')
  t.match(part.body, /^\s*<ul class="apps" data-count="1 of 2 sites">/)
  t.notMatch(part.body, 'The app')
  t.equal((await browser().send(`${APP}/.gatehouse/?part=sites`)).status, 401)
  const headers = { accept: 'application/json' }
  t.match((await client.send(`${APP}/.gatehouse/sign_out?rd=/x`, { headers })).json(), {
    signed_in: true,
    subject: 'sub-lena',
    return_to: `${APP}/x`,
    request_id: 'req-1',
  })
  t.match((await browser().send(`${AUTH}/.gatehouse/signed_out`, { headers })).json(), {
    signed_in: false,
    login_url: `${AUTH}/.gatehouse/sign_in?rd=%2F`,
  })
})

// Cases K5 and K6 of the policy language, and their neighbours.
const ROUTES = `
routes:
  - { name: k5, from: "${APP}", to: "http://127.0.0.1:9", policy: [{ allow: { and: [{ domain: example.com }, { claim/department: Docks }] } }] }
  - { name: k6, from: "https://k6.example.com", to: "http://127.0.0.1:9", policy: [{ allow: { or: [{ domain: example.com }] }, deny: { or: [{ user: sub-lena }] } }] }
  - { name: deep, from: "https://deep.example.com", prefix: "/a b/c", to: "http://127.0.0.1:9", policy: [{ allow: { and: [{ http_path: "/a b/c" }, { http_method: GET }] } }] }
  - { name: exact, from: "https://deep.example.com", path: /exact, to: "http://127.0.0.1:9", allowed_groups: [tally] }
  - { name: hidden, from: "https://deep.example.com", prefix: /exact, to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: wild, from: "https://*.example.org", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: elsewhere, from: "https://elsewhere.example.com", to: "http://127.0.0.1:9", policy: [{ allow: { or: [{ source_ip: 10.0.0.0/8 }] } }] }
  - { name: here, from: "https://here.example.com", to: "http://127.0.0.1:9", policy: [{ allow: { or: [{ source_ip: 192.0.2.0/24 }] } }] }
  - { name: partner, from: "https://partner.example.com", provider: partner, to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: nobody, from: "https://nobody.example.com", to: "http://127.0.0.1:9" }
`

test('logos are loaded from where the routes say, and from nowhere else', async (t) => {
  const policies = `
routes:
  - { name: a, from: "https://a.example.com", to: "http://127.0.0.1:9", allow_any_authenticated_user: true, logo_url: "https://cdn.example.net/a.png?x=1&y=2" }
  - { name: b, from: "https://b.example.com", to: "http://127.0.0.1:9", allowed_groups: [nobody], logo_url: "https://secret.example.net/b.png" }
  - { name: c, from: "https://c.example.com", to: "http://127.0.0.1:9", report_only: true }
  - { name: d, from: "https://a.example.com", path: /robots.txt, response: { status: 404 }, allow_any_authenticated_user: true }
  - { name: e, from: "${APP}", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`
  const { client } = await signedIn(t, { policies })
  const page = await client.visit(`${APP}/.gatehouse/`)
  t.match(
    page.body,
    '<img class="tile" src="https://cdn.example.net/a.png?x=1&amp;y=2" alt="" referrerpolicy="no-referrer">',
  )
  t.match(page.headers['content-security-policy'], 'img-src data: https://cdn.example.net;')
  t.notMatch(page.body + String(page.headers['content-security-policy']), 'secret.example.net')
  t.match(page.body, 'href="https://c.example.com/"')
  t.notMatch(page.body, 'robots.txt')
})

test('the apps that are listed are those that a GET of their front would be let into', async (t) => {
  const { client } = await signedIn(t, { policies: ROUTES, providerNames: ['okta', 'partner'] })
  const { apps } = (await client.send(`${APP}/.gatehouse/`)).json()
  t.same(apps, [
    { name: 'k5', url: `${APP}/`, description: null },
    { name: 'deep', url: 'https://deep.example.com/a%20b/c', description: null },
    { name: 'exact', url: 'https://deep.example.com/exact', description: null },
    { name: 'here', url: 'https://here.example.com/', description: null },
  ])
  const page = await client.visit(`${APP}/.gatehouse/`)
  t.match(page.body, 'href="https://deep.example.com/a%20b/c"')
  t.notMatch(page.body, 'k6.example.com')
})

test('the keys of the assertion are published on every host', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  for (const origin of [APP, AUTH]) {
    for (const path of ['/.gatehouse/jwks.json', '/.well-known/gatehouse/jwks.json']) {
      const answer = await client.send(origin + path)
      t.equal(answer.status, 200)
      t.same(answer.json(), { keys: [{ kty: 'EC', kid: 'k1' }] })
    }
    t.equal((await client.send(`${origin}/.well-known/pomerium/jwks.json`)).status, 404)
  }
})

test('the front of public_url is the own page, or says that nobody is signed in', async (t) => {
  const { client, browser, idp } = await signedIn(t)
  t.match((await client.visit(`${AUTH}/`)).body, 'Your sites')
  const before = idp.asked.length
  const anonymous = await browser().visit(`${AUTH}/`)
  t.equal(anonymous.status, 200)
  t.match(anonymous.body, 'You are signed out')
  t.equal(idp.asked.length, before)
})

const landings: readonly (readonly [string, FixtureOptions])[] = [
  ['/bye', { postLogoutRedirectUri: `${AUTH}/bye` }],
  ['/login', { redirectPath: '/login', postLogoutRedirectUri: `${AUTH}/login` }],
  ['/', { postLogoutRedirectUri: AUTH }],
]
for (const [path, options] of landings) {
  test(`a sign-out that lands at ${path} shows the landing page and starts nothing`, async (t) => {
    const { browser, idp } = await startEndpoints(t, options)
    for (const query of ['', '?state=abc']) {
      const { status, body } = await browser().visit(`${AUTH}${path}${query}`)
      t.equal(status, 200)
      t.match(body, 'You are signed out')
    }
    t.same(idp.asked, [])
  })
}

const absent = [
  `${APP}/.gatehouse/nothing`,
  `${APP}/.gatehouse/user/`,
  `${APP}/.gatehouse/auth/nginx`,
  `${APP}/.gatehouse/callback/x`,
  `${APP}/oauth2/callback`,
  `${AUTH}/nothing`,
  `${AUTH}/.gatehouse/__proto__`,
  `${AUTH}/constructor`,
]
for (const url of absent) {
  test(`${url} is not there`, async (t) => {
    const { browser } = await startEndpoints(t)
    const json = await browser().send(url)
    t.equal(json.status, 404)
    t.equal(json.json().error, 'NO_ROUTE')
    t.equal((await browser().visit(url)).status, 404)
  })
}

test('another spelling of a path of ours is the same path', async (t) => {
  const { browser } = await startEndpoints(t)
  for (const path of ['//.gatehouse//user', '/%2egatehouse/us%65r', '/.gatehouse/user?x=/../y']) {
    t.equal((await browser().send(APP + path)).status, 401, path)
  }
})

for (const [path, method, allow] of [
  ['/.gatehouse/user', 'POST', 'GET, HEAD'],
  ['/.gatehouse/', 'DELETE', 'GET, HEAD'],
  ['/.gatehouse/sign_in', 'POST', 'GET, HEAD'],
  ['/.gatehouse/sign_out', 'PUT', 'GET, HEAD, POST'],
  ['/.gatehouse/callback', 'POST', 'GET'],
  ['/.gatehouse/jwks.json', 'OPTIONS', 'GET, HEAD'],
  ['/.gatehouse/user', 'PROPFIND', 'GET, HEAD'],
] as const) {
  test(`${method} ${path} is 405`, async (t) => {
    const { browser } = await startEndpoints(t)
    const answer = await browser().send(APP + path, { method })
    t.equal(answer.status, 405)
    t.equal(answer.headers.allow, allow)
  })
}

test('answers are for no other origin to read', async (t) => {
  const { client } = await signedIn(t)
  for (const path of ['user', '', 'jwks.json', 'sign_out']) {
    const { headers } = await client.send(`${APP}/.gatehouse/${path}`, {
      headers: { origin: 'https://evil.example' },
    })
    t.same(
      Object.keys(headers).filter((name) => name.startsWith('access-control')),
      [],
    )
  }
})

const broken = {
  empty: '',
  'not base64url': '%%%=',
  'base64url of nothing of ours': 'AAAA',
  'sealed under another key':
    'AazKxKHU0fcDq3DF3DXypKn4qQDnjKtaUz8N7mvvG62cS0fUTWJa0pCa2vAzKjKxKHU0fcDq3DF3DXypKn4',
  'far too long': 'A'.repeat(7_000),
  'bytes beyond ASCII': '\u00e9\u00ff',
}
for (const [what, value] of Object.entries(broken)) {
  test(`a session cookie that is ${what} is no session and no error`, async (t) => {
    const { browser } = await startEndpoints(t)
    const client = browser()
    client.setCookie('app.example.com', '__Host-gatehouse', value)
    client.setCookie('app.example.com', '__Host-gatehouse-signin', value)
    t.equal((await client.send(`${APP}/.gatehouse/user`)).status, 401)
    t.equal((await client.visit(`${APP}/.gatehouse/`)).status, 200)
    t.equal((await client.visit(`${APP}/.gatehouse/sign_in?rd=%2F`)).status, 302)
    t.equal((await client.visit(`${APP}/.gatehouse/callback?code=x&state=y`)).status, 302)
    t.equal((await client.post(`${APP}/.gatehouse/sign_out`)).status, 303)
  })
}

test('a session cut short or with one letter changed is no session', async (t) => {
  const { client, browser } = await signedIn(t)
  const cookie = client.cookies('app.example.com').get('__Host-gatehouse') ?? ''
  const other = cookie.at(-9) === 'A' ? 'B' : 'A'
  for (const value of [cookie.slice(0, -1), cookie.slice(0, -9) + other + cookie.slice(-8)]) {
    const thief = browser()
    thief.setCookie('app.example.com', '__Host-gatehouse', value)
    t.equal((await thief.send(`${APP}/.gatehouse/user`)).status, 401)
  }
})

test('with the store down who is signed in gets 503, and nobody else is troubled', async (t) => {
  const { client, browser, fault, clock } = await signedIn(t)
  clock.time += 2_000
  fault.down = true
  const answer = await client.send(`${APP}/.gatehouse/user`)
  t.equal(answer.status, 503)
  t.equal(answer.json().error, 'STORE_UNAVAILABLE')
  t.same(answer.setCookies, [])
  t.equal((await browser().send(`${APP}/.gatehouse/user`)).status, 401)
})

test('names that hold markup are text on every page', async (t) => {
  const evil = '"\'><script>alert(1)</script>'
  const fixture = await startEndpoints(t, { brand: { name: evil, contact: evil } })
  fixture.idp.person = {
    ...person('ana', [evil]),
    email: `${evil}@example.com`,
    claims: { name: evil },
  }
  const client = fixture.browser()
  await signIn(client)
  const query = encodeURIComponent(evil)
  for (const url of [
    `${APP}/.gatehouse/?${query}`,
    `${APP}/.gatehouse/sign_out?rd=/${query}`,
    `${APP}/.gatehouse/signed_out?rd=${query}`,
    `${APP}/.gatehouse/${query.replace('%2F', '')}`,
    `${AUTH}/oauth2/callback?code=${query}`,
    `${AUTH}/.gatehouse/sign_in?for=${query}&state=${query}`,
    `${APP}/.gatehouse/sign_in?provider=${query}`,
  ]) {
    const { body, headers } = await client.visit(url, { headers: { 'user-agent': evil } })
    t.notMatch(body, /<script/i, url)
    t.match(headers['content-security-policy'], "default-src 'none'")
    t.match(headers['content-security-policy'], "frame-ancestors 'none'")
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
})

test('a HEAD has the headers of the page and no body', async (t) => {
  const { client } = await signedIn(t)
  const head = await client.visit(`${APP}/.gatehouse/`, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(head.body, '')
  t.ok(Number(head.headers['content-length']) > 1_000)
})

test('conditions and ranges of a request change nothing', async (t) => {
  const { client } = await signedIn(t)
  const headers = { range: 'bytes=0-1', 'if-none-match': '*', 'if-modified-since': 'x' }
  t.equal((await client.visit(`${APP}/.gatehouse/`, { headers })).status, 200)
  t.equal((await client.visit(`${APP}/.gatehouse/sign_in?rd=%2F`, { headers })).status, 302)
})

test('a request that nobody has read before is not answered', async (t) => {
  const fastify = Fastify()
  const options: object = { snapshot: () => ({}), log: recorder([]) }
  // biome-ignore lint/nursery/noMisusedPromises: Fastify awaits what a plugin returns
  await fastify.register(endpoints, options as EndpointOptions)
  t.teardown(() => fastify.close())
  const answer = await fastify.inject('/.gatehouse/user')
  t.equal(answer.statusCode, 500)
  t.match(answer.json(), { error: 'INTERNAL', message: 'Something went wrong here.' })
})

test('what goes wrong unforeseen is 500, without a word of why', async (t) => {
  const { client, sessions, logged } = await signedIn(t)
  sessions.listOf = () => Promise.reject(new Error('something private'))
  const answer = await client.visit(`${APP}/.gatehouse/`)
  t.equal(answer.status, 500)
  t.notMatch(answer.body, 'private')
  t.match(logged.at(-1), { level: 'error', fields: { err: { message: 'something private' } } })
})
