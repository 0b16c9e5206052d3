/** Okta's Universal Logout: Global Token Revocation, from the org server and for apps of a custom authorization server. */

import { randomUUID } from 'node:crypto'
import { test } from 'tap'
import { CLIENT_ID, type FakeProvider, type Json, newKey } from '../identity/fake-provider.ts'
import { PUBLIC_URL } from '../support/start-gateway.ts'
import { type SignalFixture, startSignals, withinASecond } from './signal-fixture.ts'

const PATH = '/.gatehouse/global_token_revocation/demo'
const TYPE = { typ: 'global-token-revocation+jwt' }
const JSON_TYPE = { 'content-type': 'application/json' }
const now = () => Math.floor(Date.now() / 1_000)

function revocationClaims(idp: FakeProvider, changes: Json = {}): Json {
  const claims: Json = {
    jti: randomUUID(),
    iss: idp.issuer,
    sub: CLIENT_ID,
    aud: `${PUBLIC_URL}${PATH}`,
    iat: now(),
    nbf: now() - 300,
    exp: now() + 300,
    ...changes,
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

const byEmail = (email: string) => ({ sub_id: { format: 'email', email } })
const bySub = (iss: string, sub: string) => ({ sub_id: { format: 'iss_sub', iss, sub } })

async function revoke(
  { idp, sign, post }: SignalFixture,
  body: unknown,
  changes: Json = {},
  header: Json = TYPE,
) {
  const token = await sign(revocationClaims(idp, changes), header)
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return post(PATH, text, { ...JSON_TYPE, authorization: `Bearer ${token}` })
}

test('all sessions of a person end within a second on every replica, their WebSockets too', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const { issuer } = fixture.idp
  for (const subject of [byEmail('ANA@example.com'), bySub(issuer, '00u1')]) {
    const one = await fixture.signIn({ sub: '00u1', email: 'Ana@example.com' })
    const two = await fixture.signIn({ sub: '00u1', email: 'Ana@example.com' })
    const ben = await fixture.signIn({ sub: '00u2', email: 'ben@example.com' })
    const answer = await revoke(fixture, subject)
    t.equal(answer.status, 204)
    t.equal(answer.body, '')
    t.equal(answer.headers['cache-control'], 'no-store')
    await withinASecond(t, 'the first', async () => (await one.status()) === 401)
    await withinASecond(t, 'the second', async () => (await two.status()) === 401)
    t.strictSame(await Promise.all([one.closed, two.closed]), [1008, 1008])
    t.equal(await ben.status(), 200)
    t.equal((await revoke(fixture, subject)).status, 404, 'nobody is left')
  }
})

test('what is refused, and how', async (t) => {
  const fixture = await startSignals(t)
  const { idp, post, sign } = fixture
  const person = await fixture.signIn({ sub: '00u1', email: 'ana@example.com' })
  const ana = byEmail('ana@example.com')
  const status = async (...args: [unknown, Json?, Json?]) => (await revoke(fixture, ...args)).status

  t.equal(await status(byEmail('nobody@example.com')), 404)
  t.equal(await status(bySub('https://evil.example', '00u1')), 404, 'of another issuer')
  t.equal(await status(ana, { sub: 'another-client' }), 403)
  for (const body of [
    '',
    'no json',
    '[]',
    'null',
    '{}',
    { sub_id: 'ana@example.com' },
    { sub_id: { format: 'opaque', id: 'x' } },
    { sub_id: { format: 'email' } },
    { sub_id: { format: 'email', email: '' } },
    { sub_id: { format: 'iss_sub', sub: '00u1' } },
  ]) {
    t.equal(await status(body), 400, JSON.stringify(body))
  }
  const bad: Record<string, [Json, Json?]> = {
    'another type': [{}, { typ: 'JWT' }],
    'no type': [{}, {}],
    'another audience': [{ aud: CLIENT_ID }],
    'the audience of another provider': [{ aud: `${PUBLIC_URL}${PATH}2` }],
    'another issuer': [{ iss: 'https://evil.example' }],
    'no jti': [{ jti: undefined }],
    'no end': [{ exp: undefined }],
    'an end that is over': [{ exp: now() - 1 }],
    'a beginning in ten minutes': [{ nbf: now() + 600 }],
    'no client': [{ sub: undefined }],
  }
  for (const [what, [changes, header]] of Object.entries(bad)) {
    t.equal(await status(ana, changes, header), 401, what)
  }
  const foreign = await newKey('key-1')
  const forged = await sign(revocationClaims(idp), TYPE, foreign)
  for (const authorization of [`Bearer ${forged}`, 'Bearer x', 'Basic x', '']) {
    const headers = { ...JSON_TYPE, authorization }
    t.equal((await post(PATH, JSON.stringify(ana), headers)).status, 401, authorization)
  }
  const form = { authorization: `Bearer ${await sign(revocationClaims(idp), TYPE)}` }
  for (const type of ['application/x-www-form-urlencoded', 'text/plain']) {
    const answer = await post(PATH, 'sub_id=x', { ...form, 'content-type': type })
    t.equal(answer.status, 400, type)
  }
  const big = JSON.stringify({ ...ana, pad: 'x'.repeat(70_000) })
  t.equal((await post(PATH, big, { ...JSON_TYPE, ...form })).status, 400)

  t.equal(await person.status(), 200)
  const used = await sign(revocationClaims(idp), TYPE)
  const headers = { ...JSON_TYPE, authorization: `Bearer ${used}` }
  t.equal((await post(PATH, JSON.stringify(ana), headers)).status, 204)
  t.equal((await post(PATH, JSON.stringify(ana), headers)).status, 401, 'replayed')
})

test('a sign-in that began before makes no session', async (t) => {
  const fixture = await startSignals(t, { count: 2 })
  const under = await fixture.begin({ sub: '00u1', email: 'ana@example.com' })
  t.equal((await revoke(fixture, byEmail('ana@example.com'))).status, 404)
  t.equal(await under.finish(), undefined)
  t.equal(await (await fixture.signIn({ sub: '00u1', email: 'ana@example.com' })).status(), 200)
})

test('for an app of a custom authorization server the organisation signs, with keys of its own', async (t) => {
  const orgKey = await newKey('org-key')
  const prepare = (idp: FakeProvider) => {
    const metadata = (issuer: string, keys: string) => ({
      issuer,
      authorization_endpoint: `${idp.issuer}/authorize`,
      token_endpoint: `${idp.issuer}/token`,
      jwks_uri: `${idp.issuer}${keys}`,
      userinfo_endpoint: `${idp.issuer}/userinfo`,
      id_token_signing_alg_values_supported: ['ES256'],
    })
    const well = '/.well-known/openid-configuration'
    const custom = `${idp.issuer}/oauth2/default`
    idp.faults.answer = (path) => {
      if (path === well) return { body: metadata(idp.issuer, '/org-keys') }
      if (path === `/oauth2/default${well}`) return { body: metadata(custom, '/keys') }
      return path === '/org-keys' ? { body: { keys: [orgKey.jwk] } } : undefined
    }
  }
  const providerConfig = (idp: FakeProvider) => ({ issuer: `${idp.issuer}/oauth2/default` })
  const fixture = await startSignals(t, { prepare, providerConfig })
  const { idp, post, sign } = fixture
  const custom = `${idp.issuer}/oauth2/default`
  const send = async (claims: Json, subject: Json, key = orgKey) => {
    const token = await sign(revocationClaims(idp, claims), TYPE, key)
    const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` }
    return (await post(PATH, JSON.stringify(subject), headers)).status
  }
  // A key counts for its own issuer alone.
  t.equal(await send({}, bySub(idp.issuer, '00u1'), idp.keys.signing), 401)
  t.equal(await send({ iss: custom }, bySub(custom, '00u1'), orgKey), 401)
  t.equal(await send({}, bySub(idp.issuer, '00u1')), 404, 'the organisation speaks, of nobody')
  t.equal(await send({ iss: custom }, bySub(custom, '00u1'), idp.keys.signing), 404)
})
