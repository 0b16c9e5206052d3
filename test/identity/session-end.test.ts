import { test } from 'tap'
import type { LiveSession } from '../../src/identity/session.ts'
import { ana, context, HOST, HOUR, MINUTE, OTHER_HOST, startSessions } from './session-fixture.ts'
import { START } from './store-contract.ts'

test('a session that ended elsewhere is refused within a second', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  t.equal(await replica().endById(made.id), true)
  clock.time += 1_000
  t.equal(await sessions.open(value, HOST), undefined)
  t.equal(made.ended, true)
  t.equal(await sessions.open(value, HOST), undefined)
})

test('a session that is told to have ended elsewhere is refused at once, until then it is verified', async (t) => {
  const { sessions: other, replica } = startSessions(t)
  let tell: (id: string) => void = () => t.fail('nobody listens')
  let stopped = 0
  const sessions = replica({
    onDeleted: (listener) => {
      tell = listener
      return () => {
        stopped++
      }
    },
  })
  const made = await sessions.create(ana, context)
  const kept = await sessions.create(ana, context)
  const [gone, still] = [made, kept].map((session) => sessions.cookieFor(session, HOST).value)
  let ends = 0
  made.onEnd(() => ends++)
  await other.endById(made.id)
  t.equal(sessions.open(gone ?? '', HOST), made, 'nobody has told yet')
  tell(made.id)
  tell(made.id)
  tell('unknown')
  t.equal(ends, 1)
  t.equal(sessions.open(gone ?? '', HOST), undefined)
  t.equal(sessions.open(still ?? '', HOST), kept)
  await sessions.close()
  t.equal(stopped, 1)
})

test('a session that ended here is refused at once on every host', async (t) => {
  const { sessions, store } = startSessions(t)
  const made = await sessions.create(ana, context)
  const here = sessions.cookieFor(made, HOST).value
  const there = sessions.cookieFor(made, OTHER_HOST).value
  await sessions.end(made)
  t.equal(made.ended, true)
  t.equal(await sessions.open(here, HOST), undefined)
  t.equal(await sessions.open(there, OTHER_HOST), undefined)
  t.equal(await store.read(made.id), undefined, 'with its tokens')
  t.equal(await sessions.endById(made.id), false)
})

test('the absolute end holds however active somebody is', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  for (let i = 0; i < 28; i++) {
    clock.time = START + (i * HOUR) / 2
    t.equal(await sessions.open(value, HOST), made)
    sessions.seen(made)
  }
  clock.time = START + 14 * HOUR - 1
  t.equal(await sessions.open(value, HOST), made)
  clock.time = START + 14 * HOUR
  t.equal(await replica().open(value, HOST), undefined)
  t.equal(await sessions.open(value, HOST), undefined)
  t.equal(made.ended, true)
})

test('the idle end comes an hour after the last use', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time += 50 * MINUTE
  sessions.seen(made)
  clock.time += HOUR - 1
  t.equal(await sessions.open(value, HOST), made)
  clock.time += 1
  t.equal(await replica().open(value, HOST), undefined)
  t.equal(await sessions.open(value, HOST), undefined)
  t.equal(made.ended, true)
})

test('opening alone is no use', async (t) => {
  const { sessions, clock } = startSessions(t)
  const { value } = sessions.cookieFor(await sessions.create(ana, context), HOST)
  clock.time += 50 * MINUTE
  t.ok(await sessions.open(value, HOST))
  clock.time += 10 * MINUTE
  t.equal(await sessions.open(value, HOST), undefined)
})

test('a use on another replica keeps a session from being idle here', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const { value } = sessions.cookieFor(await sessions.create(ana, context), HOST)
  const other = replica()
  clock.time += 50 * MINUTE
  const there = await other.open(value, HOST)
  if (there === undefined) return t.fail('not open there')
  other.seen(there)
  clock.time += 50 * MINUTE
  t.ok(await sessions.open(value, HOST))
  clock.time += 10 * MINUTE
  t.equal(await sessions.open(value, HOST), undefined)
  return undefined
})

test('with a short idle time the store is told more often', async (t) => {
  const { sessions, clock, limits, replica } = startSessions(t)
  limits.idleMs = 20_000
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  for (let i = 0; i < 6; i++) {
    clock.time += 5_000
    sessions.seen(made)
  }
  t.ok(await replica().open(value, HOST))
})

test('a shorter lifetime and idle time of a reload count at once', async (t) => {
  const { sessions, clock, limits } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time += 30 * MINUTE
  t.equal(await sessions.open(value, HOST), made)
  limits.lifetimeMs = 45 * MINUTE
  t.equal(sessions.cookieFor(made, HOST).maxAge, 15 * 60)
  clock.time += 15 * MINUTE
  t.equal(await sessions.open(value, HOST), undefined)
  const second = await sessions.create(ana, context)
  const cookie = sessions.cookieFor(second, HOST).value
  clock.time += 10 * MINUTE
  limits.idleMs = 10 * MINUTE
  t.equal(await sessions.open(cookie, HOST), undefined)
})

