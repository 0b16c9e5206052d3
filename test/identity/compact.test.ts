import { test } from 'tap'
import { compact, expand } from '../../src/identity/compact.ts'

test('a value comes back as JSON has it', (t) => {
  const values = [
    {},
    [],
    { name: 'Ünïcode "quoted" \n', list: [1, null, true, { deep: 'x'.repeat(100_000) }] },
    { list: Array.from({ length: 1_000 }, (_, i) => ({ name: `group-${i}`, id: `00g${i}` })) },
  ]
  for (const value of values) t.strictSame(expand(compact(value)), value)
  t.end()
})

test('what was stored before there was compression is read as it is', (t) => {
  const value = { version: 1, provider: 'okta', claims: { sub: '00u1' } }
  t.strictSame(expand(Buffer.from(JSON.stringify(value))), value)
  t.end()
})

test('what is stored today can be read by every later version', (t) => {
  // Written by the first version that compressed. If this fails, people would be signed out: add a version instead.
  const stored = 'ASPbs4ZIvk3MS0TzMLIV1ElCSrUA'
  t.strictSame(expand(Buffer.from(stored, 'base64')), {
    version: 1,
    provider: 'okta',
    method: 'oidc',
    sub: '00u1',
    email: 'ana@example.com',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  })
  t.end()
})

test('anything else is refused', (t) => {
  const [whole] = [compact({ a: 'b' })]
  for (const bytes of [Buffer.alloc(0), Buffer.of(1), Buffer.of(2, 1, 2), whole.subarray(0, 3)]) {
    t.throws(() => expand(bytes))
  }
  t.end()
})

test('what a usual session says takes a third of its JSON', (t) => {
  const record = {
    version: 1,
    provider: 'okta',
    method: 'oidc',
    sub: '00u1a2b3c4d5e6f7g697',
    email: 'ana.example@example.com',
    name: 'Ana Example',
    claims: {
      sub: '00u1a2b3c4d5e6f7g697',
      email: 'ana.example@example.com',
      email_verified: true,
      name: 'Ana Example',
      given_name: 'Ana',
      family_name: 'Example',
      preferred_username: 'ana.example@example.com',
      locale: 'en-US',
      zoneinfo: 'America/Los_Angeles',
    },
    amr: ['pwd', 'mfa'],
    signedInAt: 1_772_442_000_000,
    expiresAt: 1_772_492_400_000,
  }
  t.ok(compact(record).length * 3 < JSON.stringify(record).length)
  t.end()
})
