import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { test } from 'tap'
import type { ProviderConfig } from '../../src/config/schema-provider.ts'
import { createOpenIdProvider } from '../../src/identity/provider/openid-provider.ts'
import { Secret } from '../../src/support/secret.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { startProvider as startRealProvider } from '../support/start-provider.ts'
import { CLIENT_ID, CLIENT_SECRET, DEFAULT_CLAIMS, startFakeProvider } from './fake-provider.ts'
import { recorder } from './session-fixture.ts'
import { EXPECTED, PUBLIC_URL, providerConfig, signIn, startProvider } from './sign-in-helper.ts'

for (const thinIdToken of [false, true]) {
  test(`somebody signs in at a real provider, ID token ${thinIdToken ? 'thin' : 'fat'}`, async (t) => {
    const publicUrl = 'http://localhost:8080'
    const real = await startRealProvider(t, { publicUrl, thinIdToken })
    const { provider } = startProvider(t, real.issuer, {
      publicUrl,
      config: { client_id: real.clientId, client_secret: new Secret(real.clientSecret) },
    })
    const browser = createBrowserClient(0)
    const picker = await browser.follow((await provider.authorizationUrl(EXPECTED)).href)
    const picked = await browser.post(picker.url, { person: 'ana' })
    const answer = await browser.follow(picked.location ?? '', {
      until: (url) => url.origin === publicUrl,
    })
    const person = await provider.redeem(new URL(answer.location ?? '').search, EXPECTED)
    t.match(person, {
      sub: 'demo-ana',
      email: 'ana@example.com',
      name: 'Ana Ferreira',
      groups: { list: [{ name: 'platform-engineers' }], complete: true },
      claims: { department: 'Platform' },
    })
    t.equal(decodeJwt(person.tokens.idToken)['email'] === undefined, thinIdToken)
  })
}

test('the browser is sent to the provider with all that the code flow needs', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const url = await provider.authorizationUrl({
    ...EXPECTED,
    loginHint: 'ana@example.com&prompt=none',
    prompt: 'login',
    acrValues: ['urn:mfa', 'phr'],
    maxAgeSeconds: 0,
  })
  t.equal(url.origin + url.pathname, `${fake.issuer}/authorize`)
  t.same(Object.fromEntries(url.searchParams), {
    client_id: CLIENT_ID,
    response_type: 'code',
    redirect_uri: 'https://auth.example.com/oauth2/callback',
    scope: 'openid profile email groups',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: createHash('sha256').update(EXPECTED.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    login_hint: 'ana@example.com&prompt=none',
    prompt: 'login',
    acr_values: 'urn:mfa phr',
    max_age: '0',
  })
})

test('the redirect URI comes from public_url and redirect_path, at both ends', async (t) => {
  const paths = [
    '/oauth2/callback',
    '/login-callback',
    '/login',
    '/oauth/callback/okta',
    '//evil/x',
  ]
  for (const redirect_path of paths) {
    const fake = await startFakeProvider(t)
    const { provider } = startProvider(t, fake.issuer, { config: { redirect_path } })
    await signIn(provider, fake)
    const token = fake.requests.find(({ path }) => path === '/token')
    t.equal(token?.form.get('redirect_uri'), PUBLIC_URL + redirect_path)
    t.equal(provider.redirectPath, redirect_path)
  }
})

test('groups are asked for where the provider lists that scope; configured scopes go as written', async (t) => {
  const fake = await startFakeProvider(t)
  const scopes = async (config: Partial<ProviderConfig>) => {
    const { provider } = startProvider(t, fake.issuer, { config })
    return (await provider.authorizationUrl(EXPECTED)).searchParams.get('scope')
  }
  t.equal(await scopes({}), 'openid profile email groups')
  t.equal(await scopes({ scopes: ['openid', 'offline_access'] }), 'openid offline_access')
  fake.faults.metadata = (metadata) => ({ ...metadata, scopes_supported: ['openid'] })
  t.equal(await scopes({}), 'openid profile email')
  fake.faults.metadata = (metadata) => ({ ...metadata, scopes_supported: 'groups' })
  t.equal(await scopes({}), 'openid profile email')
})

const authentications: Record<string, [Partial<ProviderConfig>, basic: boolean, post: boolean]> = {
  'by default in the header': [{}, true, false],
  'in the header': [{ client_auth: 'client_secret_basic' }, true, false],
  'in the body': [{ client_auth: 'client_secret_post' }, false, true],
  'not at all': [{ client_auth: 'none' }, false, false],
}
for (const [name, [config, basic, post]] of Object.entries(authentications)) {
  test(`the client proves itself ${name}`, async (t) => {
    const fake = await startFakeProvider(t)
    const { provider } = startProvider(t, fake.issuer, { config })
    await signIn(provider, fake)
    const token = fake.requests.find(({ path }) => path === '/token')
    t.equal(token?.headers.authorization?.startsWith('Basic ') ?? false, basic)
    t.equal(token?.form.get('client_secret'), post ? CLIENT_SECRET : null)
    t.equal(token?.form.get('client_id'), basic ? null : CLIENT_ID)
    t.equal(token?.form.get('code_verifier'), EXPECTED.codeVerifier)
  })
}

test('without a secret the client is public', async (t) => {
  const fake = await startFakeProvider(t)
  const { client_secret: _, ...config } = providerConfig(fake.issuer)
  const provider = createOpenIdProvider('okta', config, {
    publicUrl: PUBLIC_URL,
    log: recorder([]),
  })
  t.teardown(() => provider.close())
  await signIn(provider, fake)
  const token = fake.requests.find(({ path }) => path === '/token')
  t.equal(token?.headers.authorization, undefined)
  t.equal(token?.form.get('client_id'), CLIENT_ID)
})

