/**
 * The sessions that are open in this process, at most one object for each. Asks the store whether they still are, tells
 * it that they are used, and ends them here when they end. What the store cannot answer is an error, never "no session".
 */

import { type Every, every } from '../support/every.ts'
import type { Log } from '../support/log.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import { OpenSession, type OpenSessionStart, type Replaceable } from './open-session.ts'
import { absoluteEnd, cardOf, type SessionLifetimes, type SessionRecord } from './session.ts'
import { openParts, type SessionSeals, type SessionSecrets, sessionId } from './session-seals.ts'
import type { RecentEnough } from './sessions.ts'
import type { SessionStore, StoredSession } from './store/session-store.ts'

/** A revocation anywhere takes effect here within this time. */
const VERIFIED_FOR_MS = 1_000
/** Sessions that somebody waits on are asked about more often, since no request would notice their end. */
const WATCH_EVERY_MS = 250
const WATCHED_VERIFIED_FOR_MS = 500
const TOUCH_EVERY_MS = 60_000
const TOUCH_RETRY_MS = 5_000
const FLUSH_AT_ONCE = 100
/** A store entry outlives what it says of the last use by this: the store is told of uses once a minute. */
const IDLE_SLACK_MS = 60_000
/** Clocks of replicas may differ by this. A session from further in the future is none. */
const CLOCK_SKEW_MS = 60_000

export interface OpenSessionsOptions {
  readonly store: SessionStore
  readonly seals: () => SessionSeals
  readonly now: Clock
  readonly lifetimes: () => SessionLifetimes
  readonly log: Log
  readonly every?: Every
  /** Called again and again with each session that somebody waits on, and that has not ended. */
  readonly onWatched?: (session: OpenSession) => void
}

export interface OpenSessions {
  /** The session that `secrets` open, if there is one. */
  open(secrets: SessionSecrets): Promise<OpenSession | undefined>
  /** The session if it still is one; synchronous while that was asked within the last second. */
  check(session: OpenSession): OpenSession | undefined | Promise<OpenSession | undefined>
  /** One that was just made and stored. */
  add(start: OpenSessionStart): OpenSession
  /** As Sessions has it (sessions.ts). */
  isWithin(session: OpenSession, limits: RecentEnough): boolean | Promise<boolean>
  /** Notes a use. Writes to the store at most once a minute; never throws. */
  seen(session: OpenSession): void
  /** The session of this id if it is open here. */
  here(id: string): OpenSession | undefined
  /** All that are open here. */
  allHere(): readonly OpenSession[]
  /** Ends it in this process. */
  finish(session: OpenSession): void
  /** Asks the store now whether it is there, and as what. */
  look(session: OpenSession): Promise<OpenSession | undefined>
  /** Takes over what was read of it from the store; false where that is no session here, which it then is not. */
  adopt(session: OpenSession, stored: StoredSession): boolean
  /** Takes over what was put into the store. */
  renew(session: OpenSession, next: Replaceable): void
  /** When the store may forget a session that was last used at `lastSeenAt`. */
  storeEnd(record: SessionRecord, lastSeenAt: EpochMs): EpochMs
  /** Stops watching, and tells the store of the uses that it does not know yet. */
  close(): Promise<void>
}

