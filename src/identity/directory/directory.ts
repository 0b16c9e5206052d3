/**
 * What a directory knows of people: the interface, and how old an answer may be. Nothing here knows whose directory it is;
 * okta-directory.ts asks Okta.
 */

import type { Groups } from '../../policy/model.ts'
import type { EpochMs } from '../../support/time.ts'

/** What a directory said of one person. */
export interface DirectoryAnswer {
  /** When it was asked. */
  readonly askedAt: EpochMs
  /** Not complete where there are more than can be known: none of them then is. */
  readonly groups: Groups
  /** `ended`: suspended, deactivated or deleted. Whoever is has no sessions. */
  readonly standing: 'good' | 'ended'
}

/** Somebody whom the directory does not know. */
export const NOBODY = 'nobody'

/** Asks about one person. */
export interface DirectorySource {
  /** @throws DirectoryFailure */
  ask(sub: string): Promise<Omit<DirectoryAnswer, 'askedAt'> | typeof NOBODY>
  /** Whether a question could be asked now without going beyond the share of the rate limit. */
  mayAsk(): boolean
  close(): void
}

export interface Directory {
  /**
   * What is known of `sub`, a subject of the provider; `undefined` where nothing is that is recent enough. A promise where
   * it is worth waiting for a newer answer, which never rejects.
   */
  look(sub: string): DirectoryAnswer | undefined | Promise<DirectoryAnswer | undefined>
  /** What was known of `sub` holds no longer, here and on every replica: a request asks anew. */
  forget(sub: string): Promise<void>
  /** The same for everybody, where it is not known who has changed. */
  forgetAll(): Promise<void>
  /** Age of the oldest answer that was used within the last minute, in milliseconds; 0 without any. */
  oldestInUseMs(): number
  close(): void
}

/** Why a directory gave no answer. */
export type DirectoryFailureKind =
  /** No connection, no answer in time, 5xx, or an answer that is none. */
  | 'unavailable'
  | 'rate-limited'
  /** Our credentials or rights are refused. */
  | 'refused'

export class DirectoryFailure extends Error {
  readonly kind: DirectoryFailureKind

  constructor(kind: DirectoryFailureKind, detail: string) {
    super(detail)
    this.name = 'DirectoryFailure'
    this.kind = kind
  }
}
