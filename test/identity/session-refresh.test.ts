/** Sessions are kept fresh: once, without anybody waiting who need not, and no outage ends one. */

import { type Test, test } from 'tap'
import {
  ProviderFailure,
  type Refreshed,
  type SignedIn,
} from '../../src/identity/provider/provider.ts'
import type { LiveSession, SessionTokens } from '../../src/identity/session.ts'
import { until } from '../support/start-redis.ts'
import { ana, context, HOST, HOUR, MINUTE, startSessions } from './session-fixture.ts'
import { START } from './store-contract.ts'

/** Less than what ends an idle session. */
const LIFE = 30 * MINUTE

/** Tokens that came at `time`, the `count`th ones. */
function tokens(time: number, count: number): SessionTokens {
  return {
    idToken: `id-${count}`,
    accessToken: `access-${count}`,
    refreshToken: `refresh-${count}`,
    accessTokenExpiresAt: time + LIFE,
    scope: 'openid',
    receivedAt: time,
  }
}

const person: SignedIn = { ...ana, tokens: tokens(START, 0) }

type Answer = Partial<Refreshed> | Error

/** A provider that rotates refresh tokens and answers as the test says, or when it says. */
function startRefreshing(t: Test, { patienceMs = 60_000, leeway = false } = {}) {
  const used: (string | undefined)[] = []
  const spent = new Set<string | undefined>()
  const results: string[] = []
  const answers: Answer[] = []
  let held: PromiseWithResolvers<void> | undefined
  let count = 0
  const refresh = async (before: SessionTokens): Promise<Refreshed> => {
    used.push(before.refreshToken)
    const answer = answers.shift() ?? {}
    if (answer instanceof Error) throw answer
    const isSpent = spent.has(before.refreshToken) && !leeway
    spent.add(before.refreshToken)
    await held?.promise
    if (isSpent) return { kind: 'ended', detail: 'used twice' }
    const fresh = { ...person, claims: { sub: '00u1', refreshed: ++count } }
    const refreshed = { tokens: tokens(fixture.clock.time, count), person: fresh }
    return { kind: 'refreshed', ...refreshed, ...answer } as Refreshed
  }
  const fixture = startSessions(t, {
    provider: () => ({ refresh }),
    beforeMs: () => MINUTE,
    onResult: (provider, result) => results.push(`${provider} ${result}`),
    patienceMs,
  })
  return {
    ...fixture,
    used,
    results,
    answers,
    hold: () => {
      held = Promise.withResolvers()
    },
    release: () => {
      held?.resolve()
      held = undefined
    },
    /** Those that are held stay so until the returned function is called; others are not. */
    holdNoMore: () => {
      const before = held
      held = undefined
      return () => before?.resolve()
    },
  }
}

const refreshedOf = (session: LiveSession | undefined) => session?.record.claims['refreshed']

test('a session is refreshed by the next request in the last minute of its access token', async (t) => {
  const { sessions, clock, used, results, timer } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time = START + 29 * MINUTE - 1
  await sessions.open(value, HOST)
  t.strictSame(used, [], 'not yet')
  clock.time = START + 29 * MINUTE
  timer.tick()
  t.strictSame(used, [], 'not without a request')
  const opened = await sessions.open(value, HOST)
  t.equal(opened, made, 'which was not delayed')
  await until(async () => refreshedOf(made) === 1)
  t.strictSame(used, ['refresh-0'])
  t.strictSame(results, ['okta ok'])
  t.match(await sessions.tokens(made), { accessToken: 'access-1', refreshToken: 'refresh-1' })
  clock.time += 28 * MINUTE
  await sessions.open(value, HOST)
  clock.time += MINUTE
  await sessions.open(value, HOST)
  await until(async () => refreshedOf(made) === 2)
  t.strictSame(used, ['refresh-0', 'refresh-1'], 'with the newest one')
})

