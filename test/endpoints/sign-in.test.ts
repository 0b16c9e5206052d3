/** Signing in, from an app's host over `public_url` to the provider and back. */

import { test } from 'tap'
import type { BrowserAnswer } from '../support/browser-client.ts'
import { person } from './scripted-provider.ts'
import { APP, AUTH, startEndpoints, WIKI } from './start-endpoints.ts'

const signIn = (origin: string, rd: string) =>
  `${origin}/.gatehouse/sign_in?rd=${encodeURIComponent(rd)}`
/** Paths of apps are not ours to answer here. */
const untilApp = (url: URL) => !url.pathname.startsWith('/.gatehouse') && url.origin === APP
const steps = (way: readonly BrowserAnswer[]) =>
  way.map(({ url, status }) => `${status} ${new URL(url).origin}${new URL(url).pathname}`)

test('a sign-in goes from the app over public_url to the provider, and back to the page', async (t) => {
  const { browser, idp, counted } = await startEndpoints(t)
  const client = browser()
  const { way, location } = await client.follow(signIn(APP, `${APP}/d/1?x=%20y&z`), {
    until: untilApp,
  })
  t.same(steps(way), [
    `302 ${APP}/.gatehouse/sign_in`,
    `302 ${AUTH}/.gatehouse/sign_in`,
    `302 ${idp.origin}/authorize`,
    `302 ${AUTH}/oauth2/callback`,
    `302 ${APP}/.gatehouse/callback`,
  ])
  t.equal(location, `${APP}/d/1?x=%20y&z`)
  const user = await client.send(`${APP}/.gatehouse/user`)
  t.equal(user.status, 200)
  t.equal(user.json().subject, 'sub-ana')
  t.same(counted, ['okta ok'])
})

test('cookies are for one host, hidden from scripts, secure, and last as long as the session', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const { way } = await client.follow(signIn(APP, `${APP}/`), { until: untilApp })
  const lines = way.flatMap(({ setCookies }) => setCookies)
  const sessionLines = lines.filter((line) => line.startsWith('__Host-gatehouse='))
  t.equal(sessionLines.length, 2)
  for (const line of sessionLines) {
    t.match(
      line,
      /^__Host-gatehouse=[\w-]+; Max-Age=50400; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
  }
  for (const line of lines) {
    t.match(line, /; Path=\/;.* HttpOnly; Secure; SameSite=Lax$/)
    t.notMatch(line, /Domain/i)
  }
  t.match([...client.cookies('app.example.com').keys()].sort(), [
    '__Host-gatehouse',
    '__Host-gatehouse-signin',
  ])
})

test('a second app gets its cookie without the provider', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  await client.follow(signIn(APP, `${APP}/`), { until: untilApp })
  const { way, location } = await client.follow(signIn(`${WIKI}:8443`, `${WIKI}:8443/page`), {
    until: (url) => url.pathname === '/page',
  })
  t.same(steps(way), [
    `302 ${WIKI}:8443/.gatehouse/sign_in`,
    `302 ${AUTH}/.gatehouse/sign_in`,
    `302 ${WIKI}:8443/.gatehouse/callback`,
  ])
  t.equal(location, `${WIKI}:8443/page`)
  t.equal(idp.asked.length, 1)
  const [first, second] = await Promise.all(
    [APP, `${WIKI}:8443`].map((host) => client.send(`${host}/.gatehouse/`)),
  )
  t.same(first?.json().sessions, second?.json().sessions, 'one session for both')
})

test('a host below a wildcard signs in like any other', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const tenant = 'https://a.tenants.example.com'
  const { location } = await client.follow(signIn(tenant, `${tenant}/x`), {
    until: (url) => url.pathname === '/x',
  })
  t.equal(location, `${tenant}/x`)
  t.equal((await client.send(`${tenant}/.gatehouse/user`)).status, 200)
})

test('who is signed in is sent on at once', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  await client.follow(signIn(APP, `${APP}/`), { until: untilApp })
  const answer = await client.visit(signIn(APP, `${APP}/back`))
  t.equal(answer.status, 302)
  t.equal(answer.location, `${APP}/back`)
})

test('a sign-in on public_url itself ends there', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  const { way, status, body } = await client.follow(signIn(AUTH, '/.gatehouse/'))
  t.same(steps(way), [
    `302 ${AUTH}/.gatehouse/sign_in`,
    `302 ${idp.origin}/authorize`,
    `302 ${AUTH}/oauth2/callback`,
    `200 ${AUTH}/.gatehouse/`,
  ])
  t.equal(status, 200)
  t.match(body, 'ana Example')
})

