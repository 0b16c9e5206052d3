/** Signing out: asked first, done only from our own page, everywhere at once, then at the provider. */

import { test } from 'tap'
import { ProviderFailure } from '../../src/identity/provider/provider.ts'
import type { BrowserClient } from '../support/browser-client.ts'
import { person } from './scripted-provider.ts'
import { APP, AUTH, type FixtureOptions, startEndpoints, WIKI } from './start-endpoints.ts'

const SIGN_OUT = `${APP}/.gatehouse/sign_out`

async function signedIn(t: Parameters<typeof startEndpoints>[0], options: FixtureOptions = {}) {
  const fixture = await startEndpoints(t, options)
  const client = fixture.browser()
  await signIn(client)
  return { ...fixture, client }
}

async function signIn(client: BrowserClient): Promise<void> {
  const until = (url: URL) => url.pathname === '/x'
  await client.follow(`${APP}/.gatehouse/sign_in?rd=%2Fx`, { until })
  await client.follow(`${WIKI}:8443/.gatehouse/sign_in?rd=%2Fx`, { until })
}

const isSignedIn = async (client: BrowserClient, origin: string) =>
  (await client.send(`${origin}/.gatehouse/user`)).status === 200

test('GET asks and ends nothing', async (t) => {
  const { client } = await signedIn(t)
  const { status, body, headers, setCookies } = await client.visit(SIGN_OUT)
  t.equal(status, 200)
  t.match(body, '<form method="post" action="/.gatehouse/sign_out">')
  t.match(body, 'ana@example.com')
  t.equal(headers['cache-control'], 'no-store')
  t.same(setCookies, [])
  t.ok(await isSignedIn(client, APP))
})

test('POST ends the session on all hosts, clears the cookie, and leads to the landing page', async (t) => {
  const { client, sessions } = await signedIn(t)
  const answer = await client.post(SIGN_OUT)
  t.equal(answer.status, 303)
  t.equal(answer.location, `${APP}/.gatehouse/signed_out`)
  t.match(answer.setCookies, [
    /^__Host-gatehouse=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax$/,
  ])
  t.equal(await sessions.count(), 0)
  for (const origin of [APP, AUTH, `${WIKI}:8443`]) t.notOk(await isSignedIn(client, origin))
})

test('a cookie from before the sign-out opens nothing', async (t) => {
  const { client, browser } = await signedIn(t)
  const kept = client.cookies('app.example.com').get('__Host-gatehouse') ?? ''
  await client.post(SIGN_OUT)
  const thief = browser()
  thief.setCookie('app.example.com', '__Host-gatehouse', kept)
  t.notOk(await isSignedIn(thief, APP))
})

const own: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'a page of the same origin': { 'sec-fetch-site': 'same-origin', origin: APP },
  'a page of the same origin, whatever Origin says': {
    'sec-fetch-site': 'same-origin',
    origin: 'null',
  },
  'a browser without Sec-Fetch-Site and with our Origin': { 'sec-fetch-site': '', origin: APP },
}
const foreign: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'another site': { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  'another site that forges Origin': { 'sec-fetch-site': 'cross-site', origin: APP },
  'another host of the same site': { 'sec-fetch-site': 'same-site', origin: WIKI },
  'the address bar': { 'sec-fetch-site': 'none', origin: APP },
  'another Origin': { 'sec-fetch-site': '', origin: 'https://evil.example' },
  public_url: { 'sec-fetch-site': '', origin: AUTH },
  'our host at another port': { 'sec-fetch-site': '', origin: `${APP}:8443` },
  'our host by http': { 'sec-fetch-site': '', origin: 'http://app.example.com' },
  'an opaque origin': { 'sec-fetch-site': '', origin: 'null' },
  'nowhere that is said': { 'sec-fetch-site': '', origin: '' },
}
for (const [expected, cases] of [
  [303, own],
  [403, foreign],
] as const) {
  for (const [what, headers] of Object.entries(cases)) {
    test(`a POST from ${what} is ${expected}`, async (t) => {
      const { client } = await signedIn(t)
      const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''))
      const answer = await client.send(SIGN_OUT, { method: 'POST', headers: given })
      t.equal(answer.status, expected)
      t.equal(await isSignedIn(client, APP), expected === 403)
      if (expected === 403) t.same(answer.setCookies, [])
    })
  }
}

