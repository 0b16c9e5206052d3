/** Answers of a provider, and callbacks, that must not sign anybody in: attack classes D and F. */

import { createHmac } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { test } from 'tap'
import type { ProviderFailureKind } from '../../src/identity/provider/provider.ts'
import {
  type Answer,
  type FakeProvider,
  type Faults,
  type Json,
  newKey,
  startFakeProvider,
} from './fake-provider.ts'
import { EXPECTED, failureOf, signIn, startProvider } from './sign-in-helper.ts'

const claim = (changes: Json): Faults => ({ claims: (claims) => ({ ...claims, ...changes }) })
const without = (name: string): Faults => ({
  claims: (claims) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name)),
})
const foreignKey = await newKey('key-1')
const inAnHour = Math.floor(Date.now() / 1_000) + 3_600
const anHourAgo = inAnHour - 7_200

const badTokens: Record<string, [Faults, RegExp]> = {
  'that is signed by another key of the same name': [
    { sign: (claims) => jwt(claims, { alg: 'ES256', kid: 'key-1' }) },
    /signature verification failed/,
  ],
  'that is signed by a key nobody published': [
    { sign: (claims) => jwt(claims, { alg: 'ES256', kid: 'key-9' }) },
    /no applicable keys/,
  ],
  'that brings its own key along': [
    {
      sign: (claims) =>
        jwt(claims, {
          alg: 'ES256',
          kid: 'key-1',
          jwk: foreignKey.jwk,
          jku: 'https://evil.example/keys',
        }),
    },
    /signature verification failed/,
  ],
  'that is signed by another key and names none': [
    { sign: (claims) => jwt(claims, { alg: 'ES256' }) },
    /signature verification failed/,
  ],
  'that is not signed': [{ sign: (claims) => new UnsecuredJWT(claims).encode() }, /alg/],
  'that is not signed, in capitals': [
    { sign: (claims) => unsigned({ alg: 'NONE' }, claims) },
    /alg/,
  ],
  'whose HMAC is made with the published key': [
    { sign: (claims) => hmacWithPublicKey(claims) },
    /alg/,
  ],
  'with an extension that is critical': [
    {
      header: { crit: ['x'], x: 1 } as never,
      sign: (claims) => unsigned({ alg: 'ES256', crit: ['x'], x: 1 }, claims),
    },
    /crit/,
  ],
  'without its signature': [
    { sign: async (claims) => (await jwt(claims, { alg: 'ES256' })).replace(/[^.]*$/, '') },
    /./,
  ],
  'that is no JWT': [{ sign: () => 'rubbish' }, /Invalid JWT/],
  'that is encrypted': [{ sign: () => 'a.b.c.d.e' }, /JWE/],
  'of another issuer': [
    claim({ iss: 'https://evil.example' }),
    /iss.*expected "http:\/\/127.*received "https:\/\/evil\.example"/,
  ],
  'for another client': [claim({ aud: 'other' }), /aud.*expected "gatehouse", received "other"/],
  'for several clients and none named': [claim({ aud: ['gatehouse', 'other'] }), /aud/],
  'for several clients, issued to another': [
    claim({ aud: ['gatehouse', 'other'], azp: 'other' }),
    /azp/,
  ],
  'for us, issued to another': [claim({ azp: 'other' }), /azp/],
  'of another sign-in': [claim({ nonce: 'another' }), /nonce/],
  'without a nonce': [without('nonce'), /nonce/],
  'without a subject': [without('sub'), /sub/],
  'with an empty subject': [claim({ sub: '' }), /sub/],
  'with a number as subject': [claim({ sub: 7 }), /sub/],
  'that has run out': [
    claim({ exp: anHourAgo, iat: anHourAgo - 60 }),
    /expiration.*compare the clocks/,
  ],
  'that never runs out': [without('exp'), /exp/],
  'whose end is a text': [claim({ exp: String(inAnHour) }), /exp/],
  'that begins later': [claim({ nbf: inAnHour }), /nbf.*compare the clocks/],
}
for (const [name, [faults, detail]] of Object.entries(badTokens)) {
  test(`an ID token ${name} signs nobody in`, async (t) => {
    const fake = await startFakeProvider(t, faults)
    const { provider } = startProvider(t, fake.issuer)
    const failure = await failureOf(signIn(provider, fake))
    t.match(failure, { kind: 'invalid-answer', status: 502, message: detail })
    t.notMatch(failure.message, /eyJ|an-access-token|the-nonce/, 'no secret in the detail')
    t.equal(failure.cause, undefined)
  })
}

