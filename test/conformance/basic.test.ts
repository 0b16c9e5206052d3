/** The plan `oidcc-client-basic-certification-test-plan`, and of `oidcc-client-test-plan` what the code flow has. */

import { createHmac } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { test } from 'tap'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type Faults,
  type Json,
  newKey,
} from '../identity/fake-provider.ts'
import {
  accepts,
  lands,
  otherRsaKey,
  refuses,
  requestsAt,
  rsaKey,
  startRelyingParty,
} from './relying-party.ts'

const claim = (changes: Json): Faults => ({ claims: (claims) => ({ ...claims, ...changes }) })
const without = (...names: string[]): Faults => ({
  claims: (claims) =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name))),
})
/** UserInfo has to be asked. */
const thin = without('name', 'email', 'email_verified', 'groups')
const signedBy =
  (key: typeof rsaKey, header: { readonly alg: string; readonly kid?: string }) => (claims: Json) =>
    new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey)

test('oidcc-client-test', async (t) => {
  const rp = await startRelyingParty(t, thin)
  const { asked } = await lands(t, rp)
  t.equal(asked.get('response_type'), 'code')
  t.equal(asked.get('client_id'), CLIENT_ID)
  t.ok(asked.get('scope')?.split(' ').includes('openid'))
  t.ok(asked.get('state'))
  t.ok(asked.get('nonce'))
  t.notOk(asked.has('response_mode'))
  const [token] = requestsAt(rp.op, '/token')
  t.equal(token?.form.get('grant_type'), 'authorization_code')
  t.equal(token?.form.get('redirect_uri'), asked.get('redirect_uri'))
})

test('oidcc-client-test-nonce', async (t) => {
  const rp = await startRelyingParty(t)
  const first = await lands(t, rp)
  rp.browser.clearCookies()
  const second = await lands(t, rp)
  t.ok(first.asked.get('nonce'))
  t.not(first.asked.get('nonce'), second.asked.get('nonce'))
})

test('oidcc-client-test-nonce-invalid', (t) => refuses(t, claim({ nonce: 'of-another' })))
test('oidcc-client-test-nonce-invalid: it is missing', (t) => refuses(t, without('nonce')))
test('oidcc-client-test-invalid-iss', (t) => refuses(t, claim({ iss: 'https://evil.example' })))
test('oidcc-client-test-invalid-iss: it is missing', (t) => refuses(t, without('iss')))
test('oidcc-client-test-missing-sub', (t) => refuses(t, without('sub')))
test('oidcc-client-test-missing-iat', (t) => refuses(t, without('iat')))
test('oidcc-client-test-missing-aud', (t) => refuses(t, without('aud')))
test('oidcc-client-test-invalid-aud', (t) => refuses(t, claim({ aud: 'another-client' })))

test('oidcc-client-test-idtoken-sig-rs256', (t) =>
  accepts(t, { sign: signedBy(rsaKey, { alg: 'RS256', kid: 'rsa-1' }) }))

test('oidcc-client-test-invalid-sig-rs256', (t) =>
  refuses(t, { sign: signedBy(otherRsaKey, { alg: 'RS256', kid: 'rsa-1' }) }))

test('oidcc-client-test-invalid-sig-es256', async (t) => {
  const [published, other] = await Promise.all([newKey('ec-1'), newKey('ec-1')])
  const rp = await startRelyingParty(t, { sign: signedBy(other, { alg: 'ES256', kid: 'ec-1' }) })
  rp.op.keys.published.push(published.jwk)
  const { answer, subject } = await rp.signIn()
  t.equal(answer.status, 502)
  t.equal(subject, undefined)
})

test('oidcc-client-test-invalid-sig-hs256', (t) =>
  refuses(t, {
    sign: (claims) => {
      const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const signed = `${part({ alg: 'HS256' })}.${part(claims)}`
      return `${signed}.${createHmac('sha256', 'not the secret').update(signed).digest('base64url')}`
    },
  }))

/**
 * The module is for clients that have registered `none`. Here it is never accepted, nor is HS256: what anybody on the
 * way or with the client's secret can make proves nobody.
 */
test('oidcc-client-test-idtoken-sig-none', (t) =>
  refuses(t, { sign: (claims) => new UnsecuredJWT(claims).encode() }))

test('oidcc-client-test-kid-absent-single-jwks', async (t) => {
  const rp = await startRelyingParty(t, { sign: signedBy(rsaKey, { alg: 'RS256' }) })
  const { kid: _, ...jwk } = rsaKey.jwk
  rp.op.keys.published = [jwk]
  await lands(t, rp)
})

/** Both outcomes conform; which key was meant is not guessed. */
test('oidcc-client-test-kid-absent-multiple-jwks', async (t) => {
  const rp = await startRelyingParty(t, { sign: signedBy(rsaKey, { alg: 'RS256' }) })
  rp.op.keys.published = [rsaKey, otherRsaKey].map(({ jwk: { kid: _, ...jwk } }) => jwk)
  const { answer, subject } = await rp.signIn()
  t.equal(answer.status, 502)
  t.equal(subject, undefined)
})

test('oidcc-client-test-ignores-unparseable-key-in-jwks', async (t) => {
  const rp = await startRelyingParty(t)
  rp.op.keys.published = [
    { kty: 'AKP', kid: 'pq', alg: 'ML-DSA-999', pub: 'AAAA', use: 'sig' },
    { kty: 'made-up', kid: 'x', use: 'sig' },
    rsaKey.jwk,
  ]
  await lands(t, rp)
})

test('oidcc-client-test-userinfo-invalid-sub', (t) =>
  refuses(t, { ...thin, userInfo: { sub: 'somebody-else', name: 'Mallory' } }))

test('oidcc-client-test-userinfo-bearer-header', async (t) => {
  const { op } = await accepts(t, thin)
  const [asked] = requestsAt(op, '/userinfo')
  t.equal(asked?.headers.authorization, 'Bearer an-access-token')
  t.equal(asked?.form.size, 0)
})

test('oidcc-client-test-scope-userinfo-claims', async (t) => {
  const { browser } = await accepts(t, thin, {
    provider: { scopes: ['openid', 'profile', 'email', 'groups'] },
  })
  const user = (await browser.send('http://app.localhost:8080/.gatehouse/user')).json()
  t.match(user, { name: 'Ana', email: 'ana@example.com', groups: ['engineers'] })
})

test('oidcc-client-test-client-secret-basic', async (t) => {
  const { op } = await accepts(t, {}, { provider: { client_auth: 'client_secret_basic' } })
  const [token] = requestsAt(op, '/token')
  const [name, secret] = Buffer.from(token?.headers.authorization?.slice(6) ?? '', 'base64')
    .toString()
    .split(':')
  t.equal(name, CLIENT_ID)
  t.equal(new URLSearchParams(`v=${secret}`).get('v'), CLIENT_SECRET)
  t.notOk(token?.form.has('client_secret'))
})
