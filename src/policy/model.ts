/** The data of a decision: whom it is about, what is asked, and what comes out. No logic. */

import type { Position } from '../support/problem.ts'
import type { EpochMs } from '../support/time.ts'

/** A group as it is known: by an id, by a name, or by both. A claim's plain text is `name`, whichever it is. */
export interface Group {
  readonly id?: string
  readonly name?: string
}

/**
 * What is known of somebody's groups. INVARIANT: `spellings` holds every id and every name of `list`.
 * Where `complete` is false, a group that is not in `spellings` is unknown, not absent.
 */
export interface Groups {
  readonly list: readonly Group[]
  readonly spellings: ReadonlySet<string>
  readonly complete: boolean
}

export interface Anonymous {
  readonly kind: 'anonymous'
}

/** Somebody who has signed in, or an admitted bearer token. */
export interface Person {
  readonly kind: 'person'
  readonly sub: string
  /** The provider's name in the config. */
  readonly provider: string | undefined
  /** Only ever a verified e-mail, or one that the provider's opt-out admits. */
  readonly email: string | undefined
  readonly groups: Groups
  /** Claims of the ID token, and of UserInfo for what it lacks. */
  readonly claims: Readonly<Record<string, unknown>>
  readonly acr: string | undefined
  readonly amr: readonly string[]
  readonly authTime: EpochMs | undefined
  /** When a step-up was last asked for and finished; within five minutes of it none is asked for again. */
  readonly steppedUpAt: EpochMs | undefined
}

/** Whom a decision is about. */
export type Subject = Anonymous | Person

export const ANONYMOUS: Anonymous = { kind: 'anonymous' }

export interface ClientCertificate {
  /** SHA-256, 64 lower-case hex digits without colons. */
  readonly fingerprint: string
  readonly sanEmail: readonly string[]
  readonly sanDns: readonly string[]
}

/** What a decision may know of the request. Plain data: nothing in it is fetched, and nothing in it changes. */
export interface Facts {
  readonly method: string
  /** The canonical path decoded once (routing/canonical.ts), without the query. */
  readonly path: string
  /** An address without zone or port; an IPv4-mapped IPv6 address is written as IPv4. */
  readonly sourceIp: string
  /** Names and values in turn, as they came (`IncomingMessage.rawHeaders`). */
  readonly rawHeaders: readonly string[]
  /** `undefined` only in policy tests without `now`. */
  readonly now: EpochMs | undefined
  readonly clientCertificate: ClientCertificate | undefined
}

export type Outcome = 'allow' | 'deny' | 'sign_in' | 'step_up' | 'unavailable'

/** The closed list of reasons. */
export type Reason =
  | 'allowed'
  | 'no-allow-rule'
  | 'denied-by-rule'
  | 'no-policy'
  | 'sign-in-needed'
  | 'step-up-needed'
  | 'step-up-failed'
  | 'groups-unavailable'

/** A rule as decisions, logs and pages name it. */
export interface RuleRef {
  readonly name: string
  readonly at: Position
}

export interface Decision {
  readonly outcome: Outcome
  readonly reason: Reason
  readonly rule: RuleRef | undefined
}