test('an authentication that is too old does not answer a sign-in that asked for a fresh one', async (t) => {
  const fake = await startFakeProvider(t, claim({ auth_time: anHourAgo }))
  const { provider } = startProvider(t, fake.issuer)
  const expected = { ...EXPECTED, maxAgeSeconds: 60 }
  const url = await provider.authorizationUrl(expected)
  t.match(await failureOf(provider.redeem(fake.approve(url), expected)), { kind: 'invalid-answer' })
  const again = await provider.authorizationUrl(EXPECTED)
  t.ok(await provider.redeem(fake.approve(again), EXPECTED), 'without that wish it does')
})

const at = (where: string, answer: Answer): Faults => ({
  answer: (path) => (path === where ? answer : undefined),
})
const oauthError = (error: string, status = 400) => at('/token', { status, body: { error } })
const thin: Faults = { claims: ({ groups: _, ...claims }) => claims }

const badAnswers: Record<string, [Faults, ProviderFailureKind, RegExp]> = {
  'a token endpoint that knows no such code': [
    oauthError('invalid_grant'),
    'restart',
    /invalid_grant/,
  ],
  'a refused client': [oauthError('invalid_client', 401), 'misconfigured', /invalid_client/],
  'a refused client, by challenge': [
    at('/token', { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' }, body: {} }),
    'misconfigured',
    /credentials/,
  ],
  'an unauthorized client': [
    oauthError('unauthorized_client'),
    'misconfigured',
    /unauthorized_client/,
  ],
  'a redirect URI that is not registered': [
    oauthError('invalid_request'),
    'misconfigured',
    /invalid_request/,
  ],
  'a policy of the provider': [oauthError('access_denied', 403), 'denied', /access_denied/],
  'a token endpoint with trouble': [oauthError('server_error'), 'unavailable', /server_error/],
  'HTTP 500': [at('/token', { status: 500, body: { error: 'x' } }), 'unavailable', /HTTP 500/],
  'HTTP 503 in HTML': [at('/token', { status: 503, body: '<html>' }), 'unavailable', /HTTP 503/],
  'HTTP 429': [at('/token', { status: 429, body: {} }), 'unavailable', /HTTP 429/],
  'HTML instead of tokens': [at('/token', { body: '<html>' }), 'invalid-answer', /./],
  'HTML with 404': [at('/token', { status: 404, body: '<html>' }), 'invalid-answer', /./],
  'a redirect instead of tokens': [
    at('/token', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }),
    'invalid-answer',
    /./,
  ],
  'broken JSON instead of tokens': [
    at('/token', {
      headers: { 'content-type': 'application/json' },
      body: '{"access_token":"an-access-token"',
    }),
    'invalid-answer',
    /parse/,
  ],
  'tokens without an ID token': [
    at('/token', { body: { access_token: 'x', token_type: 'bearer' } }),
    'invalid-answer',
    /id_token/,
  ],
  'an answer that never ends': [
    at('/token', { headers: { 'content-type': 'application/json' }, body: ' '.repeat(1_100_000) }),
    'invalid-answer',
    /more than 1048576 bytes/,
  ],
  'keys of ten megabytes': [
    at('/keys', { headers: { 'content-type': 'application/json' }, body: ' '.repeat(10_000_000) }),
    'invalid-answer',
    /more than 1048576 bytes/,
  ],
  'keys that are HTML': [at('/keys', { body: '<html>' }), 'invalid-answer', /not a JWK Set/],
  'keys that are a list': [at('/keys', { body: [] }), 'invalid-answer', /not a JWK Set/],
  'keys that cannot be had': [at('/keys', { status: 500 }), 'unavailable', /HTTP 500/],
  'UserInfo about another person': [
    { ...thin, userInfo: { sub: '00u2', groups: ['admins'] } },
    'invalid-answer',
    /sub/,
  ],
  'UserInfo about nobody': [{ ...thin, userInfo: { groups: ['admins'] } }, 'invalid-answer', /sub/],
  'UserInfo with trouble': [
    { ...thin, ...at('/userinfo', { status: 502 }) },
    'unavailable',
    /HTTP 502/,
  ],
  'UserInfo in HTML': [
    { ...thin, ...at('/userinfo', { body: '<html>' }) },
    'invalid-answer',
    /UserInfo/,
  ],
}
for (const [name, [faults, kind, detail]] of Object.entries(badAnswers)) {
  test(`${name} is ${kind} and signs nobody in`, async (t) => {
    const fake = await startFakeProvider(t, faults)
    const { provider } = startProvider(t, fake.issuer)
    const failure = await failureOf(signIn(provider, fake))
    t.match(failure, { kind, message: detail })
    t.notMatch(failure.message, /an-access-token|a secret|code-/, 'no secret in the detail')
    t.equal(failure.cause, undefined)
  })
}

test('a provider that has gone is unavailable', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const url = await provider.authorizationUrl(EXPECTED)
  fake.close()
  const failure = await failureOf(provider.redeem(fake.approve(url), EXPECTED))
  t.match(failure, {
    kind: 'unavailable',
    status: 503,
    message: /POST .*\/token: .*(ECONNREFUSED|UND_ERR_SOCKET)/,
  })
})