test('nobody waits while the access token is good; past its end everybody does, for one refresh', async (t) => {
  const { sessions, clock, used, hold, release, replica } = startRefreshing(t)
  const other = replica()
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  await other.open(value, HOST)
  hold()
  clock.time = START + LIFE - 500
  t.equal(await sessions.open(value, HOST), made)
  t.equal(sessions.open(value, HOST), made, 'not even for the store')
  clock.time = START + LIFE + 600
  let answered = 0
  const requests = [sessions, other].flatMap((replica) =>
    Array.from({ length: 25 }, async () => {
      const session = await replica.open(value, HOST)
      answered++
      return session
    }),
  )
  await until(async () => used.length === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(answered, 0)
  release()
  const sessionsOfAll = await Promise.all(requests)
  t.same(new Set(sessionsOfAll.map(refreshedOf)), new Set([1]))
  t.strictSame(used, ['refresh-0'])
})

test('nobody waits for long: then the session goes on as it was', async (t) => {
  const { sessions, clock, hold, release, logged } = startRefreshing(t, { patienceMs: 50 })
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  hold()
  clock.time = START + LIFE + 1
  t.equal(await sessions.open(value, HOST), made)
  t.equal(refreshedOf(made), undefined)
  t.equal(await sessions.open(value, HOST), made, 'nor a second time')
  release()
  await until(async () => refreshedOf(made) === 1)
  t.strictSame(logged, [])
})

test('what could not be refreshed goes on to its absolute end, and is tried again after a while', async (t) => {
  const { sessions, clock, answers, used, logged, results } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  answers.push(new ProviderFailure('unavailable', 'POST /token: HTTP 503'))
  clock.time = START + LIFE + 1
  t.equal(await sessions.open(value, HOST), made)
  t.match(logged, [{ level: 'warn', fields: { session: made.id, provider: 'okta' } }])
  t.match(logged[0]?.fields, { detail: /503/, retry_in_ms: Number })
  t.strictSame(results, ['okta unavailable'])
  for (let i = 0; i < 20; i++) t.equal(sessions.open(value, HOST), made)
  t.equal(used.length, 1, 'not with every request')
  await until(async () => {
    // The lock of the one who failed ends by this clock.
    clock.time += 100
    await sessions.open(value, HOST)
    return refreshedOf(made) === 1
  })
  t.strictSame(used, ['refresh-0', 'refresh-0'], 'a second later')
  answers.push(...Array.from({ length: 50 }, () => new Error('a mistake of ours')))
  while (clock.time < START + 14 * HOUR - LIFE) {
    sessions.seen(made)
    clock.time += LIFE
    t.equal(await sessions.open(value, HOST), made)
  }
  sessions.seen(made)
  clock.time = START + 14 * HOUR
  t.equal(await sessions.open(value, HOST), undefined)
})

test('while the provider is in trouble one gateway asks it, not each', async (t) => {
  const { sessions, clock, answers, used, replica } = startRefreshing(t, { patienceMs: 50 })
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  const others = [replica(), replica(), replica()]
  for (const other of others) await other.open(value, HOST)
  answers.push(new ProviderFailure('unavailable', 'away'))
  clock.time = START + LIFE + 1
  await Promise.all([sessions, ...others].map((replica) => replica.open(value, HOST)))
  t.equal(used.length, 1)
})

test('a refresh token that is no longer good ends the session, here and everywhere', async (t) => {
  const { sessions, clock, answers, results, store, replica, logged } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  const other = replica()
  const there = await other.open(value, HOST)
  answers.push({ kind: 'ended', detail: 'invalid_grant' })
  clock.time = START + LIFE + 1
  t.equal(await sessions.open(value, HOST), undefined)
  t.equal(made.ended, true)
  t.equal(await store.read(made.id), undefined)
  t.strictSame(results, ['okta ended'])
  t.match(logged, [{ level: 'info', fields: { session: made.id, detail: 'invalid_grant' } }])
  clock.time += 1_000
  t.equal(await other.open(value, HOST), undefined)
  t.equal(there?.ended, true)
})

test('claims and groups are replaced, those of the sign-in itself stay', async (t) => {
  const { sessions, clock, answers, store } = startRefreshing(t)
  const atSignIn = {
    ...person,
    acr: 'mfa',
    claims: { ...ana.claims, acr: 'mfa', auth_time: 1, department: 'Platform' },
  }
  const made = await sessions.create(atSignIn, context)
  const { value } = sessions.cookieFor(made, HOST)
  let changes = 0
  made.onChange(() => {
    changes++
    throw new Error('a listener that fails')
  })
  made.onChange(() => changes++)
  const stop = made.onChange(() => t.fail('stopped'))
  stop()
  const now = {
    email: 'new@example.com',
    name: undefined,
    claims: { sub: '00u1', acr: 'pwd', amr: ['pwd'], auth_time: 2, city: 'Bonn' },
    groups: { list: [{ name: 'ops' }], complete: false },
    sid: 'another',
  }
  answers.push({ kind: 'refreshed', person: now })
  clock.time = START + LIFE + 1
  const before = made.subject
  t.equal(await sessions.open(value, HOST), made)
  t.not(made.subject, before)
  t.strictSame(made.subject.claims, { sub: '00u1', acr: 'mfa', auth_time: 1, city: 'Bonn' })
  t.match(made.subject, { email: 'new@example.com', acr: 'mfa', authTime: ana.authTime })
  t.strictSame([...made.subject.groups.spellings], ['ops'])
  t.equal(made.subject.groups.complete, false)
  t.match(made.record, { name: undefined, sid: 'sid-1', signedInAt: START })
  t.equal(changes, 2, 'all who listen were told, once')
  const [listed] = await sessions.list()
  t.match(listed, { email: 'new@example.com', id: made.id })
  t.equal(await sessions.endOfUser('ana@example.com'), 0)
  t.equal((await store.read(made.id))?.indexKeys.length, 3)
  t.equal(await sessions.endOfUser('NEW@example.com'), 1)
})

test('others take over a refreshed session within a second, and at once where they are told', async (t) => {
  const { sessions, clock, replica } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  let tell: (id: string) => void = () => t.fail('nobody listens')
  const [told, untold] = [
    replica({
      onReplaced: (listener) => {
        tell = listener
        return () => undefined
      },
    }),
    replica(),
  ]
  const [one, other] = [await told.open(value, HOST), await untold.open(value, HOST)]
  clock.time = START + 29 * MINUTE
  await Promise.all([told.open(value, HOST), untold.open(value, HOST)])
  await until(async () => refreshedOf(one) === 1 && refreshedOf(other) === 1)
  clock.time += LIFE
  await sessions.open(value, HOST)
  await until(async () => Number(refreshedOf(made)) >= 1)
  tell(made.id)
  tell('unknown')
  await until(async () => refreshedOf(one) === refreshedOf(made))
  clock.time += 1_000
  await untold.open(value, HOST)
  t.equal(refreshedOf(other), refreshedOf(made))
  t.match(await untold.tokens(other as LiveSession), await sessions.tokens(made))
})

test('a session that somebody waits on is refreshed without a request', async (t) => {
  const { sessions, clock, used, timer } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const stop = made.onEnd(() => t.fail('it goes on'))
  clock.time = START + 29 * MINUTE + 1
  sessions.seen(made)
  timer.tick()
  await until(async () => refreshedOf(made) === 1)
  t.equal(used.length, 1)
  stop()
})

test('what the provider has said gets into the store, however long that is away', async (t) => {
  const { sessions, clock, fault, hold, release, used, logged, replica } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  hold()
  clock.time = START + LIFE + 1
  const waiting = sessions.open(value, HOST)
  await until(async () => used.length === 1)
  fault.down = true
  release()
  await until(async () => logged.some(({ message }) => /waits for the session store/.test(message)))
  fault.down = false
  t.equal(refreshedOf(await waiting), 1)
  t.equal(refreshedOf(await replica().open(value, HOST)), 1)
  t.strictSame(used, ['refresh-0'], 'asked once')
})

test('a store that is down refreshes nobody and signs nobody out', async (t) => {
  const { sessions, clock, fault, used } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time = START + LIFE - 100
  await sessions.open(value, HOST)
  await until(async () => refreshedOf(made) === 1)
  fault.down = true
  clock.time += LIFE
  await t.rejects(async () => sessions.open(value, HOST), { code: 'STORE_UNAVAILABLE' })
  fault.down = false
  t.equal(await sessions.open(value, HOST), made)
  await until(async () => refreshedOf(made) === 2)
  t.equal(used.length, 2)
})

test('a gateway that dies between the answer and the store costs nobody the session where the provider has a leeway', async (t) => {
  const { sessions, clock, used, replica } = startRefreshing(t, { leeway: true, patienceMs: 3_000 })
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  // It never gets to the store, and its lock ends by itself.
  const dying = replica({
    replace: () => new Promise(() => undefined),
    renewLock: async () => false,
  })
  clock.time = START + LIFE + 1
  void dying.open(value, HOST)
  await until(async () => used.length === 1)
  const waiting = sessions.open(value, HOST)
  await new Promise((resolve) => setTimeout(resolve, 150))
  t.strictSame(used, ['refresh-0'], 'the lock is held')
  clock.time += 4_000
  t.equal(refreshedOf(await waiting), 2)
  t.strictSame(used, ['refresh-0', 'refresh-0'])
})

test('a refusal of tokens that somebody else has replaced meanwhile ends nothing', async (t) => {
  const { sessions, clock, used, answers, hold, holdNoMore, replica } = startRefreshing(t, {
    leeway: true,
  })
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  // It loses its lock, as after a failover, and is refused.
  const late = replica({ renewLock: async () => false })
  clock.time = START + LIFE + 1
  hold()
  answers.push({ kind: 'ended', detail: 'invalid_grant' })
  const waiting = late.open(value, HOST)
  await until(async () => used.length === 1)
  clock.time += 4_000
  const release = holdNoMore()
  t.equal(refreshedOf(await sessions.open(value, HOST)), 1)
  t.equal(used.length, 2)
  release()
  t.equal(refreshedOf(await waiting), 1)
  t.equal(made.ended, false)
})

test('claims that could not be had are asked for again soon, with the tokens that came', async (t) => {
  const { sessions, clock, used, answers } = startRefreshing(t)
  const made = await sessions.create(person, context)
  const { value } = sessions.cookieFor(made, HOST)
  answers.push({ kind: 'refreshed', person: undefined })
  clock.time = START + LIFE + 1
  await sessions.open(value, HOST)
  t.strictSame(made.record.claims, ana.claims)
  t.match(await sessions.tokens(made), { accessToken: 'access-1' })
  for (let i = 0; i < 10; i++) await sessions.open(value, HOST)
  t.equal(used.length, 1)
  await until(async () => {
    await sessions.open(value, HOST)
    return refreshedOf(made) === 2
  })
  t.strictSame(used, ['refresh-0', 'refresh-1'])
  await sessions.open(value, HOST)
  t.equal(used.length, 2)
})

test('tokens without a refresh token, or of which nobody knows the end, are left alone', async (t) => {
  const { sessions, clock, used } = startRefreshing(t)
  const cases: Record<string, Partial<SessionTokens>> = {
    'no refresh token': { refreshToken: undefined },
    'no end': { accessTokenExpiresAt: undefined },
  }
  for (const [name, changes] of Object.entries(cases)) {
    clock.time = START
    const signedIn = { ...person, tokens: { ...person.tokens, ...changes } }
    const { value } = sessions.cookieFor(await sessions.create(signedIn, context), HOST)
    clock.time = START + LIFE - 1
    t.ok(await sessions.open(value, HOST), name)
  }
  t.strictSame(used, [])
})

test('where the end of the access token is not known, that of the ID token counts', async (t) => {
  const { sessions, clock, used } = startRefreshing(t)
  const payload = Buffer.from(JSON.stringify({ exp: (START + LIFE) / 1_000 })).toString('base64url')
  const idToken = `eyJhbGciOiJSUzI1NiJ9.${payload}.x`
  const signedIn = {
    ...person,
    tokens: { ...person.tokens, accessTokenExpiresAt: undefined, idToken },
  }
  const made = await sessions.create(signedIn, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time = START + 29 * MINUTE
  await sessions.open(value, HOST)
  await until(async () => refreshedOf(made) === 1)
  t.strictSame(used, ['refresh-0'])
})

test('tokens that last less than `refresh_before` are not asked for with every request', async (t) => {
  const { sessions, clock, used, answers } = startRefreshing(t)
  const short = (time: number) => ({
    ...tokens(time, 7),
    accessTokenExpiresAt: time + 30_000,
  })
  const made = await sessions.create({ ...person, tokens: short(START) }, context)
  const { value } = sessions.cookieFor(made, HOST)
  for (let seconds = 0; seconds < 10; seconds++) {
    clock.time = START + seconds * 1_000
    await sessions.open(value, HOST)
  }
  t.strictSame(used, [])
  clock.time = START + 10_000
  answers.push({ kind: 'refreshed', tokens: short(clock.time) })
  await sessions.open(value, HOST)
  await until(async () => refreshedOf(made) === 1)
  clock.time += 1_000
  await sessions.open(value, HOST)
  t.equal(used.length, 1)
})
