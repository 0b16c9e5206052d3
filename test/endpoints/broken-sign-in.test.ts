/** Sign-ins that do not hold: stolen, stale, repeated, torn. The code is not spent, and nobody goes round in circles. */

import { test } from 'tap'
import type { ProviderFailureKind } from '../../src/identity/provider/provider.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { APP, AUTH, type EndpointsFixture, startEndpoints } from './start-endpoints.ts'

const MINUTE = 60_000
const untilApp = (url: URL) => !url.pathname.startsWith('/.gatehouse') && url.origin === APP
const atCallback = (url: URL) => url.href.startsWith(`${AUTH}/oauth2/callback`)
const atAppCallback = (url: URL) => url.href.startsWith(`${APP}/.gatehouse/callback`)
const SIGN_IN = `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/d/1`)}`

/** The address that the provider sends a browser to, which `client` has not opened yet. */
async function callbackOf(client: BrowserClient, start = SIGN_IN): Promise<string> {
  return (await client.follow(start, { until: atCallback })).location ?? ''
}

function isFreshSignIn(location: string | undefined, { idp }: EndpointsFixture): boolean {
  return location?.startsWith(`${idp.origin}/authorize`) === true
}

test('a callback in another browser does not spend the code, and signs that browser in afresh', async (t) => {
  const fixture = await startEndpoints(t)
  const stolen = await callbackOf(fixture.browser())
  const other = fixture.browser()
  const answer = await other.visit(stolen)
  t.equal(answer.status, 302)
  t.ok(isFreshSignIn(answer.location, fixture))
  t.same(fixture.idp.redeemed, [])
  t.notOk(other.cookies('auth.example.com').has('__Host-gatehouse'))
})

test('a callback in a browser that has begun a sign-in of its own is not taken for that', async (t) => {
  const fixture = await startEndpoints(t)
  const stolen = await callbackOf(fixture.browser())
  const other = fixture.browser()
  await callbackOf(other)
  t.ok(isFreshSignIn((await other.visit(stolen)).location, fixture))
  t.same(fixture.idp.redeemed, [])
})

test('a code in another sign-in’s state does not pass nonce and verifier', async (t) => {
  const fixture = await startEndpoints(t)
  const injected = new URL(await callbackOf(fixture.browser())).searchParams.get('code') ?? ''
  const victim = fixture.browser()
  const url = new URL(await callbackOf(victim))
  url.searchParams.set('code', injected)
  const answer = await victim.visit(url.href)
  t.equal(answer.status, 502)
  t.notOk(victim.cookies('auth.example.com').has('__Host-gatehouse'))
})

test('a state older than an hour is stale, and the way leads on to the page all the same', async (t) => {
  const fixture = await startEndpoints(t)
  const client = fixture.browser()
  const callback = await callbackOf(client)
  fixture.clock.time += 61 * MINUTE
  const { location, way } = await client.follow(callback, { until: untilApp })
  t.ok(isFreshSignIn(way[0]?.location, fixture))
  t.equal(fixture.idp.redeemed.length, 1)
  t.equal(location, `${APP}/d/1`)
})

for (const [what, change] of Object.entries({
  'a changed letter': (state: string) => `${state.slice(0, -5)}AAAAA`,
  'half of it': (state: string) => state.slice(0, state.length / 2),
  'something else': () => 'abc',
  'a state of the app’s host': (_: string, appState: string) => appState,
})) {
  test(`state with ${what} is not opened: sign-in afresh, for the front page`, async (t) => {
    const fixture = await startEndpoints(t)
    const client = fixture.browser()
    const { way, location = '' } = await client.follow(SIGN_IN, { until: atCallback })
    const appState = new URL(way[0]?.location ?? '').searchParams.get('state') ?? ''
    const url = new URL(location)
    url.searchParams.set('state', change(url.searchParams.get('state') ?? '', appState))
    const answer = await client.visit(url.href)
    t.equal(answer.location, `${AUTH}/.gatehouse/sign_in?rd=%2F`)
    t.same(fixture.idp.redeemed, [])
  })
}

test('a browser that keeps no cookies is sent round twice, then told so', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const { way, status, body } = await browser().follow(SIGN_IN, { cookies: false })
  t.equal(way.filter(({ url }) => atCallback(new URL(url))).length, 3)
  t.equal(status, 400)
  t.match(body, 'keeps cookies')
  t.same(idp.redeemed, [])
})

test('a browser that keeps cookies of public_url only is sent round at the app, then told so', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  let url: string | undefined = SIGN_IN
  let callbacks = 0
  let status = 0
  for (let n = 0; url !== undefined && n < 30; n++) {
    const answer = await client.visit(url, { cookies: !url.startsWith(APP) })
    if (atAppCallback(new URL(url))) callbacks++
    url = answer.location
    status = answer.status
  }
  t.equal(callbacks, 3)
  t.equal(status, 400)
})

test('the count is forgotten after a minute', async (t) => {
  const { browser, clock } = await startEndpoints(t)
  const client = browser()
  const statuses: number[] = []
  for (const pause of [0, 0, 0, 61_000]) {
    clock.time += pause
    statuses.push((await client.visit(`${AUTH}/oauth2/callback?code=x&state=foreign`)).status)
  }
  t.same(statuses, [302, 302, 400, 302])
})

test('a replayed code is refused by the provider, and counted', async (t) => {
  const fixture = await startEndpoints(t)
  const client = fixture.browser()
  const callback = await callbackOf(client)
  await client.visit(callback)
  const again = await client.visit(callback)
  t.ok(isFreshSignIn(again.location, fixture))
  await client.visit(callback)
  t.equal((await client.visit(callback)).status, 400)
  t.equal(fixture.counted.filter((result) => result === 'okta restart').length, 3)
})

test('`invalid_grant` without end stops after two fresh sign-ins, cookies or not', async (t) => {
  for (const cookies of [true, false]) {
    const { browser, idp } = await startEndpoints(t)
    idp.failure = 'restart'
    const { way, status } = await browser().follow(SIGN_IN, { cookies })
    t.equal(way.filter(({ url }) => atCallback(new URL(url))).length, 3)
    t.equal(status, 400)
  }
})

const malformed = {
  'a code without state': 'code=x',
  'an error without state': 'error=access_denied',
  'an empty state': 'code=x&state=',
  'two states': 'code=x&state=STATE&state=STATE',
  'two codes': 'code=x&code=y&state=STATE',
  'two errors': 'error=x&error=y&state=STATE',
  'two issuers': 'code=x&state=STATE&iss=a&iss=b',
}
for (const [what, query] of Object.entries(malformed)) {
  test(`a callback with ${what} is 400`, async (t) => {
    const { browser, idp } = await startEndpoints(t)
    const client = browser()
    const state = new URL(await callbackOf(client)).searchParams.get('state') ?? ''
    const answer = await client.visit(`${AUTH}/oauth2/callback?${query.replaceAll('STATE', state)}`)
    t.equal(answer.status, 400)
    t.same(idp.redeemed, [])
  })
}

test('a callback by POST or HEAD is 405', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  const callback = await callbackOf(client)
  const posted = await client.post(callback)
  t.equal(posted.status, 405)
  t.equal(posted.headers.allow, 'GET')
  t.equal((await client.visit(callback, { method: 'HEAD' })).status, 405)
  t.same(idp.redeemed, [])
})

test('the redirect path of one provider does not take another’s sign-in', async (t) => {
  const { browser, idps } = await startEndpoints(t, { providerNames: ['okta', 'partner'] })
  const client = browser()
  const url = new URL(await callbackOf(client, `${SIGN_IN}&provider=okta`))
  const answer = await client.visit(`${AUTH}/oauth/callback/partner${url.search}`)
  t.equal(answer.status, 400)
  t.same(idps[0]?.redeemed, [])
})

const failures: Readonly<Record<Exclude<ProviderFailureKind, 'restart'>, [number, string]>> = {
  denied: [403, 'Switch account'],
  unmet: [403, 'Switch account'],
  unavailable: [503, 'Try again'],
  'invalid-answer': [502, 'Try again'],
  misconfigured: [500, 'Try again'],
  malformed: [400, 'Try again'],
}
for (const [kind, [status, way]] of Object.entries(failures)) {
  test(`a provider's answer that is \`${kind}\` is a ${status} page that leads on`, async (t) => {
    const { browser, idp, counted, logged } = await startEndpoints(t)
    const client = browser()
    idp.failure = kind as ProviderFailureKind
    const { body, ...answer } = await client.follow(SIGN_IN)
    t.equal(answer.status, status)
    t.match(body, way)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.same(counted, [`okta ${kind}`])
    t.match(logged.at(-1), { level: 'warn', fields: { kind, detail: 'scripted' } })

    idp.failure = undefined
    const link =
      /class="button main" href="([^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const next = await client.follow(new URL(link, AUTH).href, { until: untilApp })
    t.equal(next.location, `${APP}/d/1`)
  })
}