const callbackErrors: Record<string, ProviderFailureKind> = {
  access_denied: 'denied',
  temporarily_unavailable: 'unavailable',
  server_error: 'unavailable',
  login_required: 'restart',
  unmet_authentication_requirements: 'unmet',
  interaction_required: 'restart',
  invalid_scope: 'misconfigured',
  unauthorized_client: 'misconfigured',
  invalid_request: 'misconfigured',
  something_new: 'denied',
  '<script>alert(1)</script>': 'denied',
  '': 'denied',
}
for (const [error, kind] of [
  ...Object.entries(callbackErrors),
  ['__proto__', 'denied'] as const,
  ['constructor', 'denied'] as const,
]) {
  test(`the error \`${error}\` in a callback is ${kind}, and nothing is redeemed`, async (t) => {
    const fake = await startFakeProvider(t)
    const { provider } = startProvider(t, fake.issuer)
    const query = `?${new URLSearchParams({ error, state: EXPECTED.state, code: 'x' })}`
    t.match(await failureOf(provider.redeem(query, EXPECTED)), { kind })
    t.notOk(fake.requests.some(({ path }) => path === '/token'))
  })
}

test("a provider's long text about an error is cleaned and cut for the log, and not shown", async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const description = `line one\r\nline two\u0000\u001b[31m\`${'x'.repeat(10_000)}`
  const query = `?${new URLSearchParams({ error: 'access_denied', error_description: description, state: EXPECTED.state })}`
  const failure = await failureOf(provider.redeem(query, EXPECTED))
  t.match(
    failure.message,
    /^the provider answered `access_denied`: `line one line two \[31m x+\.\.\.`$/,
  )
  t.ok(failure.message.length < 300)
  t.notMatch(failure.text, /line|access_denied/)
})

