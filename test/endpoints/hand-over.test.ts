/** The code by which an app's host gets the session: once, there, and in the browser that began. */

import { test } from 'tap'
import type { BrowserClient } from '../support/browser-client.ts'
import { person } from './scripted-provider.ts'
import { APP, AUTH, startEndpoints, WIKI } from './start-endpoints.ts'

const SIGN_IN = `${APP}/.gatehouse/sign_in?rd=%2Fx`
const untilApp = (url: URL) => url.pathname === '/x'
const atAppCallback = (url: URL) => url.pathname === '/.gatehouse/callback'

async function codeOf(client: BrowserClient, start = SIGN_IN): Promise<URL> {
  return new URL((await client.follow(start, { until: atAppCallback })).location ?? '')
}

test('the code works once', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const callback = (await codeOf(client)).href
  const first = await client.visit(callback)
  t.equal(first.location, `${APP}/x`)
  const again = await client.visit(callback)
  t.match(again.location, `${AUTH}/.gatehouse/sign_in?for=`)
  t.equal((await client.follow(again.location ?? '', { until: untilApp })).location, `${APP}/x`)
})

test('the code does not work in another browser, and stays good for the right one', async (t) => {
  const { browser } = await startEndpoints(t)
  const [client, thief] = [browser(), browser()]
  const callback = (await codeOf(client)).href
  const stolen = await thief.visit(callback)
  t.match(stolen.location, `${AUTH}/.gatehouse/sign_in?for=`)
  t.notOk(thief.cookies('app.example.com').has('__Host-gatehouse'))
  t.equal((await client.visit(callback)).location, `${APP}/x`)
})

test('the code does not work on another host', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const code = await codeOf(client)
  await client.visit(`${WIKI}:8443/.gatehouse/sign_in?rd=%2F`)
  const elsewhere = await client.visit(`${WIKI}:8443/.gatehouse/callback${code.search}`)
  t.match(elsewhere.location, `${WIKI}:8443/.gatehouse/sign_in`)
  t.notOk(client.cookies('wiki.example.com').has('__Host-gatehouse'))
})

test('the code does not work with the state of another sign-in of the same browser', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const first = await codeOf(client)
  const second = await codeOf(client)
  first.searchParams.set('code', second.searchParams.get('code') ?? '')
  t.match((await client.visit(first.href)).location, `${AUTH}/.gatehouse/sign_in?for=`)
  t.notOk(client.cookies('app.example.com').has('__Host-gatehouse'))
})

test('the code is worth nothing after thirty seconds', async (t) => {
  const { browser, clock } = await startEndpoints(t)
  const client = browser()
  const callback = (await codeOf(client)).href
  clock.time += 31_000
  const { way, location } = await client.follow(callback, { until: untilApp })
  t.match(way[0]?.location, `${AUTH}/.gatehouse/sign_in?for=`)
  t.equal(location, `${APP}/x`)
})

test('a cookie of one host is refused on another', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  await client.follow(SIGN_IN, { until: untilApp })
  const cookie = client.cookies('app.example.com').get('__Host-gatehouse') ?? ''
  const thief = browser()
  for (const host of ['wiki.example.com', 'auth.example.com', 'a.tenants.example.com']) {
    thief.setCookie(host, '__Host-gatehouse', cookie)
    t.equal((await thief.send(`https://${host}/.gatehouse/user`)).status, 401, host)
  }
})

for (const [what, query] of Object.entries({
  nothing: '',
  'no state': '?code=x',
  'no code': '?state=x',
  'two codes': '?code=x&code=y&state=z',
  'two states': '?code=x&state=y&state=z',
})) {
  test(`a callback on an app’s host with ${what} is 400`, async (t) => {
    const { browser } = await startEndpoints(t)
    t.equal((await browser().visit(`${APP}/.gatehouse/callback${query}`)).status, 400)
  })
}

test('a HEAD does not spend the code', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const callback = (await codeOf(client)).href
  t.equal((await client.visit(callback, { method: 'HEAD' })).status, 405)
  t.equal((await client.visit(callback)).location, `${APP}/x`)
})

test('with the store down the code is kept, and works when it is back', async (t) => {
  const { browser, fault } = await startEndpoints(t)
  const client = browser()
  const callback = (await codeOf(client)).href
  fault.down = true
  const answer = await client.visit(callback)
  t.equal(answer.status, 503)
  t.same(answer.setCookies, [])
  fault.down = false
  t.equal((await client.visit(callback)).location, `${APP}/x`)
})

test('a session of somebody else that was left on the app’s host ends', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t)
  const client = browser()
  await client.follow(SIGN_IN, { until: untilApp })
  const left = client.cookies('app.example.com').get('__Host-gatehouse') ?? ''
  client.clearCookies()
  idp.person = person('ben')
  await client.follow(`${AUTH}/.gatehouse/sign_in?rd=%2F`)
  client.setCookie('app.example.com', '__Host-gatehouse', left)
  await client.follow(`${SIGN_IN}&switch=true`, { until: untilApp })
  t.equal((await client.send(`${APP}/.gatehouse/user`)).json().subject, 'sub-ben')
  t.equal(await sessions.count(), 1)
})

test('a route that went while somebody was at the provider is not led to', async (t) => {
  const { browser, usePolicies } = await startEndpoints(t)
  const client = browser()
  const { location = '' } = await client.follow(SIGN_IN, {
    until: (url) => url.pathname === '/oauth2/callback',
  })
  await usePolicies(`
routes:
  - { name: wiki, from: "${WIKI}", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`)
  const { url, status } = await client.follow(location)
  t.equal(url, `${AUTH}/`)
  t.equal(status, 200)
})

test('a fresh hand-over for a route asks for the provider that the route insists on', async (t) => {
  const { browser } = await startEndpoints(t, {
    providerNames: ['okta', 'partner'],
    policies: `
routes:
  - { name: app, from: "${APP}", provider: partner, to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`,
  })
  const client = browser()
  const callback = await codeOf(client)
  callback.searchParams.set('code', 'x')
  t.match((await client.visit(callback.href)).location, /&provider=partner$/)
})