test('an error from the provider is named, never quoted', async (t) => {
  const { browser, logged } = await startEndpoints(t)
  const client = browser()
  const state = new URL(await callbackOf(client)).searchParams.get('state') ?? ''
  const error = new URLSearchParams({
    error: '<script>alert(1)</script>',
    error_description: '<img src=x onerror=alert(2)>'.repeat(200),
    state,
  })
  const { status, body } = await client.visit(`${AUTH}/oauth2/callback?${error}`)
  t.equal(status, 503)
  t.notMatch(body, /script|onerror/)
  t.ok(JSON.stringify(logged.at(-1)).length < 1_000)
})

test('a provider that is down at the start is a 503 page', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  idp.startFailure = 'unavailable'
  const answer = await browser().follow(SIGN_IN)
  t.equal(answer.status, 503)
  t.ok(Number(answer.headers['retry-after']) > 0)
})

test('with the store down nobody is signed out, and the code is not spent where that can be seen before', async (t) => {
  const fixture = await startEndpoints(t)
  const client = fixture.browser()
  await client.follow(SIGN_IN, { until: untilApp })
  const before = client.cookies('auth.example.com').get('__Host-gatehouse')
  const callback = await callbackOf(client, `${SIGN_IN}&switch=true`)
  fixture.fault.down = true
  fixture.clock.time += 2_000
  const answer = await client.visit(callback)
  t.equal(answer.status, 503)
  t.same(answer.setCookies, [])
  t.equal(client.cookies('auth.example.com').get('__Host-gatehouse'), before)
  t.equal(fixture.idp.redeemed.length, 1)
  fixture.fault.down = false
  t.equal((await client.follow(callback, { until: untilApp })).location, `${APP}/d/1`)
})

