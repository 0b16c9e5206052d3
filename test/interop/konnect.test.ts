/** docs/okta-konnect.md: one address for everything, the default server without a scope for groups, the dashboard's tile. */

import { type Test, test } from 'tap'
import type { OktaOptions } from '../../src/demo/okta/okta.ts'
import { signIn } from '../support/sign-in.ts'
import { startOkta } from '../support/start-okta.ts'
import { CLIENT_ID, ROOT_PASSWORD, signOut, startGuide } from './guide.ts'

const PORTAL = 'https://portal.example.com'
const APIS = 'https://apis.example.com'

const startApp = (t: Test, app: OktaOptions['app'] = {}) =>
  startOkta(t, {
    app: {
      clientId: CLIENT_ID,
      redirectUris: [`${PORTAL}/login`],
      postLogoutRedirectUris: [`${PORTAL}/login`],
      initiateLoginUri: `${PORTAL}/login`,
      customGroupsClaim: { name: 'groups', holds: 'names', in: 'id_token' },
      ...app,
    },
  })

test('Konnect: in by the default server without a scope that it lacks, out, and no way round in circles', async (t) => {
  const okta = await startApp(t)
  const { browser } = await startGuide(t, 'okta-konnect.md', { okta })
  const until = ({ pathname }: URL) => pathname.endsWith('/authorize')
  const { location = '' } = await browser.follow(`${APIS}/v1`, { until })
  const asked = new URL(location)
  t.equal(asked.pathname, '/oauth2/default/v1/authorize')
  t.equal(asked.searchParams.get('scope'), 'openid profile email')
  t.equal(asked.searchParams.get('redirect_uri'), `${PORTAL}/login`)
  const page = await signIn(browser, location, 'ana')
  t.equal(page.url, `${APIS}/v1`)
  t.equal(page.status, 200)

  const { end } = await signOut(browser, APIS)
  t.equal(new URL(end.url).pathname, '/login')
  t.match(end.body, 'You are signed out')
  t.equal((await browser.visit(`${PORTAL}/login`)).status, 200, 'a plain visit starts nothing')
  t.match((await browser.follow(`${APIS}/v1`)).body, 'Whom do you want to be?')
})

test('Konnect: the login URL that is handed out', async (t) => {
  const okta = await startApp(t)
  const { browser } = await startGuide(t, 'okta-konnect.md', { okta })
  const login = `${PORTAL}/.gatehouse/login/okta`
  const page = await signIn(browser, `${login}?target_link_uri=${APIS}/v1`, 'ana')
  t.equal(page.url, `${APIS}/v1`)
  t.equal((await browser.follow(login)).url, `${PORTAL}/`, 'who is signed in goes straight on')
})

for (const initiateLoginUri of [`${PORTAL}/login`, `${PORTAL}/.gatehouse/login/okta`]) {
  test(`Konnect: the dashboard's tile, with ${initiateLoginUri}`, async (t) => {
    const okta = await startApp(t, { initiateLoginUri })
    const { browser } = await startGuide(t, 'okta-konnect.md', { okta })
    const tile = okta.signals.tileUrl()
    t.equal(new URL(tile).searchParams.get('iss'), okta.org, 'the organisation, not the server')
    const page = await signIn(browser, tile, 'ana')
    t.equal(page.url, `${PORTAL}/`)
    t.match(page.body, 'Ana Ferreira')
    const again = await browser.follow(tile)
    t.equal(again.url, `${PORTAL}/`, 'Okta knows who it is, and nobody is asked')
    t.ok(again.way.some(({ url }) => url.startsWith(`${okta.org}/oauth2/default/v1/authorize`)))
  })
}

test('Konnect: a tile of another organisation begins nothing', async (t) => {
  const okta = await startApp(t)
  const { browser } = await startGuide(t, 'okta-konnect.md', { okta })
  const answer = await browser.visit(
    `${PORTAL}/login?iss=${encodeURIComponent('https://evil.okta.com')}`,
  )
  t.equal(answer.status, 400)
})

test('Konnect: an ID token that is sent along signs nobody in by itself', async (t) => {
  const okta = await startApp(t)
  const { browser } = await startGuide(t, 'okta-konnect.md', { okta })
  const headers = { origin: okta.org, 'sec-fetch-site': 'cross-site' }
  const form = { id_token: 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJkZW1vLWFuYSJ9.c2ln' }
  const answer = await browser.post(`${PORTAL}/login`, form, { headers })
  t.equal(answer.status, 303)
  t.same(answer.setCookies, [])
  const picker = await browser.follow(answer.location ?? '')
  t.match(picker.body, 'Whom do you want to be?')
  t.equal((await browser.send(`${PORTAL}/.gatehouse/user`)).status, 401)
})

test('Konnect: who is not assigned to the app is told so', async (t) => {
  const okta = await startApp(t)
  okta.world.setAssigned('ben', false)
  const { browser, gateway } = await startGuide(t, 'okta-konnect.md', { okta })
  const page = await signIn(browser, `${APIS}/`, 'ben')
  t.equal(page.status, 403)
  t.match(page.body, 'You cancelled the sign-in, or okta refused it.')
  t.match(page.body, 'you have not been given access to this application there')
  t.notMatch(page.body, 'User is not assigned', 'what Okta says is for the log')
  t.match(page.body, 'Switch account')
  t.ok(gateway)
})

test('Konnect: only the local administrator has a password, and it works while Okta is down', async (t) => {
  const okta = await startApp(t)
  for (const endpoint of ['discovery', 'authorize', 'token'] as const) {
    okta.faults.fail(endpoint, { kind: 'status', status: 503 })
  }
  const { browser, newBrowser } = await startGuide(t, 'okta-konnect.md', { okta })
  t.equal((await newBrowser().follow(`${APIS}/v1`)).status, 503)
  const wrong = { name: 'ana', password: ROOT_PASSWORD }
  t.equal((await browser.post(`${PORTAL}/.gatehouse/local`, wrong)).status, 401)
  const entered = await browser.post(`${PORTAL}/.gatehouse/local`, {
    name: 'root',
    password: ROOT_PASSWORD,
    rd: `${APIS}/v1`,
  })
  const page = await browser.follow(entered.location ?? '')
  t.equal(page.url, `${APIS}/v1`)
  t.equal(page.status, 200)
})
