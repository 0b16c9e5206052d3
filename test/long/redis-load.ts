/**
 * People who sign in, are seen, are refreshed and sign out at three replicas while Redis is harmed. Whatever was answered
 * must hold: who was told to be signed in is, who was told to be signed out is, and nobody is ever taken for nobody, or for
 * somebody else, meanwhile. Their tokens last a second and a half, and a refresh token works once, so that most of them are
 * in the middle of a refresh when it happens.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import { createSessions } from '../../src/identity/live-sessions.ts'
import type { Sessions } from '../../src/identity/sessions.ts'
import { openRedis } from '../identity/open-redis.ts'
import { context, HOST, recorder, secretA } from '../identity/session-fixture.ts'
import { type RotatingProvider, startRotating } from './rotating.ts'

const HOUR = 3_600_000
const PEOPLE = 10
const STAYERS = 30
/** A request that waits for a refresh waits for five seconds at most. */
const ANSWER_MS = 7_000

async function replica(t: Test, url: string, provider: RotatingProvider): Promise<Sessions> {
  const secrets = [secretA]
  const lifetimes = { lifetimeMs: 14 * HOUR, idleMs: HOUR }
  const store = await openRedis(t, url)
  const sessions = createSessions({
    store,
    secrets: () => secrets,
    now: Date.now,
    lifetimes: () => lifetimes,
    log: recorder([]),
    refresh: { provider: () => provider, beforeMs: () => 500 },
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
async function bustle(
  replicas: readonly Sessions[],
  provider: RotatingProvider,
  ledger: Ledger,
  stopped: AbortSignal,
) {
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
    const made = await attempt(() => sessions.create(provider.person(sub), context))
    if (made === undefined) return undefined
    const { value: cookie } = sessions.cookieFor(made.value, HOST)
    ledger.signedIn.add(cookie)
    return cookie
  }
  const look = async (sessions: Sessions, cookie: string, sub: string) => {
    const seen = await attempt(() => sessions.open(cookie, HOST))
    if (seen === undefined) return undefined
    if (seen.value === undefined) ledger.wrong.push('signed in, not seen')
    else if (seen.value.subject.sub !== sub) ledger.wrong.push('taken for somebody else')
    return seen.value
  }
  const signOut = async (sessions: Sessions, cookie: string, sub: string) => {
    ledger.signedIn.delete(cookie)
    ledger.unknown.add(cookie)
    const session = await look(sessions, cookie, sub)
    if (session === undefined) return
    if ((await attempt(() => sessions.end(session).then(() => true))) === undefined) return
    ledger.unknown.delete(cookie)
    ledger.signedOut.add(cookie)
  }
  const person = async (at: number) => {
    const at3 = (step: number) => replicas[(at + step) % replicas.length] as Sessions
    const sub = `p${at}`
    for (let round = 0; !stopped.aborted; round++) {
      const cookie = await signIn(at3(0), sub)
      if (cookie === undefined) continue
      for (let count = 0; count < 5; count++) await look(at3(1), cookie, sub)
      if (round % 2 === 1) await signOut(at3(2), cookie, sub)
    }
  }
  // Signed in for the whole time, and so refreshed every second, at whichever replica is asked first.
  const stayer = async (at: number) => {
    const sub = `s${at}`
    let cookie: string | undefined
    while (cookie === undefined && !stopped.aborted) {
      cookie = await signIn(replicas[at % replicas.length] as Sessions, sub)
    }
    for (let count = at; cookie !== undefined && !stopped.aborted; count++) {
      await look(replicas[count % replicas.length] as Sessions, cookie, sub)
      await wait(20)
    }
  }
  await Promise.all([
    ...Array.from({ length: PEOPLE }, (_, at) => person(at)),
    ...Array.from({ length: STAYERS }, (_, at) => stayer(at)),
  ])
}

/** Many at a time: each of them is refreshed as it is opened, and a fast machine has signed in thousands. */
async function countOpen(
  cookies: Iterable<string>,
  opens: (cookie: string) => Promise<boolean>,
): Promise<number> {
  const all = [...cookies]
  let open = 0
  for (let at = 0; at < all.length; at += 50) {
    const found = await Promise.all(all.slice(at, at + 50).map(opens))
    open += found.filter(Boolean).length
  }
  return open
}

/** Three replicas under load while `harm` does its work; then everything is compared by a fourth. */
export async function underLoad(t: Test, urls: readonly string[], harm: () => Promise<void>) {
  const provider = startRotating()
  const replicas = await Promise.all(urls.map((url) => replica(t, url, provider)))
  const ledger: Ledger = {
    ...{ signedIn: new Set(), signedOut: new Set(), unknown: new Set(), wrong: [], slow: [] },
    failed: 0,
  }
  const stop = new AbortController()
  const load = bustle(replicas, provider, ledger, stop.signal)
  await harm()
  stop.abort()
  await load

  const fresh = await replica(t, urls.at(-1) ?? '', provider)
  const opens = async (cookie: string) => (await fresh.open(cookie, HOST)) !== undefined
  const lost = ledger.signedIn.size - (await countOpen(ledger.signedIn, opens))
  const undead = await countOpen(ledger.signedOut, opens)
  const { signedIn, signedOut, unknown, failed, slow, wrong } = ledger
  t.comment(
    `${signedIn.size} signed in, ${signedOut.size} signed out, ${unknown.size} told neither, ${failed} answers of 503`,
  )
  const { once, again, late } = provider.used
  t.comment(`${once} refreshes, ${again} again within the leeway, ${late} after it`)
  t.ok(once > 50, 'many were refreshed')
  t.equal(late, 0, 'no refresh token was used when it was too late')
  t.equal(lost, 0, 'nobody who was told to be signed in is signed out')
  t.equal(undead, 0, 'nobody who was told to be signed out is signed in')
  t.strictSame(wrong, [], 'nobody was taken for nobody')
  t.strictSame(slow, [], 'nobody waited long')
  t.ok(failed > 0, 'it did hurt')
  t.ok(signedIn.size > 50 && signedOut.size > 30)
}
