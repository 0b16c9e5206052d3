/** How long the tokens of a session last, and when they are to be refreshed. Pure. */

import { decodeJwt } from 'jose'
import type { EpochMs } from '../../support/time.ts'
import type { SessionTokens } from '../session.ts'

export interface TokenSpan {
  readonly since: EpochMs
  /** Infinite where nobody knows, or nothing can be done about it. */
  readonly endsAt: EpochMs
}

/** Tokens that last no longer than `session.refresh_before` are not asked for more often than this. */
const MIN_AGE_MS = 10_000

/** The access token's; where its end is not known, the ID token's. */
export function tokenSpan(tokens: SessionTokens): TokenSpan {
  const since = tokens.receivedAt ?? 0
  if (tokens.refreshToken === undefined) return { since, endsAt: Number.POSITIVE_INFINITY }
  const endsAt = tokens.accessTokenExpiresAt ?? idTokenEnd(tokens.idToken)
  // An ID token that had run out before says nothing of tokens that came without another one.
  return { since, endsAt: endsAt > since ? endsAt : Number.POSITIVE_INFINITY }
}

/** Whether tokens are so near their end that they are to be refreshed. */
export function isDue({ since, endsAt }: TokenSpan, beforeMs: number, time: EpochMs): boolean {
  if (time < endsAt - beforeMs) return false
  return time >= since + Math.min(MIN_AGE_MS, (endsAt - since) / 2)
}

function idTokenEnd(idToken: string): EpochMs {
  try {
    const { exp } = decodeJwt(idToken)
    return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1_000
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
