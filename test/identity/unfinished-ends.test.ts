import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import {
  createUnfinishedEnds,
  type Endable,
  type Ending,
  EndsUnfinished,
} from '../../src/identity/unfinished-ends.ts'
import { type ManualTimer, manualTimer } from './manual-timer.ts'
import { ana, context, HOST, type Logged, recorder, startSessions } from './session-fixture.ts'

const ben = { ...ana, sub: '00u2', email: 'ben@example.com' }

test('an end that the store cannot take counts here at once, and in the store as soon as it answers', async (t) => {
  const { sessions, store, fault, timer, clock, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  let told = 0
  made.onEnd(() => told++)
  fault.down = true
  await t.rejects(sessions.end(made), { code: 'STORE_UNAVAILABLE', ended: 0 })
  t.equal(told, 1, 'a WebSocket closes')
  await retry(timer)
  fault.down = false
  t.equal(await sessions.open(value, HOST), undefined, 'though the store has it still')
  t.ok(await replica().open(value, HOST), 'elsewhere it is in until the store is told')
  clock.time += 1_000
  await retry(timer)
  t.equal(await store.revision(made.id), undefined)
  t.equal(await replica().open(value, HOST), undefined)
})

test('of a cookie that nobody could open the session ends later too', async (t) => {
  const { sessions, fault, timer, replica } = startSessions(t)
  const { value } = sessions.cookieFor(await sessions.create(ana, context), HOST)
  const other = replica()
  fault.down = true
  other.endLater(value, HOST, new Error('away'))
  other.endLater('rubbish', HOST, new Error('away'))
  fault.down = false
  t.equal(await other.open(value, HOST), undefined)
  await retry(timer)
  t.equal(await sessions.count(), 0)
})

for (const [name, all] of Object.entries({ 'all of a person': false, everybody: true })) {
  test(`the end of ${name} is repeated for sessions that had begun by then`, async (t) => {
    const { sessions, fault, timer, clock } = startSessions(t)
    const cookieOf = async (person: typeof ana) =>
      sessions.cookieFor(await sessions.create(person, context), HOST).value
    const [before, other] = [await cookieOf(ana), await cookieOf(ben)]
    fault.down = true
    await t.rejects(all ? sessions.endAll() : sessions.endOfUser('ANA@example.com'), {
      code: 'STORE_UNAVAILABLE',
    })
    clock.time += 5
    fault.down = false
    const after = await cookieOf(ana)
    t.equal(await sessions.open(before, HOST), undefined)
    t.ok(await sessions.open(after, HOST), 'who signs in since is in')
    await retry(timer)
    t.equal(await sessions.count(), all ? 1 : 2)
    t.ok(await sessions.open(after, HOST))
    t.equal((await sessions.open(other, HOST)) === undefined, all)
  })
}

test('where some had ended when the store went, the answer counts them', async (t) => {
  const { fault, calls, store, timer, replica } = startSessions(t)
  let left = 2
  const sessions = replica({
    delete: async (id) => {
      if (left-- === 0) fault.down = true
      return store.delete(id)
    },
  })
  for (let i = 0; i < 3; i++) await sessions.create(ana, context)
  const error = await sessions.endAll().catch((cause: unknown) => cause)
  t.ok(error instanceof EndsUnfinished)
  t.match(error, { ended: 2 })
  fault.down = false
  await retry(timer)
  t.equal(await sessions.count(), 0)
  const asked = calls.length
  await retry(timer)
  t.equal(calls.length, asked, 'nothing is asked when nothing waits')
})

test('what anybody can say of a session id leaves nothing behind, neither here nor in the store', async (t) => {
  const { sessions, fault, calls, timer } = startSessions(t)
  const made = await sessions.create(ana, context)
  fault.down = true
  await t.rejects(sessions.endOfSidNow('okta', 'sid-1'), { code: 'STORE_UNAVAILABLE' })
  fault.down = false
  calls.length = 0
  await retry(timer)
  t.same(calls, [], 'nothing waits')
  t.equal(made.ended, false)
  t.equal(await sessions.endOfSidNow('okta', 'sid-of-nobody'), 0)
  t.notOk(calls.includes('mark'), 'a name that nobody has is not written down')
  t.equal(await sessions.endOfSidNow('okta', 'sid-1'), 1)
  t.equal(made.ended, true)
})

test('those that wait are kept when too many come, and each is found by what it means', async (t) => {
  const logged: Logged[] = []
  const timer = manualTimer()
  const ran: Ending[] = []
  let down = true
  const ends = createUnfinishedEnds({
    run: async (ending) => {
      if (down) throw new GatehouseError('STORE_UNAVAILABLE', 'down')
      ran.push(ending)
    },
    endHere: () => undefined,
    log: recorder(logged),
    every: timer.every,
    maxWaiting: 4,
  })
  t.teardown(ends.close)
  const endings: readonly Ending[] = [
    { kind: 'user', user: 'BEN@example.com', before: 10 },
    { kind: 'named', provider: 'okta', by: 'sid', value: 's1', before: 10 },
    { kind: 'named', provider: 'okta', by: 'email', value: 'Eve@example.com', before: 10 },
    { kind: 'session', id: 'one' },
  ]
  for (const ending of endings) t.ok(ends.later(ending, 'away') instanceof EndsUnfinished)
  const surplus = ends.later({ kind: 'session', id: 'two' }, 'away')
  t.equal(surplus.code, 'STORE_UNAVAILABLE')
  t.notOk(surplus instanceof EndsUnfinished, 'nothing is promised')
  t.match(logged.at(-1), { level: 'error', message: /too many/ })
  t.ok(ends.later({ kind: 'session', id: 'one' }, 'away') instanceof EndsUnfinished, 'once more')

  const record = { provider: 'okta', sub: 'u', email: undefined, sid: undefined, signedInAt: 5 }
  const isEnding = (changes: Partial<Endable['record']>, id = 'x') =>
    ends.isEnding({ id, record: { ...record, ...changes } })
  t.equal(isEnding({}), false)
  t.equal(isEnding({}, 'one'), true)
  t.equal(isEnding({}, 'two'), false)
  t.equal(isEnding({ email: 'ben@EXAMPLE.com' }), true)
  t.equal(isEnding({ email: 'ben@example.com', signedInAt: 11 }), false, 'it began since')
  t.equal(isEnding({ sub: 'BEN@example.com' }), true)
  t.equal(isEnding({ sub: 'ben@example.com' }), false, 'subjects compare exactly')
  t.equal(isEnding({ sid: 's1' }), true)
  t.equal(isEnding({ sid: 's1', provider: 'other' }), false)
  t.equal(isEnding({ email: 'EVE@example.com' }), true)
  t.equal(isEnding({ email: 'EVE@example.com', provider: 'other' }), false)
  down = false
  await retry(timer)
  t.equal(ran.length, 4)
  for (const changes of [{ email: 'ben@example.com' }, { sid: 's1' }, { sub: 'BEN@example.com' }]) {
    t.equal(isEnding(changes), false, 'it has ended')
  }
  ends.later({ kind: 'all', before: 10 }, 'away')
  t.equal(isEnding({}), true)
  t.equal(isEnding({ signedInAt: 11 }), false)
})

async function retry(timer: ManualTimer): Promise<void> {
  timer.tick()
  for (let i = 0; i < 20; i++) await turn()
}
