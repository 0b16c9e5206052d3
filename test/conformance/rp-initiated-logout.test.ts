/** The plan `oidcc-client-rp-initiated-logout-rp-basic`. */

import { decodeJwt } from 'jose'
import { type Test, test } from 'tap'
import { CLIENT_ID } from '../identity/fake-provider.ts'
import { PUBLIC_URL } from '../support/start-gateway.ts'
import { APP, lands, startRelyingParty } from './relying-party.ts'

const ONWARD = `${APP}/goodbye`

/** Signs in and out; what the provider was asked for at its end-session endpoint. */
async function signedOut(t: Test) {
  const rp = await startRelyingParty(t)
  await lands(t, rp)
  const { status, location = '' } = await rp.browser.post(`${APP}/.gatehouse/sign_out`, {
    rd: ONWARD,
  })
  t.equal(status, 303)
  t.equal((await rp.browser.send(`${APP}/.gatehouse/user`)).status, 401, 'ended here before')
  const url = new URL(location)
  t.equal(url.origin + url.pathname, `${rp.op.issuer}/logout`)
  const asked = url.searchParams
  const landing = asked.get('post_logout_redirect_uri') ?? ''
  t.equal(landing, `${PUBLIC_URL}/.gatehouse/signed_out`)
  return { rp, asked, landing }
}

test('oidcc-client-test-rp-init-logout', async (t) => {
  const { rp, asked, landing } = await signedOut(t)
  t.match(decodeJwt(asked.get('id_token_hint') ?? ''), { sub: '00u1', aud: CLIENT_ID })
  t.equal(asked.get('client_id'), CLIENT_ID)
  const state = asked.get('state') ?? ''
  t.match(state, /^[A-Za-z0-9_-]+$/)
  const until = (url: URL) => url.href === ONWARD
  const end = await rp.browser.follow(`${landing}?state=${state}`, { until })
  t.equal(end.location, ONWARD)
})

for (const [name, query] of [
  ['oidcc-client-test-rp-init-logout-other-state', '?state=of-another-sign-out'],
  ['oidcc-client-test-rp-init-logout-no-state', ''],
] as const) {
  test(name, async (t) => {
    const { rp, landing } = await signedOut(t)
    const end = await rp.browser.follow(landing + query)
    t.equal(end.url, landing + query, 'the landing page, and no further')
    t.equal(end.status, 200)
    t.match(end.body, 'You are signed out')
  })
}
