import { generateKeyPairSync } from 'node:crypto'
import { exportJWK } from 'jose'
import * as client from 'openid-client'
import { test } from 'tap'
import { createBrowser, refusal, startSignIn } from './browser.ts'

const OFFLINE = { scope: 'openid email offline_access' }

test('a refresh token is given for `offline_access`, without a question, and only where the app may', async (t) => {
  const { signIn } = await startSignIn(t)
  t.ok((await signIn('ana', OFFLINE)).refresh_token)
  t.notOk((await signIn('ana')).refresh_token)
  const without = await startSignIn(t, { app: { refreshGrant: false } })
  t.notOk((await without.signIn('ana', OFFLINE)).refresh_token)
})

test('a refresh token rotates; within the leeway the old one leads to the same new one', async (t) => {
  let time = Date.now()
  const { signIn, config } = await startSignIn(t, { now: () => time })
  const first = (await signIn('ana', OFFLINE)).refresh_token ?? ''
  const second = await client.refreshTokenGrant(config, first)
  t.not(second.refresh_token, first)
  t.equal(second.claims()?.sub, 'demo-ana')
  time += 29_000
  const again = await client.refreshTokenGrant(config, first)
  t.equal(again.refresh_token, second.refresh_token)
})

test('a spent refresh token after its leeway ends the whole family', async (t) => {
  let time = Date.now()
  const { signIn, config, okta } = await startSignIn(t, { now: () => time })
  const first = (await signIn('ana', OFFLINE)).refresh_token ?? ''
  const second = await client.refreshTokenGrant(config, first)
  time += 31_000
  t.match(await refusal(client.refreshTokenGrant(config, first)), {
    error: 'invalid_grant',
    error_description: 'The refresh token is invalid or expired.',
  })
  t.match(await refusal(client.refreshTokenGrant(config, second.refresh_token ?? '')), {
    error: 'invalid_grant',
  })
  await t.rejects(client.fetchUserInfo(config, second.access_token, 'demo-ana'))
  t.equal(okta.vault.reuses(), 1)
})

test('static refresh tokens stay', async (t) => {
  const { signIn, config } = await startSignIn(t, {
    app: { refreshRotation: { mode: 'STATIC', leewaySeconds: 0 } },
  })
  const first = (await signIn('ana', OFFLINE)).refresh_token ?? ''
  for (let i = 0; i < 3; i++) {
    t.equal((await client.refreshTokenGrant(config, first)).refresh_token, first)
  }
})

test('the true token is taken, and each wrong one is what it says', async (t) => {
  const { signIn, okta } = await startSignIn(t)
  await signIn('ana')
  const faults = [
    { kind: 'signature' },
    { kind: 'unknown-kid' },
    { kind: 'alg-none' },
    { kind: 'hs256' },
    { kind: 'missing' },
    { kind: 'claims', claims: { iss: 'https://evil.example' } },
    { kind: 'claims', claims: { aud: 'another' } },
    { kind: 'claims', claims: { nonce: 'another' } },
    { kind: 'claims', claims: { sub: undefined } },
  ] as const
  for (const fault of faults) {
    okta.faults.idToken = fault
    // A client that looks for none takes an answer without an ID token.
    const missing = fault.kind === 'missing'
    const tokens = await signIn('ana').catch(() => undefined)
    t.equal(tokens?.claims(), undefined, JSON.stringify(fault))
    t.equal(tokens !== undefined, missing && tokens !== undefined, JSON.stringify(fault))
  }
  okta.faults.clear()
  await signIn('ana')
})

