/**
 * Keeps sessions fresh: shortly before the provider's tokens run out, one gateway asks for new ones, under a lock in the
 * store, and the others take over what it got. Nobody waits while what a session has is still good. Only the provider's
 * own word ends a session; an outage of provider or store does not.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { GatehouseError } from '../errors.ts'
import type { Clock } from '../support/time.ts'
import type { OpenSession } from './open-session.ts'
import { ProviderFailure, type ProviderFailureKind } from './provider/provider.ts'
import { isDue } from './provider/token-span.ts'
import { createRefreshLock, type RefreshLock } from './refresh-lock.ts'
import { type RefreshParts, refreshOnce } from './refresh-once.ts'

/** How a refresh came out, for the metrics: a closed list. */
export type RefreshResult = 'ok' | 'ended' | 'store-unavailable' | ProviderFailureKind

export interface SessionRefreshOptions extends Omit<RefreshParts, 'isWanted' | 'closing'> {
  readonly now: Clock
  /** `session.refresh_before`. */
  readonly beforeMs: () => number
  readonly onResult?: ((provider: string, result: RefreshResult) => void) | undefined
  /** How long a request waits for a refresh before it goes on with what there is; default 5 seconds. */
  readonly patienceMs?: number | undefined
}

export interface SessionRefresh {
  /**
   * `session` as it is to be used. Synchronous while what it has is good; then whoever asks waits for the refresh, a few
   * seconds at most. `undefined` where that has ended it. Never rejects.
   */
  fresh(session: OpenSession): OpenSession | undefined | Promise<OpenSession | undefined>
  /** Refreshes it where it is time, and keeps nobody waiting. */
  tend(session: OpenSession): void
  /** Waits for what is under way, for a few seconds. */
  close(): Promise<void>
}

/** The refresh of one session in this process. */
interface Attempts {
  running: Promise<void> | undefined
  /** `running`, or a few seconds. */
  bounded: Promise<void> | undefined
  failures: number
  /** Not before: performance.now(), since it is about waiting and not about what time it is. */
  retryAt: number
}

const PATIENCE_MS = 5_000
/** How often others look whether the one who has the lock is done, and how often before they leave it to the next use. */
const POLL_MS = 100
const POLLS = 150
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
const CLOSE_MS = 5_000

export function createSessionRefresh(options: SessionRefreshOptions): SessionRefresh {
  const { store, now, log, sessions, beforeMs, patienceMs = PATIENCE_MS } = options
  const attempts = new WeakMap<OpenSession, Attempts>()
  const underWay = new Set<Promise<void>>()
  const closing = new AbortController()

  function isWanted({ lacksClaims, tokensSince, tokensEndAt }: OpenSession): boolean {
    return lacksClaims || isDue({ since: tokensSince, endsAt: tokensEndAt }, beforeMs(), now())
  }

  function attemptsOf(session: OpenSession): Attempts {
    let known = attempts.get(session)
    if (known === undefined) {
      known = { running: undefined, bounded: undefined, failures: 0, retryAt: 0 }
      attempts.set(session, known)
    }
    return known
  }

  /** Starts a refresh unless one runs here or failed a moment ago. */
  function start(session: OpenSession): Attempts {
    const state = attemptsOf(session)
    if (state.running !== undefined || performance.now() < state.retryAt) return state
    const patience = new AbortController()
    const running = run(session, state).finally(() => {
      patience.abort()
      underWay.delete(running)
      state.running = undefined
      state.bounded = undefined
    })
    underWay.add(running)
    state.running = running
    state.bounded = Promise.race([running, pause(patienceMs, patience.signal)])
    return state
  }

  /** Never rejects. */
  async function run(session: OpenSession, state: Attempts): Promise<void> {
    const { provider } = session.record
    const lock = createRefreshLock(store, session.id)
    try {
      if (await lockOrResult(session, lock)) {
        const parts = { ...options, isWanted, closing: closing.signal }
        const result = await refreshOnce(session, parts)
        if (result !== 'elsewhere') options.onResult?.(provider, result)
        await lock.release()
      }
      // Where it is still wanted, others are at it, or not all could be had: it is tried again, and not at once.
      state.failures = isWanted(session) ? state.failures + 1 : 0
      state.retryAt = state.failures === 0 ? 0 : performance.now() + backOff(state.failures)
    } catch (error) {
      const retryInMs = failed(session, state, error)
      // Whoever holds it tries, and nobody else: a provider in trouble is asked by one gateway only.
      if (error instanceof ProviderFailure) await lock.keep(retryInMs)
      else await lock.release()
    }
  }

  /** True once this process has the lock; false where another one has done it, or is at it for long. */
  async function lockOrResult(session: OpenSession, lock: RefreshLock): Promise<boolean> {
    for (let polls = 0; !(await lock.take()); polls++) {
      if (polls === POLLS) return false
      await delay(POLL_MS, undefined, { signal: closing.signal })
      await sessions.look(session)
      if (session.ended || !isWanted(session)) return false
    }
    return true
  }

  /** When it may be tried again. */
  function failed(session: OpenSession, state: Attempts, error: unknown): number {
    state.failures++
    const retryInMs = backOff(state.failures)
    state.retryAt = performance.now() + retryInMs
    if (closing.signal.aborted) return retryInMs
    const { provider } = session.record
    const known = error instanceof GatehouseError ? { detail: error.message } : { err: error }
    const about = { ...known, session: session.id, provider, retry_in_ms: Math.round(retryInMs) }
    log.warn(about, 'a session could not be refreshed, and goes on as it is')
    options.onResult?.(
      provider,
      error instanceof ProviderFailure ? error.kind : 'store-unavailable',
    )
    return retryInMs
  }

  return {
    fresh(session) {
      if (!isWanted(session)) return session
      const { failures, bounded } = start(session)
      // After a failure nobody waits: the next attempts are made besides.
      if (bounded === undefined || failures > 0 || now() < session.tokensEndAt) return session
      return bounded.then(() => (session.ended ? undefined : session))
    },
    tend: (session) => {
      if (isWanted(session)) start(session)
    },
    close: async () => {
      closing.abort()
      const patience = new AbortController()
      await Promise.race([Promise.all(underWay), pause(CLOSE_MS, patience.signal)])
      patience.abort()
    },
  }
}

/** From one second, doubled up to a minute; less by chance, so that many sessions do not come at once. */
function backOff(failures: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS)
  return longest * (0.75 + Math.random() / 4)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => undefined)
}
