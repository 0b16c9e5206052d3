/** A large organisation in simulated time: people who come and go, a directory of the gateway, and the Okta stand-in behind it. */

import { setImmediate as turn } from 'node:timers/promises'
import type { DirectoryConfig } from '../../src/config/schema-directory.ts'
import { type Okta, startOkta } from '../../src/demo/okta/okta.ts'
import type { DirectoryAnswer } from '../../src/identity/directory/directory.ts'
import { openDirectory } from '../../src/identity/directory/open-directory.ts'
import { Secret } from '../../src/support/secret.ts'

export interface Simulated {
  /** People whom Okta knows. */
  readonly people: number
  /** Of them, how many are at work at any time. */
  readonly active: number
  /** Okta's limit for each of the two calls. */
  readonly callsAMinute: number
  readonly minutes: number
  /** Whether Okta's event hook tells of changes. */
  readonly hooks: boolean
}

export interface SimulationResult {
  readonly callsAMinute: number
  readonly mostCallsAMinute: number
  /** Seconds from a change of a membership to the last request that was still judged without it. */
  readonly seen: { readonly median: number; readonly p95: number; readonly longest: number }
  readonly changes: number
  /** Requests for which nothing was known. */
  readonly unknown: number
  readonly requests: number
}

const START = 1_800_000_000_000
const SECOND = 1_000
/** Somebody at work makes a request so often. */
const THINK_SECONDS = 15
/** Somebody stays at work for so long, then somebody else comes. */
const STAY_SECONDS = 3 * 3_600
const PROFILES = 400
const MAX_GROUPS = 500
/** The first minutes fill an empty memory. */
const WARM_UP = 0.3

export async function simulate(settings: Simulated): Promise<SimulationResult> {
  const clock = { now: START }
  const now = () => clock.now
  const okta = await startOkta({
    now,
    people: [],
    rateLimits: { user: settings.callsAMinute, other: settings.callsAMinute },
  })
  try {
    return await new Simulation(settings, okta, clock).run()
  } finally {
    await okta.close()
  }
}

class Simulation {
  readonly #settings: Simulated
  readonly #okta: Okta
  readonly #clock: { now: number }
  readonly #ticks = new Set<() => void>()
  readonly #directory
  readonly #random = createRandom(42)
  readonly #calls: number[] = []
  /** Since when somebody's groups are others, and when they were last judged by the old ones. */
  readonly #pending = new Map<string, { readonly changedAt: number; oldUsedAt: number }>()
  readonly #seen: number[] = []
  #unknown = 0
  #requests = 0

