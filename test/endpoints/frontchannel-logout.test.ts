/** OpenID Connect Front-Channel Logout: a frame in the provider's page, without cookies of ours. */

import { test } from 'tap'
import { PUBLIC_URL, type TestAnswer } from '../support/start-gateway.ts'
import { type SignalFixture, startSignals, withinASecond } from './signal-fixture.ts'

const PATH = '/.gatehouse/frontchannel_logout/demo'

async function load(
  { gateways }: SignalFixture,
  query: Record<string, string> | string,
  method = 'GET',
): Promise<TestAnswer> {
  const text = typeof query === 'string' ? query : new URLSearchParams(query).toString()
  const answer = await gateways[0]?.get(`${PUBLIC_URL}${PATH}?${text}`, { method })
  if (answer === undefined) throw new Error('no gateway')
  return answer
}

test('issuer and session id end that session everywhere, and only the provider may frame the page', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const { issuer } = fixture.idp
  const gone = await fixture.signIn({ sub: '00u1', sid: 's1' }, 1)
  const stays = await fixture.signIn({ sub: '00u1', sid: 's2' }, 1)
  const answer = await load(fixture, { iss: issuer, sid: 's1' })
  t.equal(answer.status, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(
    answer.headers['content-security-policy'],
    `default-src 'none'; frame-ancestors ${issuer}`,
  )
  t.equal(answer.headers['x-frame-options'], undefined)
  await withinASecond(t, 'refused', async () => (await gone.status()) === 401)
  t.equal(await gone.closed, 1008)
  t.equal(await stays.status(), 200)
})

test('as a form too, as some providers send it', async (t) => {
  const fixture = await startSignals(t)
  const gone = await fixture.signIn({ sub: '00u1', sid: 's1' })
  const body = new URLSearchParams({ iss: fixture.idp.issuer, sid: 's1' }).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await fixture.post(PATH, body, headers)).status, 200)
  t.equal(await gone.closed, 1008)
})

test('without both, or of another issuer, it is 400 and ends nobody; a stranger’s session id ends nobody', async (t) => {
  const fixture = await startSignals(t)
  const { issuer } = fixture.idp
  const person = await fixture.signIn({ sub: '00u1', sid: 's1' })
  for (const query of [
    '',
    { iss: issuer },
    { sid: 's1' },
    { iss: issuer, sid: '' },
    { iss: 'https://evil.example', sid: 's1' },
    { iss: `${issuer}/`, sid: 's1' },
    `iss=${issuer}&sid=s1&sid=s1`,
    `iss=${issuer}&iss=${issuer}&sid=s1`,
    { iss: issuer, sid: 's'.repeat(257) },
  ]) {
    t.equal((await load(fixture, query)).status, 400, JSON.stringify(query))
  }
  t.equal((await load(fixture, { iss: issuer, sid: 'unknown' })).status, 200)
  t.equal((await load(fixture, { iss: issuer, sid: 's1' }, 'HEAD')).status, 405)
  t.equal(await person.status(), 200)
})
