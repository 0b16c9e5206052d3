import { generateKeyPairSync } from 'node:crypto'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { test } from 'tap'
import {
  type AssertionClaims,
  createAssertionSigner,
  readSigningKey,
} from '../../src/identity/assertion.ts'
import { loadSigningKeys, newSigningKeyPem } from '../../src/identity/signing-keys.ts'
import { createMemoryStore } from '../../src/identity/store/memory-store.ts'

const NOW = Date.UTC(2026, 2, 2, 9)
const now = () => NOW
const claims: AssertionClaims = {
  issuer: 'https://auth.example.com',
  audience: 'https://grafana.example.com',
  subject: '00u1',
  email: 'ana@example.com',
  groups: ['platform-engineers', 'grüße, 名前'],
  name: 'Ana Example',
  sessionId: 'a-hash',
}
const ecPem = newSigningKeyPem()
const rsaPem = pem('rsa', { modulusLength: 2048 })

function pem(type: 'rsa', options: { modulusLength: number }, format: 'pkcs8' | 'pkcs1' = 'pkcs8') {
  return generateKeyPairSync(type, options)
    .privateKey.export({ type: format, format: 'pem' })
    .toString()
}

function verify(token: string, jwks: { readonly keys: readonly object[] }) {
  return jwtVerify(token, createLocalJWKSet(jwks as JSONWebKeySet), {
    issuer: claims.issuer,
    audience: claims.audience,
    algorithms: ['ES256', 'RS256'],
    currentDate: new Date(NOW),
    typ: 'JWT',
  })
}

test('an assertion says who asks, to whom, for five minutes', async (t) => {
  const signer = await createAssertionSigner({ keys: [readSigningKey(ecPem)], now })
  const { payload, protectedHeader } = await verify(await signer.sign(claims), signer.jwks)
  const { jti, ...rest } = payload
  t.same(rest, {
    iss: 'https://auth.example.com',
    aud: 'https://grafana.example.com',
    sub: '00u1',
    email: 'ana@example.com',
    groups: ['platform-engineers', 'grüße, 名前'],
    name: 'Ana Example',
    sid: 'a-hash',
    iat: NOW / 1_000,
    exp: NOW / 1_000 + 300,
  })
  t.match(jti, /^[0-9a-f-]{36}$/)
  t.same(protectedHeader, { alg: 'ES256', typ: 'JWT', kid: signer.jwks.keys[0]?.kid })
})

test('what is not known is left out, and no two assertions are alike', async (t) => {
  const signer = await createAssertionSigner({ keys: [readSigningKey(ecPem)], now })
  const bare = { ...claims, email: undefined, name: undefined, groups: [] }
  const { payload } = await verify(await signer.sign(bare), signer.jwks)
  t.notOk('email' in payload)
  t.notOk('name' in payload)
  t.same(payload['groups'], [])
  const again = await verify(await signer.sign(bare), signer.jwks)
  t.not(again.payload.jti, payload.jti)
})

test('the first key signs, all keys are published, none with its private part', async (t) => {
  const rotated = await createAssertionSigner({
    keys: [readSigningKey(rsaPem), readSigningKey(ecPem)],
    now,
  })
  const older = await createAssertionSigner({ keys: [readSigningKey(ecPem)], now })
  const { protectedHeader } = await verify(await rotated.sign(claims), rotated.jwks)
  t.equal(protectedHeader.alg, 'RS256')
  await t.resolves(verify(await older.sign(claims), rotated.jwks))
  await t.rejects(verify(await rotated.sign(claims), older.jwks))
  t.equal(rotated.jwks.keys.length, 2)
  for (const key of rotated.jwks.keys) {
    t.equal(key.use, 'sig')
    t.equal(key.kid?.length, 43, 'a SHA-256 thumbprint')
    t.same(
      Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name)),
      [],
    )
  }
})

test('signing keys are read in the forms that OpenSSL writes', (t) => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  t.equal(
    readSigningKey(privateKey.export({ type: 'sec1', format: 'pem' }).toString()).alg,
    'ES256',
  )
  t.equal(readSigningKey(pem('rsa', { modulusLength: 2048 }, 'pkcs1')).alg, 'RS256')
  t.end()
})

test('a key that cannot sign ES256 or RS256 is refused without being shown', (t) => {
  const generated = {
    'another curve': generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey,
    'a short RSA key': generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
    'an Ed25519 key': generateKeyPairSync('ed25519').privateKey,
    'a public key': generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
  }
  for (const [name, key] of Object.entries(generated)) {
    const type = key.type === 'public' ? 'spki' : 'pkcs8'
    t.throws(() => readSigningKey(key.export({ type, format: 'pem' }).toString()), TypeError, name)
  }
  for (const text of [
    '',
    'secret-text',
    '-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----',
  ]) {
    t.throws(() => readSigningKey(text), { message: /^(?!.*secret).*$/ })
  }
  t.rejects(createAssertionSigner({ keys: [], now }), TypeError)
  t.end()
})

test('without a configured key one is made and shared through the store', async (t) => {
  const store = createMemoryStore({ now })
  t.teardown(() => store.close())
  const secrets = [Buffer.alloc(32, 1)]
  const replicas = await Promise.all(
    [1, 2, 3].map(() => loadSigningKeys({ configured: [], store, secrets })),
  )
  const kids = await Promise.all(replicas.map(kidOf))
  t.equal(new Set(kids).size, 1)
  t.equal(replicas[0]?.[0]?.alg, 'ES256')
})

test('the shared key survives a rotation of the secret', async (t) => {
  const store = createMemoryStore({ now })
  t.teardown(() => store.close())
  const [older, newer] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const kid = async (secrets: readonly Buffer[]) =>
    kidOf(await loadSigningKeys({ configured: [], store, secrets }))
  const before = await kid([older])
  t.equal(await kid([newer, older]), before)
  t.equal(await kid([newer]), before)
  t.not(await kid([Buffer.alloc(32, 3)]), before, 'another secret finds nothing and makes its own')
})

test('the shared key in the store is sealed', async (t) => {
  const store = createMemoryStore({ now })
  t.teardown(() => store.close())
  const written: Buffer[] = []
  const spied = {
    ...store,
    keep: (key: string, value: Uint8Array) => {
      written.push(Buffer.from(value))
      return store.keep(key, value)
    },
  }
  await loadSigningKeys({ configured: [], store: spied, secrets: [Buffer.alloc(32, 1)] })
  t.equal(written.length, 1)
  t.notOk(written[0]?.includes('PRIVATE KEY'))
})

test('a shared key that was changed in the store is refused', async (t) => {
  const store = createMemoryStore({ now })
  t.teardown(() => store.close())
  const changed = { ...store, keep: async () => Buffer.alloc(100, 1) }
  await t.rejects(
    loadSigningKeys({ configured: [], store: changed, secrets: [Buffer.alloc(32, 1)] }),
    { code: 'STORE_UNAVAILABLE' },
  )
})

test('configured keys are used as they are, and the store is not asked', async (t) => {
  const store = createMemoryStore({ now })
  await store.close()
  const keys = await loadSigningKeys({
    configured: [rsaPem, ecPem],
    store,
    secrets: [Buffer.alloc(32, 1)],
  })
  t.same(
    keys.map(({ alg }) => alg),
    ['RS256', 'ES256'],
  )
  await t.rejects(loadSigningKeys({ configured: ['rubbish'], store, secrets: [] }), TypeError)
})

async function kidOf(keys: Awaited<ReturnType<typeof loadSigningKeys>>) {
  return (await createAssertionSigner({ keys, now })).jwks.keys[0]?.kid
}
