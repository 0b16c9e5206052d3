/** One session that is open in this process: shared by all requests and WebSockets of one sign-in, whatever their host. */

import type { Person } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import { tokenSpan } from './provider/token-span.ts'
import type { LiveSession, SessionRecord, SessionTokens, SignInOrigin } from './session.ts'
import {
  joinSecrets,
  type SessionParts,
  type SessionSecrets,
  splitSecrets,
} from './session-seals.ts'

/** What of a session others may replace. */
export interface Replaceable extends SessionParts {
  readonly tokens: SessionTokens
  readonly revision: string
}

export interface OpenSessionStart extends Replaceable {
  readonly id: string
  readonly secrets: SessionSecrets
  readonly origin: SignInOrigin
  readonly lastSeenAt: EpochMs
  /** When the store was asked for it, or told of it. */
  readonly verifiedAt: EpochMs
}

export class OpenSession implements LiveSession {
  readonly id: string
  record: SessionRecord
  subject: Person
  revision: string
  /** When the tokens came and when they run out; infinite where there is nothing to refresh them with. */
  tokensSince: EpochMs
  tokensEndAt: EpochMs
  lacksClaims: boolean
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
  #changeListeners: Set<() => void> | undefined
  #ended = false

  /** `watched` holds those sessions on which somebody waits to end or to change. */
  constructor(start: OpenSessionStart, watched: Set<OpenSession>) {
    this.id = start.id
    this.record = start.record
    this.subject = personOf(start)
    this.revision = start.revision
    const span = tokenSpan(start.tokens)
    this.tokensSince = span.since
    this.tokensEndAt = span.endsAt
    this.lacksClaims = start.tokens.lacksClaims === true
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
    this.#listeners ??= new Set()
    return this.#listen(this.#listeners, listener)
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners ??= new Set()
    return this.#listen(this.#changeListeners, listener)
  }

  #listen(listeners: Set<() => void>, listener: () => void): () => void {
    // Wrapped, so that one function given twice is two listeners.
    const entry = () => listener()
    listeners.add(entry)
    if (!this.#ended) this.#watched.add(this)
    return () => {
      listeners.delete(entry)
      const isAlone = (this.#listeners?.size ?? 0) + (this.#changeListeners?.size ?? 0) === 0
      if (isAlone) this.#watched.delete(this)
    }
  }

  /** Takes over what the store has now and tells who waits; errors of listeners come back. */
  replace(next: Replaceable): readonly unknown[] {
    this.record = next.record
    this.subject = personOf(next)
    this.revision = next.revision
    const span = tokenSpan(next.tokens)
    this.tokensSince = span.since
    this.tokensEndAt = span.endsAt
    this.lacksClaims = next.tokens.lacksClaims === true
    return tellAll(this.#changeListeners)
  }

  /** Ends it for good and tells who waits. Errors of listeners come back, so that one cannot keep another from being told. */
  finish(): readonly unknown[] {
    if (this.#ended) return []
    this.#ended = true
    this.#watched.delete(this)
    const listeners = this.#listeners
    this.#listeners = undefined
    this.#changeListeners = undefined
    return tellAll(listeners)
  }
}

function tellAll(listeners: ReadonlySet<() => void> | undefined): readonly unknown[] {
  const errors: unknown[] = []
  // A copy: whoever is told may stop listening.
  for (const listener of [...(listeners ?? [])]) {
    try {
      listener()
    } catch (error) {
      errors.push(error)
    }
  }
  return errors
}

/** Whom decisions are about. */
export function personOf({ record, groups }: SessionParts): Person {
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