test('a finished sign-in says who it is, how, and holds the tokens', async (t) => {
  const fake = await startFakeProvider(t, {
    claims: (claims) => ({
      ...claims,
      acr: 'urn:mfa',
      amr: ['pwd', 7, 'mfa'],
      auth_time: 1_700_000_000,
      sid: 'sid-1',
      department: 'Platform',
      at_hash: 'x',
    }),
  })
  const { provider, clock } = startProvider(t, fake.issuer)
  const person = await signIn(provider, fake)
  t.match(person, {
    sub: '00u1',
    email: 'ana@example.com',
    name: 'Ana',
    acr: 'urn:mfa',
    amr: ['pwd', 'mfa'],
    authTime: 1_700_000_000_000,
    sid: 'sid-1',
    groups: { list: [{ name: 'engineers' }], complete: true },
    claims: { department: 'Platform', groups: ['engineers'] },
  })
  t.notOk('nonce' in person.claims)
  t.notOk('at_hash' in person.claims)
  t.equal(person.tokens.accessToken, 'an-access-token')
  t.equal(person.tokens.accessTokenExpiresAt, clock.time + 3_600_000)
  t.equal(decodeJwt(person.tokens.idToken).sub, '00u1')
  t.equal(fake.requests.filter(({ path }) => path === '/userinfo').length, 0)
})

test('an authentication is never later than now', async (t) => {
  const fake = await startFakeProvider(t, {
    claims: (claims) => ({ ...claims, auth_time: Math.floor(Date.now() / 1_000) + 10_000 }),
  })
  const { provider, clock } = startProvider(t, fake.issuer)
  t.equal((await signIn(provider, fake)).authTime, clock.time)
})

test('what the ID token lacks comes from UserInfo, and the ID token goes first', async (t) => {
  const fake = await startFakeProvider(t, {
    claims: ({ name: _name, groups: _groups, ...claims }) => ({
      ...claims,
      department: 'Platform',
    }),
    userInfo: { ...DEFAULT_CLAIMS, groups: ['ops'], department: 'Other', title: 'Engineer' },
  })
  const { provider } = startProvider(t, fake.issuer)
  const person = await signIn(provider, fake)
  t.match(person, {
    name: 'Ana',
    groups: { list: [{ name: 'ops' }], complete: true },
    claims: { department: 'Platform', title: 'Engineer' },
  })
  const asked = fake.requests.find(({ path }) => path === '/userinfo')
  t.equal(asked?.headers.authorization, 'Bearer an-access-token')
})

test('without a UserInfo endpoint what the ID token lacks is known to be none', async (t) => {
  const fake = await startFakeProvider(t, {
    metadata: ({ userinfo_endpoint: _, ...metadata }) => metadata,
    claims: ({ groups: _, ...claims }) => claims,
  })
  const { provider } = startProvider(t, fake.issuer)
  t.same((await signIn(provider, fake)).groups, { list: [], complete: true })
})

test('a provider that refuses UserInfo leaves groups unknown', async (t) => {
  const refusals = [
    { status: 403, headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' }, body: '' },
    { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: '' },
    { status: 403, body: { error: 'insufficient_scope' } },
    { status: 404, body: '<html>' },
  ]
  for (const refusal of refusals) {
    const fake = await startFakeProvider(t, {
      claims: ({ groups: _, ...claims }) => claims,
      answer: (path) => (path === '/userinfo' ? refusal : undefined),
    })
    const { provider, logged } = startProvider(t, fake.issuer)
    const person = await signIn(provider, fake)
    t.same(person.groups, { list: [], complete: false })
    t.equal(person.email, 'ana@example.com')
    t.match(logged.at(-1), { level: 'warn' })
  }
})

test('the browser is sent to the provider to end its session, the landing page byte for byte', async (t) => {
  const fake = await startFakeProvider(t)
  const landings = [
    'https://auth.example.com',
    'https://auth.example.com/',
    'https://AUTH.example.com/a/../b?x=%7e#f',
  ]
  for (const landing of landings) {
    const { provider } = startProvider(t, fake.issuer, {
      config: { post_logout_redirect_uri: landing },
    })
    await provider.authorizationUrl(EXPECTED)
    const url = new URL((await provider.endSessionUrl('an-id-token', 'a-state')) ?? '')
    t.equal(url.origin + url.pathname, `${fake.issuer}/logout`)
    t.same(Object.fromEntries(url.searchParams), {
      id_token_hint: 'an-id-token',
      client_id: CLIENT_ID,
      post_logout_redirect_uri: landing,
      state: 'a-state',
    })
  }
})

test('without a landing page, an ID token or an endpoint less is sent, or nobody', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  await provider.authorizationUrl(EXPECTED)
  const url = new URL((await provider.endSessionUrl('an-id-token', 'a-state')) ?? '')
  t.same([...url.searchParams.keys()].sort(), ['client_id', 'id_token_hint'])
  t.equal(await provider.endSessionUrl(undefined, 'a-state'), undefined)
  fake.faults.metadata = ({ end_session_endpoint: _, ...metadata }) => metadata
  const other = startProvider(t, fake.issuer).provider
  await other.authorizationUrl(EXPECTED)
  t.equal(await other.endSessionUrl('an-id-token', undefined), undefined)
})
