/** The plan `oidcc-client-config-certification-test-plan`; `idtoken-sig-none` stands with the basic plan. */

import { test } from 'tap'
import {
  accepts,
  lands,
  otherRsaKey,
  requestsAt,
  rsaKey,
  startRelyingParty,
} from './relying-party.ts'

test('oidcc-client-test-discovery-openid-config', async (t) => {
  const { op } = await accepts(t, {
    metadata: (metadata) => ({
      ...metadata,
      'x-vendor': { anything: true },
      claims_parameter_supported: true,
    }),
  })
  t.equal(requestsAt(op, '/.well-known/openid-configuration').length, 1)
})

test('oidcc-client-test-discovery-jwks-uri-keys', async (t) => {
  const { op } = await accepts(t, {
    metadata: (metadata) => ({ ...metadata, jwks_uri: `${metadata['issuer']}/keys?of=op` }),
  })
  t.ok(requestsAt(op, '/keys').length > 0)
})

for (const issuer of ['https://evil.example', 'with another path']) {
  test(`oidcc-client-test-discovery-issuer-mismatch: ${issuer}`, async (t) => {
    const rp = await startRelyingParty(t, {
      metadata: (metadata) => ({
        ...metadata,
        issuer: issuer.startsWith('https') ? issuer : `${metadata['issuer']}/other`,
      }),
    })
    const { answer } = await rp.signIn()
    t.ok(answer.status >= 500, String(answer.status))
    t.equal(answer.location, undefined, 'nobody is sent to it')
    t.same(requestsAt(rp.op, '/token'), [])
  })
}

test('oidcc-client-test-signing-key-rotation', async (t) => {
  const clock = { ahead: 0 }
  const rp = await startRelyingParty(t, {}, { now: () => Date.now() + clock.ahead })
  await lands(t, rp)
  rp.op.keys.signing = otherRsaKey
  rp.op.keys.published = [otherRsaKey.jwk]
  rp.browser.clearCookies()
  clock.ahead = 11_000
  await lands(t, rp)
  t.equal(requestsAt(rp.op, '/keys').length, 2)
})

test('oidcc-client-test-signing-key-rotation-just-before-signing', async (t) => {
  const clock = { ahead: 0 }
  const rp = await startRelyingParty(
    t,
    {
      claims: (claims) => {
        rp.op.keys.signing = otherRsaKey
        rp.op.keys.published = [otherRsaKey.jwk]
        return claims
      },
    },
    { now: () => Date.now() + clock.ahead },
  )
  t.equal(rp.op.keys.signing, rsaKey)
  await lands(t, rp)
})
