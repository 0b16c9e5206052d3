/**
 * Sessions over a store: made at sign-in, opened from cookies, handed to other hosts, ended. A request that is not the
 * first of its second costs one look into a map.
 */

import { LRUCache } from 'lru-cache'
import type { Audit } from '../support/audit.ts'
import type { Every } from '../support/every.ts'
import type { Log } from '../support/log.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import { createActedOnce } from './acted-once.ts'
import { createEndMarks } from './end-marks.ts'
import { OpenSession } from './open-session.ts'
import { createOpenSessions } from './open-sessions.ts'
import type { SignedIn } from './provider/provider.ts'
import { createRevocation } from './provider/revocation.ts'
import { ResolvedSession } from './resolved-session.ts'
import {
  absoluteEnd,
  cardOf,
  type LiveSession,
  type SessionLifetimes,
  type SessionRecord,
  type SignInOrigin,
} from './session.ts'
import { createSessionLists } from './session-lists.ts'
import { createSessionRefresh, type SessionRefreshOptions } from './session-refresh.ts'
import {
  createSessionSeals,
  indexKeysOf,
  newHandOverCode,
  newSessionSecrets,
  openTokens,
  readHandOverCode,
  type SessionSeals,
  type SessionSecrets,
  sealParts,
  sessionId,
} from './session-seals.ts'
import type { Sessions, SignInContext } from './sessions.ts'
import type { SessionStore } from './store/session-store.ts'
import { createUnfinishedEnds } from './unfinished-ends.ts'

const HAND_OVER_MS = 30_000
/** About 2 KB each with their session. A cookie that falls out is opened anew. */
const MAX_OPEN_COOKIES = 50_000
/** Clients choose these; they are for people to read. */
const MAX_ADDRESS_LENGTH = 64
const MAX_USER_AGENT_LENGTH = 256

export interface SessionsOptions {
  readonly store: SessionStore
  /** Decoded `session.secret`: the first seals, all open. The same array from one reload to the next. */
  readonly secrets: () => readonly Uint8Array[]
  readonly now: Clock
  readonly lifetimes: () => SessionLifetimes
  /** How many sessions a person may have at once; past it the oldest end. */
  readonly maxPerUser?: () => number
  /** Names under which people sign in now. */
  readonly providers?: () => Iterable<string>
  readonly log: Log
  /** Told of sessions that end here by themselves: of sign-outs and signals whoever asks for them tells. */
  readonly audit?: Audit
  readonly every?: Every
  /** How sessions are kept fresh; left out: they are not. */
  readonly refresh?: RefreshSource
}

export type RefreshSource = Pick<
  SessionRefreshOptions,
  'provider' | 'beforeMs' | 'onResult' | 'patienceMs'
>

