/** The private key by which a client proves itself to a provider (RFC 7523): as it is written, and what it can sign. */

import { createPrivateKey, type KeyObject, type webcrypto } from 'node:crypto'

export interface ClientKey {
  readonly key: KeyObject
  /** JWS algorithm: a JWK's own, else the usual one of its type. */
  readonly alg: string
  /** Of a JWK that has one; providers with several keys of a client need it. */
  readonly kid: string | undefined
}

const MIN_RSA_BITS = 2048
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}
const RSA_ALGORITHMS: ReadonlySet<string> = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512'.split(' '),
)

/** The key in `text`, PEM or a JWK; or, as the rest of a sentence about it, what is wrong with it. */
export function readClientKey(text: string): ClientKey | string {
  const jwk = text.trimStart().startsWith('{') ? parsed(() => JSON.parse(text)) : undefined
  const key = parsed(() =>
    jwk === undefined
      ? createPrivateKey(text)
      : createPrivateKey({ key: jwk as webcrypto.JsonWebKey, format: 'jwk' }),
  )
  if (key === undefined) return 'must be a private key in PEM without passphrase, or a private JWK'
  const { alg: named, kid } = (jwk ?? {}) as { alg?: unknown; kid?: unknown }
  const alg = algorithmOf(key, named)
  if (alg === undefined) {
    return `must be an RSA key of ${MIN_RSA_BITS} bits or more, an EC key on P-256, P-384 or P-521, or an Ed25519 key`
  }
  return { key, alg, kid: typeof kid === 'string' && kid !== '' ? kid : undefined }
}

/** The key as WebCrypto signs with it. */
export function signingKeyOf({ key, alg }: ClientKey): CryptoKey {
  const hash = `SHA-${alg.slice(-3)}`
  switch (alg.slice(0, 2)) {
    case 'RS':
      return key.toCryptoKey({ name: 'RSASSA-PKCS1-v1_5', hash }, false, ['sign'])
    case 'PS':
      return key.toCryptoKey({ name: 'RSA-PSS', hash }, false, ['sign'])
    case 'ES': {
      const namedCurve = alg === 'ES512' ? 'P-521' : `P-${alg.slice(-3)}`
      return key.toCryptoKey({ name: 'ECDSA', namedCurve }, false, ['sign'])
    }
    default:
      return key.toCryptoKey({ name: 'Ed25519' }, false, ['sign'])
  }
}

function algorithmOf(key: KeyObject, named: unknown): string | undefined {
  const details = key.asymmetricKeyDetails
  switch (key.asymmetricKeyType) {
    case 'rsa':
      if ((details?.modulusLength ?? 0) < MIN_RSA_BITS) return undefined
      return typeof named === 'string' && RSA_ALGORITHMS.has(named) ? named : 'RS256'
    case 'ec':
      return CURVES[details?.namedCurve ?? '']
    case 'ed25519':
      // RFC 8037 §3.1, by which more providers know it than by its newer name.
      return 'EdDSA'
    default:
      return undefined
  }
}

function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