test('a session that cannot be stored is a 503 page with a way to try again', async (t) => {
  const { browser, fault, counted } = await startEndpoints(t)
  const client = browser()
  const callback = await callbackOf(client)
  fault.down = true
  const { status, body, headers } = await client.visit(callback)
  t.equal(status, 503)
  t.ok(headers['retry-after'])
  t.same(counted, ['okta store-unavailable'])
  fault.down = false
  const link = /class="button main" href="([^"]*)"/.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? ''
  t.equal((await client.follow(link, { until: untilApp })).location, `${APP}/d/1`)
})

test('logs hold no code, state, token, cookie or query string', async (t) => {
  const { browser, logged } = await startEndpoints(t)
  const client = browser()
  const callback = await callbackOf(client)
  await browser().visit(callback)
  const { way } = await client.follow(callback, { until: untilApp })
  await client.post(`${APP}/.gatehouse/sign_out`)
  const text = JSON.stringify(logged)
  const secrets = way.flatMap(({ url, setCookies }) => [
    ...new URL(url).searchParams.values(),
    ...setCookies.map((line) => line.split(/[=;]/)[1] ?? ''),
  ])
  for (const secret of [...secrets, 'id-token-of-ana', 'access-token-of-ana']) {
    if (secret !== '') t.notOk(text.includes(secret))
  }
  t.match(text, /"sign_in".*"sign_out"/)
})