/** One person in three browsers, and another one. */
async function inThreeBrowsers(t: Parameters<typeof startEndpoints>[0]) {
  const fixture = await signedIn(t)
  const others = [fixture.browser(), fixture.browser()]
  for (const client of others) await signIn(client)
  fixture.idp.person = person('lena')
  const stranger = fixture.browser()
  await signIn(stranger)
  const [second, third] = others as [BrowserClient, BrowserClient]
  const idOf = async (client: BrowserClient) => {
    const { sessions } = (await client.send(`${APP}/.gatehouse/`)).json()
    const list = sessions as { readonly id: string; readonly current: boolean }[]
    return list.find(({ current }) => current)?.id ?? ''
  }
  const ids = { own: await idOf(fixture.client), second: await idOf(second) }
  return { ...fixture, second, third, stranger, ids, strangers: await idOf(stranger) }
}

test('the own page ends another session of mine, and I stay', async (t) => {
  const { client, second, third, stranger, ids, logged } = await inThreeBrowsers(t)
  const { body } = await client.visit(`${APP}/.gatehouse/`)
  t.equal(body.match(/name="session"/g)?.length, 3, 'one form for each')
  const answer = await client.post(SIGN_OUT, { session: ids.second })
  t.equal(answer.status, 303)
  t.equal(answer.location, `${APP}/.gatehouse/`)
  t.same(answer.setCookies, [])
  t.notOk(await isSignedIn(second, APP))
  for (const other of [client, third, stranger]) t.ok(await isSignedIn(other, APP))
  t.match(
    logged.filter(({ message }) => message === 'sign_out'),
    [{ fields: { session: ids.second, subject: 'sub-ana' } }],
  )
  t.equal((await client.post(SIGN_OUT, { session: ids.second })).status, 303, 'gone already')
})

test('... and this one, as any sign-out', async (t) => {
  const { client, second, ids } = await inThreeBrowsers(t)
  const answer = await client.post(SIGN_OUT, { session: ids.own })
  t.equal(answer.location, `${APP}/.gatehouse/signed_out`)
  t.equal(answer.setCookies.length, 1)
  t.notOk(await isSignedIn(client, APP))
  t.ok(await isSignedIn(second, APP))
})

test('... or all of mine, and nobody else’s', async (t) => {
  const { client, second, third, stranger, idp } = await inThreeBrowsers(t)
  idp.endSession = true
  const answer = await client.post(SIGN_OUT, { everywhere: 'true' })
  t.equal(answer.status, 303)
  t.match(answer.location, idp.origin)
  for (const mine of [client, second, third]) t.notOk(await isSignedIn(mine, APP))
  t.ok(await isSignedIn(stranger, APP))
})

test('nobody ends the sessions of others, or from elsewhere', async (t) => {
  const { client, second, third, stranger, strangers, ids, sessions } = await inThreeBrowsers(t)
  t.equal((await client.post(SIGN_OUT, { session: strangers })).location, `${APP}/.gatehouse/`)
  const crossSite = { headers: { 'sec-fetch-site': 'cross-site' } }
  for (const form of [{ session: ids.second }, { everywhere: 'true' }]) {
    t.equal((await client.post(SIGN_OUT, form, crossSite)).status, 403)
  }
  for (const other of [client, second, third, stranger]) t.ok(await isSignedIn(other, APP))
  t.equal(await sessions.count(), 4)
})

test('with a provider that ends its sessions too, the way goes there with the ID token', async (t) => {
  const { client, idp } = await signedIn(t)
  idp.endSession = true
  const page = await client.visit(SIGN_OUT)
  t.match(page.body, 'signed out of The okta')
  t.match(page.headers['content-security-policy'], `form-action 'self' ${AUTH} ${idp.origin};`)
  idp.signOuts.length = 0
  const answer = await client.post(SIGN_OUT)
  t.match(answer.location, `${idp.origin}/end`)
  t.same(idp.signOuts, [{ idToken: 'id-token-of-ana', state: undefined }])
  t.same(idp.revoked, ['refresh-token-of-ana'])
  t.notOk(await isSignedIn(client, APP))
})

