/** OpenID Connect Back-Channel Logout: attack class F15, and sign-ins that are under way when a logout comes. */

import { randomUUID } from 'node:crypto'
import { test } from 'tap'
import { CLIENT_ID, type FakeProvider, type Json, newKey } from '../identity/fake-provider.ts'
import { type SignalFixture, startSignals, withinASecond } from './signal-fixture.ts'

const PATH = '/.gatehouse/backchannel_logout/demo'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const TYPE = { typ: 'logout+jwt' }

const now = () => Math.floor(Date.now() / 1_000)

function logoutClaims(idp: FakeProvider, changes: Json = {}): Json {
  const claims: Json = {
    iss: idp.issuer,
    aud: CLIENT_ID,
    iat: now(),
    exp: now() + 120,
    jti: randomUUID(),
    events: { [EVENT]: {} },
    ...changes,
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

const send = ({ post }: SignalFixture, token: string, headers: Record<string, string> = FORM) =>
  post(PATH, new URLSearchParams({ logout_token: token }).toString(), headers)

test('a logout by session id ends that session within a second on every replica, its WebSocket too', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const gone = await fixture.signIn({ sub: '00u1', sid: 's1' })
  const stays = await fixture.signIn({ sub: '00u1', sid: 's2' })
  t.strictSame([await gone.status(0), await gone.status(1)], [200, 200])
  const token = await fixture.sign(logoutClaims(fixture.idp, { sid: 's1', sub: '00u1' }), TYPE)
  const answer = await send(fixture, token)
  t.equal(answer.status, 200)
  t.equal(answer.headers['cache-control'], 'no-store')
  await withinASecond(t, 'refused where it came', async () => (await gone.status(1)) === 401)
  await withinASecond(t, 'refused elsewhere', async () => (await gone.status(0)) === 401)
  t.equal(await gone.closed, 1008)
  t.equal(await stays.status(), 200)
  t.equal(stays.socket.readyState, stays.socket.OPEN)
})

test('a logout by subject ends all sessions of the person and of nobody else', async (t) => {
  const fixture = await startSignals(t)
  const one = await fixture.signIn({ sub: '00u1', sid: 's1' })
  const two = await fixture.signIn({ sub: '00u1' })
  const ben = await fixture.signIn({ sub: '00u2', sid: 's3' })
  t.equal(
    (await send(fixture, await fixture.sign(logoutClaims(fixture.idp, { sub: '00u1' }), TYPE)))
      .status,
    200,
  )
  t.strictSame(await Promise.all([one.closed, two.closed]), [1008, 1008])
  t.strictSame([await one.status(), await two.status(), await ben.status()], [401, 401, 200])
})

test('a valid token for nobody who is here is 200', async (t) => {
  const fixture = await startSignals(t)
  for (const named of [{ sid: 'unknown' }, { sub: 'unknown' }]) {
    const token = await fixture.sign(logoutClaims(fixture.idp, named), TYPE)
    t.equal((await send(fixture, token)).status, 200)
  }
})

test('what does not hold is 400, and ends nothing', async (t) => {
  const fixture = await startSignals(t)
  const { idp, sign } = fixture
  const person = await fixture.signIn({ sub: '00u1', sid: 's1' })
  const good = { sid: 's1', sub: '00u1' }
  const make = (changes: Json, header: Json = TYPE) =>
    sign(logoutClaims(idp, { ...good, ...changes }), header)
  const foreign = await newKey('key-1')
  const used = await make({})
  const bad: Record<string, string> = {
    'another audience': await make({ aud: 'other' }),
    'another issuer': await make({ iss: 'https://evil.example' }),
    'no events': await make({ events: undefined }),
    'events that are none': await make({ events: [EVENT] }),
    'another event': await make({ events: { 'http://schemas.openid.net/event/other': {} } }),
    'an event that is no object': await make({ events: { [EVENT]: true } }),
    'a nonce': await make({ nonce: 'n' }),
    'an empty nonce': await make({ nonce: '' }),
    'no jti': await make({ jti: undefined }),
    'a jti that is a number': await make({ jti: 5 }),
    'no iat': await make({ iat: undefined }),
    'an iat in the future': await make({ iat: now() + 600 }),
    'no exp': await make({ exp: undefined }),
    'an exp that is over': await make({ exp: now() - 1 }),
    'neither sub nor sid': await make({ sub: undefined, sid: undefined }),
    'an empty sid': await make({ sid: '' }),
    'a sub that is a list': await make({ sid: undefined, sub: ['00u1'] }),
    'the type of an access token': await make({}, { typ: 'at+jwt' }),
    'the type of a plain JWT': await make({}, { typ: 'JWT' }),
    'the type of a security event': await make({}, { typ: 'secevent+jwt' }),
    'the signature of another': await sign(logoutClaims(idp, good), TYPE, foreign),
    'no signature': (await make({})).replace(/[^.]*$/, ''),
    'no token': 'x',
    nothing: '',
  }
  for (const [what, token] of Object.entries(bad)) {
    const answer = await send(fixture, token)
    t.equal(answer.status, 400, `${what}: ${answer.body}`)
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  const form = new URLSearchParams({ logout_token: used }).toString()
  for (const [body, headers] of [
    [form, { 'content-type': 'text/plain' }],
    [form, { 'content-type': 'application/json' }],
    [used, FORM],
    [`${form}&${form}`, FORM],
    [`logout_token=${'x'.repeat(30_000)}`, FORM],
    ['', FORM],
  ] as const) {
    t.equal((await fixture.post(PATH, body, headers)).status, 400, body.slice(0, 40))
  }
  t.equal(await person.status(), 200, 'still signed in')
  t.equal((await send(fixture, used)).status, 200)
  t.equal(await person.closed, 1008)
  t.equal((await send(fixture, used)).status, 400, 'replayed')
})

test('a replay is refused by every replica, and does not end a later session', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const token = await fixture.sign(logoutClaims(fixture.idp, { sub: '00u1' }), TYPE)
  t.equal((await send(fixture, token)).status, 200)
  const later = await fixture.signIn({ sub: '00u1' })
  const [first] = fixture.gateways
  const again = await first?.get(`http://localhost:8080${PATH}`, {
    method: 'POST',
    headers: FORM,
    body: `logout_token=${token}`,
  })
  t.equal(again?.status, 400)
  t.equal(await later.status(), 200)
})

test('a sign-in that began before the logout makes no session; the next one does', async (t) => {
  for (const named of [{ sub: '00u1' }, { sid: 's1' }]) {
    const fixture = await startSignals(t, { count: 2 })
    const under = await fixture.begin({ sub: '00u1', sid: 's1' })
    await send(fixture, await fixture.sign(logoutClaims(fixture.idp, named), TYPE))
    t.equal(await under.finish(), undefined)
    t.equal(await (await fixture.signIn({ sub: '00u1', sid: 's1' })).status(), 200)
  }
})

test('addresses: an unknown provider is 404, a GET is 405, an app’s host has none', async (t) => {
  const { post, gateways } = await startSignals(t)
  t.equal((await post('/.gatehouse/backchannel_logout/other', '', FORM)).status, 404)
  t.equal((await post('/.gatehouse/backchannel_logout/', '', FORM)).status, 404)
  t.equal((await post('/.gatehouse/backchannel_logout/demo/x', '', FORM)).status, 404)
  const [gateway] = gateways
  t.equal((await gateway?.get(`http://localhost:8080${PATH}`))?.status, 405)
  t.equal((await gateway?.get(`http://app.localhost:8080${PATH}`, { method: 'POST' }))?.status, 404)
})

test('while the provider’s keys cannot be had the answer is 503', async (t) => {
  const fixture = await startSignals(t)
  const token = await fixture.sign(logoutClaims(fixture.idp, { sub: '00u1' }), TYPE)
  fixture.idp.faults.answer = (path) => (path === '/keys' ? { status: 500 } : undefined)
  const answer = await send(fixture, token)
  t.equal(answer.status, 503)
  t.ok(Number(answer.headers['retry-after']) > 0)
})
