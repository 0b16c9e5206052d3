/** One refresh of one session, by whoever has the lock: read, ask the provider, and store what it says before anything else. */

import { setTimeout as delay } from 'node:timers/promises'
import { GatehouseError } from '../errors.ts'
import type { Audit } from '../support/audit.ts'
import type { Log } from '../support/log.ts'
import type { OpenSession } from './open-session.ts'
import type { OpenSessions } from './open-sessions.ts'
import { ProviderFailure, type Refresher } from './provider/provider.ts'
import { type RefreshableParts, refreshedParts } from './refreshed-session.ts'
import { cardOf } from './session.ts'
import { indexKeysOf, openParts, type SessionSeals, sealParts } from './session-seals.ts'
import type { SessionStore, StoredSession } from './store/session-store.ts'

export interface RefreshParts {
  readonly store: SessionStore
  readonly seals: () => SessionSeals
  readonly log: Log
  readonly audit?: Audit
  readonly sessions: OpenSessions
  /** Ends a session everywhere. */
  readonly endById: (id: string) => Promise<boolean>
  /** The provider of this name in the config; `undefined` where there is none any more. */
  readonly provider: (name: string) => Refresher | undefined
  /** Whether the session is still to be refreshed, now that this process has the lock. */
  readonly isWanted: (session: OpenSession) => boolean
  /** Aborted when the process ends: nothing is tried again then. */
  readonly closing: AbortSignal
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 1_000

/**
 * `elsewhere` where another gateway has done it, or the session is gone.
 * Rejects with ProviderFailure, after which the session is as it was; or with STORE_UNAVAILABLE.
 */
export async function refreshOnce(
  session: OpenSession,
  parts: RefreshParts,
): Promise<'ok' | 'ended' | 'elsewhere'> {
  const { store, sessions, provider: providerOf } = parts
  const stored = await store.read(session.id)
  if (stored === undefined || !sessions.adopt(session, stored)) {
    sessions.finish(session)
    return 'elsewhere'
  }
  if (!parts.isWanted(session)) return 'elsewhere'
  const before = openParts(session.secrets.key, stored)
  if (before === undefined) return 'elsewhere'
  const { provider: name } = before.record
  const provider = providerOf(name)
  if (provider === undefined) {
    throw new ProviderFailure('misconfigured', `the config has no provider \`${name}\` any more`)
  }
  const answer = await provider.refresh(before.tokens)
  return answer.kind === 'ended'
    ? end(session, stored, answer.detail, parts)
    : put(session, stored, refreshedParts(before, answer.tokens, answer.person), parts)
}

async function put(
  session: OpenSession,
  stored: StoredSession,
  refreshed: RefreshableParts,
  parts: RefreshParts,
): Promise<'ok' | 'elsewhere'> {
  const { id, secrets, origin, lastSeenAt } = session
  const { store, sessions } = parts
  const seals = parts.seals()
  const { record } = refreshed
  const next = {
    id,
    ...sealParts(secrets.key, id, refreshed),
    card: seals.sealCard(cardOf(record, origin, lastSeenAt), id),
    indexKeys: indexKeysOf(seals, record),
    expiresAt: sessions.storeEnd(record, lastSeenAt),
  }
  // Whoever asks the provider next must have these tokens: the old refresh token is good for some seconds at most.
  const result = await insist(session, parts, () => store.replace(next, stored))
  if (result === 'gone') {
    sessions.finish(session)
    return 'elsewhere'
  }
  if (result === 'replaced') {
    sessions.renew(session, { ...refreshed, revision: next.revision })
    return 'ok'
  }
  await insist(session, parts, () => sessions.look(session))
  // An earlier try may have been done without an answer; else somebody came between, whose tokens are newer.
  return session.revision === next.revision ? 'ok' : 'elsewhere'
}

async function end(
  session: OpenSession,
  stored: StoredSession,
  detail: string,
  parts: RefreshParts,
): Promise<'ended' | 'elsewhere'> {
  const { store, sessions, log, audit, endById } = parts
  const revision = await insist(session, parts, () => store.revision(session.id))
  if (revision !== undefined && revision !== stored.revision) {
    // What was refused were the tokens of before: somebody came between.
    await insist(session, parts, () => sessions.look(session))
    return 'elsewhere'
  }
  const { provider, sub, email } = session.record
  const about = { session: session.id, provider, subject: sub, email }
  audit?.({
    ...about,
    event: 'session_ended',
    outcome: 'success',
    by: 'refresh',
    reason: 'invalid_grant',
  })
  log.info({ ...about, detail }, 'a session has ended: its provider does not refresh it any more')
  sessions.finish(session)
  await insist(session, parts, () => endById(session.id))
  return 'ended'
}

/** What the provider has said must get into the store, however long that is away. */
async function insist<T>(
  { id }: OpenSession,
  { log, closing }: RefreshParts,
  ask: () => Promise<T>,
): Promise<T> {
  for (let waitMs = FIRST_RETRY_MS; ; waitMs = Math.min(2 * waitMs, LAST_RETRY_MS)) {
    try {
      return await ask()
    } catch (error) {
      const isAway = error instanceof GatehouseError && error.code === 'STORE_UNAVAILABLE'
      if (!isAway || closing.aborted) throw error
      if (waitMs === FIRST_RETRY_MS) {
        log.warn({ detail: error.message, session: id }, 'a refresh waits for the session store')
      }
      await delay(waitMs, undefined, { signal: closing }).catch(() => undefined)
    }
  }
}
