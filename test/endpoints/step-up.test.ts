/** A sign-in that a policy asks for anew: what the provider is asked, what becomes of the session, and no loop. */

import { test } from 'tap'
import { person } from './scripted-provider.ts'
import { APP, AUTH, startEndpoints } from './start-endpoints.ts'

const POLICIES = `
routes:
  - name: app
    from: "${APP}"
    to: "http://127.0.0.1:9"
    allow_any_authenticated_user: true
  - name: pay
    from: "${APP}"
    prefix: /pay
    to: "http://127.0.0.1:9"
    policy:
      - allow: { and: [{ acr: { in: ["urn:okta:loa:2fa:any", phr] } }, { auth_age: { below: 15m } }] }
  - name: keys
    from: "${APP}"
    prefix: /keys
    to: "http://127.0.0.1:9"
    policy: [{ allow: { and: [{ amr: hwk }] } }]
  - name: here
    from: "${AUTH}"
    prefix: /admin
    to: "http://127.0.0.1:9"
    policy: [{ allow: { and: [{ acr: phr }] } }]
`
const untilApp = (url: URL) => url.origin === APP && !url.pathname.startsWith('/.gatehouse/')
const signIn = (rd: string, stepUp?: string, origin = APP) =>
  `${origin}/.gatehouse/sign_in?${new URLSearchParams({ rd, ...(stepUp === undefined ? {} : { step_up: stepUp }) })}`

test('the provider is asked for what the policy at that path names, though there is a session', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t, { policies: POLICIES })
  const client = browser()
  await client.follow(signIn(`${APP}/`), { until: untilApp })
  const { location } = await client.follow(signIn(`${APP}/pay/1`, '/pay/1'), { until: untilApp })
  t.equal(location, `${APP}/pay/1`)
  t.match(idp.asked, [
    { acrValues: undefined, maxAgeSeconds: undefined, prompt: undefined },
    { acrValues: ['urn:okta:loa:2fa:any', 'phr'], maxAgeSeconds: 900, prompt: undefined },
  ])
  t.equal((await sessions.list()).length, 1, 'the new session has taken the place of the old')
  const cookie = client.cookies('app.example.com').get('__Host-gatehouse') ?? ''
  const session = await sessions.open(cookie, 'app.example.com')
  t.ok(session?.record.steppedUpAt)
  t.equal(session?.subject.steppedUpAt, session?.record.steppedUpAt)
})

test('a proof that has no name for providers is a sign-in anew', async (t) => {
  const { browser, idp } = await startEndpoints(t, { policies: POLICIES })
  await browser().follow(signIn(`${APP}/keys`, '/keys'), { until: untilApp })
  t.match(idp.asked, [{ acrValues: [], maxAgeSeconds: undefined, prompt: 'login' }])
})

test('what cannot be repeated asks by its own path, and returns to the front', async (t) => {
  const { browser, idp } = await startEndpoints(t, { policies: POLICIES })
  const { location } = await browser().follow(signIn(`${APP}/`, '/pay/transfer'), {
    until: untilApp,
  })
  t.equal(location, `${APP}/`)
  t.match(idp.asked, [{ maxAgeSeconds: 900 }])
})

test('on public_url itself a step-up works alike', async (t) => {
  const { browser, idp } = await startEndpoints(t, { policies: POLICIES })
  const client = browser()
  const until = (url: URL) => url.origin === AUTH && url.pathname === '/admin'
  await client.follow(signIn(`${AUTH}/admin`, undefined, AUTH), { until })
  await client.follow(signIn(`${AUTH}/admin`, '/admin', AUTH), { until })
  t.match(idp.asked, [{ acrValues: undefined }, { acrValues: ['phr'] }])
})

for (const path of [
  '/',
  '//evil.example/pay',
  'pay',
  '/../pay',
  '',
  'https://app.example.com/pay',
]) {
  test(`a link with \`step_up=${path}\` asks the provider for nothing`, async (t) => {
    const { browser, idp } = await startEndpoints(t, { policies: POLICIES })
    const client = browser()
    await client.follow(signIn(`${APP}/`), { until: untilApp })
    await client.follow(signIn(`${APP}/`, path), { until: untilApp })
    const asked = path === '/../pay' ? [{}, { maxAgeSeconds: 900 }] : [{}]
    t.match(idp.asked, asked)
    t.equal(idp.asked.length, asked.length)
  })
}

test('a step-up goes to the provider that knows the person', async (t) => {
  const fixture = await startEndpoints(t, {
    policies: POLICIES,
    providerNames: ['okta', 'partner'],
  })
  const client = fixture.browser()
  await client.follow(`${signIn(`${APP}/`)}&provider=partner`, { until: untilApp })
  await client.follow(signIn(`${APP}/pay`, '/pay'), { until: untilApp })
  t.same(
    fixture.idps.map(({ asked }) => asked.length),
    [0, 2],
  )
})

test('a fresh start keeps what was asked for', async (t) => {
  const { browser, idp } = await startEndpoints(t, { policies: POLICIES })
  idp.failure = 'restart'
  const page = await browser().follow(signIn(`${APP}/pay`, '/pay'))
  t.equal(page.status, 400)
  t.equal(idp.asked.length, 3)
  for (const { maxAgeSeconds } of idp.asked) t.equal(maxAgeSeconds, 900)
})

test('a provider that cannot prove the person so ends on a page, and leaves the session as it was', async (t) => {
  const { browser, idp, sessions, counted } = await startEndpoints(t, { policies: POLICIES })
  const client = browser()
  await client.follow(signIn(`${APP}/`), { until: untilApp })
  const before = await sessions.list()
  idp.failure = 'unmet'
  const page = await client.follow(signIn(`${APP}/pay`, '/pay'))
  t.equal(page.status, 403)
  t.match(page.body, 'The okta could not confirm who you are in the way that this site asks for.')
  t.same(await sessions.list(), before)
  t.equal(idp.asked.length, 2)
  t.same(counted, ['okta ok', 'okta unmet'])
})

test('tabs that step up at once share the session that the first of them makes', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t, { policies: POLICIES })
  const client = browser()
  await client.follow(signIn(`${APP}/`), { until: untilApp })
  const atProvider = (url: URL) => url.origin === idp.origin
  const starts = [signIn(`${APP}/pay/1`, '/pay/1'), signIn(`${APP}/pay/2`, '/pay/2')]
  const waiting: string[] = []
  for (const start of starts) {
    waiting.push((await client.follow(start, { until: atProvider })).location ?? '')
  }
  for (const url of waiting) await client.follow(url, { until: untilApp })
  const [only, ...others] = await sessions.list()
  t.same(others, [])
  t.equal(only?.sub, 'sub-ana')
})

test('who proves to be somebody else is somebody else', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t, { policies: POLICIES })
  const client = browser()
  await client.follow(signIn(`${APP}/`), { until: untilApp })
  idp.person = person('ben')
  await client.follow(signIn(`${APP}/pay`, '/pay'), { until: untilApp })
  t.same(
    (await sessions.list()).map(({ sub }) => sub),
    ['sub-ben'],
  )
  t.equal((await client.send(`${APP}/.gatehouse/user`)).json().subject, 'sub-ben')
})