test('state for the provider is opaque, within its alphabet, and short for ordinary addresses', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  await browser().follow(signIn(APP, `${APP}/secret-place`), { until: untilApp })
  const state = idp.asked[0]?.state ?? ''
  t.match(state, /^[A-Za-z0-9_-]+$/)
  t.ok(state.length < 1_500, `${state.length}`)
  t.notMatch(Buffer.from(state, 'base64url').toString('latin1'), /secret-place|app\.example/)
})

test('state, nonce and verifier are new for every sign-in', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  for (let n = 0; n < 2; n++) {
    await client.follow(signIn(APP, `${APP}/`), { until: (url) => url.origin === idp.origin })
  }
  const [first, second] = idp.asked
  for (const key of ['state', 'nonce', 'codeVerifier'] as const) {
    t.not(first?.[key], second?.[key])
    t.ok((first?.[key].length ?? 0) >= 43)
  }
})

test('switch account asks the provider again and ends the session that was there, on all hosts', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t)
  const client = browser()
  await client.follow(signIn(APP, `${APP}/`), { until: untilApp })
  await client.follow(signIn(`${WIKI}:8443`, '/page'), { until: (url) => url.pathname === '/page' })
  idp.person = person('ben')
  const { location } = await client.follow(`${signIn(APP, `${APP}/x`)}&switch=true`, {
    until: untilApp,
  })
  t.equal(location, `${APP}/x`)
  t.equal(idp.asked.at(-1)?.prompt, 'login')
  t.equal((await client.send(`${APP}/.gatehouse/user`)).json().subject, 'sub-ben')
  t.equal((await client.send(`${WIKI}:8443/.gatehouse/user`)).status, 401)
  t.equal(await sessions.count(), 1)
})

test('a new sign-in makes a new session, even for the same person', async (t) => {
  const { browser, sessions } = await startEndpoints(t)
  const client = browser()
  await client.follow(signIn(APP, `${APP}/`), { until: untilApp })
  const before = client.cookies('auth.example.com').get('__Host-gatehouse')
  await client.follow(`${signIn(APP, `${APP}/`)}&switch=true`, { until: untilApp })
  t.not(client.cookies('auth.example.com').get('__Host-gatehouse'), before)
  t.equal(await sessions.count(), 1)
})

test('a planted session does not become the session of who signs in', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const mallory = browser()
  idp.person = person('mallory')
  await mallory.follow(signIn(APP, `${APP}/`), { until: untilApp })
  const planted = mallory.cookies('auth.example.com').get('__Host-gatehouse') ?? ''
  idp.person = person('ana')
  const ana = browser()
  const { location = '' } = await ana.follow(signIn(APP, `${APP}/`), {
    until: (url) => url.pathname === '/oauth2/callback',
  })
  ana.setCookie('auth.example.com', '__Host-gatehouse', planted)
  await ana.follow(location, { until: untilApp })
  t.equal((await ana.send(`${APP}/.gatehouse/user`)).json().subject, 'sub-ana')
  t.equal((await mallory.send(`${AUTH}/.gatehouse/user`)).status, 401)
})

test('with several providers a page lets people choose', async (t) => {
  const { browser, idps } = await startEndpoints(t, { providerNames: ['okta', 'partner'] })
  const client = browser()
  const chooser = await client.follow(signIn(APP, `${APP}/x`))
  t.equal(chooser.status, 200)
  t.match(chooser.body, 'Continue with The okta')
  t.match(chooser.body, 'app.example.com')
  t.equal(chooser.headers['cache-control'], 'no-store')
  const link = /href="(\/\.gatehouse\/sign_in\?[^"]*provider=partner)"/.exec(chooser.body)?.[1]
  const { location } = await client.follow(`${AUTH}${link?.replaceAll('&amp;', '&')}`, {
    until: untilApp,
  })
  t.equal(location, `${APP}/x`)
  t.same(
    idps.map(({ asked }) => asked.length),
    [0, 1],
  )
})

test('a provider that is asked for by name is used without asking', async (t) => {
  const { browser, idps } = await startEndpoints(t, { providerNames: ['okta', 'partner'] })
  await browser().follow(`${signIn(APP, `${APP}/`)}&provider=partner`, { until: untilApp })
  t.equal(idps[1]?.asked.length, 1)
})

