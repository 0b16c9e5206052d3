/** Verifies what a provider has signed besides ID tokens: access tokens, logout tokens, security events. */

import { decodeProtectedHeader, errors, type JWTVerifyOptions, jwtVerify } from 'jose'
import type { Clock } from '../../support/time.ts'
import type { ProviderKeys } from './provider-keys.ts'
import {
  type ExpectedToken,
  MAX_TOKEN_LENGTH,
  type TokenClaims,
  TokenRefused,
  type TokenVerifier,
} from './signed-token.ts'

/** Clocks may differ by this: what was signed a moment ago must not seem to come from the future. */
const SKEW_SECONDS = 30
/** Header, claims, signature; no more parts, as those of an encrypted token, and no other characters. */
const COMPACT_JWS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

export interface TokenIssuer {
  readonly issuer: string
  readonly keys: ProviderKeys
}

export interface TokenVerifierOptions {
  /** The provider itself. */
  readonly own: TokenIssuer
  /** The issuer of the whole organisation, where the provider is a part of one. */
  readonly organisation: TokenIssuer | undefined
  /** The algorithms that the provider signs with and that are accepted. Rejects with ProviderFailure. */
  readonly algorithms: (expected: ExpectedToken) => Promise<readonly string[]>
  readonly now: Clock
}

export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { own, organisation, algorithms, now } = options

  const issuerOf = (claimed: unknown, expected: ExpectedToken): TokenIssuer => {
    if (claimed === own.issuer) return own
    if (expected.fromOrganisation === true && organisation !== undefined) {
      if (claimed === organisation.issuer) return organisation
    }
    const received = typeof claimed === 'string' ? JSON.stringify(claimed.slice(0, 200)) : 'none'
    throw new TokenRefused(`the issuer is ${received}, expected "${own.issuer}"`, 'issuer')
  }

  const once = async (token: string, expected: ExpectedToken, issuer: TokenIssuer) => {
    const time = now()
    const settings: JWTVerifyOptions = {
      issuer: issuer.issuer,
      audience: [...expected.audiences],
      algorithms: [...(await algorithms(expected))],
      requiredClaims: [...expected.required],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(time),
    }
    const { payload } = await jwtVerify(token, (header) => issuer.keys.find(header), settings)
    // For its end there is no grace.
    if (payload.exp !== undefined && payload.exp * 1_000 <= time) {
      throw new TokenRefused('the token has expired')
    }
    if (payload.iat !== undefined && payload.iat > time / 1_000 + SKEW_SECONDS) {
      throw new TokenRefused('the token was issued in the future; compare the clocks')
    }
    return payload
  }

  return {
    async verify(token, expected) {
      if (token.length > MAX_TOKEN_LENGTH) throw new TokenRefused('the token is too long')
      if (!COMPACT_JWS.test(token)) throw new TokenRefused('the token is no signed JWT')
      const type = typeOf(token)
      // INVARIANT: what is read here is used to choose among known issuers only; jwtVerify compares it again.
      const issuer = issuerOf(claimedIssuer(token), expected)
      try {
        return { type, claims: await once(token, expected, issuer) }
      } catch (error) {
        const mayBeNewKey = error instanceof errors.JWSSignatureVerificationFailed
        if (!mayBeNewKey || !(await issuer.keys.renew())) throw refusalOf(error)
      }
      try {
        return { type, claims: await once(token, expected, issuer) }
      } catch (error) {
        throw refusalOf(error)
      }
    },
  }
}

/** RFC 7515 §4.1.9: without `application/`, and in any case. */
function typeOf(token: string): string | undefined {
  try {
    const { typ } = decodeProtectedHeader(token)
    return typ?.toLowerCase().replace(/^application\//, '')
  } catch {
    throw new TokenRefused('the token has no readable header')
  }
}

function claimedIssuer(token: string): unknown {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
    return (JSON.parse(payload) as TokenClaims | null)?.['iss']
  } catch {
    throw new TokenRefused('the token has no readable claims')
  }
}

/** Messages of jose name claims, and quote nothing of a token. */
function refusalOf(error: unknown): unknown {
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud') {
    const { aud } = error.payload
    return new TokenRefused(
      `the audience is ${JSON.stringify(aud ?? null).slice(0, 200)}, which is not expected here`,
      'audience',
    )
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return new TokenRefused(error.message, 'key')
  }
  if (error instanceof errors.JOSEError) return new TokenRefused(error.message)
  // A key of another kind than the algorithm wants.
  return error instanceof TypeError ? new TokenRefused(error.message) : error
}
