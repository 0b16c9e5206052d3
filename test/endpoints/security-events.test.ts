/** Shared Signals: security events that a transmitter pushes (RFC 8935, CAEP), and what it is answered. */

import { randomUUID } from 'node:crypto'
import { test } from 'tap'
import { CLIENT_ID, type FakeProvider, type Json, newKey } from '../identity/fake-provider.ts'
import { PUBLIC_URL } from '../support/start-gateway.ts'
import { type SignalFixture, startSignals, withinASecond } from './signal-fixture.ts'

const PATH = '/.gatehouse/security_events/demo'
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type'
const RISC = 'https://schemas.openid.net/secevent/risc/event-type'
const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification'
const TYPE = { typ: 'secevent+jwt' }
const HEADERS = { 'content-type': 'application/secevent+jwt', accept: 'application/json' }
const now = () => Math.floor(Date.now() / 1_000)

function eventClaims(idp: FakeProvider, changes: Json = {}): Json {
  const subject = { format: 'iss_sub', iss: idp.issuer, sub: '00u1' }
  const claims: Json = {
    iss: idp.issuer,
    jti: randomUUID(),
    iat: now(),
    aud: CLIENT_ID,
    events: { [`${CAEP}/session-revoked`]: { subject, event_timestamp: Date.now() } },
    ...changes,
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

async function push({ idp, sign, post }: SignalFixture, changes: Json = {}, header: Json = TYPE) {
  return post(PATH, await sign(eventClaims(idp, changes), header), HEADERS)
}

test('a revoked session and a changed credential end all sessions of the person, on every replica', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const { issuer } = fixture.idp
  const subject = { format: 'iss_sub', iss: issuer, sub: '00u1' }
  const cases: Json[] = [
    {},
    { events: { [`${CAEP}/credential-change`]: { subject, credential_type: 'password' } } },
    { events: { [`${CAEP}/session-revoked`]: { event_timestamp: 1 } }, sub_id: subject },
    {
      events: {
        [`${CAEP}/session-revoked`]: { subject: { format: 'email', email: 'ANA@example.com' } },
      },
    },
    { events: { [`${CAEP}/session-revoked`]: { subject: { format: 'complex', user: subject } } } },
    ...[
      'account-disabled',
      'account-purged',
      'account-credential-change-required',
      'credential-compromise',
      'sessions-revoked',
    ].map((name) => ({ events: { [`${RISC}/${name}`]: { subject } } })),
    { aud: PUBLIC_URL },
    { aud: ['other', `${PUBLIC_URL}${PATH}`] },
  ]
  for (const changes of cases) {
    const person = await fixture.signIn({ sub: '00u1', email: 'ana@example.com' })
    const answer = await push(fixture, changes)
    t.equal(answer.status, 202, answer.body)
    t.equal(answer.body, '')
    await withinASecond(t, JSON.stringify(changes), async () => (await person.status()) === 401)
    t.equal(await person.closed, 1008)
  }
})

test('a subject in parts that names a session ends that session alone', async (t) => {
  const fixture = await startSignals(t)
  const gone = await fixture.signIn({ sub: '00u1', sid: 's1' })
  const stays = await fixture.signIn({ sub: '00u1', sid: 's2' })
  const user = { format: 'iss_sub', iss: fixture.idp.issuer, sub: '00u1' }
  const subject = { session: { format: 'opaque', id: 's1' }, user }
  t.equal(
    (await push(fixture, { events: { [`${CAEP}/session-revoked`]: { subject } } })).status,
    202,
  )
  t.equal(await gone.closed, 1008)
  t.equal(await stays.status(), 200)
})

test('verification of the stream, other events and unknown people are accepted and end nobody', async (t) => {
  const fixture = await startSignals(t)
  const person = await fixture.signIn({ sub: '00u1' })
  const stranger = { format: 'iss_sub', iss: 'https://evil.example', sub: '00u1' }
  for (const events of [
    { [VERIFICATION]: { state: 'x' } },
    { [`${CAEP}/token-claims-change`]: { claims: {} } },
    { [`${RISC}/account-enabled`]: { subject: { format: 'email', email: 'ana@example.com' } } },
    { [`${CAEP}/session-revoked`]: { subject: stranger } },
    { [`${CAEP}/session-revoked`]: { subject: { format: 'email', email: 'nobody@example.com' } } },
  ]) {
    t.equal((await push(fixture, { events })).status, 202, JSON.stringify(events))
  }
  t.equal(await person.status(), 200)
})

test('what does not hold is 400 with a reason, and ends nobody', async (t) => {
  const fixture = await startSignals(t)
  const { idp, sign, post } = fixture
  const person = await fixture.signIn({ sub: '00u1' })
  const revoked = `${CAEP}/session-revoked`
  const bad: [string, Json, string, Json?][] = [
    ['another issuer', { iss: 'https://evil.example' }, 'invalid_issuer'],
    ['another audience', { aud: 'other' }, 'invalid_audience'],
    ['no audience', { aud: undefined }, 'invalid_audience'],
    ['no jti', { jti: undefined }, 'invalid_request'],
    ['no iat', { iat: undefined }, 'invalid_request'],
    ['an iat in the future', { iat: now() + 600 }, 'invalid_request'],
    ['more than a week old', { iat: now() - 8 * 86_400 }, 'invalid_request'],
    ['no events', { events: undefined }, 'invalid_request'],
    ['events in a list', { events: [revoked] }, 'invalid_request'],
    ['no subject', { events: { [revoked]: {} } }, 'invalid_request'],
    [
      'a subject of no known format',
      { events: { [revoked]: { subject: { format: 'did', url: 'x' } } } },
      'invalid_request',
    ],
    ['another type', {}, 'invalid_request', { typ: 'JWT' }],
    ['a logout token', {}, 'invalid_request', { typ: 'logout+jwt' }],
  ]
  for (const [what, changes, err, header] of bad) {
    const answer = await push(fixture, changes, header ?? TYPE)
    t.equal(answer.status, 400, what)
    t.equal(answer.json()['err'], err, what)
    t.equal(typeof answer.json()['description'], 'string')
  }
  const foreign = await sign(eventClaims(idp), TYPE, await newKey('key-1'))
  t.match((await post(PATH, foreign, HEADERS)).json(), { err: 'invalid_key' })
  const unknown = await sign(eventClaims(idp), TYPE, await newKey('key-9'))
  t.match((await post(PATH, unknown, HEADERS)).json(), { err: 'invalid_key' })
  const good = await sign(eventClaims(idp), TYPE)
  for (const [body, type] of [
    ['', 'application/secevent+jwt'],
    ['rubbish', 'application/secevent+jwt'],
    ['x'.repeat(30_000), 'application/secevent+jwt'],
    [good, 'text/plain'],
    [`token=${good}`, 'application/x-www-form-urlencoded'],
  ] as const) {
    const answer = await post(PATH, body, { 'content-type': type })
    t.equal(answer.status, 400)
    t.equal(answer.json()['err'], 'invalid_request')
  }
  t.equal(await person.status(), 200)
})

test('the `authorization_header` of a stream proves nothing, and is in nobody’s way', async (t) => {
  const fixture = await startSignals(t)
  const person = await fixture.signIn({ sub: '00u1' })
  const headers = { ...HEADERS, authorization: 'Bearer the secret of the stream' }
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`
  t.equal((await fixture.post(PATH, unsigned, headers)).status, 400)
  t.equal(await person.status(), 200)
  const token = await fixture.sign(eventClaims(fixture.idp), TYPE)
  t.equal((await fixture.post(PATH, token, headers)).status, 202)
  t.equal(await person.closed, 1008)
})

test('what comes again is answered as at first, and does not end a later session', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const token = await fixture.sign(eventClaims(fixture.idp), TYPE)
  t.equal((await fixture.post(PATH, token, HEADERS)).status, 202)
  const later = await fixture.signIn({ sub: '00u1' })
  t.equal((await fixture.post(PATH, token, HEADERS)).status, 202)
  t.equal(await later.status(), 200)
})
