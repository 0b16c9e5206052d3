/** How an app verifies Gatehouse's assertion: what any service behind it should do, in any language. */

import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose'

export type AssertionVerdict =
  | { readonly kind: 'verified'; readonly claims: JWTPayload }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly why: string }

export type AssertionVerifier = (assertion: string | undefined) => Promise<AssertionVerdict>

export interface AssertionExpectations {
  /** Where Gatehouse publishes its keys. */
  readonly jwksUrl: string
  /** Gatehouse's public URL. */
  readonly issuer: string
  /** This app's own origin, as people type it: an assertion made for another app is not for us. */
  readonly audience: string
}

/** A verifier that fetches the keys when the first assertion comes, and again when an unknown key signs. */
export function createAssertionVerifier({
  jwksUrl,
  issuer,
  audience,
}: AssertionExpectations): AssertionVerifier {
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  return async (assertion) => {
    if (assertion === undefined) return { kind: 'missing' }
    try {
      const { payload } = await jwtVerify(assertion, keys, {
        issuer,
        audience,
        algorithms: ['ES256', 'RS256'],
        requiredClaims: ['sub', 'iat', 'exp'],
      })
      return { kind: 'verified', claims: payload }
    } catch (cause) {
      if (cause instanceof errors.JOSEError) return { kind: 'refused', why: cause.message }
      return { kind: 'refused', why: `the keys at ${jwksUrl} could not be fetched` }
    }
  }
}
