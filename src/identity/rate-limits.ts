/**
 * How often something may be tried: sign-ins, guesses at a password, bearer tokens that do not hold. Counted in Redis for
 * all replicas where the store is Redis, else in this process; an outage of Redis neither lets all in nor locks out.
 */

import { createHmac } from 'node:crypto'
import { isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { LRUCache } from 'lru-cache'
import type { Log } from '../support/log.ts'
import type { Rate } from '../support/rate.ts'
import type { Clock, EpochMs } from '../support/time.ts'

/** What is limited, as the keys of `server.rate_limits` name it. */
export type RateLimited = 'sign_in' | 'local_sign_in' | 'bearer_failures'

export interface RateLimits {
  /**
   * Counts one attempt by `key` (`addressKey`, `nameKey`). Returns the seconds that are left to wait where that is one too
   * many, else `undefined`. Never rejects.
   */
  count(what: RateLimited, key: string): Promise<number | undefined>
  /** As `count`, without counting and without asking anybody: what this process knows. */
  waitSeconds(what: RateLimited, key: string): number | undefined
  close(): void
}

/** How often `key` was counted in the window that is running, and when that ends. */
export interface Window {
  readonly count: number
  readonly endsAt: EpochMs
}

/** Counts for all replicas. Rejects where it cannot. */
export interface SharedCounter {
  count(key: string, seconds: number): Promise<Window>
  close(): void
}

export interface RateLimitsOptions {
  readonly rates: () => Readonly<Record<RateLimited, Rate>>
  /** Decoded `session.secret`: addresses and names are not to be read from a copy of the store. */
  readonly secrets: () => readonly Uint8Array[]
  readonly now: Clock
  readonly log: Log
  readonly shared?: SharedCounter | undefined
}

/** Keys that are remembered for each kind; past it the one that was quiet longest is forgotten. */
const MAX_KEYS = 20_000

export function createRateLimits(options: RateLimitsOptions): RateLimits {
  const { rates, now, log, shared } = options
  const known: Record<RateLimited, LRUCache<string, Window>> = {
    sign_in: new LRUCache({ max: MAX_KEYS }),
    local_sign_in: new LRUCache({ max: MAX_KEYS }),
    bearer_failures: new LRUCache({ max: MAX_KEYS }),
  }
  const running = (what: RateLimited, key: string): Window | undefined => {
    const window = known[what].get(key)
    return window !== undefined && window.endsAt > now() ? window : undefined
  }
  const waitSeconds = (what: RateLimited, key: string): number | undefined => {
    const window = running(what, key)
    if (window === undefined || window.count <= rates()[what].count) return undefined
    return Math.ceil((window.endsAt - now()) / 1_000)
  }
  /** Also counted here, so that nothing is forgotten when Redis goes. */
  const countHere = (what: RateLimited, key: string, seconds: number): Window => {
    const before = running(what, key) ?? { count: 0, endsAt: now() + seconds * 1_000 }
    const window = { ...before, count: before.count + 1 }
    known[what].set(key, window)
    return window
  }
  const countEverywhere = async (what: RateLimited, key: string, seconds: number) => {
    const here = countHere(what, key, seconds)
    if (shared === undefined) return here
    try {
      const window = await shared.count(sharedKey(options, what, key, seconds), seconds)
      known[what].set(key, window)
      return window
    } catch {
      // The store's own connection tells of the outage; this one goes on with what it knows.
      return here
    }
  }
  return {
    count: async (what, key) => {
      const rate = rates()[what]
      // Whoever is past the limit costs no more than a look.
      const known = waitSeconds(what, key)
      if (known !== undefined) return known
      const window = await countEverywhere(what, key, rate.seconds)
      if (window.count <= rate.count) return undefined
      log.warn({ limit: what, of: key }, 'too many attempts')
      return Math.max(1, Math.ceil((window.endsAt - now()) / 1_000))
    },
    waitSeconds,
    close: () => shared?.close(),
  }
}

function sharedKey(
  { secrets }: RateLimitsOptions,
  what: RateLimited,
  key: string,
  seconds: number,
): string {
  const [secret = new Uint8Array()] = secrets()
  const mac = createHmac('sha256', secret).update(`rate-limit\0${what}\0${key}`)
  return `${what}:${seconds}:${mac.digest('base64url')}`
}

/** An address as it is counted: of IPv6 the /64, of which one client has more addresses than can be counted. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address
  const parsed = ipaddr.IPv6.parse(address)
  // A listener on `::` calls clients of IPv4 so: one network of all of them would make each wait for all others.
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().toString()
  const groups = parsed.parts.slice(0, 4)
  return `${groups.map((group) => group.toString(16)).join(':')}::/64`
}

/** A name that somebody wants to sign in by, beside the address that it is tried from. @param name canonical */
export function nameKey(name: string): string {
  return `name:${name.slice(0, MAX_NAME)}`
}

/** Longer than any name that exists; what is cut off tells nothing apart. */
const MAX_NAME = 256
