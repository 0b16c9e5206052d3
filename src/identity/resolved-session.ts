/** A session as one request sees it: its own, with what the directory said of the person's groups. */

import type { Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import type { LiveSession, SessionRecord } from './session.ts'

export class ResolvedSession implements LiveSession {
  readonly id: string
  readonly record: SessionRecord
  readonly subject: Person
  /** The session itself, which lives on when groups change. */
  readonly session: LiveSession

  constructor(session: LiveSession, subject: Person) {
    this.id = session.id
    this.record = session.record
    this.subject = subject
    this.session = session
  }

  get ended(): boolean {
    return this.session.ended
  }

  get lastSeenAt(): EpochMs {
    return this.session.lastSeenAt
  }

  onEnd(listener: () => void): () => void {
    return this.session.onEnd(listener)
  }

  onChange(listener: () => void): () => void {
    return this.session.onChange(listener)
  }
}
