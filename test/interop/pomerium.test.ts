/** docs/okta-pomerium.md: a sign-in host of its own, refresh tokens, groups by API, Pomerium's environment. */

import { type Test, test } from 'tap'
import type { Okta } from '../../src/demo/okta/okta.ts'
import { signIn } from '../support/sign-in.ts'
import { startOkta } from '../support/start-okta.ts'
import { CLIENT_ID, type GuideOptions, startGuide } from './guide.ts'

const AUTH = 'https://authenticate.example.com'
const VERIFY = 'https://verify.example.com'
const NUMBERS = 'https://numbers.example.com'

const startApp = (t: Test) =>
  startOkta(t, {
    app: {
      clientId: CLIENT_ID,
      refreshGrant: true,
      redirectUris: [`${AUTH}/oauth2/callback`],
      idToken: 'thin',
    },
  })

const account = (okta: Okta, encoding: BufferEncoding = 'base64') =>
  Buffer.from(JSON.stringify({ api_key: okta.apiToken })).toString(encoding)

async function start(t: Test, okta: Okta, options: Partial<GuideOptions> = {}) {
  return startGuide(t, 'okta-pomerium.md', {
    okta,
    ...options,
    change: (text) =>
      (options.change?.(text) ?? text).replace('00g1example', okta.world.groupId('data-science')),
    env: { IDP_SERVICE_ACCOUNT: account(okta), ...options.env },
  })
}

test('Pomerium: one sign-in on a host of its own, handed over to the apps; groups by name and by id', async (t) => {
  const okta = await startApp(t)
  const { browser, newBrowser } = await start(t, okta)
  const page = await signIn(browser, `${VERIFY}/x`, 'chris')
  t.equal(page.url, `${VERIFY}/x`)
  t.equal(page.status, 200)
  const other = await browser.follow(`${NUMBERS}/y`)
  t.equal(other.url, `${NUMBERS}/y`, 'without being asked again')
  t.ok(other.way.some(({ url }) => url.startsWith(`${NUMBERS}/.gatehouse/callback?code=`)))
  t.notOk(other.way.some(({ url }) => url.startsWith(okta.org)))
  t.not(
    browser.cookies('verify.example.com').get('__Host-gatehouse'),
    browser.cookies('numbers.example.com').get('__Host-gatehouse'),
  )
  const ana = newBrowser()
  t.equal((await signIn(ana, `${VERIFY}/`, 'ana')).status, 200)
  t.equal((await ana.follow(`${NUMBERS}/`)).status, 403, 'she is not in that group')
  t.ok(okta.apiCalls.some((call) => /^\/api\/v1\/users\/[^/]+\/groups/.test(call)))
})

const written: Record<string, (okta: Okta) => string> = {
  'base64 with padding and a newline': (okta) => `${account(okta)}\n`,
  'base64 without padding': (okta) => account(okta).replaceAll('=', ''),
  'base64 in the alphabet of URLs': (okta) => account(okta, 'base64url'),
  'the raw token': (okta) => okta.apiToken,
}
for (const [name, write] of Object.entries(written)) {
  test(`Pomerium: a service account as ${name}`, async (t) => {
    const okta = await startApp(t)
    const { browser } = await start(t, okta, { env: { IDP_SERVICE_ACCOUNT: write(okta) } })
    t.equal((await signIn(browser, `${VERIFY}/`, 'ana')).status, 200)
  })
}

test('Pomerium: its environment alone says who the provider is', async (t) => {
  const okta = await startApp(t)
  const { browser, gateway } = await start(t, okta, {
    change: (text) => text.replace(/^server:\n[\s\S]*?(?=^session:)/m, ''),
    env: {
      IDP_PROVIDER: 'okta',
      IDP_PROVIDER_URL: okta.issuer,
      IDP_CLIENT_ID: CLIENT_ID,
      IDP_CLIENT_SECRET: okta.app.clientSecret,
      IDP_SCOPES: 'openid,profile email,offline_access',
      AUTHENTICATE_SERVICE_URL: AUTH,
      SHARED_SECRET: Buffer.alloc(32, 1).toString('base64'),
    },
  })
  const until = ({ pathname }: URL) => pathname.endsWith('/authorize')
  const { location = '' } = await browser.follow(`${VERIFY}/`, { until })
  const asked = new URL(location).searchParams
  t.equal(asked.get('redirect_uri'), `${AUTH}/oauth2/callback`)
  t.equal(asked.get('scope'), 'openid profile email offline_access')
  t.equal((await signIn(browser, location, 'ana')).status, 200)
  const listed = await fetch(`${gateway.adminUrl}/sessions`)
  t.match(await listed.json(), { sessions: [{ provider: 'okta', email: 'ana@example.com' }] })
})

test('Pomerium: a session is refreshed, and ends once Okta refuses that', async (t) => {
  const okta = await startApp(t)
  const clock = { ahead: 0 }
  const { browser, gateway } = await start(t, okta, { now: () => Date.now() + clock.ahead })
  await signIn(browser, `${VERIFY}/`, 'ana')
  const open = async () => (await browser.send(`${VERIFY}/`)).status
  clock.ahead = 50 * 60_000
  t.equal(await open(), 200)
  // Past the end of the access token, which is an hour.
  clock.ahead = 62 * 60_000
  t.equal(await open(), 200)
  const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
  t.match(metrics, /gatehouse_session_refreshes_total\{provider="okta",result="ok"\} 1/)
  okta.faults.refreshRevoked = true
  clock.ahead = 110 * 60_000
  await open()
  clock.ahead = 125 * 60_000
  for (let waited = 0; (await open()) === 200 && waited < 100; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.equal(await open(), 401)
})

test('Pomerium: a group that is taken away closes the door', async (t) => {
  const okta = await startApp(t)
  const clock = { ahead: 0 }
  const { browser } = await start(t, okta, { now: () => Date.now() + clock.ahead })
  t.equal((await signIn(browser, `${VERIFY}/`, 'ana')).status, 200)
  okta.world.removeFromGroup('ana', 'platform-engineers')
  clock.ahead = 5 * 60_000 + 1_000
  for (let waited = 0; waited < 100; waited++) {
    if ((await browser.send(`${VERIFY}/`)).status === 403) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.equal((await browser.send(`${VERIFY}/`)).status, 403)
})

test('Pomerium: whoever signs out leaves no refresh token behind at Okta', async (t) => {
  const okta = await startApp(t)
  const { browser } = await start(t, okta)
  await signIn(browser, `${VERIFY}/`, 'ana')
  const asked: string[] = []
  const { take } = okta.faults
  okta.faults.take = (endpoint) => {
    asked.push(endpoint)
    return take(endpoint)
  }
  const headers = { origin: VERIFY, 'sec-fetch-site': 'same-origin' }
  const answer = await browser.post(`${VERIFY}/.gatehouse/sign_out`, {}, { headers })
  t.match(answer.location, '/oauth2/v1/logout?id_token_hint=')
  for (let waited = 0; !asked.includes('revoke') && waited < 100; waited++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  t.strictSame(asked, ['revoke'])
})
