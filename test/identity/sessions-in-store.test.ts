import { inspect } from 'node:util'
import { test } from 'tap'
import { sessionId } from '../../src/identity/session-seals.ts'
import {
  ana,
  context,
  HOST,
  HOUR,
  MINUTE,
  secretA,
  secretB,
  startSessions,
  storedText,
} from './session-fixture.ts'
import { START } from './store-contract.ts'

test('within a second of being verified a session opens synchronously and without the store', async (t) => {
  const { sessions, calls, clock } = startSessions(t)
  const { value } = sessions.cookieFor(await sessions.create(ana, context), HOST)
  calls.length = 0
  clock.time += 999
  t.notOk(sessions.open(value, HOST) instanceof Promise)
  t.same(calls, [])
  clock.time += 1
  const opening = sessions.open(value, HOST)
  t.ok(opening instanceof Promise)
  t.ok(await opening)
  t.same(calls, ['revision'])
  t.notOk(sessions.open(value, HOST) instanceof Promise)
})

test('many requests at once ask the store once', async (t) => {
  const { sessions, calls, clock, replica } = startSessions(t)
  const { value } = sessions.cookieFor(await sessions.create(ana, context), HOST)
  calls.length = 0
  clock.time += 5_000
  await Promise.all(Array.from({ length: 50 }, () => sessions.open(value, HOST)))
  t.same(calls, ['revision'])
  calls.length = 0
  const cold = replica()
  await Promise.all(Array.from({ length: 50 }, () => cold.open(value, HOST)))
  t.same(calls, ['read'])
})

test('the store is told of uses at most once a minute', async (t) => {
  const { sessions, clock, calls } = startSessions(t)
  const made = await sessions.create(ana, context)
  calls.length = 0
  for (let second = 0; second < 180; second++) {
    clock.time += 1_000
    sessions.seen(made)
  }
  t.same(calls, ['touch', 'touch', 'touch'])
  t.equal(made.lastSeenAt, START + 180_000)
})

test('what the store does not know of uses yet it is told at close', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  clock.time += 59_000
  sessions.seen(made)
  await sessions.close()
  clock.time = START + HOUR + 1_000
  t.ok(await replica().open(value, HOST))
})

test('after a failed write of a use the next one comes in seconds, not at every request', async (t) => {
  const { sessions, clock, fault, calls, logged } = startSessions(t)
  const made = await sessions.create(ana, context)
  clock.time += MINUTE
  fault.down = true
  calls.length = 0
  sessions.seen(made)
  await new Promise(setImmediate)
  for (let i = 0; i < 10; i++) sessions.seen(made)
  t.same(calls, ['touch'])
  t.match(logged, [{ level: 'warn' }])
  fault.down = false
  clock.time += 5_000
  sessions.seen(made)
  t.same(calls, ['touch', 'touch'])
})

test('a part of the store that was changed or moved is no session', async (t) => {
  const { sessions, store, replica } = startSessions(t)
  const victim = await sessions.create(ana, context)
  const own = await sessions.create({ ...ana, sub: 'mallory' }, context)
  const cookie = sessions.cookieFor(own, HOST).value
  const mine = await store.read(own.id)
  const theirs = await store.read(victim.id)
  if (mine === undefined || theirs === undefined) return t.fail('not stored')
  for (const part of ['record', 'groups', 'card'] as const) {
    const flipped = Buffer.from(mine[part])
    flipped[20] = (flipped[20] ?? 0) ^ 1
    for (const value of [theirs[part], flipped, Buffer.alloc(0)]) {
      const other = replica({ read: async () => ({ ...mine, [part]: value }) })
      t.equal(await other.open(cookie, HOST), undefined, part)
      await other.close()
    }
  }
  return undefined
})

test('the store holds nothing that can be read', async (t) => {
  const { sessions, store } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  const text = storedText(await store.read(made.id))
  for (const secret of [
    '00u1',
    'Ana',
    'ana@',
    'engineers',
    'the-id-token',
    'Browser',
    'okta',
    'sid-1',
  ]) {
    t.notOk(text.includes(secret), secret)
  }
  t.notOk(value.includes(made.id))
  t.equal(made.id.length, 43)
  t.not(sessionId(Buffer.from(made.id)), made.id)
})

test('what prints a session does not print its key', async (t) => {
  const { sessions } = startSessions(t)
  const made = await sessions.create(ana, context)
  for (const text of [inspect(made, { depth: 9, showHidden: true }), JSON.stringify(made)]) {
    t.notMatch(text, /handle|<Buffer|Uint8Array|the-id-token|"key"/)
  }
})

test('cards are sealed anew when a session is used after a rotation', async (t) => {
  const { sessions, secrets, clock, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  secrets.list = [secretB, secretA]
  const { value } = sessions.cookieFor(made, HOST)
  clock.time += MINUTE
  sessions.seen(made)
  secrets.list = [secretB]
  t.ok(await replica().open(value, HOST))
})

test('live sessions are listed by their cards, without tokens', async (t) => {
  const { sessions, clock, logged, secrets } = startSessions(t)
  const made = await sessions.create(ana, { ...context, userAgent: 'x'.repeat(1_000) })
  const second = await sessions.create({ ...ana, sub: '00u2', email: undefined }, context)
  clock.time += 10_000
  sessions.seen(made)
  const listed = [...(await sessions.list())].sort((a, b) => a.sub.localeCompare(b.sub))
  t.same(listed[0], {
    id: made.id,
    provider: 'okta',
    method: 'oidc',
    sub: '00u1',
    email: 'Ana@example.com',
    signedInAt: START,
    lastSeenAt: START + 10_000,
    expiresAt: START + 14 * HOUR,
    address: '192.0.2.10',
    userAgent: 'x'.repeat(256),
  })
  t.equal(listed[1]?.id, second.id)
  t.equal(await sessions.count(), 2)
  clock.time = START + HOUR + 10_000
  t.same(await sessions.list(), [], 'idle ones are over')
  clock.time = START
  secrets.list = [secretB]
  t.same(await sessions.list(), [])
  t.match(logged.at(-1), { level: 'warn' })
})

test("one person's sessions are those of that sub at that provider", async (t) => {
  const { sessions, secrets } = startSessions(t)
  const first = await sessions.create(ana, context)
  secrets.list = [secretB, secretA]
  const second = await sessions.create(ana, context)
  await sessions.create(ana, { ...context, provider: 'other' })
  await sessions.create({ ...ana, sub: '00u2' }, context)
  const ids = (await sessions.listOf('okta', '00u1')).map(({ id }) => id)
  t.same(ids.sort(), [first.id, second.id].sort(), 'under the old secret and under the new one')
  t.same(await sessions.listOf('okta', '00u'), [])
})

test('index entries exist for sub, verified e-mail and sid, and tell nothing', async (t) => {
  const { sessions, store } = startSessions(t)
  const full = await store.read((await sessions.create(ana, context)).id)
  t.equal(full?.indexKeys.length, 3)
  const again = await store.read(
    (await sessions.create({ ...ana, email: 'aNA@EXAMPLE.com' }, context)).id,
  )
  t.same(again?.indexKeys, full?.indexKeys, 'e-mails without regard to case')
  const bare = await store.read(
    (await sessions.create({ ...ana, email: undefined, sid: undefined }, context)).id,
  )
  t.same(bare?.indexKeys, full?.indexKeys.slice(0, 1))
  for (const key of full?.indexKeys ?? []) t.match(key, /^[A-Za-z0-9_-]{43}$/)
})