test('a clock that is off, a code that has run out, a UserInfo of somebody else', async (t) => {
  const { signIn, okta, config } = await startSignIn(t)
  okta.faults.clockSkewSeconds = -7_200
  t.match(await refusal(signIn('ana')), { code: 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED' })
  okta.faults.clear()
  okta.faults.codesExpired = true
  t.match(await refusal(signIn('ana')), {
    error: 'invalid_grant',
    error_description: 'The authorization code is invalid or has expired.',
  })
  okta.faults.clear()
  const tokens = await signIn('ana')
  okta.faults.userInfoSub = 'demo-ben'
  await t.rejects(client.fetchUserInfo(config, tokens.access_token, 'demo-ana'))
})

test('keys rotate with the old ones kept or dropped', async (t) => {
  const { okta } = await startSignIn(t)
  const kids = async () => (await okta.keys.jwks()).keys.map(({ kid }) => kid)
  const [first] = await kids()
  await okta.keys.rotate()
  t.equal((await kids()).length, 2)
  t.ok((await kids()).includes(first))
  await okta.keys.rotate({ dropOld: true })
  t.equal((await kids()).length, 1)
  const served = (await (await fetch(`${okta.org}/oauth2/v1/keys`)).json()) as client.JWKS
  t.same(
    served.keys.map(({ kid }) => kid),
    await kids(),
  )
})

test('a wrong secret is refused in the words of Okta', async (t) => {
  const { okta } = await startSignIn(t)
  const answer = await fetch(`${okta.org}/oauth2/v1/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${okta.app.clientId}:wrong`)}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'any' }),
  })
  t.equal(answer.status, 401)
  t.same(await answer.json(), {
    error: 'invalid_client',
    error_description: 'The client secret supplied for a confidential client is invalid.',
  })
})

test('endpoints fail as they are told, so many times', async (t) => {
  const { okta } = await startSignIn(t)
  const url = `${okta.org}/oauth2/v1/keys`
  okta.faults.fail('keys', { kind: 'status', status: 503 }, 1)
  t.equal((await fetch(url)).status, 503)
  t.equal((await fetch(url)).status, 200)
  okta.faults.fail('keys', { kind: 'html' })
  t.match(await (await fetch(url)).text(), /<!doctype html>/)
  okta.faults.fail('keys', { kind: 'rate-limited', resetInSeconds: 30 })
  const limited = await fetch(url)
  t.equal(limited.status, 429)
  t.equal(limited.headers.get('x-rate-limit-remaining'), '0')
  t.match(await limited.json(), { errorCode: 'E0000047' })
  okta.faults.fail('keys', { kind: 'cut' })
  await t.rejects(fetch(url))
  for (const kind of ['hang', 'slow-body'] as const) {
    okta.faults.fail('keys', { kind })
    const answer = fetch(url, { signal: AbortSignal.timeout(300) }).then((got) => got.text())
    t.match(await refusal(answer), { name: 'TimeoutError' })
  }
  okta.faults.clear()
  t.equal((await fetch(url)).status, 200)
})

test('a service app gets a token that is bound to its key, after the nonce that is asked for', async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'service', alg: 'RS256', use: 'sig' }
  const { okta } = await startSignIn(t, { serviceApp: { keys: [jwk] } })
  const key = await crypto.subtle.importKey(
    'pkcs8',
    privateKey.export({ type: 'pkcs8', format: 'der' }),
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const config = new client.Configuration(
    { issuer: okta.org, token_endpoint: `${okta.org}/oauth2/v1/token` },
    okta.serviceApp?.clientId ?? '',
    undefined,
    client.PrivateKeyJwt({ key, kid: 'service' }),
  )
  client.allowInsecureRequests(config)
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
  const ask = () => client.clientCredentialsGrant(config, { scope: 'okta.users.read' }, { DPoP })
  const tokens = await ask()
  t.equal(tokens.token_type, 'dpop')
  const url = new URL(`${okta.org}/api/v1/users/demo-ana/groups`)
  const groups = await client.fetchProtectedResource(
    config,
    tokens.access_token,
    url,
    'GET',
    undefined,
    undefined,
    { DPoP },
  )
  t.equal(groups.status, 200)
  t.equal(
    (await fetch(url, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status,
    401,
  )
  const forbidden = await client
    .fetchProtectedResource(
      config,
      tokens.access_token,
      new URL(`${okta.org}/api/v1/groups`),
      'GET',
      undefined,
      undefined,
      { DPoP },
    )
    .catch((error: unknown) => error)
  t.match(forbidden, { status: 403 })
  okta.changeDpopNonce()
  t.equal((await ask()).token_type, 'dpop', 'the new nonce is taken up')
  t.match(await refusal(client.clientCredentialsGrant(config, { scope: 'okta.users.read' })), {
    error: 'invalid_dpop_proof',
  })
})

test('prompt=none without a session is `login_required`', async (t) => {
  const { authorizationUrl, okta } = await startSignIn(t)
  const answer = await createBrowser(okta.org).visit(await authorizationUrl({ prompt: 'none' }))
  const location = new URL(answer.headers.get('location') ?? '')
  t.equal(location.searchParams.get('error'), 'login_required')
})
