/** A JWT that a provider has signed: what is asked of it, and how it is refused. */

import { GatehouseError } from '../../errors.ts'

/** Longer ones are not looked at: a token with some hundred groups takes ten kilobytes. */
export const MAX_TOKEN_LENGTH = 16 * 1024

export type TokenClaims = Readonly<Record<string, unknown>>

export interface SignedToken {
  /** In lower case, without `application/`; `undefined` where the header has no `typ`. */
  readonly type: string | undefined
  readonly claims: TokenClaims
}

export interface ExpectedToken {
  /** `aud` has to name one of these. */
  readonly audiences: readonly string[]
  /** Claims that have to be there besides `iss` and `aud`. */
  readonly required: readonly string[]
  /** Whether the issuer of the whole organisation may have signed it too, where the provider is a part of one. */
  readonly fromOrganisation?: boolean
  /** Signed as the provider signs ID tokens for this client, once one has been seen (Back-Channel Logout §2.6). */
  readonly asIdTokens?: boolean
}

/** The token does not hold. The detail says why and holds nothing of the token but names of claims, issuer and audience. */
export class TokenRefused extends GatehouseError {
  readonly reason: RefusalReason

  constructor(detail: string, reason: RefusalReason = 'other') {
    super('BAD_TOKEN', detail)
    this.reason = reason
  }
}

/** What about a token does not hold, for senders that are told (RFC 8935 §2.4). */
export type RefusalReason = 'issuer' | 'audience' | 'key' | 'other'

export interface TokenVerifier {
  /**
   * The claims of `token`, whose signature, issuer, audience and times hold.
   * @throws TokenRefused; ProviderFailure `unavailable` where the provider's keys cannot be had
   */
  verify(token: string, expected: ExpectedToken): Promise<SignedToken>
}
