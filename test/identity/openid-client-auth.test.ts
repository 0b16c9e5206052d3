/** Client keys in place of secrets, and requests that are handed in directly. */

import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { type Test, test } from 'tap'
import type { ProviderConfig } from '../../src/config/schema-provider.ts'
import { createOpenIdProvider } from '../../src/identity/provider/openid-provider.ts'
import { Secret } from '../../src/support/secret.ts'
import { CLIENT_ID, type FakeProvider, startFakeProvider } from './fake-provider.ts'
import { recorder } from './session-fixture.ts'
import { EXPECTED, failureOf, PUBLIC_URL, providerConfig, signIn } from './sign-in-helper.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey
const pem = (key: KeyObject) => String(key.export({ type: 'pkcs8', format: 'pem' }))
const jwk = (key: KeyObject, more: object) =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...more })

const p256 = ec('prime256v1')
const p521 = ec('secp521r1')
const keys: Record<string, [text: string, key: KeyObject, alg: string, kid: string | undefined]> = {
  'an RSA key in PEM': [pem(rsa), rsa, 'RS256', undefined],
  'an RSA JWK': [jwk(rsa, { kid: 'okta-1' }), rsa, 'RS256', 'okta-1'],
  'an RSA JWK for PS256': [jwk(rsa, { kid: 'okta-2', alg: 'PS256' }), rsa, 'PS256', 'okta-2'],
  'an EC key in PEM': [pem(p256), p256, 'ES256', undefined],
  'an EC JWK on P-521': [jwk(p521, { kid: 'k' }), p521, 'ES512', 'k'],
  'an Ed25519 key': [pem(ed25519), ed25519, 'EdDSA', undefined],
}

function start(t: Test, fake: FakeProvider, changes: Partial<ProviderConfig>) {
  const { client_secret: _, ...config } = providerConfig(fake.issuer, changes)
  const options = { publicUrl: PUBLIC_URL, log: recorder([]) }
  const provider = createOpenIdProvider('okta', config, options)
  t.teardown(() => provider.close())
  return provider
}

const formAt = ({ requests }: FakeProvider, path: string) =>
  requests.find((request) => request.path === path)?.form

for (const [name, [text, key, alg, kid]] of Object.entries(keys)) {
  test(`the client proves itself by ${name}`, async (t) => {
    const fake = await startFakeProvider(t)
    const provider = start(t, fake, {
      client_auth: 'private_key_jwt',
      private_key: new Secret(text),
    })
    await signIn(provider, fake)
    const form = formAt(fake, '/token')
    t.equal(
      form?.get('client_assertion_type'),
      'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    )
    t.equal(form?.get('client_id'), CLIENT_ID)
    t.notOk(form?.has('client_secret'))
    const assertion = form?.get('client_assertion') ?? ''
    t.match(decodeProtectedHeader(assertion), { alg, ...(kid === undefined ? {} : { kid }) })
    const { payload } = await jwtVerify(assertion, createPublicKey(key), {
      issuer: CLIENT_ID,
      subject: CLIENT_ID,
      audience: `${fake.issuer}/token`,
      maxTokenAge: '1m',
    })
    t.ok(payload.jti)
    t.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 3_600)
  })
}

test('no assertion is used twice', async (t) => {
  const fake = await startFakeProvider(t)
  const config = { client_auth: 'private_key_jwt', private_key: new Secret(pem(p256)) } as const
  const provider = start(t, fake, config)
  await signIn(provider, fake)
  await signIn(provider, fake)
  const sent = fake.requests.flatMap(({ form }) => form.getAll('client_assertion'))
  t.equal(new Set(sent).size, 2)
})

