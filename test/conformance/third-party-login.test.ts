/** The plan `oidcc-client-test-3rd-party-init-login-test-plan`. */

import { test } from 'tap'
import { PUBLIC_URL } from '../support/start-gateway.ts'
import { APP, NAME, startRelyingParty } from './relying-party.ts'

const INITIATE = `${PUBLIC_URL}/.gatehouse/login/${NAME}`

test('oidcc-client-test-3rd-party-init-login', async (t) => {
  const rp = await startRelyingParty(t)
  const start = new URLSearchParams({
    iss: rp.op.issuer,
    login_hint: 'ana@example.com',
    target_link_uri: `${APP}/page?x=y`,
  })
  const { asked, answer, subject } = await rp.signIn(`${INITIATE}?${start}`)
  t.equal(asked.get('login_hint'), 'ana@example.com')
  t.equal(answer.url, `${APP}/page?x=y`)
  t.equal(subject, '00u1')
})

test('oidcc-client-test-3rd-party-init-login: by POST', async (t) => {
  const rp = await startRelyingParty(t)
  const { location = '' } = await rp.browser.post(INITIATE, { iss: rp.op.issuer })
  const { answer } = await rp.signIn(location)
  t.equal(answer.url, `${PUBLIC_URL}/`)
  t.match(answer.body, 'Ana')
})

test('oidcc-client-test-3rd-party-init-login: a target of somebody else is not followed', async (t) => {
  const rp = await startRelyingParty(t)
  const start = new URLSearchParams({ iss: rp.op.issuer, target_link_uri: 'https://evil.example/' })
  const { answer } = await rp.signIn(`${INITIATE}?${start}`)
  t.equal(answer.url, `${PUBLIC_URL}/`)
})

test('oidcc-client-test-3rd-party-init-login: an issuer that is not ours begins nothing', async (t) => {
  const rp = await startRelyingParty(t)
  const answer = await rp.browser.visit(`${INITIATE}?iss=https://evil.example`)
  t.equal(answer.status, 400)
})
