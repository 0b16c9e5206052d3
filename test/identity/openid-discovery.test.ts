import { test } from 'tap'
import type { ProviderConfig } from '../../src/config/schema-provider.ts'
import type { Provider } from '../../src/identity/provider/provider.ts'
import { type FakeProvider, type Json, newKey, startFakeProvider } from './fake-provider.ts'
import { EXPECTED, failureOf, signIn, startProvider } from './sign-in-helper.ts'

const DAY = 24 * 3_600_000
const DISCOVERY = '/.well-known/openid-configuration'

const count = ({ requests }: FakeProvider, path: string) =>
  requests.filter((request) => request.path === path).length

/** Until the attempt that is under way has ended. */
async function settled(provider: Provider): Promise<void> {
  await provider.authorizationUrl(EXPECTED).catch(() => undefined)
}

test('the provider is looked for at once, and once for all who wait', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider, logged } = startProvider(t, fake.issuer, { config: { display_name: 'Okta' } })
  t.same(provider.status(), { ready: false, lastError: undefined })
  await Promise.all(Array.from({ length: 30 }, () => provider.authorizationUrl(EXPECTED)))
  t.equal(count(fake, DISCOVERY), 1)
  t.same(provider.status(), { ready: true, lastError: undefined })
  t.match(logged, [{ level: 'info', fields: { provider: 'okta' } }])
  t.match(provider, { name: 'okta', displayName: 'Okta', issuer: fake.issuer })
})

test('a provider that is down at the start is retried, ever more slowly, until it is there', async (t) => {
  const fake = await startFakeProvider(t, { answer: () => ({ status: 503 }) })
  const { provider, logged, clock, timer } = startProvider(t, fake.issuer)
  t.match(await failureOf(provider.authorizationUrl(EXPECTED)), {
    kind: 'unavailable',
    status: 503,
  })
  t.match(provider.status(), { ready: false, lastError: /HTTP 503/ })
  for (const wait of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    t.match(logged.at(-1), { level: 'warn', fields: { provider: 'okta', retry_in_ms: wait } })
    clock.time += wait - 1
    const before = count(fake, DISCOVERY)
    timer.tick()
    t.equal(count(fake, DISCOVERY), before)
    clock.time += 1
    timer.tick()
    await settled(provider)
    t.equal(count(fake, DISCOVERY), before + 1)
  }
  fake.faults.answer = () => undefined
  clock.time += 60_000
  timer.tick()
  await settled(provider)
  t.same(provider.status(), { ready: true, lastError: undefined })
  t.ok(await signIn(provider, fake))
})

test('somebody who wants to sign in does not wait for the next retry', async (t) => {
  const fake = await startFakeProvider(t, { answer: () => ({ status: 503 }) })
  const { provider, clock } = startProvider(t, fake.issuer)
  await settled(provider)
  t.match(await failureOf(provider.authorizationUrl(EXPECTED)), { kind: 'unavailable' })
  t.equal(count(fake, DISCOVERY), 1, 'but a flood of them asks once a second')
  fake.faults.answer = () => undefined
  clock.time += 1_000
  t.ok(await provider.authorizationUrl(EXPECTED))
})

test('metadata is fetched again every day, and the old serves until the new is there', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider, clock, timer } = startProvider(t, fake.issuer)
  await settled(provider)
  clock.time += DAY - 1
  timer.tick()
  t.equal(count(fake, DISCOVERY), 1)
  fake.faults.answer = (path) => (path === DISCOVERY ? { status: 500 } : undefined)
  clock.time += 1
  timer.tick()
  t.ok(await signIn(provider, fake))
  await until(() => provider.status().lastError !== undefined)
  t.equal(provider.status().ready, true)
  fake.faults.answer = () => undefined
  fake.faults.metadata = (metadata) => ({
    ...metadata,
    authorization_endpoint: `${fake.issuer}/moved`,
  })
  clock.time += 1_000
  timer.tick()
  await until(() => provider.status().lastError === undefined)
  t.equal((await provider.authorizationUrl(EXPECTED)).pathname, '/moved')
})

test('after an answer that does not hold the metadata is fetched again, at most once a minute', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider, clock, timer } = startProvider(t, fake.issuer)
  await settled(provider)
  fake.faults.answer = (path) => (path === '/token' ? { status: 404, body: '<html>' } : undefined)
  await t.rejects(signIn(provider, fake))
  timer.tick()
  t.equal(count(fake, DISCOVERY), 1)
  clock.time += 60_000
  await t.rejects(signIn(provider, fake))
  timer.tick()
  await until(() => count(fake, DISCOVERY) === 2)
})