test('a session from the future is none', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const { value } = sessions.cookieFor(await sessions.create(ana, context), HOST)
  clock.time = START - MINUTE
  t.ok(await replica().open(value, HOST), 'clocks of replicas differ a little')
  clock.time = START - MINUTE - 1
  t.equal(await replica().open(value, HOST), undefined)
})

test('while the store is down nobody is turned into nobody', async (t) => {
  const { sessions, clock, fault, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time += 1_000
  fault.down = true
  const refused = { code: 'STORE_UNAVAILABLE' }
  await t.rejects(Promise.resolve(sessions.open(value, HOST)), refused)
  await t.rejects(Promise.resolve(replica().open(value, HOST)), refused)
  await t.rejects(sessions.create(ana, context), refused)
  await t.rejects(sessions.idToken(made), refused)
  await t.rejects(sessions.list(), refused)
  await t.rejects(sessions.issueHandOver(made, HOST, 'binding'), refused)
  t.equal(await sessions.open('rubbish', HOST), undefined, 'rubbish needs no store')
  clock.time += 5 * MINUTE
  sessions.seen(made)
  fault.down = false
  t.equal(await sessions.open(value, HOST), made, 'and afterwards all is as before')
})

test('the ID token is there for the sign-out at the provider', async (t) => {
  const { sessions } = startSessions(t)
  const made = await sessions.create(ana, context)
  t.equal(await sessions.idToken(made), 'the-id-token')
  await sessions.end(made)
  t.equal(await sessions.idToken(made), undefined)
})

test('who waits for the end of a session is told once', async (t) => {
  const { sessions, logged } = startSessions(t)
  const made = await sessions.create(ana, context)
  const told: string[] = []
  made.onEnd(() => told.push('a'))
  const stop = made.onEnd(() => told.push('b'))
  made.onEnd(() => {
    throw new Error('a faulty listener')
  })
  made.onEnd(() => told.push('c'))
  stop()
  await sessions.end(made)
  await sessions.endById(made.id)
  t.same(told, ['a', 'c'])
  t.match(logged, [{ level: 'error' }])
  made.onEnd(() => told.push('late'))
  t.same(told, ['a', 'c', 'late'], 'at once when it has ended already')
})

const endings: Record<
  string,
  (session: LiveSession, f: ReturnType<typeof startSessions>) => unknown
> = {
  'it is revoked by another replica': (session, { replica }) => replica().endById(session.id),
  'its absolute end comes': (_session, { clock, limits }) => {
    limits.idleMs = 100 * HOUR
    clock.time = START + 14 * HOUR
  },
  'it is idle too long': (_session, { clock }) => {
    clock.time = START + HOUR
  },
}
for (const [name, happen] of Object.entries(endings)) {
  test(`an open connection is told within a second when ${name}`, async (t) => {
    const fixture = startSessions(t)
    const made = await fixture.sessions.create(ana, context)
    let told = 0
    made.onEnd(() => told++)
    await happen(made, fixture)
    fixture.clock.time += 500
    fixture.timer.tick()
    await new Promise(setImmediate)
    t.equal(told, 1)
    t.equal(made.ended, true)
  })
}

test('an outage of the store ends no open connection', async (t) => {
  const { sessions, clock, fault, timer } = startSessions(t)
  const made = await sessions.create(ana, context)
  let told = 0
  made.onEnd(() => told++)
  fault.down = true
  clock.time += 2 * HOUR
  timer.tick()
  await new Promise(setImmediate)
  t.equal(told, 0)
  fault.down = false
  timer.tick()
  await new Promise(setImmediate)
  t.equal(told, 1, 'idle for too long, as the store can say now')
})

test('only sessions that somebody waits for are watched', async (t) => {
  const { sessions, clock, calls, timer } = startSessions(t)
  const made = await sessions.create(ana, context)
  const stop = made.onEnd(() => undefined)
  clock.time += 500
  calls.length = 0
  timer.tick()
  await new Promise(setImmediate)
  t.same(calls, ['revision'])
  timer.tick()
  t.same(calls, ['revision'], 'verified a moment ago')
  stop()
  clock.time += 5_000
  timer.tick()
  t.same(calls, ['revision'])
})

test('closing the sessions stops the watch', async (t) => {
  const { sessions, timer } = startSessions(t)
  t.equal(timer.running(), 2, 'and what repeats ends that the store did not take')
  await sessions.close()
  t.equal(timer.running(), 0)
})
