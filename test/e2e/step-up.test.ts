/** A step-up through the whole gateway, at an Okta organisation: asked for once, judged by the policy, never a loop. */

import { type Test, test } from 'tap'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080'
const PAY = `${APP}/pay/1?x=y`

async function start(t: Test, criteria: string) {
  const okta = await startOkta(t)
  const upstream = await startUpstream(t)
  const clock = { ahead: 0 }
  const gateway = await startGateway(t, {
    now: () => Date.now() + clock.ahead,
    config: {
      providers: {
        demo: {
          issuer: okta.issuer,
          client_id: okta.app.clientId,
          client_secret: okta.app.clientSecret,
          display_name: 'Acme’s Okta',
        },
      },
    },
    policies: `
routes:
  - { name: app, from: "${APP}", to: "${upstream.origin}", allow_any_authenticated_user: true }
  - { name: pay, from: "${APP}", prefix: /pay, to: "${upstream.origin}", policy: [{ allow: { and: [${criteria}] } }] }
`,
  })
  return { okta, clock, browser: createBrowserClient(gateway.port) }
}

/** The address at the provider that `url` leads to. */
async function askedAt(browser: BrowserClient, url: string): Promise<URL> {
  const until = ({ pathname }: URL) => pathname.endsWith('/authorize')
  const { location = '' } = await browser.follow(url, { until })
  return new URL(location)
}

test('an acr that the policy asks for is asked of the provider, which proves it, and the page opens', async (t) => {
  const { browser } = await start(t, '{ acr: "urn:okta:loa:2fa:any" }')
  t.equal((await signIn(browser, `${APP}/`, 'ana')).status, 200)
  const json = await browser.send(PAY, { headers: { accept: 'application/json' } })
  t.equal(json.status, 401)
  t.match(json.json(), { error: 'STEP_UP_REQUIRED', login_url: /&step_up=%2Fpay%2F1$/ })
  const asked = await askedAt(browser, PAY)
  t.equal(asked.searchParams.get('acr_values'), 'urn:okta:loa:2fa:any')
  const page = await signIn(browser, asked.href, 'ana')
  t.equal(page.url, PAY)
  t.equal(page.status, 200)
  t.equal((await browser.visit(`${APP}/`)).status, 200, 'the rest of the sites goes on')
})

test('an authentication that is too old is made anew', async (t) => {
  const { browser, clock } = await start(t, '{ auth_age: { below: 15m } }')
  await signIn(browser, PAY, 'ana')
  t.equal((await browser.visit(PAY)).status, 200)
  clock.ahead = 16 * 60_000
  const asked = await askedAt(browser, PAY)
  t.equal(asked.searchParams.get('max_age'), '900')
})

test('what the provider does not prove is refused by name, and asked for again after five minutes', async (t) => {
  const { browser, clock } = await start(t, '{ acr: "urn:acme:hardware" }')
  await signIn(browser, `${APP}/`, 'ana')
  const page = await signIn(browser, PAY, 'ana')
  t.equal(page.status, 403)
  t.match(page.body, 'The way you signed in is not strong enough')
  const again = await browser.send(PAY, { headers: { accept: 'application/json' } })
  t.match(again.json(), { error: 'ACCESS_DENIED', reason: 'step-up-failed', rule: 'pay[0]' })
  clock.ahead = 5 * 60_000 + 1_000
  const later = await browser.send(PAY, { headers: { accept: 'application/json' } })
  t.match(later.json(), { error: 'STEP_UP_REQUIRED' })
})

test('a provider that says it cannot prove it ends on a page that says so, with the session as it was', async (t) => {
  const { browser, okta } = await start(t, '{ acr: phr }')
  await signIn(browser, `${APP}/`, 'ana')
  okta.faults.acrUnmet = true
  const page = await browser.follow(PAY)
  t.equal(page.status, 403)
  t.match(
    page.body,
    'Acme’s Okta could not confirm who you are in the way that this site asks for.',
  )
  t.equal((await browser.visit(`${APP}/`)).status, 200)
  okta.faults.acrUnmet = false
  t.equal((await signIn(browser, PAY, 'ana')).status, 200)
})