/** Sessions over `store`, which whoever made it closes, after these. */
export function createSessions(options: SessionsOptions): Sessions {
  const { store, secrets, now, lifetimes } = options
  const cookies = new LRUCache<string, { host: string; session: OpenSession }>({
    max: MAX_OPEN_COOKIES,
  })
  let sealedUnder = secrets()
  let currentSeals = createSessionSeals(sealedUnder)

  /** Rotation takes effect at once: cookies that only a removed secret opens must not live on in the cache. */
  const seals = (): SessionSeals => {
    const present = secrets()
    if (present === sealedUnder) return currentSeals
    if (!sameSecrets(present, sealedUnder)) {
      currentSeals = createSessionSeals(present)
      cookies.clear()
    }
    sealedUnder = present
    return currentSeals
  }
  const sessions = createOpenSessions({
    ...options,
    seals,
    onWatched: (session) => refresh?.tend(session),
  })
  const lists = createSessionLists({
    ...options,
    seals,
    lastSeenHere: (id) => sessions.here(id)?.lastSeenAt,
  })

  const remember = (cookie: string, host: string, session: OpenSession) => {
    // A copy: the cookie is a slice of the Cookie header, which the cache would keep alive whole.
    cookies.set(Buffer.from(cookie, 'latin1').toString('latin1'), { host, session })
  }

  /** What the store has, unless it is about to end there. */
  const openStored = async (secrets: SessionSecrets) => {
    const session = await sessions.open(secrets)
    if (session === undefined || !unfinished.isEnding(session)) return session
    sessions.finish(session)
    return undefined
  }

  const openCookie = (cookie: string, host: string) => {
    const opened = seals().openCookie(cookie, host)
    if (opened === undefined) return undefined
    return openStored(opened).then((session) => {
      if (session !== undefined) remember(cookie, host, session)
      return fresh(session)
    })
  }

  const checked = (session: OpenSession) => {
    const live = sessions.check(session)
    return live instanceof Promise ? live.then(fresh) : fresh(live)
  }
  const fresh = (session: OpenSession | undefined) =>
    session === undefined || refresh === undefined ? session : refresh.fresh(session)

  const endById = async (id: string) => {
    const there = await store.delete(id)
    const session = sessions.here(id)
    if (session !== undefined) sessions.finish(session)
    return there
  }

  const marks = createEndMarks({ ...options, seals })
  const revocation = createRevocation({ ...options, seals, lists, marks, endById })
  const unfinished = createUnfinishedEnds({
    ...options,
    endHere: (isMeant) => {
      for (const session of sessions.allHere()) if (isMeant(session)) sessions.finish(session)
    },
    run: async (ending, tally) => {
      if (ending.kind === 'user') await revocation.ofUser(ending.user, ending.before, tally)
      else if (ending.kind === 'named') await revocation.of(ending, ending.before, tally)
      else if (ending.kind === 'all') await revocation.all(ending.before, tally)
      else if (await endById(ending.id)) tally.ended++
    },
  })
  const refresh =
    options.refresh &&
    createSessionRefresh({ ...options, ...options.refresh, seals, sessions, endById })

  /** A session that is stored already is found by whoever ends; where they have been before, it is taken back. */
  const checkMarks = async (id: string, record: SessionRecord, startedAt: EpochMs) => {
    try {
      await marks.check(record, startedAt)
    } catch (error) {
      await store.delete(id)
      throw error
    }
  }

  return {
    open(cookie, host) {
      if (secrets() !== sealedUnder) seals()
      const opened = cookies.get(cookie)
      if (opened === undefined) return openCookie(cookie, host)
      // A cookie opens on one host only, so one that was opened for another is foreign here.
      return opened.host === host ? checked(opened.session) : undefined
    },

    isWithin: (session, limits) => sessions.isWithin(own(session), limits),
    seen: (session) => sessions.seen(own(session)),

    async create(person, context) {
      const time = now()
      const record = newRecord(person, context, time, lifetimes())
      const origin = originOf(context)
      const secret = newSessionSecrets()
      const id = sessionId(secret.handle)
      const parts = { record, groups: person.groups, tokens: person.tokens }
      const sealed = sealParts(secret.key, id, parts)
      await store.create({
        id,
        ...sealed,
        card: seals().sealCard(cardOf(record, origin, time), id),
        indexKeys: indexKeysOf(seals(), record),
        expiresAt: sessions.storeEnd(record, time),
      })
      await checkMarks(id, record, context.startedAt ?? time)
      const session = sessions.add({
        ...parts,
        ...{ id, secrets: secret, origin, lastSeenAt: time, verifiedAt: time },
        revision: sealed.revision,
      })
      await revocation.surplus(session)
      return session
    },

    cookieFor(live, host) {
      const session = own(live)
      const value = seals().sealCookie(session.secrets, host)
      remember(value, host, session)
      const left = absoluteEnd(session.record, lifetimes()) - now()
      return { value, maxAge: Math.max(0, Math.floor(left / 1_000)) }
    },

    async idToken(live) {
      const session = own(live)
      const stored = await store.read(session.id)
      return stored && openTokens(session.secrets.key, stored)?.idToken
    },

    async tokens(live) {
      const session = own(live)
      const stored = await store.read(session.id)
      return stored && openTokens(session.secrets.key, stored)
    },

    end: async (live) => void (await unfinished.end({ kind: 'session', id: own(live).id })),

    endLater(cookie, host, cause) {
      const opened = seals().openCookie(cookie, host)
      if (opened === undefined) return
      unfinished.later({ kind: 'session', id: sessionId(opened.handle) }, cause)
    },

    endById: async (id) => (await unfinished.end({ kind: 'session', id })) > 0,
    endOfUser: (user) => unfinished.end({ kind: 'user', user, before: now() }),
    endOf: (provider, by, value) =>
      unfinished.end({ kind: 'named', provider, by, value, before: now() }),
    endOfSidNow: async (provider, value) => {
      const named = { provider, by: 'sid', value } as const
      if (!(await revocation.isAny(named))) return 0
      const tally = { ended: 0 }
      await revocation.of(named, now(), tally)
      return tally.ended
    },
    endAll: () => unfinished.end({ kind: 'all', before: now() }),

    list: lists.all,
    listOf: lists.of,
    count: () => store.count(),

    async issueHandOver(live, host, binding) {
      const code = newHandOverCode()
      const sealed = seals().sealHandOver(own(live).secrets, code, boundTo(host, binding))
      await store.putOnce(code.storeKey, sealed, now() + HAND_OVER_MS)
      return code.text
    },

    async redeemHandOver(text, host, binding) {
      const code = readHandOverCode(text)
      if (code === undefined) return undefined
      const sealed = await store.takeOnce(code.storeKey)
      if (sealed === undefined) return undefined
      const handed = seals().openHandOver(sealed, code, boundTo(host, binding))
      return handed === undefined ? undefined : openStored(handed)
    },

    once: createActedOnce(store),

    close: async () => {
      unfinished.close()
      await refresh?.close()
      await sessions.close()
    },
  }
}

function own(session: LiveSession): OpenSession {
  if (session instanceof OpenSession) return session
  if (session instanceof ResolvedSession) return own(session.session)
  throw new TypeError('not a session that was opened or made here')
}

function sameSecrets(one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean {
  return (
    one.length === other.length &&
    one.every((secret, i) => Buffer.compare(secret, other[i] ?? Buffer.alloc(0)) === 0)
  )
}

function boundTo(host: string, binding: string): string {
  return `${host}\n${binding}`
}

function newRecord(
  person: SignedIn,
  context: SignInContext,
  time: EpochMs,
  { lifetimeMs }: SessionLifetimes,
): SessionRecord {
  return {
    provider: context.provider,
    method: context.method,
    sub: person.sub,
    email: person.email,
    name: person.name,
    claims: person.claims,
    acr: person.acr,
    amr: person.amr,
    authTime: person.authTime,
    steppedUpAt: context.stepUp ? time : undefined,
    sid: person.sid,
    signedInAt: time,
    expiresAt: time + lifetimeMs,
  }
}

function originOf({ address, userAgent }: SignInContext): SignInOrigin {
  return {
    address: address.slice(0, MAX_ADDRESS_LENGTH),
    userAgent: userAgent.slice(0, MAX_USER_AGENT_LENGTH),
  }
}
