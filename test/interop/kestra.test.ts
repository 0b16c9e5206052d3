/** docs/okta-kestra.md: several ways to sign in, plain http on loopback, a sign-out page that starts nothing. */

import { type Test, test } from 'tap'
import { signIn } from '../support/sign-in.ts'
import { startOkta } from '../support/start-okta.ts'
import { startProvider } from '../support/start-provider.ts'
import { CLIENT_ID, ROOT_PASSWORD, signOut, startGuide } from './guide.ts'

const AUTH = 'http://localhost:8080'
const FLOWS = 'http://flows.localhost:8080'

async function start(t: Test, change: (text: string) => string = (text) => text) {
  const okta = await startOkta(t, {
    app: {
      clientId: CLIENT_ID,
      redirectUris: [`${AUTH}/oauth/callback/okta`],
      postLogoutRedirectUris: [`${AUTH}/logout`],
    },
  })
  const partner = await startProvider(t, { redirectUris: [`${AUTH}/oauth/callback/partner`] })
  const guide = await startGuide(t, 'okta-kestra.md', {
    okta,
    env: { PARTNER_CLIENT_SECRET: partner.clientSecret },
    change: (text) => change(text.replace('https://login.partner.example', partner.issuer)),
  })
  return { ...guide, okta, partner }
}

/** The address behind a button of the page. */
function behind(body: string, name: string): string {
  const link = new RegExp(`href="([^"]*)">[^<]*${name}`).exec(body)?.[1] ?? ''
  return AUTH + link.replaceAll('&amp;', '&')
}

test('Kestra: a page asks how to sign in, and each way leads in and is listed as what it is', async (t) => {
  const { browser, newBrowser, gateway } = await start(t)
  const chooser = await browser.follow(`${FLOWS}/ui`)
  t.match(chooser.body, 'Choose how to sign in to flows.localhost')
  const page = await signIn(browser, behind(chooser.body, 'Continue with Okta'), 'ana')
  t.equal(page.url, `${FLOWS}/ui`)
  t.equal(page.status, 200)

  const other = newBrowser()
  const second = await other.follow(`${FLOWS}/ui`)
  t.equal(
    (await signIn(other, behind(second.body, 'Continue with Partner Inc'), 'ana')).status,
    200,
  )
  const third = newBrowser()
  const form = await third.follow(behind((await third.follow(`${FLOWS}/ui`)).body, 'a password'))
  const rd = /name="rd" value="([^"]*)"/.exec(form.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const entered = await third.post(`${AUTH}/.gatehouse/local`, {
    name: 'root',
    password: ROOT_PASSWORD,
    rd,
  })
  const flows = await third.follow(entered.location ?? '')
  t.equal(flows.url, `${FLOWS}/ui`)
  t.equal(flows.status, 200)

  const listed = await fetch(`${gateway.adminUrl}/sessions`)
  const { sessions } = (await listed.json()) as { sessions: { provider: string; method: string }[] }
  t.same(sessions.map(({ provider, method }) => `${provider} ${method}`).sort(), [
    'local local',
    'okta oidc',
    'partner oidc',
  ])
})

test('Kestra: an e-mail address chooses', async (t) => {
  const { browser, partner } = await start(t)
  const start1 = `${FLOWS}/.gatehouse/sign_in?rd=${FLOWS}/ui&login_hint=bo@partner.example`
  const answer = await browser.follow(start1)
  t.ok(answer.url.startsWith(partner.issuer), answer.url)
})

test('Kestra: /logout is where sign-outs end, and starts nothing', async (t) => {
  const { browser, okta } = await start(t)
  const chooser = await browser.follow(`${FLOWS}/ui`)
  await signIn(browser, behind(chooser.body, 'Continue with Okta'), 'ana')
  const { atProvider, end } = await signOut(browser, FLOWS)
  t.ok(atProvider.startsWith(`${okta.org}/oauth2/v1/logout?`), atProvider)
  t.equal(new URL(end.url).pathname, '/logout')
  t.match(end.body, 'You are signed out')
  t.equal(end.location, undefined)
  for (let visits = 0; visits < 3; visits++) {
    const again = await browser.visit(`${AUTH}/logout`)
    t.equal(again.status, 200)
    t.equal(again.location, undefined)
  }
})

test('Kestra: a route that names its provider asks nobody', async (t) => {
  const { browser, partner } = await start(t, (text) =>
    text.replace('  - name: flows\n', '  - name: flows\n    provider: partner\n'),
  )
  const answer = await browser.follow(`${FLOWS}/ui`)
  t.ok(answer.url.startsWith(partner.issuer), answer.url)
})

test('Kestra: an issuer that is not the app’s is said so', async (t) => {
  const { browser, okta } = await start(t)
  okta.faults.idToken = { kind: 'claims', claims: { iss: 'https://login.acme.example' } }
  const chooser = await browser.follow(`${FLOWS}/ui`)
  const page = await signIn(browser, behind(chooser.body, 'Continue with Okta'), 'ana')
  t.equal(page.status, 502)
  t.match(page.body, 'Okta gave an answer that cannot be trusted')
})