test('a provider that cannot be reached keeps nobody signed in', async (t) => {
  const { client, idp, logged } = await signedIn(t)
  idp.endSession = true
  idp.provider.endSessionUrl = () => Promise.reject(new Error('down'))
  idp.provider.revoke = () => Promise.reject(new ProviderFailure('unavailable', 'no answer'))
  t.equal((await client.visit(SIGN_OUT)).status, 200)
  t.equal((await client.post(SIGN_OUT)).location, `${APP}/.gatehouse/signed_out`)
  t.notOk(await isSignedIn(client, APP))
  t.match(
    logged.filter(({ fields }) => 'detail' in fields),
    [{ level: 'warn', fields: { provider: 'okta', detail: 'no answer' } }],
  )
})

test('`rd` is where a sign-out leads when the provider ends nothing', async (t) => {
  const { client } = await signedIn(t)
  const page = await client.visit(`${SIGN_OUT}?rd=${encodeURIComponent(`${WIKI}:8443/bye`)}`)
  t.match(page.body, `name="rd" value="${WIKI}:8443/bye"`)
  const answer = await client.post(SIGN_OUT, { rd: `${WIKI}:8443/bye` })
  t.equal(answer.location, `${WIKI}:8443/bye`)
})

test('`rd` is followed after the provider, by the state that it brings back, for a while', async (t) => {
  const { client, idp, clock } = await signedIn(t, { postLogoutRedirectUri: `${AUTH}/bye` })
  idp.endSession = true
  const answer = await client.post(SIGN_OUT, { rd: '/x' })
  const state = new URL(answer.location ?? '').searchParams.get('state') ?? ''
  const back = `${AUTH}/bye?state=${state}`
  t.equal((await client.visit(back)).location, `${APP}/x`)
  clock.time += 16 * 60_000
  t.equal((await client.visit(back)).status, 200)
  t.equal((await client.visit(`${AUTH}/bye?state=forged`)).status, 200)
})

test('a foreign `rd` leads to the front page of the host', async (t) => {
  const { client } = await signedIn(t)
  const answer = await client.post(SIGN_OUT, { rd: 'https://evil.example/' })
  t.equal(answer.location, `${APP}/`)
})

test('who is not signed in is led to the landing page, or to `rd`', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  t.equal((await client.visit(SIGN_OUT)).location, `${APP}/.gatehouse/signed_out`)
  const answer = await client.post(SIGN_OUT)
  t.equal(answer.status, 303)
  t.equal(answer.location, `${APP}/.gatehouse/signed_out`)
  t.equal((await client.post(SIGN_OUT, { rd: '/x' })).location, `${APP}/x`)
})

test('with the store down nobody is told to be signed out, and is as soon as it can be', async (t) => {
  const { client, fault, clock } = await signedIn(t)
  clock.time += 2_000
  fault.down = true
  const answer = await client.post(SIGN_OUT)
  t.equal(answer.status, 503)
  t.same(answer.setCookies, [])
  t.match(answer.body, 'not signed out everywhere yet')
  fault.down = false
  t.notOk(await isSignedIn(client, APP))
})

test('a form that is too large, or of another kind, is refused', async (t) => {
  const { client } = await signedIn(t)
  const large = await client.post(SIGN_OUT, { rd: 'x'.repeat(20_000) })
  t.equal(large.status, 413)
  const json = await client.post(SIGN_OUT, {}, { headers: { 'content-type': 'application/json' } })
  t.equal(json.status, 415)
  t.ok(await isSignedIn(client, APP))
})

test('the landing page shows a link and starts nothing', async (t) => {
  const { client, idp } = await signedIn(t)
  const before = idp.asked.length
  for (const origin of [APP, AUTH]) {
    const { status, body, setCookies } = await client.visit(`${origin}/.gatehouse/signed_out`)
    t.equal(status, 200)
    t.match(body, 'href="/.gatehouse/sign_in')
    t.same(setCookies, [])
  }
  t.equal(idp.asked.length, before)
})
