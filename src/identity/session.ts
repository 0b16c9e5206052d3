/** What a session is, and when it has ended. Data and pure functions; where it is kept is session-store.ts. */

import type { Group, Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'

/** How somebody proved who they are; `bearer` is by an access token, and no session is kept for it. */
export type SignInMethod = 'oidc' | 'local' | 'bearer'

/** How long sessions last, as configured now. */
export interface SessionLifetimes {
  readonly lifetimeMs: number
  readonly idleMs: number
  /** The shortest that any route has: so exactly it must be known when a session was used last. */
  readonly shortestIdleMs?: number | undefined
  /** Sessions that began earlier are none. */
  readonly notBefore?: EpochMs | undefined
  /** When sessions of the local administrator `sub` end at the latest. */
  readonly localEnd?: (sub: string) => EpochMs
}

/** Kept sealed under the session's own key, which only the browser's cookies hold. */
export interface SessionRecord {
  /** The provider's name in the config. */
  readonly provider: string
  readonly method: SignInMethod
  readonly sub: string
  readonly email: string | undefined
  readonly name: string | undefined
  /**
   * ID token claims, and UserInfo's for what that lacks, as they came but for an e-mail that is not known. What is known
   * of groups is kept apart.
   */
  readonly claims: Readonly<Record<string, unknown>>
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: EpochMs | undefined
  readonly steppedUpAt: EpochMs | undefined
  /** The provider's session id, where it gives one. */
  readonly sid: string | undefined
  readonly signedInAt: EpochMs
  /** Absolute end, however active. */
  readonly expiresAt: EpochMs
}

/** Kept apart from the record, sealed under the session's own key. */
export interface SessionGroups {
  readonly list: readonly Group[]
  /** False where the provider could not tell all of them. */
  readonly complete: boolean
}

/** Kept apart from the record, sealed under the session's own key. */
export interface SessionTokens {
  readonly idToken: string
  readonly accessToken: string | undefined
  readonly refreshToken: string | undefined
  readonly accessTokenExpiresAt: EpochMs | undefined
  /** Private key that the tokens are bound to (RFC 9449), as a JWK in JSON; absent where they are not. */
  readonly proofKey?: string | undefined
  /** What the provider has granted, which a refresh asks for again. */
  readonly scope?: string | undefined
  /** When they came. */
  readonly receivedAt?: EpochMs | undefined
  /** The last refresh brought tokens, but could not bring all claims: those are of the refresh before. */
  readonly lacksClaims?: boolean | undefined
}

/** What lists of sessions show; sealed under a key derived from `session.secret`. Never a token. */
export interface SessionCard {
  readonly provider: string
  readonly method: SignInMethod
  readonly sub: string
  readonly email: string | undefined
  readonly signedInAt: EpochMs
  readonly lastSeenAt: EpochMs
  readonly expiresAt: EpochMs
  readonly address: string
  readonly userAgent: string
}

/** A session that has been opened in this process. */
export interface LiveSession {
  /** Hash of the handle: the store's key, and what logs show. */
  readonly id: string
  /** Another object, and `subject` too, once the provider has told more of the person: claims and groups are never patched. */
  readonly record: SessionRecord
  readonly subject: Person
  /** True once it has been revoked or has run out; it never becomes false again. */
  readonly ended: boolean
  readonly lastSeenAt: EpochMs
  /** Calls `listener` once when the session ends, at once if it has; returns a function that stops that. */
  onEnd(listener: () => void): () => void
  /** Calls `listener` each time that `record` and `subject` have become others; returns a function that stops that. */
  onChange(listener: () => void): () => void
}

type Timed = Pick<SessionRecord, 'signedInAt' | 'expiresAt' | 'method' | 'sub'>

/** When a session ends however active it is. A lifetime that was shortened since the sign-in counts at once. */
export function absoluteEnd(
  { signedInAt, expiresAt, method, sub }: Timed,
  { lifetimeMs, notBefore = 0, localEnd }: SessionLifetimes,
): EpochMs {
  if (signedInAt < notBefore) return signedInAt
  const end = Math.min(expiresAt, signedInAt + lifetimeMs)
  return method === 'local' && localEnd !== undefined ? Math.min(end, localEnd(sub)) : end
}

/** From where somebody signed in. */
export interface SignInOrigin {
  readonly address: string
  readonly userAgent: string
}

export function cardOf(
  record: SessionRecord,
  { address, userAgent }: SignInOrigin,
  lastSeenAt: EpochMs,
): SessionCard {
  const { provider, method, sub, email, signedInAt, expiresAt } = record
  return { provider, method, sub, email, signedInAt, lastSeenAt, expiresAt, address, userAgent }
}
