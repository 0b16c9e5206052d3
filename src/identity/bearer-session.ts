/** Somebody known by an access token alone, for as long as that lives: like a session, but kept nowhere. */

import { createHash } from 'node:crypto'
import type { Person } from '../policy/model.ts'
import { type Clock, type EpochMs, MAX_TIMER_MS } from '../support/time.ts'
import { personOf } from './open-session.ts'
import type { LiveSession, SessionRecord } from './session.ts'
import type { SessionParts } from './session-seals.ts'

export class BearerSession implements LiveSession {
  /** A hash of the token, from which the token cannot be told. */
  readonly id: string
  readonly record: SessionRecord
  readonly subject: Person
  readonly lastSeenAt: EpochMs
  readonly #now: Clock

  constructor(token: string, parts: SessionParts, now: Clock) {
    this.id = createHash('sha256').update(token).digest('base64url')
    this.record = parts.record
    this.subject = personOf(parts)
    this.lastSeenAt = now()
    this.#now = now
  }

  get ended(): boolean {
    return this.record.expiresAt <= this.#now()
  }

  /** A token ends by its time; whoever waits for that is told within a second of it. */
  onEnd(listener: () => void): () => void {
    let timer: NodeJS.Timeout | undefined
    const wait = (): void => {
      const left = this.record.expiresAt - this.#now()
      if (left <= 0) return listener()
      timer = setTimeout(wait, Math.min(left, MAX_TIMER_MS)).unref()
    }
    wait()
    return () => clearTimeout(timer)
  }

  /** What a token says never changes. */
  onChange(): () => void {
    return () => undefined
  }
}
