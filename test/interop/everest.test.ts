/** docs/okta-everest.md: a public client with PKCE, its own callback, a bare origin to come back to. */

import { type Test, test } from 'tap'
import type { OktaOptions } from '../../src/demo/okta/okta.ts'
import { signIn } from '../support/sign-in.ts'
import { startOkta } from '../support/start-okta.ts'
import { CLIENT_ID, signOut, startGuide } from './guide.ts'

const SITE = 'https://everest.example.com'

const startApp = (t: Test, app: OktaOptions['app'] = {}) =>
  startOkta(t, {
    app: {
      clientId: CLIENT_ID,
      clientAuth: 'none',
      pkceRequired: true,
      redirectUris: [`${SITE}/login-callback`],
      postLogoutRedirectUris: [SITE],
      ...app,
    },
  })

const issuers: Record<string, [path: string, app: OktaOptions['app']]> = {
  'the organisation’s own server': ['', {}],
  'the organisation’s own server, with thin ID tokens': ['', { idToken: 'thin' }],
  'the default server': [
    '/oauth2/default',
    { customGroupsClaim: { name: 'groups', holds: 'names', in: 'id_token' } },
  ],
  'the default server, with groups in UserInfo': [
    '/oauth2/default',
    { idToken: 'thin', customGroupsClaim: { name: 'groups', holds: 'names', in: 'userinfo' } },
  ],
}
for (const [name, [path, app]] of Object.entries(issuers)) {
  test(`Everest: in and out by ${name}`, async (t) => {
    const okta = await startApp(t, app)
    const { browser, newBrowser, upstream } = await startGuide(t, 'okta-everest.md', {
      okta,
      change: (text) =>
        text.replace('issuer: https://acme.okta.com', `issuer: https://acme.okta.com${path}`),
    })
    const page = await signIn(browser, `${SITE}/databases?x=1`, 'ana')
    t.equal(page.status, 200)
    t.equal(page.url, `${SITE}/databases?x=1`)
    t.same(upstream.requests.at(-1)?.header('x-forwarded-email'), ['ana@example.com'])

    const ben = await signIn(newBrowser(), `${SITE}/`, 'ben')
    t.equal(ben.status, 403)
    t.match(ben.body, 'platform-engineers')

    const { atProvider, end } = await signOut(browser, SITE)
    t.match(atProvider, new RegExp(`[?&]post_logout_redirect_uri=${encodeURIComponent(SITE)}(&|$)`))
    t.match(end.body, 'Whom do you want to be?', 'back at the site, which asks for a new sign-in')
    t.ok(end.way.some(({ url }) => url === `${SITE}/`))
  })
}

test('Everest: another issuer than the app’s is named in the log, and the page says whose fault it is', async (t) => {
  const okta = await startApp(t)
  const { browser } = await startGuide(t, 'okta-everest.md', {
    okta,
    change: (text) =>
      text.replace('issuer: https://acme.okta.com', 'issuer: https://acme.okta.com/oauth2/other'),
  })
  const page = await browser.follow(`${SITE}/`)
  t.ok(page.status >= 500, String(page.status))
  t.match(page.body, /okta (does not accept this gateway|gave an answer that cannot be trusted)/)
})