test('a provider that does not exist is 400', async (t) => {
  const { browser } = await startEndpoints(t)
  const answer = await browser().visit(`${signIn(APP, '/')}&provider=nobody`)
  t.equal(answer.status, 400)
  t.match(answer.body, 'no sign-in service of that name')
})

test('a route that insists on a provider is signed in to with that one, whatever session there is', async (t) => {
  const { browser, idps, sessions } = await startEndpoints(t, {
    providerNames: ['okta', 'partner'],
    policies: `
routes:
  - { name: app, from: "${APP}", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: adm, from: "${APP}", prefix: /adm, provider: partner, to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`,
  })
  const client = browser()
  await client.follow(`${signIn(APP, `${APP}/`)}&provider=okta`, { until: untilApp })
  const { location } = await client.follow(signIn(APP, `${APP}/adm/x`), { until: untilApp })
  t.equal(location, `${APP}/adm/x`)
  t.equal(idps[1]?.asked.length, 1)
  t.equal((await client.send(`${APP}/.gatehouse/user`)).json().provider, 'partner')
  t.equal(await sessions.count(), 1, 'the new session took the place of the old one')
})

test('only login_hint is passed on to the provider from an address', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const wishes = 'login_hint=ana%40example.com&prompt=none&scope=admin&acr_values=x&max_age=0'
  await browser().follow(`${signIn(APP, `${APP}/`)}&${wishes}`, { until: untilApp })
  const { state, nonce, codeVerifier, ...rest } = idp.asked[0] ?? {}
  t.ok(state && nonce && codeVerifier)
  t.same(rest, { loginHint: 'ana@example.com', prompt: undefined })
})

for (const [what, hint] of [
  ['a control character', 'a%0d%0ab'],
  ['too many characters', 'x'.repeat(257)],
] as const) {
  test(`a login_hint with ${what} is left out`, async (t) => {
    const { browser, idp } = await startEndpoints(t)
    await browser().follow(`${signIn(APP, `${APP}/`)}&login_hint=${hint}`, { until: untilApp })
    t.equal(idp.asked[0]?.loginHint, undefined)
  })
}

const notServed = {
  'a foreign origin': 'https://evil.example.com',
  'another scheme': 'http://app.example.com',
  'another port': 'https://app.example.com:444',
  'a host below that of a route': 'https://x.app.example.com',
  'two labels below a wildcard': 'https://a.b.tenants.example.com',
  'no origin': 'app.example.com',
  'public_url itself': AUTH,
  nothing: '',
}
for (const [what, origin] of Object.entries(notServed)) {
  test(`public_url signs nobody in for ${what}`, async (t) => {
    const { browser, idp } = await startEndpoints(t)
    const client = browser()
    const { location = '' } = await client.visit(signIn(APP, `${APP}/`))
    const url = new URL(location)
    url.searchParams.set('for', origin)
    const answer = await client.visit(url.href)
    t.equal(answer.status, 400)
    t.equal(idp.asked.length, 0)
  })
}

test('an app state that was not sealed here is 400', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  for (const state of ['', 'abc', 'x'.repeat(15_000)]) {
    const url = `${AUTH}/.gatehouse/sign_in?for=${encodeURIComponent(APP)}&state=${state}`
    t.equal((await client.visit(url)).status, 400)
  }
})

test('over plain http the cookies have no Secure and no prefix', async (t) => {
  const origin = 'http://app.localhost:8080'
  const { browser } = await startEndpoints(t, {
    publicUrl: 'http://localhost:8080',
    policies: `
routes:
  - { name: app, from: "${origin}", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`,
  })
  const client = browser()
  await client.follow(signIn(origin, `${origin}/x`), { until: (url) => url.pathname === '/x' })
  t.same([...client.cookies('app.localhost').keys()].sort(), ['gatehouse', 'gatehouse-signin'])
  t.equal((await client.send(`${origin}/.gatehouse/user`)).status, 200)
})

test('an address that is too long for state falls back to the front page', async (t) => {
  const { browser } = await startEndpoints(t)
  const { location } = await browser().follow(signIn(APP, `${APP}/${'x'.repeat(9_000)}`), {
    until: untilApp,
  })
  t.equal(location, `${APP}/`)
})

test('an address of four thousand characters comes back whole, and fits into the provider’s URL', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const target = `${APP}/${'x'.repeat(4_000)}`
  const { location } = await browser().follow(signIn(APP, target), { until: untilApp })
  t.equal(location, target)
  t.ok((idp.asked[0]?.state.length ?? 0) < 7_000)
})
