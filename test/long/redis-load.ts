/**
 * People who sign in, are seen and sign out at three replicas while Redis is harmed. Whatever was answered must hold: who
 * was told to be signed in is, who was told to be signed out is, and nobody is ever taken for nobody meanwhile.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import { createSessions } from '../../src/identity/live-sessions.ts'
import type { Sessions } from '../../src/identity/sessions.ts'
import { openRedis } from '../identity/open-redis.ts'
import { ana, context, HOST, recorder, secretA } from '../identity/session-fixture.ts'

const HOUR = 3_600_000
const PEOPLE = 20
const ANSWER_MS = 2_500

async function replica(t: Test, url: string): Promise<Sessions> {
  const secrets = [secretA]
  const lifetimes = { lifetimeMs: 14 * HOUR, idleMs: HOUR }
  const store = await openRedis(t, url)
  const sessions = createSessions({
    store,
    secrets: () => secrets,
    now: Date.now,
    lifetimes: () => lifetimes,
    log: recorder([]),
  })
  t.teardown(() => sessions.close())
  return sessions
}

/** What people were told. */
interface Ledger {
  readonly signedIn: Set<string>
  readonly signedOut: Set<string>
  /** A sign-out that failed: either may be. */
  readonly unknown: Set<string>
  readonly wrong: string[]
  readonly slow: number[]
  failed: number
}

/** People who sign in at one replica, are seen at another and sign out at a third, until `stopped`. */
async function bustle(replicas: readonly Sessions[], ledger: Ledger, stopped: AbortSignal) {
  const attempt = async <T>(
    ask: () => Promise<T> | T,
  ): Promise<{ readonly value: T } | undefined> => {
    const start = performance.now()
    try {
      return { value: await ask() }
    } catch (error) {
      if (!(error instanceof GatehouseError) || error.code !== 'STORE_UNAVAILABLE') throw error
      ledger.failed++
      await wait(20)
      return undefined
    } finally {
      const took = performance.now() - start
      if (took > ANSWER_MS) ledger.slow.push(took)
    }
  }
  const signIn = async (sessions: Sessions, sub: string): Promise<string | undefined> => {
    const made = await attempt(() => sessions.create({ ...ana, sub }, context))
    if (made === undefined) return undefined
    const { value: cookie } = sessions.cookieFor(made.value, HOST)
    ledger.signedIn.add(cookie)
    return cookie
  }
  const look = async (sessions: Sessions, cookie: string) => {
    const seen = await attempt(() => sessions.open(cookie, HOST))
    if (seen !== undefined && seen.value === undefined) ledger.wrong.push('signed in, not seen')
    return seen?.value
  }
  const signOut = async (sessions: Sessions, cookie: string) => {
    ledger.signedIn.delete(cookie)
    ledger.unknown.add(cookie)
    const session = await look(sessions, cookie)
    if (session === undefined) return
    if ((await attempt(() => sessions.end(session).then(() => true))) === undefined) return
    ledger.unknown.delete(cookie)
    ledger.signedOut.add(cookie)
  }
  const person = async (at: number) => {
    const at3 = (step: number) => replicas[(at + step) % replicas.length] as Sessions
    for (let round = 0; !stopped.aborted; round++) {
      const cookie = await signIn(at3(0), `p${at}`)
      if (cookie === undefined) continue
      for (let count = 0; count < 5; count++) await look(at3(1), cookie)
      if (round % 2 === 1) await signOut(at3(2), cookie)
    }
  }
  await Promise.all(Array.from({ length: PEOPLE }, (_, at) => person(at)))
}

/** Three replicas under load while `harm` does its work; then everything is compared by a fourth. */
export async function underLoad(t: Test, urls: readonly string[], harm: () => Promise<void>) {
  const replicas = await Promise.all(urls.map((url) => replica(t, url)))
  const ledger: Ledger = {
    ...{ signedIn: new Set(), signedOut: new Set(), unknown: new Set(), wrong: [], slow: [] },
    failed: 0,
  }
  const stop = new AbortController()
  const load = bustle(replicas, ledger, stop.signal)
  await harm()
  stop.abort()
  await load

  const fresh = await replica(t, urls.at(-1) ?? '')
  const opens = async (cookie: string) => (await fresh.open(cookie, HOST)) !== undefined
  let [lost, undead] = [0, 0]
  for (const cookie of ledger.signedIn) if (!(await opens(cookie))) lost++
  for (const cookie of ledger.signedOut) if (await opens(cookie)) undead++
  const { signedIn, signedOut, unknown, failed, slow, wrong } = ledger
  t.comment(
    `${signedIn.size} signed in, ${signedOut.size} signed out, ${unknown.size} told neither, ${failed} answers of 503`,
  )
  t.equal(lost, 0, 'nobody who was told to be signed in is signed out')
  t.equal(undead, 0, 'nobody who was told to be signed out is signed in')
  t.strictSame(wrong, [], 'nobody was taken for nobody')
  t.strictSame(slow, [], 'nobody waited long')
  t.ok(failed > 0, 'it did hurt')
  t.ok(signedIn.size > 100 && signedOut.size > 100)
}
