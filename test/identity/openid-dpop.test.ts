/** Tokens that are bound to a key (RFC 9449): at sign-in, at UserInfo, and at every refresh by the same key. */

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, decodeProtectedHeader, exportJWK, type JWK } from 'jose'
import { test } from 'tap'
import { newProofKey, proofKeyPair } from '../../src/identity/provider/proof-key.ts'
import { Secret } from '../../src/support/secret.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { startOkta } from '../support/start-okta.ts'
import { startFakeProvider } from './fake-provider.ts'
import { EXPECTED, failureOf, PUBLIC_URL, signIn, startProvider } from './sign-in-helper.ts'

test('tokens are bound at sign-in, used at UserInfo, and refreshed by the same key, nonce and all', async (t) => {
  const okta = await startOkta(t, {
    publicUrl: PUBLIC_URL,
    app: { refreshGrant: true, idToken: 'thin' },
  })
  const proofs: string[] = []
  const { provider } = startProvider(t, okta.issuer, {
    fetch: (url, init) => {
      const proof = new Headers(init.headers).get('dpop')
      if (proof !== null) proofs.push(proof)
      return fetch(url, init)
    },
    config: {
      client_id: okta.app.clientId,
      client_secret: new Secret(okta.app.clientSecret),
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      dpop: true,
    },
  })
  const browser = createBrowserClient(0)
  const picker = await browser.follow((await provider.authorizationUrl(EXPECTED)).href)
  const picked = await browser.post(picker.url, { person: 'ana' })
  const until = (url: URL) => url.origin === PUBLIC_URL
  const { location = '' } = await browser.follow(picked.location ?? '', { until })
  const person = await provider.redeem(new URL(location).search, EXPECTED)
  t.equal(person.email, 'ana@example.com', 'UserInfo has taken the bound token')
  t.equal(proofs.length, 3, 'the token endpoint twice, the first time without its nonce')

  okta.changeDpopNonce()
  const refreshed = await provider.refresh(person.tokens)
  t.equal(refreshed.kind, 'refreshed')
  if (refreshed.kind !== 'refreshed') return
  t.equal(refreshed.tokens.proofKey, person.tokens.proofKey)
  t.not(refreshed.tokens.accessToken, person.tokens.accessToken)

  const key = createPrivateKey({ key: JSON.parse(person.tokens.proofKey ?? ''), format: 'jwk' })
  const thumbprint = await calculateJwkThumbprint(await exportJWK(createPublicKey(key)))
  for (const proof of proofs) {
    const { jwk, typ } = decodeProtectedHeader(proof)
    t.equal(typ, 'dpop+jwt')
    t.equal(await calculateJwkThumbprint(jwk as JWK), thumbprint)
    t.notOk(jwk !== undefined && 'd' in jwk, 'the private part stays here')
  }
})

test('a provider that binds nothing is a mistake of the config, and signs nobody in', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer, { config: { dpop: true } })
  const failure = await failureOf(signIn(provider, fake))
  t.match(failure, { kind: 'misconfigured', message: /dpop: true/ })
  t.ok(fake.requests.find(({ path }) => path === '/token')?.headers['dpop'])
})

test('without `dpop` no proof is sent and no key is kept', async (t) => {
  const fake = await startFakeProvider(t)
  const { provider } = startProvider(t, fake.issuer)
  const { tokens } = await signIn(provider, fake)
  t.equal(tokens.proofKey, undefined)
  t.equal(fake.requests.find(({ path }) => path === '/token')?.headers['dpop'], undefined)
})

test('every session has a key of its own, and it comes back from its text', (t) => {
  const text = newProofKey()
  t.not(text, newProofKey())
  const { privateKey, publicKey } = proofKeyPair(text)
  t.equal(privateKey.extractable, false)
  t.equal(publicKey.type, 'public')
  t.end()
})
