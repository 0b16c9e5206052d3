import { randomBytes } from 'node:crypto'
import { test } from 'tap'
import { createSealer, decodeBase64Url, deriveKey } from '../../src/identity/seal.ts'

const oldSecret = Buffer.alloc(32, 1)
const newSecret = Buffer.alloc(48, 2)
const sealer = createSealer([oldSecret], 'cookie')

test('what was sealed opens again, as text and as bytes', (t) => {
  for (const plain of ['', 'x', 'grüße 名前', 'a'.repeat(10_000)]) {
    t.equal(sealer.open(sealer.seal(plain, 'host'), 'host')?.toString('utf8'), plain)
    t.equal(sealer.openBytes(sealer.sealBytes(plain, 'host'), 'host')?.toString('utf8'), plain)
  }
  const bytes = randomBytes(64)
  t.ok(sealer.open(sealer.seal(bytes, 'host'), 'host')?.equals(bytes))
  t.end()
})

test('sealed text is URL-safe and never the same twice', (t) => {
  t.match(sealer.seal('same', 'host'), /^[A-Za-z0-9_-]+$/)
  t.not(sealer.seal('same', 'host'), sealer.seal('same', 'host'))
  t.end()
})

test('a change of any one byte is refused', (t) => {
  const sealed = sealer.sealBytes('a person', 'host')
  for (let at = 0; at < sealed.length; at++) {
    for (const flip of [0x01, 0x80, 0xff]) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ flip
      t.equal(sealer.openBytes(changed, 'host'), undefined, `byte ${at} xor ${flip}`)
      t.equal(sealer.open(changed.toString('base64url'), 'host'), undefined)
    }
  }
  t.end()
})

test('a truncated or lengthened value is refused', (t) => {
  const sealed = sealer.sealBytes('a person', 'host')
  for (let length = 0; length < sealed.length; length++) {
    t.equal(sealer.openBytes(sealed.subarray(0, length), 'host'), undefined, `first ${length}`)
  }
  t.equal(sealer.openBytes(Buffer.concat([sealed, Buffer.of(0)]), 'host'), undefined)
  t.end()
})

test('a value opens only for its own purpose, associated data and secret', (t) => {
  const sealed = sealer.seal('a person', 'app.example.com')
  t.equal(sealer.open(sealed, 'other.example.com'), undefined)
  t.equal(sealer.open(sealed, ''), undefined)
  t.equal(createSealer([oldSecret], 'state').open(sealed, 'app.example.com'), undefined)
  t.equal(createSealer([newSecret], 'cookie').open(sealed, 'app.example.com'), undefined)
  t.end()
})

test('after a rotation the first secret seals and all open', (t) => {
  const rotated = createSealer([newSecret, oldSecret], 'cookie')
  t.equal(rotated.open(sealer.seal('old', 'host'), 'host')?.toString(), 'old')
  const fresh = rotated.seal('new', 'host')
  t.equal(rotated.open(fresh, 'host')?.toString(), 'new')
  t.equal(
    sealer.open(fresh, 'host'),
    undefined,
    'the old secret does not open what the new one seals',
  )
  t.equal(createSealer([newSecret], 'cookie').open(fresh, 'host')?.toString(), 'new')
  t.end()
})

test('only the canonical base64url spelling is read', (t) => {
  const sealed = sealer.seal('1', 'host')
  const bytes = Buffer.from(sealed, 'base64url')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet[alphabet.indexOf(sealed.slice(-1)) + 1]
  const spellings = {
    padding: `${sealed}==`,
    'the standard alphabet': bytes.toString('base64').replace(/=+$/, ''),
    'loose trailing bits': `${sealed.slice(0, -1)}${last}`,
    'leading space': ` ${sealed}`,
    'line break': `${sealed.slice(0, 10)}\n${sealed.slice(10)}`,
    'a foreign character': `${sealed}!`,
    NUL: `${sealed}\0`,
  }
  for (const [name, text] of Object.entries(spellings)) {
    if (text === sealed) continue
    t.equal(sealer.open(text, 'host'), undefined, name)
  }
  t.equal(decodeBase64Url('AB'), undefined)
  t.ok(decodeBase64Url('AA')?.equals(Buffer.of(0)))
  t.end()
})

test('rubbish and oversized input is refused without an error', (t) => {
  for (const text of [
    '',
    'A',
    '%%%',
    'null',
    '{}',
    '\u0000',
    'é'.repeat(100),
    'A'.repeat(1_000_000),
  ]) {
    t.equal(sealer.open(text, 'host'), undefined)
  }
  t.equal(sealer.openBytes(Buffer.alloc(5 * 1024 * 1024, 1), 'host'), undefined)
  for (let i = 0; i < 200; i++) t.equal(sealer.openBytes(randomBytes(i), 'host'), undefined)
  t.end()
})

test('a secret that is missing or too short is refused when the sealer is made', (t) => {
  t.throws(() => createSealer([], 'cookie'), TypeError)
  t.throws(() => createSealer([Buffer.alloc(31)], 'cookie'), TypeError)
  t.throws(() => createSealer([oldSecret, Buffer.alloc(0)], 'cookie'), TypeError)
  t.end()
})

test('derived keys differ by secret and by purpose and have the length asked for', (t) => {
  t.not(deriveKey(oldSecret, 'a').toString('hex'), deriveKey(oldSecret, 'b').toString('hex'))
  t.not(deriveKey(oldSecret, 'a').toString('hex'), deriveKey(newSecret, 'a').toString('hex'))
  t.equal(deriveKey(oldSecret, 'a').length, 32)
  t.equal(deriveKey(oldSecret, 'a', 64).length, 64)
  t.end()
})
