/** How many sessions a person may have, and since when sessions count. */

import { test } from 'tap'
import { ana, context, HOST, MINUTE, secretA, secretB, startSessions } from './session-fixture.ts'
import { START } from './store-contract.ts'

test('past the limit the oldest sessions of a person end, everywhere', async (t) => {
  const { sessions, clock, limits, replica, timer } = startSessions(t)
  limits.maxPerUser = 3
  const made = []
  for (let i = 0; i < 3; i++) {
    clock.time += 1_000
    made.push(await sessions.create(ana, context))
  }
  const [oldest] = made
  let ended = 0
  oldest?.onEnd(() => ended++)
  clock.time += 1_000
  const newest = await replica().create(ana, context)
  const left = (await sessions.listOf('okta', ana.sub)).map(({ id }) => id)
  t.same(left.sort(), [...made.slice(1), newest].map(({ id }) => id).sort())
  clock.time += 500
  timer.tick()
  await new Promise(setImmediate)
  t.equal(ended, 1)
})

test('a lower limit of a reload counts from the next sign-in on', async (t) => {
  const { sessions, clock, limits } = startSessions(t)
  for (let i = 0; i < 5; i++) {
    clock.time += 1_000
    await sessions.create(ana, context)
  }
  limits.maxPerUser = 1
  t.equal(await sessions.count(), 5)
  clock.time += 1_000
  const newest = await sessions.create(ana, context)
  t.same(
    (await sessions.list()).map(({ id }) => id),
    [newest.id],
  )
})

test('others have their own sessions, and those under an older secret count', async (t) => {
  const { sessions, clock, limits, secrets } = startSessions(t)
  limits.maxPerUser = 1
  const other = await sessions.create({ ...ana, sub: '00u2' }, context)
  const elsewhere = await sessions.create(ana, { ...context, provider: 'other' })
  await sessions.create(ana, context)
  secrets.list = [secretB, secretA]
  clock.time += 1_000
  const newest = await sessions.create(ana, context)
  t.same(
    (await sessions.list()).map(({ id }) => id).sort(),
    [other, elsewhere, newest].map(({ id }) => id).sort(),
  )
})

test('two sign-ins at once leave as many sessions as are allowed', async (t) => {
  const { sessions, clock, limits, replica } = startSessions(t)
  limits.maxPerUser = 3
  for (let i = 0; i < 3; i++) {
    clock.time += 1_000
    await sessions.create(ana, context)
  }
  clock.time += 1_000
  const made = await Promise.all([sessions, replica()].map((side) => side.create(ana, context)))
  const left = (await sessions.listOf('okta', ana.sub)).map(({ id }) => id)
  t.equal(left.length, 3)
  for (const { id } of made) t.ok(left.includes(id))
})

test('two sign-ins at once, of whom one may stay, do not end each other', async (t) => {
  const { sessions, limits, replica } = startSessions(t)
  limits.maxPerUser = 1
  const other = replica()
  for (let i = 0; i < 5; i++) {
    await Promise.all([sessions, other].map((side) => side.create(ana, context)))
    t.equal(await sessions.count(), 1)
  }
})

test('whoever signs in at a replica whose clock is behind stays all the same', async (t) => {
  const { sessions, clock, limits, replica } = startSessions(t)
  limits.maxPerUser = 1
  await sessions.create(ana, context)
  clock.time -= MINUTE / 2
  const made = await replica().create(ana, context)
  t.same(
    (await sessions.list()).map(({ id }) => id),
    [made.id],
  )
})

test('a sign-in stands although the oldest session cannot be ended', async (t) => {
  const { sessions, limits, replica, logged } = startSessions(t)
  limits.maxPerUser = 1
  await sessions.create(ana, context)
  const broken = replica({ findByIndex: () => Promise.reject(new Error('down')) })
  const made = await broken.create(ana, context)
  t.ok(await sessions.open(broken.cookieFor(made, HOST).value, HOST))
  t.match(logged.at(-1), { level: 'warn' })
})

test('sessions from before `not_before` are none, in the cache, in the store and in lists', async (t) => {
  const { sessions, clock, limits, replica, timer } = startSessions(t)
  const old = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(old, HOST)
  let ended = 0
  old.onEnd(() => ended++)
  clock.time += MINUTE
  const recent = await sessions.create(ana, context)
  const kept = sessions.cookieFor(recent, HOST).value
  limits.notBefore = START + MINUTE
  t.same(
    (await sessions.list()).map(({ id }) => id),
    [recent.id],
  )
  timer.tick()
  t.equal(ended, 1, 'a connection that was open is told')
  for (const side of [sessions, replica()]) {
    t.equal(await side.open(value, HOST), undefined)
    t.ok(await side.open(kept, HOST))
  }
})
