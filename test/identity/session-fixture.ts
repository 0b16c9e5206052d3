/** Sessions over a memory store with a clock and a timer that the test moves, and a store that can fail. */

import type { Test } from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import { createSessions, type RefreshSource } from '../../src/identity/live-sessions.ts'
import type { SignedIn } from '../../src/identity/provider/provider.ts'
import type { Sessions, SignInContext } from '../../src/identity/sessions.ts'
import { createMemoryStore } from '../../src/identity/store/memory-store.ts'
import type { SessionStore, StoredSession } from '../../src/identity/store/session-store.ts'
import type { Log } from '../../src/support/log.ts'
import { manualTimer } from './manual-timer.ts'
import { START } from './store-contract.ts'

export const HOST = 'app.example.com'
export const OTHER_HOST = 'wiki.example.com'
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export const ana: SignedIn = {
  sub: '00u1',
  email: 'Ana@example.com',
  name: 'Ana',
  claims: { sub: '00u1', department: 'Platform' },
  groups: { list: [{ name: 'engineers' }, { id: '00g7', name: 'ops' }], complete: true },
  acr: undefined,
  amr: ['pwd', 'mfa'],
  authTime: START - MINUTE,
  sid: 'sid-1',
  tokens: {
    idToken: 'the-id-token',
    accessToken: 'the-access-token',
    refreshToken: undefined,
    accessTokenExpiresAt: undefined,
  },
}

export const context: SignInContext = {
  provider: 'okta',
  method: 'oidc',
  address: '192.0.2.10',
  userAgent: 'Browser/1.0',
  stepUp: false,
}

export interface Logged {
  readonly level: string
  readonly fields: object
  readonly message: string
}

export interface Fixture {
  readonly sessions: Sessions
  readonly store: SessionStore
  readonly clock: { time: number }
  /** While true every call of the store fails. */
  readonly fault: { down: boolean }
  /** Names of the store's methods in the order in which they were called. */
  readonly calls: string[]
  readonly timer: ReturnType<typeof manualTimer>
  readonly limits: { lifetimeMs: number; idleMs: number; notBefore?: number; maxPerUser: number }
  readonly secrets: { list: readonly Buffer[] }
  readonly logged: Logged[]
  /** Another replica: the same store and clock, and nothing else in common. */
  replica(changes?: Partial<SessionStore>): Sessions
}

/** @param refresh what all replicas refresh their sessions by */

export const secretA: Buffer = Buffer.alloc(32, 1)
export const secretB: Buffer = Buffer.alloc(32, 2)

export function startSessions(t: Test, refresh?: RefreshSource): Fixture {
  const clock = { time: START }
  const now = () => clock.time
  const fault = { down: false }
  const calls: string[] = []
  const limits: Fixture['limits'] = { lifetimeMs: 14 * HOUR, idleMs: HOUR, maxPerUser: 1_000 }
  const secrets = { list: [secretA] as readonly Buffer[] }
  const logged: Logged[] = []
  const timer = manualTimer()
  const store = faulty(createMemoryStore({ now, every: manualTimer().every }), fault, calls)
  const replica = (changes: Partial<SessionStore> = {}) => {
    const made = createSessions({
      store: { ...store, ...changes },
      secrets: () => secrets.list,
      now,
      lifetimes: () => limits,
      maxPerUser: () => limits.maxPerUser,
      log: recorder(logged),
      every: timer.every,
      ...(refresh === undefined ? {} : { refresh }),
    })
    t.teardown(() => made.close())
    return made
  }
  const sessions = replica()
  return { sessions, store, clock, fault, calls, timer, limits, secrets, logged, replica }
}

/** A log that remembers. */
export function recorder(logged: Logged[]): Log {
  const write = (level: string) => (fields: object, message: string) => {
    logged.push({ level, fields, message })
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

function faulty(store: SessionStore, fault: { down: boolean }, calls: string[]): SessionStore {
  return new Proxy(store, {
    get(target, name: keyof SessionStore) {
      // Asks nothing of the store.
      if (name === 'onDeleted' || name === 'onReplaced') return target[name]
      return (...args: never[]) => {
        calls.push(name)
        if (fault.down) return failing(name)
        return (target[name] as (...args: never[]) => unknown)(...args)
      }
    },
  })
}

function failing(name: keyof SessionStore): unknown {
  const error = new GatehouseError('STORE_UNAVAILABLE', 'down')
  if (name !== 'list') return Promise.reject(error)
  // biome-ignore lint/correctness/useYield: it fails before it has anything to give
  return (async function* () {
    throw error
  })()
}

/** Everything that the store holds for one session, as one text. */
export function storedText(stored: StoredSession | undefined): string {
  if (stored === undefined) return ''
  const parts = [stored.record, stored.groups, stored.tokens, stored.card]
  return [...parts.map((part) => Buffer.from(part).toString('latin1')), ...stored.indexKeys].join()
}
