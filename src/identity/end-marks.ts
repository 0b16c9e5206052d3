/**
 * Marks that an end from outside leaves for a while: they keep a sign-in that was under way from making again what was
 * ended. Whoever ends marks before looking for sessions, whoever signs in stores before looking for marks: one of the two
 * sees the other.
 */

import { GatehouseError } from '../errors.ts'
import { foldAscii } from '../policy/language/fold.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import type { SessionRecord } from './session.ts'
import type { IndexKind, SessionSeals } from './session-seals.ts'
import type { SessionStore } from './store/session-store.ts'

/** Longer than a sign-in may take from its first redirect to its session. */
const KEPT_MS = 2 * 3_600_000

/** The sign-in has begun before the person's sessions were ended: another has to be begun. */
export class SignInRevoked extends GatehouseError {
  constructor() {
    super('SIGN_IN_REQUIRED', 'the sessions of this sign-in were ended while it was under way')
  }
}

export interface EndMarks {
  /** Whoever is named so has been ended at `time`. */
  set(provider: string, by: IndexKind, value: string, time: EpochMs): Promise<void>
  /** @throws SignInRevoked where the person of `record` has been ended since `startedAt` */
  check(record: SessionRecord, startedAt: EpochMs): Promise<void>
}

export interface EndMarksOptions {
  readonly store: SessionStore
  readonly seals: () => SessionSeals
  readonly now: Clock
}

export function createEndMarks({ store, seals, now }: EndMarksOptions): EndMarks {
  return {
    set: async (provider, by, value, time) => {
      const keys = namedKeys(seals(), provider, by, value)
      const written = Buffer.from(String(time))
      await Promise.all(keys.map((key) => store.mark(key, written, now() + KEPT_MS)))
    },
    check: async ({ provider, sub, email, sid }, startedAt) => {
      const keys = [
        ...namedKeys(seals(), provider, 'sub', sub),
        ...(email === undefined ? [] : namedKeys(seals(), provider, 'email', email)),
        ...(sid === undefined ? [] : namedKeys(seals(), provider, 'sid', sid)),
      ]
      const marks = await Promise.all(keys.map((key) => store.marked(key)))
      const last = Math.max(0, ...marks.map((mark) => Number(Buffer.from(mark ?? '').toString())))
      if (last > startedAt) throw new SignInRevoked()
    },
  }
}

/** The keys of index entries for what names a session, under every secret. */
export function namedKeys(
  seals: SessionSeals,
  provider: string,
  by: IndexKind,
  value: string,
): readonly string[] {
  return seals.indexKeys(by, provider, by === 'email' ? foldAscii(value) : value)
}