test('a request is pushed where the provider demands it, or the config asks for it', async (t) => {
  const cases: [demanded: boolean, wanted: boolean | 'auto', isPushed: boolean][] = [
    [false, 'auto', false],
    [true, 'auto', true],
    [false, true, true],
    [true, false, false],
  ]
  for (const [demanded, wanted, isPushed] of cases) {
    const fake = await startFakeProvider(t, {
      metadata: (metadata) => ({ ...metadata, require_pushed_authorization_requests: demanded }),
    })
    const provider = start(t, fake, { pushed_authorization_requests: wanted })
    const url = await provider.authorizationUrl({ ...EXPECTED, acrValues: ['phr'] })
    t.equal(formAt(fake, '/par') !== undefined, isPushed)
    t.equal(url.searchParams.has('request_uri'), isPushed)
    if (isPushed) {
      t.same([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
      t.match(Object.fromEntries(formAt(fake, '/par') ?? []), {
        client_id: CLIENT_ID,
        response_type: 'code',
        redirect_uri: `${PUBLIC_URL}/oauth2/callback`,
        state: EXPECTED.state,
        nonce: EXPECTED.nonce,
        code_challenge_method: 'S256',
        acr_values: 'phr',
      })
    }
    t.ok(await provider.redeem(fake.approve(url), EXPECTED))
  }
})

test('a pushed request carries the proof of the client, made for where it is pushed', async (t) => {
  const fake = await startFakeProvider(t)
  const provider = start(t, fake, {
    client_auth: 'private_key_jwt',
    private_key: new Secret(pem(p256)),
    pushed_authorization_requests: true,
  })
  await provider.authorizationUrl(EXPECTED)
  const assertion = formAt(fake, '/par')?.get('client_assertion') ?? ''
  await t.resolves(jwtVerify(assertion, createPublicKey(p256), { audience: `${fake.issuer}/par` }))
})

test('pushed requests that cannot be had are a mistake of the config, and said so', async (t) => {
  const fake = await startFakeProvider(t, {
    metadata: ({ pushed_authorization_request_endpoint: _, ...metadata }) => metadata,
  })
  const provider = start(t, fake, { pushed_authorization_requests: true })
  t.match(await failureOf(provider.authorizationUrl(EXPECTED)), {
    kind: 'misconfigured',
    status: 500,
    message: /pushed_authorization_requests: auto/,
  })
})

const pushFailures = {
  'a refused client': [401, { error: 'invalid_client' }, 'misconfigured'],
  'a redirect URI that is not registered': [400, { error: 'invalid_request' }, 'misconfigured'],
  'a provider with trouble': [503, {}, 'unavailable'],
  'an answer that is none': [201, '<html>', 'invalid-answer'],
} as const
for (const [name, [status, body, kind]] of Object.entries(pushFailures)) {
  test(`a pushed request that fails by ${name} is ${kind}`, async (t) => {
    const fake = await startFakeProvider(t, {
      answer: (path) => (path === '/par' ? { status, body } : undefined),
    })
    const provider = start(t, fake, { pushed_authorization_requests: true })
    t.match(await failureOf(provider.authorizationUrl(EXPECTED)), { kind })
  })
}

test('a refresh token that nobody needs is given back, by the same proof; where that cannot be, nothing is sent', async (t) => {
  const fake = await startFakeProvider(t)
  const config = { client_auth: 'private_key_jwt', private_key: new Secret(pem(p256)) } as const
  const provider = start(t, fake, config)
  await provider.revoke({ refreshToken: undefined })
  t.equal(formAt(fake, '/revoke'), undefined)
  await provider.revoke({ refreshToken: 'refresh-1' })
  const form = formAt(fake, '/revoke')
  t.match(Object.fromEntries(form ?? []), { token: 'refresh-1', token_type_hint: 'refresh_token' })
  const assertion = form?.get('client_assertion') ?? ''
  await t.resolves(
    jwtVerify(assertion, createPublicKey(p256), { audience: `${fake.issuer}/revoke` }),
  )
  fake.faults.answer = (path) => (path === '/revoke' ? { status: 503, body: {} } : undefined)
  t.match(await failureOf(provider.revoke({ refreshToken: 'refresh-1' })), { kind: 'unavailable' })
  const without = await startFakeProvider(t, {
    metadata: ({ revocation_endpoint: _, ...metadata }) => metadata,
  })
  await start(t, without, config).revoke({ refreshToken: 'refresh-1' })
  t.equal(formAt(without, '/revoke'), undefined)
})