const badMetadata: Record<string, [change: (metadata: Json) => Json, detail: RegExp]> = {
  'another issuer': [
    (m) => ({ ...m, issuer: 'https://evil.example' }),
    /expected|configured as `http:\/\/127.*calls itself `https:\/\/evil\.example`/,
  ],
  'an issuer with a slash more': [(m) => ({ ...m, issuer: `${m['issuer']}/` }), /calls itself/],
  'an issuer that is no text': [(m) => ({ ...m, issuer: 7 }), /issuer/],
  'an issuer that is no URL': [(m) => ({ ...m, issuer: 'okta' }), /./],
  'a token endpoint without TLS': [
    (m) => ({ ...m, token_endpoint: 'http://idp.example/token' }),
    /`token_endpoint` is `http:\/\/idp\.example`: https is needed/,
  ],
  'an authorization endpoint without TLS': [
    (m) => ({ ...m, authorization_endpoint: 'http://idp.example/' }),
    /`authorization_endpoint`/,
  ],
  'keys without TLS': [(m) => ({ ...m, jwks_uri: 'http://10.0.0.1/keys' }), /`jwks_uri`/],
  'UserInfo without TLS': [(m) => ({ ...m, userinfo_endpoint: 'http://idp.example/' }), /userinfo/],
  'a sign-out without TLS': [
    (m) => ({ ...m, end_session_endpoint: 'http://idp.example/' }),
    /end_session/,
  ],
  'a script as endpoint': [
    (m) => ({ ...m, authorization_endpoint: 'javascript:alert(1)' }),
    /authoriz/,
  ],
  'a host that only looks like loopback': [
    (m) => ({ ...m, token_endpoint: 'http://127.0.0.1.evil.example/token' }),
    /token_endpoint/,
  ],
  'no token endpoint': [({ token_endpoint: _, ...m }) => m, /no valid `token_endpoint`/],
  'no keys': [({ jwks_uri: _, ...m }) => m, /no valid `jwks_uri`/],
  'an endpoint that is no URL': [(m) => ({ ...m, token_endpoint: '/token' }), /token_endpoint/],
  'only signatures that are not accepted': [
    (m) => ({ ...m, id_token_signing_alg_values_supported: ['none', 'HS256'] }),
    /signature/,
  ],
}
for (const [name, [change, detail]] of Object.entries(badMetadata)) {
  test(`a provider is off while its metadata has ${name}`, async (t) => {
    const fake = await startFakeProvider(t, { metadata: change })
    const { provider, clock, logged } = startProvider(t, fake.issuer)
    await t.rejects(provider.authorizationUrl(EXPECTED), { message: detail })
    await t.rejects(provider.redeem('?code=x&state=the-state', EXPECTED), { message: detail })
    t.equal(await provider.endSessionUrl('an-id-token', undefined), undefined)
    t.match(provider.status(), { ready: false, lastError: detail })
    t.match(logged, [{ level: 'warn' }])
    delete fake.faults.metadata
    clock.time += 1_000
    t.ok(await signIn(provider, fake), 'and on when that is mended')
  })
}

const badDocuments = {
  HTML: { body: '<html>' },
  'a redirect': { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
  nothing: { status: 404 },
  'a list': { body: [] },
  'ten megabytes': {
    headers: { 'content-type': 'application/json' },
    body: ' '.repeat(10_000_000),
  },
}
for (const [name, answer] of Object.entries(badDocuments)) {
  test(`a provider is off while it answers discovery with ${name}`, async (t) => {
    const fake = await startFakeProvider(t, { answer: () => answer })
    const { provider } = startProvider(t, fake.issuer)
    t.match(await failureOf(provider.authorizationUrl(EXPECTED)), {
      kind: 'invalid-answer',
      status: 502,
    })
  })
}

const issuers: Record<string, Partial<ProviderConfig>> = {
  'without TLS beyond loopback': { issuer: 'http://idp.example' },
  'that is no URL': { issuer: 'okta' },
  'that is a file': { issuer: 'file:///etc/passwd' },
}
for (const [name, config] of Object.entries(issuers)) {
  test(`an issuer ${name} is never asked`, async (t) => {
    const fetch = () => t.fail('asked') as never
    const { provider } = startProvider(t, '', { config, fetch })
    t.match(await failureOf(provider.authorizationUrl(EXPECTED)), {
      kind: 'misconfigured',
      status: 500,
    })
  })
}

test('with the opt-out issuer and endpoints may be without TLS', async (t) => {
  const fake = await startFakeProvider(t)
  const asPlainHttp = (url: string, init: RequestInit) =>
    fetch(url.replace('http://idp.example', fake.issuer), init)
  fake.faults.metadata = (metadata) =>
    JSON.parse(JSON.stringify(metadata).replaceAll(fake.issuer, 'http://idp.example'))
  fake.faults.claims = (claims) => ({ ...claims, iss: 'http://idp.example' })
  const { provider } = startProvider(t, 'http://idp.example', {
    config: { allow_http: true },
    fetch: asPlainHttp,
  })
  t.ok(await signIn(provider, fake))
})

test('a provider that never answers is unavailable after the time limit', async (t) => {
  for (const silent of [DISCOVERY, '/token', '/keys']) {
    const fake = await startFakeProvider(t, { silent })
    const { provider } = startProvider(t, fake.issuer, { timeoutMs: 100 })
    t.match(await failureOf(signIn(provider, fake)), {
      kind: 'unavailable',
      message: /no answer within 100 ms/,
    })
  }
})

test('a closed provider asks no more', async (t) => {
  const fake = await startFakeProvider(t, { silent: DISCOVERY })
  const { provider, timer, logged } = startProvider(t, fake.issuer)
  const waiting = failureOf(provider.authorizationUrl(EXPECTED))
  await until(() => fake.requests.length === 1)
  provider.close()
  t.match(await waiting, { kind: 'unavailable' })
  t.equal(timer.running(), 0)
  t.same(logged, [])
})

test('a new key is found at once, under a new name and under the old one', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider, clock } = startProvider(t, fake.issuer)
  t.ok(await signIn(provider, fake))
  for (const kid of ['key-2', 'key-2']) {
    fake.keys.signing = await newKey(kid)
    fake.keys.published = [fake.keys.signing.jwk]
    clock.time += 10_000
    t.ok(await signIn(provider, fake))
  }
})

test('of several published keys the named one is taken, and without a name there must be one', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider, clock } = startProvider(t, fake.issuer)
  const other = await newKey('other')
  fake.keys.published = [other.jwk, fake.keys.signing.jwk, (await newKey('rsa', 'rsa')).jwk]
  t.ok(await signIn(provider, fake))
  fake.keys.signing = {
    ...fake.keys.signing,
    jwk: { ...fake.keys.signing.jwk, kid: undefined } as never,
  }
  clock.time += 10_000
  t.match(await failureOf(signIn(provider, fake)), { kind: 'invalid-answer' })
})

test('RSA signatures are accepted as well', async (t) => {
  const fake = await startFakeProvider(t)
  fake.keys.signing = await newKey('rsa', 'rsa')
  fake.keys.published = [fake.keys.signing.jwk]
  fake.faults.metadata = ({ id_token_signing_alg_values_supported: _, ...metadata }) => metadata
  const { provider } = startProvider(t, fake.issuer)
  t.ok(await signIn(provider, fake), 'RS256 is what a provider means that lists nothing')
})

const keyOutages = {
  'an error': { status: 500 },
  HTML: { body: '<html>' },
  nothing: { status: 404 },
  'ten megabytes': {
    headers: { 'content-type': 'application/json' },
    body: ' '.repeat(10_000_000),
  },
}
for (const [name, answer] of Object.entries(keyOutages)) {
  test(`while the keys endpoint answers with ${name} the last keys serve, for a day`, async (t) => {
    const fake = await startFakeProvider(t)
    const { provider, clock, logged } = startProvider(t, fake.issuer)
    t.ok(await signIn(provider, fake))
    fake.faults.answer = (path) => (path === '/keys' ? answer : undefined)
    clock.time += DAY - 1
    t.ok(await signIn(provider, fake))
    t.match(logged.at(-1), { level: 'warn', message: /keys/ })
    clock.time += 1
    await t.rejects(signIn(provider, fake))
  })
}

test('a flood of tokens under unknown keys asks for keys once in ten seconds', async (t) => {
  const fake = await startFakeProvider(t, { header: { kid: 'unknown' } })
  const { provider, clock } = startProvider(t, fake.issuer)
  const flood = async () => {
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => signIn(provider, fake)))
    t.ok(all.every(({ status }) => status === 'rejected'))
  }
  await flood()
  await flood()
  t.equal(count(fake, '/keys'), 1)
  clock.time += 10_000
  await flood()
  t.equal(count(fake, '/keys'), 2)
})

/** Waits for what another side is about to do; the test's own time limit ends it otherwise. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate)
}