export function createOpenSessions(options: OpenSessionsOptions): OpenSessions {
  const { store, seals, now, lifetimes, log } = options
  // INVARIANT: at most one OpenSession per id that has not ended, so that its end reaches everybody who uses it.
  // References are weak: a session stays as long as a cached cookie, a request or a WebSocket holds it.
  const byId = new Map<string, WeakRef<OpenSession>>()
  const collected = new FinalizationRegistry<string>((id) => {
    if (byId.get(id)?.deref() === undefined) byId.delete(id)
  })
  const loading = new Map<string, Promise<OpenSession | undefined>>()
  const watched = new Set<OpenSession>()

  function here(id: string): OpenSession | undefined {
    const session = byId.get(id)?.deref()
    return session?.ended === false ? session : undefined
  }

  function add(start: OpenSessionStart): OpenSession {
    const session = new OpenSession(start, watched)
    byId.set(session.id, new WeakRef(session))
    collected.register(session, session.id)
    return session
  }

  function finish(session: OpenSession): undefined {
    if (byId.get(session.id)?.deref() === session) byId.delete(session.id)
    for (const err of session.finish()) {
      log.error({ err, session: session.id }, 'a listener for the end of a session failed')
    }
  }

  function isIdle(session: OpenSession, time: EpochMs): boolean {
    return session.lastSeenAt + lifetimes().idleMs <= time
  }

  function check(session: OpenSession) {
    if (session.ended) return undefined
    const time = now()
    const limits = lifetimes()
    if (absoluteEnd(session.record, limits) <= time) return finish(session)
    const age = time - session.verifiedAt
    const fresh = age >= 0 && age < VERIFIED_FOR_MS
    if (fresh && session.lastSeenAt + limits.idleMs > time) return session
    return verify(session)
  }

  function verify(session: OpenSession): Promise<OpenSession | undefined> {
    session.verifying ??= askStore(session).finally(() => {
      session.verifying = undefined
    })
    return session.verifying
  }

  async function askStore(session: OpenSession): Promise<OpenSession | undefined> {
    const asked = now()
    if (!(isIdle(session, asked) ? await takeOver(session) : await isThere(session))) {
      return finish(session)
    }
    // Nobody used it here for too long, but perhaps on another replica: then its card has said so.
    if (isIdle(session, asked)) return finish(session)
    session.verifiedAt = asked
    return session.ended ? undefined : session
  }

  async function isThere(session: OpenSession): Promise<boolean> {
    const revision = await store.revision(session.id)
    if (revision === undefined) return false
    return revision === session.revision || takeOver(session)
  }

  async function takeOver(session: OpenSession): Promise<boolean> {
    const stored = await store.read(session.id)
    return stored !== undefined && adopt(session, stored)
  }

  function adopt(session: OpenSession, stored: StoredSession): boolean {
    const card = seals().openCard(stored.card, session.id)
    if (card === undefined) return false
    session.lastSeenAt = Math.max(session.lastSeenAt, Math.min(card.lastSeenAt, now()))
    if (stored.revision === session.revision) return true
    const parts = openParts(session.secrets.key, stored)
    if (parts === undefined) {
      finish(session)
      return false
    }
    renew(session, { ...parts, revision: stored.revision })
    return true
  }

  function renew(session: OpenSession, next: Replaceable): void {
    if (session.ended) return
    for (const err of session.replace(next)) {
      log.error({ err, session: session.id }, 'a listener for the change of a session failed')
    }
  }

  async function open(secrets: SessionSecrets): Promise<OpenSession | undefined> {
    const id = sessionId(secrets.handle)
    const known = here(id)
    if (known !== undefined) return check(known)
    const underWay = loading.get(id)
    if (underWay !== undefined) return underWay
    const load = loadFromStore(id, secrets).finally(() => loading.delete(id))
    loading.set(id, load)
    return load
  }

  async function loadFromStore(
    id: string,
    secrets: SessionSecrets,
  ): Promise<OpenSession | undefined> {
    const asked = now()
    const stored = await store.read(id)
    if (stored === undefined) return undefined
    const parts = openParts(secrets.key, stored)
    const card = seals().openCard(stored.card, id)
    if (parts === undefined || card === undefined) {
      log.warn(
        { session: id },
        'a session in the store does not open: it was changed, or its secret is gone',
      )
      return undefined
    }
    const limits = lifetimes()
    if (parts.record.signedInAt > asked + CLOCK_SKEW_MS) return undefined
    if (absoluteEnd(parts.record, limits) <= asked) return undefined
    const lastSeenAt = Math.min(card.lastSeenAt, asked)
    if (lastSeenAt + limits.idleMs <= asked) return undefined
    const { revision } = stored
    const opened = { id, secrets, ...parts, revision, origin: card, lastSeenAt, verifiedAt: asked }
    return here(id) ?? add(opened)
  }

  function isWithin(session: OpenSession, { lifetimeMs, idleMs }: RecentEnough) {
    const time = now()
    if (session.record.signedInAt + lifetimeMs <= time) return false
    if (session.lastSeenAt + idleMs > time) return true
    // Perhaps it was used elsewhere.
    return takeOver(session).then((there) => there && session.lastSeenAt + idleMs > time)
  }

  function storeEnd(record: SessionRecord, lastSeenAt: EpochMs): EpochMs {
    const limits = lifetimes()
    return Math.min(absoluteEnd(record, limits), lastSeenAt + limits.idleMs + IDLE_SLACK_MS)
  }

  /** A minute; less where the idle time is so short that a minute would be a large part of it. */
  function touchEvery(): number {
    const { idleMs, shortestIdleMs = idleMs } = lifetimes()
    return Math.min(TOUCH_EVERY_MS, idleMs / 4, shortestIdleMs / 4)
  }

  async function touch(session: OpenSession): Promise<void> {
    const { id, lastSeenAt } = session
    const previous = session.touchedAt
    session.touchedAt = lastSeenAt
    try {
      const card = seals().sealCard(cardOf(session.record, session.origin, lastSeenAt), id)
      const { revision } = session
      const there = await store.touch(session, card, storeEnd(session.record, lastSeenAt))
      if (there === undefined) finish(session)
      // Then it is another by now, and its card says when that was.
      else if (there !== revision) await verify(session)
    } catch (err) {
      session.touchedAt = Math.max(previous, lastSeenAt - touchEvery() + TOUCH_RETRY_MS)
      log.warn({ err, session: id }, 'the store could not be told that a session is in use')
    }
  }

  function watch(): void {
    const time = now()
    for (const session of watched) {
      if (absoluteEnd(session.record, lifetimes()) <= time) {
        finish(session)
      } else if (isIdle(session, time) || time - session.verifiedAt >= WATCHED_VERIFIED_FOR_MS) {
        // The store being down ends nobody: the next look asks again.
        verify(session).catch((err: unknown) => {
          log.debug({ err, session: session.id }, 'a session in use could not be verified')
        })
      }
      if (!session.ended) options.onWatched?.(session)
    }
  }
  const stopWatching = (options.every ?? every)(WATCH_EVERY_MS, watch)
  // Earlier than the next question to the store would tell; that is asked all the same, since nobody may have heard this.
  const stopListening = store.onDeleted((id) => {
    const session = here(id)
    if (session !== undefined) finish(session)
  })
  const stopHearing = store.onReplaced((id) => {
    const session = here(id)
    if (session === undefined) return
    verify(session).catch((err: unknown) => {
      // Whoever uses it next asks again.
      session.verifiedAt = 0
      log.debug({ err, session: id }, 'a session that was replaced could not be read')
    })
  })

  return {
    open,
    check,
    add,
    here,
    allHere: () => [...byId.keys()].map(here).filter((session) => session !== undefined),
    finish,
    look: verify,
    adopt,
    renew,
    isWithin,
    storeEnd,
    seen: (session) => {
      if (session.ended) return
      session.lastSeenAt = Math.max(session.lastSeenAt, now())
      if (session.lastSeenAt - session.touchedAt >= touchEvery()) void touch(session)
    },
    close: async () => {
      stopWatching()
      stopListening()
      stopHearing()
      const unsaved = [...byId.values()]
        .map((reference) => reference.deref())
        .filter((session) => session !== undefined)
        .filter((session) => !session.ended && session.lastSeenAt > session.touchedAt)
      for (let at = 0; at < unsaved.length; at += FLUSH_AT_ONCE) {
        await Promise.all(unsaved.slice(at, at + FLUSH_AT_ONCE).map(touch))
      }
    },
  }
}
