/** Sign-ins that the provider or a link begins, at the stable login URL and at a redirect path that has all roles. */

import { test } from 'tap'
import { APP, AUTH, startEndpoints } from './start-endpoints.ts'

const LOGIN = `${AUTH}/.gatehouse/login/okta`
const untilApp = (url: URL) => url.origin === APP && !url.pathname.startsWith('/.gatehouse/')

test('a link that was handed out signs in, and asks no more while there is a session', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  const page = await client.follow(LOGIN)
  t.equal(page.url, `${AUTH}/`)
  t.match(page.body, 'ana Example')
  await client.follow(LOGIN)
  t.equal(idp.asked.length, 1)
})

test('with `iss` a sign-in begins afresh, whoever is signed in', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  const from = new URLSearchParams({ iss: idp.origin, login_hint: 'ana@example.com' })
  for (let visits = 1; visits <= 2; visits++) {
    const page = await client.follow(`${LOGIN}?${from}`)
    t.equal(page.url, `${AUTH}/`)
    t.equal(idp.asked.length, visits)
    t.match(idp.asked.at(-1), { loginHint: 'ana@example.com', prompt: undefined })
  }
})

test('target_link_uri is followed on our hosts, by the one judge of addresses', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const targets: [target: string, end: string][] = [
    [`${APP}/d/1?x=y`, `${APP}/d/1?x=y`],
    ['https://evil.example/', `${AUTH}/`],
    ['//evil.example', `${AUTH}/`],
    [`${APP}.evil.example/`, `${AUTH}/`],
    ['javascript:alert(1)', `${AUTH}/`],
  ]
  for (const [target, end] of targets) {
    const query = new URLSearchParams({ iss: idp.origin, target_link_uri: target })
    const answer = await browser().follow(`${LOGIN}?${query}`, { until: untilApp })
    t.equal(answer.location ?? answer.url, end)
  }
})

test('the issuer is ours or its organisation, else nothing begins', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  for (const iss of [`${idp.origin}/`, idp.origin]) {
    const answer = await browser().visit(`${LOGIN}?${new URLSearchParams({ iss })}`)
    t.equal(answer.status, 302, iss)
  }
  for (const iss of ['https://evil.example', '', `${idp.origin}.evil.example`]) {
    const answer = await browser().visit(`${LOGIN}?${new URLSearchParams({ iss })}`)
    t.equal(answer.status, 400, iss)
    t.same(answer.setCookies, [])
  }
  const twice = `${LOGIN}?${new URLSearchParams([
    ['iss', idp.origin],
    ['iss', idp.origin],
  ])}`
  t.equal((await browser().visit(twice)).status, 400)
})

test('a form does the same by way of a GET, so that cookies come along; an ID token in it is nothing', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t)
  const client = browser()
  const form = {
    iss: idp.origin,
    login_hint: 'ana',
    target_link_uri: `${APP}/x`,
    id_token: 'eyJhbGciOiJub25lIn0.e30.',
    state: 's',
  }
  const foreign = { headers: { origin: 'https://acme.okta.com', 'sec-fetch-site': 'cross-site' } }
  const answer = await client.post(LOGIN, form, foreign)
  t.equal(answer.status, 303)
  t.same(answer.setCookies, [])
  const url = new URL(answer.location ?? '')
  t.equal(url.origin + url.pathname, LOGIN)
  t.same([...url.searchParams.keys()], ['iss', 'login_hint', 'target_link_uri'])
  t.equal((await sessions.list()).length, 0)
  const { location } = await client.follow(url.href, { until: untilApp })
  t.equal(location, `${APP}/x`)
  t.match(idp.asked, [{ loginHint: 'ana' }])
})

test('a form with nothing but an ID token begins an ordinary sign-in', async (t) => {
  const { browser, idp } = await startEndpoints(t, { redirectPath: '/login' })
  for (const path of [LOGIN, `${AUTH}/login`]) {
    const answer = await browser().post(path, { id_token: 'eyJhbGciOiJub25lIn0.e30.' })
    t.equal(answer.status, 303)
    t.equal(answer.location, LOGIN)
  }
  t.equal(idp.asked.length, 0)
})

test('one path is callback, start, and landing', async (t) => {
  const { browser, idp } = await startEndpoints(t, {
    redirectPath: '/login',
    postLogoutRedirectUri: `${AUTH}/login`,
  })
  const client = browser()
  const nobody = await client.visit(`${AUTH}/login`)
  t.equal(nobody.status, 200)
  t.match(nobody.body, 'You are signed out')
  t.equal(idp.asked.length, 0, 'a plain visit starts nothing by itself')
  const page = await client.follow(`${AUTH}/login?${new URLSearchParams({ iss: idp.origin })}`)
  t.equal(page.url, `${AUTH}/`)
  t.ok(page.way.some(({ url }) => url.startsWith(`${AUTH}/login?code=`)))
  t.match((await client.visit(`${AUTH}/login`)).body, 'ana Example')
  t.equal((await client.visit(`${AUTH}/login?state=x`)).status, 200)
})

for (const form of [
  { code: 'x', state: 'y' },
  { error: 'x', state: 'y' },
  {},
  { code: 'x', iss: 'z' },
]) {
  test(`an answer by POST (${JSON.stringify(form)}) is 405, and nothing is redeemed`, async (t) => {
    const { browser, idp } = await startEndpoints(t, { redirectPath: '/login' })
    const answer = await browser().post(`${AUTH}/login`, form)
    t.equal(answer.status, 405)
    t.equal(answer.headers['allow'], 'GET')
    t.same(idp.redeemed, [])
  })
}

for (const url of [
  `${AUTH}/.gatehouse/login/nobody`,
  `${AUTH}/.gatehouse/login/`,
  `${AUTH}/.gatehouse/login`,
  `${AUTH}/.gatehouse/login/okta/x`,
  `${APP}/.gatehouse/login/okta`,
]) {
  test(`${url} is not there`, async (t) => {
    const { browser } = await startEndpoints(t)
    t.equal((await browser().visit(url)).status, 404)
  })
}

test('a sign-in with a foreign `login_hint` form value, or a file, is refused', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const answer = await client.send(LOGIN, {
    method: 'POST',
    body: 'iss=a&iss=b',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  t.equal(answer.status, 400)
  const json = await client.send(LOGIN, {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json' },
  })
  t.equal(json.status, 415)
})
