/**
 * Who gives tokens during a crash test: each refresh token works once, and again for ten seconds with the same answer; used
 * after that, it is taken for stolen and the session is over. The time is the true one.
 */

import { setTimeout as wait } from 'node:timers/promises'
import type { Refreshed, SignedIn } from '../../src/identity/provider/provider.ts'
import type { SessionTokens } from '../../src/identity/session.ts'
import { ana } from '../identity/session-fixture.ts'

const LEEWAY_MS = 10_000
const LIFE_MS = 1_500

interface Spent {
  readonly at: number
  readonly answer: SessionTokens
}

export interface RotatingProvider {
  /** Whoever signs in as `sub`. */
  person(sub: string): SignedIn
  refresh(tokens: SessionTokens): Promise<Refreshed>
  /** Refresh tokens that were used for the first time, again within the leeway, and after it. */
  readonly used: { once: number; again: number; late: number }
}

export function startRotating(): RotatingProvider {
  const spent = new Map<string, Spent>()
  const used = { once: 0, again: 0, late: 0 }
  let count = 0
  const issue = (sub: string): SessionTokens => {
    const receivedAt = Date.now()
    return {
      idToken: `id-of-${sub}`,
      accessToken: `access-${++count}`,
      refreshToken: `${sub} ${count}`,
      accessTokenExpiresAt: receivedAt + LIFE_MS,
      receivedAt,
    }
  }
  const personOf = (sub: string): SignedIn => ({
    ...ana,
    sub,
    email: `${sub}@example.com`,
    claims: { sub },
    sid: undefined,
    tokens: issue(sub),
  })
  return {
    used,
    person: personOf,
    refresh: async ({ refreshToken = '' }) => {
      await wait(Math.random() * 40)
      const before = spent.get(refreshToken)
      if (before !== undefined && Date.now() > before.at + LEEWAY_MS) {
        used.late++
        return { kind: 'ended', detail: 'used twice' }
      }
      const [sub = ''] = refreshToken.split(' ')
      const { tokens, ...person } = personOf(sub)
      if (before === undefined) spent.set(refreshToken, { at: Date.now(), answer: tokens })
      used[before === undefined ? 'once' : 'again']++
      // It is done; the answer may come late.
      await wait(Math.random() * 40)
      return { kind: 'refreshed', tokens: before?.answer ?? tokens, person }
    },
  }
}
