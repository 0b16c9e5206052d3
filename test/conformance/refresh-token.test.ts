/** The plan `oidcc-client-refreshtoken-test-plan`. */

import { type Test, test } from 'tap'
import type { Faults, Json } from '../identity/fake-provider.ts'
import { APP, lands, requestsAt, startRelyingParty } from './relying-party.ts'

/** Somebody is signed in, and the access token is about to run out; `changes` spoil the ID token of the refresh. */
async function aboutToRefresh(t: Test, changes: Json = {}) {
  const clock = { ahead: 0 }
  const faults: Faults = { refreshes: true, expiresIn: 600 }
  const rp = await startRelyingParty(t, faults, { now: () => Date.now() + clock.ahead })
  await lands(t, rp)
  faults.claims = (claims) => ({ ...claims, ...changes })
  clock.ahead = 550_000
  const refreshed = () =>
    requestsAt(rp.op, '/token').filter(({ form }) => form.get('grant_type') === 'refresh_token')
  return { rp, refreshed }
}

test('oidcc-client-test-refresh-token', async (t) => {
  const { rp, refreshed } = await aboutToRefresh(t)
  t.equal((await rp.browser.visit(`${APP}/page`)).status, 200)
  await until(() => refreshed().length > 0)
  const [request, ...others] = refreshed()
  t.same(others, [])
  t.match(request?.form.get('refresh_token'), /^a-refresh-token-/)
  t.match(request?.headers.authorization, /^Basic /)
  t.ok(request?.form.get('scope')?.split(' ').includes('openid'))
  t.equal((await rp.browser.send(`${APP}/.gatehouse/user`)).json()['subject'], '00u1')
})

for (const [name, changes] of [
  ['oidcc-client-test-refresh-token-invalid-issuer', { iss: 'https://evil.example' }],
  ['oidcc-client-test-refresh-token-invalid-sub', { sub: 'somebody-else' }],
  ['oidcc-client-test-refresh-token-invalid-aud', { aud: 'another-client' }],
  ['oidcc-client-test-refresh-token-invalid-azp', { azp: 'another-client' }],
] as const) {
  test(name, async (t) => {
    const { rp, refreshed } = await aboutToRefresh(t, changes)
    const user = () => rp.browser.send(`${APP}/.gatehouse/user`)
    await rp.browser.send(`${APP}/page`)
    await until(() => refreshed().length > 0)
    if ('sub' in changes) await until(async () => (await user()).status === 401)
    t.notMatch((await user()).body, 'somebody-else')
    t.equal(refreshed().length, 1)
  })
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 20))
}
