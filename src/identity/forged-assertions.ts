/** Assertions as somebody would forge them, beside a good one: what an upstream must refuse. For `doctor` alone. */

import { createPublicKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { createAssertionSigner, type SigningKey } from './assertion.ts'

export interface ProbedAssertion {
  /** What is wrong with it, to stand after "an assertion". */
  readonly what: string
  /** Undefined: none at all. */
  readonly value: string | undefined
}

export interface ProbedAssertions {
  readonly good: ProbedAssertion
  readonly bad: readonly ProbedAssertion[]
}

const ELSEWHERE = 'https://elsewhere.invalid'
const LIFETIME_SECONDS = 300

/** @param now milliseconds since the epoch */
export async function makeProbedAssertions(
  key: SigningKey,
  about: { readonly issuer: string; readonly audience: string; readonly subject: string },
  now: number,
): Promise<ProbedAssertions> {
  const { jwks } = await createAssertionSigner({ keys: [key], now: () => now })
  const header = { alg: key.alg, typ: 'JWT', kid: String(jwks.keys[0]?.kid) }
  const seconds = Math.floor(now / 1_000)
  const claims: JWTPayload = {
    iss: about.issuer,
    aud: about.audience,
    sub: about.subject,
    groups: [],
    sid: 'doctor',
    iat: seconds,
    exp: seconds + LIFETIME_SECONDS,
    jti: randomUUID(),
  }
  const sign = (changes: JWTPayload, by: KeyObject | Uint8Array = key.key, alg: string = key.alg) =>
    new SignJWT({ ...claims, ...changes }).setProtectedHeader({ ...header, alg }).sign(by)
  const publicPem = createPublicKey(key.key).export({ type: 'spki', format: 'pem' }).toString()
  const past = { iat: seconds - 7_200, exp: seconds - 3_600 }
  const good = await sign({})
  const bad = {
    'that is missing': undefined,
    'without a signature (alg none)': new UnsecuredJWT(claims).encode(),
    'whose signature was cut off': good.replace(/[^.]+$/, ''),
    'signed by another key': await sign({}, strangersKey(key.alg)),
    'signed with the public key as a secret (HS256)': await sign(
      {},
      new TextEncoder().encode(publicPem),
      'HS256',
    ),
    'that ran out an hour ago': await sign(past),
    'of another issuer': await sign({ iss: ELSEWHERE }),
    'for another app (audience)': await sign({ aud: ELSEWHERE }),
  }
  return {
    good: { what: 'that is good', value: good },
    bad: Object.entries(bad).map(([what, value]) => ({ what, value })),
  }
}

function strangersKey(alg: SigningKey['alg']): KeyObject {
  return alg === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    : generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey
}