  constructor(settings: Simulated, okta: Okta, clock: { now: number }) {
    this.#settings = settings
    this.#okta = okta
    this.#clock = clock
    this.#directory = openDirectory('okta', configOf(okta), {
      fetch: (url, init) => this.#fetch(url, init),
      now: () => clock.now,
      every: (_ms, task) => {
        this.#ticks.add(task)
        return () => this.#ticks.delete(task)
      },
      random: this.#random,
      log: SILENT,
      onResult: () => undefined,
      onEnded: () => undefined,
    })
  }

  async run(): Promise<SimulationResult> {
    const { minutes, active, people } = this.#settings
    populate(this.#okta, people)
    const here = Array.from({ length: active }, () => this.#somebody())
    const seconds = minutes * 60
    const measured = Math.floor(seconds * WARM_UP)
    for (let second = 0; second < seconds; second++) {
      this.#clock.now += SECOND
      if (second === measured) this.#forgetWarmUp()
      for (let i = 0; i < active / STAY_SECONDS; i++) here[this.#pick(active)] = this.#somebody()
      if (second > measured && second < seconds - 900) {
        this.#changeSomebody(here[this.#pick(active)] ?? '')
      }
      for (let i = 0; i < active / THINK_SECONDS; i++) {
        this.#request(here[this.#pick(active)] ?? '')
      }
      for (const tick of this.#ticks) tick()
      // Until what was asked in this second is answered.
      for (let i = 0; i < 12; i++) await turn()
    }
    this.#directory.close()
    return this.#result(seconds - measured)
  }

  #pick(below: number): number {
    return Math.floor(this.#random() * below)
  }

  #somebody(): string {
    return `00u${this.#pick(this.#settings.people)}`
  }

  #request(sub: string): void {
    this.#requests++
    const answer = this.#directory.look(sub)
    if (answer instanceof Promise) answer.then((known) => this.#judged(sub, known))
    else this.#judged(sub, answer)
  }

  #judged(sub: string, answer: DirectoryAnswer | undefined): void {
    if (answer === undefined) {
      this.#unknown++
      return
    }
    const change = this.#pending.get(sub)
    if (change === undefined) return
    if (answer.askedAt < change.changedAt) {
      change.oldUsedAt = this.#clock.now
      return
    }
    this.#pending.delete(sub)
    this.#seen.push((change.oldUsedAt - change.changedAt) / SECOND)
  }

  #changeSomebody(sub: string): void {
    if (this.#pending.has(sub) || !this.#okta.world.users.has(sub)) return
    const user = this.#okta.world.user(sub)
    // The set is shared by many; this person gets one of their own.
    user.groupIds = new Set(user.groupIds)
    this.#okta.world.addToGroup(sub, 'a-new-group')
    this.#pending.set(sub, { changedAt: this.#clock.now, oldUsedAt: this.#clock.now })
    if (this.#settings.hooks) void this.#directory.forget(sub)
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    const minute = Math.floor((this.#clock.now - START) / 60_000)
    this.#calls[minute] = (this.#calls[minute] ?? 0) + 1
    const { authorization } = init.headers as Record<string, string>
    const answer = await this.#okta.api({
      ...{ method: 'GET', url: new URL(url), authorization, dpop: undefined },
    })
    const headers = new Headers({ date: new Date(this.#clock.now).toUTCString() })
    for (const [name, value] of Object.entries(answer.headers)) {
      for (const one of [value].flat()) headers.append(name, String(one))
    }
    return new Response(JSON.stringify(answer.body), { status: answer.status, headers })
  }

  #forgetWarmUp(): void {
    this.#unknown = 0
    this.#requests = 0
  }

  #result(seconds: number): SimulationResult {
    const minutes = this.#calls.slice(-Math.floor(seconds / 60))
    const seen = this.#seen.sort((a, b) => a - b)
    const at = (share: number) => seen[Math.min(seen.length - 1, Math.floor(seen.length * share))]
    const total = minutes.reduce((sum, count) => sum + (count ?? 0), 0)
    return {
      callsAMinute: Math.round(total / minutes.length),
      mostCallsAMinute: Math.max(...minutes.map((count) => count ?? 0)),
      seen: {
        median: at(0.5) ?? Number.NaN,
        p95: at(0.95) ?? Number.NaN,
        longest: at(1) ?? Number.NaN,
      },
      changes: seen.length,
      unknown: this.#unknown,
      requests: this.#requests,
    }
  }
}

function configOf(okta: Okta): DirectoryConfig {
  return {
    kind: 'okta',
    url: okta.org,
    api_token: new Secret(okta.apiToken),
    refresh: 300_000,
    max_stale: 3_600_000,
    rate_limit_share: 50,
  }
}

/** Sets of 5 to 500 groups, few of them large, each shared by many people. */
function populate({ world }: Okta, people: number): void {
  const sets = Array.from({ length: PROFILES }, (_, profile) => {
    const size = Math.round(5 + (MAX_GROUPS - 5) * (profile / PROFILES) ** 4)
    const names = Array.from({ length: size }, (_, i) => `group-${(profile * 7 + i) % 3_000}`)
    return new Set(names.map((name) => world.addGroup(name).id))
  })
  for (let i = 0; i < people; i++) {
    const id = `00u${i}`
    const person = {
      ...{ id, sub: id, name: `Person ${i}`, preferredUsername: id, groups: [], about: '' },
      email: `${id}@example.com`,
    }
    world.addUser(person).groupIds = sets[i % PROFILES] ?? new Set()
  }
}

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** The same numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
