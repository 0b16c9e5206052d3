/** Authenticated encryption of small values, with rotation of secrets. Knows nothing of what it seals. */

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/**
 * Sealed form: version (1 byte), key id (4), nonce (12), ciphertext, tag (16). Version and key id are authenticated
 * together with the associated data, so no byte of it can change unnoticed.
 */
const VERSION = 1
const KEY_ID_BYTES = 4
const NONCE_BYTES = 12
const TAG_BYTES = 16
const NONCE_AT = 1 + KEY_ID_BYTES
const CIPHERTEXT_AT = NONCE_AT + NONCE_BYTES
const OVERHEAD = CIPHERTEXT_AT + TAG_BYTES

/** Sealed texts come from cookies and URLs; nothing that we seal as text comes near. */
const MAX_TEXT_LENGTH = 16_384
/** Sealed bytes come from the store; tokens and a thousand groups stay far below. */
const MAX_BYTES = 4 * 1024 * 1024
const MIN_SECRET_BYTES = 32

export interface Sealer {
  /** Canonical base64url without padding. */
  seal(plain: string | Uint8Array, associated: string): string
  sealBytes(plain: string | Uint8Array, associated: string): Buffer
  /** What was sealed, or `undefined` for anything that was not sealed for this purpose and `associated`. Never throws. */
  open(text: string, associated: string): Buffer | undefined
  openBytes(sealed: Uint8Array, associated: string): Buffer | undefined
}

interface Key {
  readonly id: Buffer
  readonly bytes: Buffer
}

/**
 * Seals under the first of `secrets` and opens under all, with one key per secret and purpose. AES-256-GCM with
 * random nonces: safe for 2^32 values a key (NIST SP 800-38D §8.3), far more than sign-ins before a rotation.
 * @throws TypeError where there is no secret, or one of fewer than 32 bytes
 */
export function createSealer(secrets: readonly Uint8Array[], purpose: string): Sealer {
  const keys = secrets.map((secret) => sealingKey(secret, purpose))
  const [first] = keys
  if (first === undefined) throw new TypeError('a sealer needs a secret')

  const sealBytes = (plain: string | Uint8Array, associated: string) =>
    sealUnder(first, plain, associated)
  const openBytes = (sealed: Uint8Array, associated: string) => {
    if (sealed.length < OVERHEAD || sealed.length > MAX_BYTES) return undefined
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.length)
    if (bytes[0] !== VERSION) return undefined
    for (const key of keys) {
      if (!key.id.equals(bytes.subarray(1, NONCE_AT))) continue
      const plain = openUnder(key, bytes, associated)
      if (plain !== undefined) return plain
    }
    return undefined
  }
  return {
    sealBytes,
    openBytes,
    seal: (plain, associated) => sealBytes(plain, associated).toString('base64url'),
    open: (text, associated) => {
      if (text.length > MAX_TEXT_LENGTH) return undefined
      const bytes = decodeBase64Url(text)
      return bytes === undefined ? undefined : openBytes(bytes, associated)
    },
  }
}

/** `length` bytes that belong to `secret` and `purpose` alone (HKDF-SHA256, RFC 5869). */
export function deriveKey(secret: Uint8Array, purpose: string, length = 32): Buffer {
  if (secret.length < MIN_SECRET_BYTES) {
    throw new TypeError(`a secret has ${MIN_SECRET_BYTES} bytes or more`)
  }
  return Buffer.from(hkdfSync('sha256', secret, 'gatehouse/1', purpose, length))
}

/**
 * The bytes that `text` means, or `undefined` unless it is the one canonical base64url spelling of them: padding,
 * foreign characters and loose trailing bits would give one value several spellings.
 */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

function sealingKey(secret: Uint8Array, purpose: string): Key {
  const derived = deriveKey(secret, `seal/${purpose}`, 32 + KEY_ID_BYTES)
  return { bytes: derived.subarray(0, 32), id: derived.subarray(32) }
}

function sealUnder(key: Key, plain: string | Uint8Array, associated: string): Buffer {
  const head = Buffer.concat([Buffer.of(VERSION), key.id])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(authenticated(head, associated))
  const text = typeof plain === 'string' ? Buffer.from(plain, 'utf8') : plain
  return Buffer.concat([head, nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

function openUnder(key: Key, sealed: Buffer, associated: string): Buffer | undefined {
  const tagAt = sealed.length - TAG_BYTES
  const nonce = sealed.subarray(NONCE_AT, CIPHERTEXT_AT)
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(authenticated(sealed.subarray(0, NONCE_AT), associated))
  decipher.setAuthTag(sealed.subarray(tagAt))
  const plain = decipher.update(sealed.subarray(CIPHERTEXT_AT, tagAt))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return undefined
  }
}

/** The head has a fixed length, so head and associated data cannot be shifted into each other. */
function authenticated(head: Buffer, associated: string): Buffer {
  return Buffer.concat([head, Buffer.from(associated, 'utf8')])
}
