/** The keys with which the Okta stand-in signs: RSA, several at a time, rotated and lost at will. */

import { generateKeyPair, type KeyObject, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { exportJWK, type JWK, type JWTPayload, jwtVerify, SignJWT } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export interface KeyRing {
  /** The key that signs now. */
  current(): SigningKey
  /** A new key signs from now on. `dropOld`: the old ones are no longer published. `sameKid`: under the old one's name. */
  rotate(options?: { readonly dropOld?: boolean; readonly sameKid?: boolean }): Promise<void>
  /** A key that is published nowhere. */
  stranger(): Promise<SigningKey>
  jwks(): Promise<{ readonly keys: readonly JWK[] }>
  /** A JWT under the current key. */
  sign(payload: JWTPayload, header?: { readonly typ?: string }): Promise<string>
  /** The claims of a token that any key ever used here has signed, expired or not; rejects for others. */
  verify(token: string): Promise<JWTPayload>
}

export async function createKeyRing(): Promise<KeyRing> {
  let published = [await newKey()]
  const retired: SigningKey[] = []
  const current = () => published[0] as SigningKey
  return {
    current,
    rotate: async ({ dropOld = false, sameKid = false } = {}) => {
      const next = await newKey(sameKid ? current().kid : undefined)
      retired.push(...published)
      published = dropOld || sameKid ? [next] : [next, ...published]
    },
    stranger: () => newKey(),
    jwks: async () => ({
      keys: await Promise.all(
        published.map(async ({ kid, publicKey }) => ({
          ...(await exportJWK(publicKey)),
          kid,
          use: 'sig',
          alg: 'RS256',
        })),
      ),
    }),
    sign: (payload, header) => signWith(current(), payload, header),
    verify: async (token) => {
      for (const { publicKey } of [...published, ...retired]) {
        try {
          // Long after its end: Okta takes an expired hint too.
          const { payload } = await jwtVerify(token, publicKey, { clockTolerance: '10y' })
          return payload
        } catch {
          // Another key may have signed it.
        }
      }
      throw new Error('signed by no key of this issuer')
    },
  }
}

export function signWith(
  { kid, privateKey }: SigningKey,
  payload: JWTPayload,
  { typ, named = true }: { readonly typ?: string; readonly named?: boolean } = {},
): Promise<string> {
  const header = { alg: 'RS256', ...(named ? { kid } : {}), ...(typ === undefined ? {} : { typ }) }
  return new SignJWT(payload).setProtectedHeader(header).sign(privateKey)
}

async function newKey(kid = randomBytes(16).toString('base64url')): Promise<SigningKey> {
  return { kid, ...(await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })) }
}
