/**
 * People who sign in, look and sign out at a gateway that is being harmed, and a ledger of what they were told. An
 * answer may be missing; it may never be wrong.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { DEMO_PEOPLE, type Person } from '../../src/demo/people.ts'
import { type Reachable, visitorsOf } from './start-replicas.ts'

export interface Ledger {
  /** Cookies of those who were told that they are signed in, and their e-mail addresses. */
  readonly signedIn: Map<string, string>
  /** Cookies of those who were told that they are signed out. */
  readonly signedOut: Set<string>
  /** How often each status was answered; 0: not at all. */
  readonly answers: Map<number, number>
  readonly wrong: string[]
}

/** Runs the load until `stop`. Each of the demo's four people is there `timesEach` times at once. */
export async function peopleUnderLoad(
  t: Test,
  gateway: Reachable,
  timesEach: number,
  stop: AbortSignal,
): Promise<Ledger> {
  const ledger: Ledger = {
    signedIn: new Map(),
    signedOut: new Set(),
    answers: new Map(),
    wrong: [],
  }
  const { signIn, signOut, visit } = visitorsOf(t, [gateway])
  const count = (status: number) => {
    ledger.answers.set(status, (ledger.answers.get(status) ?? 0) + 1)
  }
  /** `undefined`: nobody knows whether it was done. */
  const attempt = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask()
    } catch {
      count(0)
      await wait(10)
      return undefined
    }
  }
  const look = async (cookie: string, email: string | undefined) => {
    const answer = await attempt(() => visit(0, cookie))
    if (answer === undefined) return
    count(answer.status)
    const told = `${answer.status} ${answer.body.slice(0, 60)}`
    if (answer.status === 503) return
    const isRight =
      email === undefined ? answer.status === 401 : answer.status === 200 && answer.body === email
    if (!isRight) ledger.wrong.push(`${email ?? 'nobody'} was told ${told}`)
  }
  const live = async ({ id: person, email }: Person) => {
    for (let round = 0; !stop.aborted; round++) {
      const cookie = await attempt(() => signIn(0, person))
      if (cookie === undefined) continue
      ledger.signedIn.set(cookie, email)
      for (let i = 0; i < 20 && !stop.aborted; i++) {
        await look(cookie, email)
        await look('', undefined)
      }
      if (round % 2 === 0) continue
      ledger.signedIn.delete(cookie)
      const answer = await attempt(() => signOut(0, cookie))
      if (answer?.status === 303) ledger.signedOut.add(cookie)
    }
  }
  await Promise.all(
    DEMO_PEOPLE.flatMap((person) => Array.from({ length: timesEach }, () => live(person))),
  )
  return ledger
}

/** Nobody was told anything wrong, and what they were told holds still. */
export async function checkLedger(t: Test, gateway: Reachable, ledger: Ledger): Promise<void> {
  const { visit } = visitorsOf(t, [gateway])
  const { signedIn, signedOut, answers, wrong } = ledger
  let [lost, undead] = [0, 0]
  for (const [cookie, email] of signedIn) {
    const { status, body } = await visit(0, cookie)
    if (status !== 200 || body !== email) lost++
  }
  for (const cookie of signedOut) if ((await visit(0, cookie)).status !== 401) undead++
  const counts = [...answers].sort(([a], [b]) => a - b)
  t.comment(
    `${signedIn.size} signed in, ${signedOut.size} signed out; answers: ${counts.map(([status, n]) => `${n} of ${status === 0 ? 'none' : status}`).join(', ')}`,
  )
  t.strictSame(wrong, [], 'no wrong answer')
  t.equal(lost, 0, 'nobody who was told to be signed in is signed out')
  t.equal(undead, 0, 'nobody who was told to be signed out is signed in')
  t.ok((answers.get(200) ?? 0) > 0 && signedIn.size > 0 && signedOut.size > 0)
}
