/** Keys that tokens are bound to (RFC 9449): made at a sign-in, kept with its tokens, used again at each refresh. */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type webcrypto } from 'node:crypto'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const

/** A new private key for ES256, as a JWK in JSON. */
export function newProofKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: ALGORITHM.namedCurve })
  return JSON.stringify(privateKey.export({ format: 'jwk' }))
}

/** The pair that `text`, made by newProofKey, stands for. */
export function proofKeyPair(text: string): { privateKey: CryptoKey; publicKey: CryptoKey } {
  const key = JSON.parse(text) as webcrypto.JsonWebKey
  const privateKey = createPrivateKey({ key, format: 'jwk' })
  return {
    privateKey: privateKey.toCryptoKey(ALGORITHM, false, ['sign']),
    // It stands in every proof.
    publicKey: createPublicKey(privateKey).toCryptoKey(ALGORITHM, true, ['verify']),
  }
}
