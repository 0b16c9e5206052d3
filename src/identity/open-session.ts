/** One session that is open in this process: shared by all requests and WebSockets of one sign-in, whatever their host. */

import type { Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import type { LiveSession, SessionRecord, SignInOrigin } from './session.ts'
import {
  joinSecrets,
  type SessionParts,
  type SessionSecrets,
  splitSecrets,
} from './session-seals.ts'

export interface OpenSessionStart extends SessionParts {
  readonly id: string
  readonly secrets: SessionSecrets
  readonly origin: SignInOrigin
  readonly lastSeenAt: EpochMs
  /** When the store was asked for it, or told of it. */
  readonly verifiedAt: EpochMs
}

export class OpenSession implements LiveSession {
  readonly id: string
  readonly record: SessionRecord
  readonly subject: Person
  readonly #address: string
  readonly #userAgent: string
  lastSeenAt: EpochMs
  /** When the store was last asked and said that the session is there. */
  verifiedAt: EpochMs
  /** When the store was last told of a use. */
  touchedAt: EpochMs
  /** The question to the store that is under way. */
  verifying: Promise<OpenSession | undefined> | undefined
  /** Private to the language too: whatever prints or serializes a session does not meet its key. */
  readonly #secrets: string
  readonly #watched: Set<OpenSession>
  #listeners: Set<() => void> | undefined
  #ended = false

  /** `watched` holds those sessions that somebody waits for to end. */
  constructor(start: OpenSessionStart, watched: Set<OpenSession>) {
    this.id = start.id
    this.record = start.record
    this.subject = personOf(start)
    this.#address = start.origin.address
    this.#userAgent = start.origin.userAgent
    this.lastSeenAt = start.lastSeenAt
    this.verifiedAt = start.verifiedAt
    this.touchedAt = start.lastSeenAt
    this.verifying = undefined
    this.#secrets = joinSecrets(start.secrets)
    this.#watched = watched
  }

  get ended(): boolean {
    return this.#ended
  }

  get secrets(): SessionSecrets {
    return splitSecrets(this.#secrets)
  }

  get origin(): SignInOrigin {
    return { address: this.#address, userAgent: this.#userAgent }
  }

  onEnd(listener: () => void): () => void {
    if (this.#ended) {
      listener()
      return () => undefined
    }
    // Wrapped, so that one function given twice is two listeners.
    const entry = () => listener()
    this.#listeners ??= new Set()
    this.#listeners.add(entry)
    this.#watched.add(this)
    return () => {
      this.#listeners?.delete(entry)
      if (this.#listeners?.size === 0) this.#watched.delete(this)
    }
  }

  /** Ends it for good and tells who waits. Errors of listeners come back, so that one cannot keep another from being told. */
  finish(): readonly unknown[] {
    if (this.#ended) return []
    this.#ended = true
    this.#watched.delete(this)
    const listeners = [...(this.#listeners ?? [])]
    this.#listeners = undefined
    const errors: unknown[] = []
    for (const listener of listeners) {
      try {
        listener()
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }
}

function personOf({ record, groups }: SessionParts): Person {
  const spellings = new Set<string>()
  for (const { id, name } of groups.list) {
    if (id !== undefined) spellings.add(id)
    if (name !== undefined) spellings.add(name)
  }
  return {
    kind: 'person',
    sub: record.sub,
    provider: record.provider,
    email: record.email,
    groups: { list: groups.list, spellings, complete: groups.complete },
    claims: record.claims,
    acr: record.acr,
    amr: record.amr,
    authTime: record.authTime,
    steppedUpAt: record.steppedUpAt,
  }
}
