/** Sessions as the rest of the gateway uses them: made at sign-in, opened from a cookie, ended everywhere at once. */

import type { EpochMs } from '../support/time.ts'
import type { ActOnce } from './acted-once.ts'
import type { SignedIn } from './provider/provider.ts'
import type { LiveSession, SessionCard, SessionTokens, SignInMethod } from './session.ts'
import type { IndexKind } from './session-seals.ts'

export interface SignInContext {
  readonly provider: string
  readonly method: SignInMethod
  readonly address: string
  readonly userAgent: string
  /** When this sign-in began: what has been ended since then is not made again. Default now. */
  readonly startedAt?: EpochMs
  /** True where this sign-in answered a step-up. */
  readonly stepUp: boolean
}

/** A session as lists show it: never with a token. */
export type ListedSession = { readonly id: string } & SessionCard

/** A session just opened or made, with the value of the cookie that opens it on one host. */
export interface SessionCookie {
  readonly value: string
  /** Seconds until the absolute end. */
  readonly maxAge: number
}

/** Infinite: whenever it was. */
export interface RecentEnough {
  readonly lifetimeMs: number
  readonly idleMs: number
}

export interface Sessions {
  /**
   * The session that `cookie` opens on `host` (canonical name), or `undefined`: malformed, foreign, expired and
   * unknown cookies are all no session. Synchronous while the answer is in memory and no older than a second.
   * @throws or rejects with GatehouseError STORE_UNAVAILABLE; the cookie is then to be kept
   */
  open(cookie: string, host: string): LiveSession | undefined | Promise<LiveSession | undefined>
  /**
   * Whether the sign-in and the last use of `session`, at any gateway, are as recent as a route wants them. Asks the store
   * only where it was not used here lately; then may reject with STORE_UNAVAILABLE. To be asked before `seen`.
   */
  isWithin(session: LiveSession, limits: RecentEnough): boolean | Promise<boolean>
  /** Notes that the session was used now; writes to the store at most once a minute. Never throws. */
  seen(session: LiveSession): void
  /**
   * A new session with a new handle.
   * @throws SignInRevoked where the person's sessions have been ended since the sign-in began
   */
  create(person: SignedIn, context: SignInContext): Promise<LiveSession>
  /** The cookie that opens `session` on `host`. */
  cookieFor(session: LiveSession, host: string): SessionCookie
  /** The ID token kept with the session, for the provider's sign-out. */
  idToken(session: LiveSession): Promise<string | undefined>
  /** The provider's tokens kept with the session, where there are any. */
  tokens(session: LiveSession): Promise<SessionTokens | undefined>
  /**
   * Ends a session everywhere. As with all ends below: where the store cannot take it this process does not know the
   * session any more, goes on trying, and rejects with EndsUnfinished.
   */
  end(session: LiveSession): Promise<void>
  /** Leaves the end of the session that `cookie` would open for later, since the store cannot be asked (`cause`). */
  endLater(cookie: string, host: string, cause: unknown): void
  /** Ends a session by its id; true where there was one. */
  endById(id: string): Promise<boolean>
  /** Ends every session of `user`, an e-mail in any case or a subject, at any provider; returns how many there were. */
  endOfUser(user: string): Promise<number>
  /**
   * Ends the sessions at `provider` that a subject, an e-mail in any case or a session id names, and any that a sign-in makes which has begun by now; returns how
   * many there were.
   */
  endOf(provider: string, by: IndexKind, value: string): Promise<number>
  /**
   * As `endOf` by a session id, for what anybody can say: leaves nothing in the store where nobody has that id, and nothing
   * for later where the store is away.
   */
  endOfSidNow(provider: string, sid: string): Promise<number>
  /** Ends every session there is; returns how many there were. */
  endAll(): Promise<number>
  /** Every live session's card. */
  list(): Promise<readonly ListedSession[]>
  /** Sessions of one person at one provider. */
  listOf(provider: string, sub: string): Promise<readonly ListedSession[]>
  count(): Promise<number>
  /** A code that hands `session` to `host`: lives 30 seconds, works once, only for that host and `binding`. */
  issueHandOver(session: LiveSession, host: string, binding: string): Promise<string>
  redeemHandOver(code: string, host: string, binding: string): Promise<LiveSession | undefined>
  /** Guards against replay. */
  readonly once: ActOnce
  close(): Promise<void>
}