const callbacks: Record<string, (good: URLSearchParams, fake: FakeProvider) => string> = {
  'with nothing': () => '',
  'without state': (q) => `?code=${q.get('code')}`,
  'with the state of another sign-in': (q) => `?code=${q.get('code')}&state=another`,
  'with two states': (q) => `?${q}&state=the-state`,
  'with two codes': (q) => `?${q}&code=injected`,
  'with two errors': (q) => `?${q}&error=x&error=y`,
  'with the issuer of another provider': (q) =>
    `?${q}&iss=${encodeURIComponent('https://evil.example')}`,
  'with an issuer that begins like ours': (q, fake) =>
    `?${q}&iss=${encodeURIComponent(`${fake.issuer}/`)}`,
  'with two issuers': (q, fake) => `?${q}&iss=${fake.issuer}&iss=https://evil.example`,
  'with an empty issuer': (q) => `?${q}&iss=`,
  'without code': (q) => `?state=${q.get('state')}`,
  'with an empty code': (q) => `?code=&state=${q.get('state')}`,
}
for (const [name, change] of Object.entries(callbacks)) {
  test(`a callback ${name} is malformed, and nothing is redeemed`, async (t) => {
    const fake = await startFakeProvider(t)
    const { provider } = startProvider(t, fake.issuer)
    const good = new URLSearchParams(fake.approve(await provider.authorizationUrl(EXPECTED)))
    const failure = await failureOf(provider.redeem(change(good, fake), EXPECTED))
    t.match(failure, { kind: 'malformed', status: 400 })
    t.notOk(fake.requests.some(({ path }) => path === '/token'))
  })
}

test('the issuer in a callback is needed where the provider says that it sends it', async (t) => {
  const fake = await startFakeProvider(t, {
    metadata: (metadata) => ({ ...metadata, authorization_response_iss_parameter_supported: true }),
  })
  const { provider } = startProvider(t, fake.issuer)
  t.match(await failureOf(signIn(provider, fake)), { kind: 'malformed' })
  t.ok(await signIn(provider, fake, { iss: fake.issuer }))
})

test('other parameters of a callback are not heeded', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const extra = {
    id_token: 'x',
    token: 'y',
    response: 'z',
    session_state: 's',
    redirect_uri: 'https://evil',
  }
  t.ok(await signIn(provider, fake, extra))
})

test('a code of another sign-in is not redeemed, having another verifier', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const attacker = { ...EXPECTED, codeVerifier: 'x'.repeat(43) }
  const stolen = fake.approve(await provider.authorizationUrl(attacker))
  t.match(await failureOf(provider.redeem(stolen, EXPECTED)), { kind: 'restart' })
})

test('a code that comes with our verifier but from another sign-in fails by its nonce', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const url = await provider.authorizationUrl({ ...EXPECTED, nonce: 'of-the-attacker' })
  t.match(await failureOf(provider.redeem(fake.approve(url), EXPECTED)), { kind: 'invalid-answer' })
})

function jwt(claims: Json, header: Record<string, unknown> & { alg: string }): Promise<string> {
  return new SignJWT(claims).setProtectedHeader(header as never).sign(foreignKey.privateKey)
}

function unsigned(header: Json, claims: Json): string {
  const part = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part(header)}.${part(claims)}.AAAA`
}

function hmacWithPublicKey(claims: Json): string {
  const signed = unsigned({ alg: 'HS256', kid: 'key-1' }, claims).replace(/\.[^.]*$/, '')
  const mac = createHmac('sha256', JSON.stringify(foreignKey.jwk)).update(signed)
  return `${signed}.${mac.digest('base64url')}`
}

test('a groups claim that matches too many is told with what to do, in the log alone', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const description = 'The groups claim matched too many groups.'
  const query = `?${new URLSearchParams({ error: 'server_error', error_description: description, state: EXPECTED.state })}`
  const failure = await failureOf(provider.redeem(query, EXPECTED))
  t.match(failure, {
    kind: 'unavailable',
    message: /too many groups.*at most 100 groups.*directory/,
  })
  t.notMatch(failure.text, /group/)
})
