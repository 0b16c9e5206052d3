/** The signed JWT by which an upstream knows who asks, and the public keys by which it verifies that. */

import { createPrivateKey, createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, type JWK, SignJWT } from 'jose'
import type { Clock } from '../support/time.ts'

/** Long enough to be reused for a while, short enough that a leaked one is soon worthless. */
const LIFETIME_SECONDS = 300
const MIN_RSA_BITS = 2048

export interface AssertionClaims {
  readonly issuer: string
  readonly audience: string
  readonly subject: string
  readonly email: string | undefined
  readonly groups: readonly string[]
  readonly name: string | undefined
  /** The session's id, which is a hash: nothing opens with it. */
  readonly sessionId: string
}

export interface AssertionSigner {
  /** A JWT of five minutes, signed by the first key. */
  sign(claims: AssertionClaims): Promise<string>
  /** The public keys of all, as a JWK Set (RFC 7517 §5). */
  readonly jwks: { readonly keys: readonly JWK[] }
}

export interface AssertionSignerOptions {
  /** The first signs; upstreams may still verify what the others signed. */
  readonly keys: readonly SigningKey[]
  readonly now: Clock
}

/** A private key that `readSigningKey` accepted. */
export interface SigningKey {
  readonly key: KeyObject
  readonly alg: 'ES256' | 'RS256'
}

/**
 * A private key in PEM: PKCS #8, or SEC 1 and PKCS #1 as OpenSSL writes them.
 * @throws TypeError that says what is wrong, without the key, where it is none for ES256 or RS256
 */
export function readSigningKey(pem: string): SigningKey {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new TypeError('not an unencrypted private key in PEM')
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return { key, alg: 'ES256' }
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return { key, alg: 'RS256' }
  throw new TypeError(`neither a P-256 key nor an RSA key of ${MIN_RSA_BITS} bits or more`)
}

/** @throws TypeError where there is no key */
export async function createAssertionSigner(
  options: AssertionSignerOptions,
): Promise<AssertionSigner> {
  const [first] = options.keys
  if (first === undefined) throw new TypeError('assertions need a signing key')
  const keys = await Promise.all(options.keys.map(publicJwk))
  const header = { alg: first.alg, typ: 'JWT', kid: keys[0]?.kid ?? '' }
  return {
    jwks: { keys },
    sign: ({ issuer, audience, subject, email, groups, name, sessionId }) => {
      const issuedAt = Math.floor(options.now() / 1_000)
      const claims = {
        iss: issuer,
        aud: audience,
        sub: subject,
        ...(email === undefined ? {} : { email }),
        groups: [...groups],
        ...(name === undefined ? {} : { name }),
        sid: sessionId,
        iat: issuedAt,
        exp: issuedAt + LIFETIME_SECONDS,
        jti: randomUUID(),
      }
      return new SignJWT(claims).setProtectedHeader(header).sign(first.key)
    },
  }
}

async function publicJwk({ key, alg }: SigningKey): Promise<JWK> {
  const jwk = await exportJWK(createPublicKey(key))
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' }
}
