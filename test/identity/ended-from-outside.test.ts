/** Ends that come from outside while somebody is signing in: what was ended is not made again. */

import { test } from 'tap'
import { SignInRevoked } from '../../src/identity/end-marks.ts'
import { ana, context, HOST, HOUR, secretA, secretB, startSessions } from './session-fixture.ts'

const ben = { ...ana, sub: '00u2', email: 'ben@example.com', sid: 'sid-2' }

test('sessions are ended by subject, by e-mail in any case, and by the provider’s session id', async (t) => {
  for (const [by, value] of [
    ['sub', '00u1'],
    ['email', 'ANA@EXAMPLE.COM'],
    ['sid', 'sid-1'],
  ] as const) {
    const { sessions, store } = startSessions(t)
    const gone = await sessions.create(ana, context)
    const elsewhere = await sessions.create(ana, { ...context, provider: 'other' })
    const stays = await sessions.create(ben, context)
    t.equal(await sessions.endOf('okta', by, value), 1, by)
    t.strictSame([gone.ended, elsewhere.ended, stays.ended], [true, false, false])
    t.equal(await store.read(gone.id), undefined, 'with its tokens')
    t.equal(await sessions.endOf('okta', by, value), 0)
  }
})

test('a session id ends its own session and no other of the person', async (t) => {
  const { sessions } = startSessions(t)
  const one = await sessions.create(ana, context)
  const two = await sessions.create({ ...ana, sid: 'sid-9' }, context)
  t.equal(await sessions.endOf('okta', 'sid', 'sid-9'), 1)
  t.strictSame([one.ended, two.ended], [false, true])
})

test('a sign-in that began before the end makes no session; one that begins after it does', async (t) => {
  for (const [by, value] of [
    ['sub', '00u1'],
    ['email', 'ana@example.com'],
    ['sid', 'sid-1'],
  ] as const) {
    const { sessions, store, clock, replica } = startSessions(t)
    const startedAt = clock.time
    clock.time += 5_000
    t.equal(await replica().endOf('okta', by, value), 0)
    clock.time += 5_000
    await t.rejects(sessions.create(ana, { ...context, startedAt }), { code: 'SIGN_IN_REQUIRED' })
    t.equal(await store.count(), 0, 'nothing is left of it')
    t.ok(await sessions.create(ben, { ...context, startedAt }), 'another person')
    t.ok(
      await sessions.create(ana, { ...context, provider: 'other', startedAt }),
      'another provider',
    )
    t.ok(await sessions.create(ana, { ...context, startedAt: clock.time }))
  }
})

test('an end between any two steps of a sign-in is not missed', async (t) => {
  for (const step of ['create', 'marked', 'findByIndex'] as const) {
    for (const before of [true, false]) {
      const fixture = startSessions(t)
      const { store, clock, replica } = fixture
      const ending = replica()
      const startedAt = clock.time
      clock.time += 1_000
      let done = false
      const end = async () => {
        if (done) return
        done = true
        await ending.endOf('okta', 'sub', ana.sub)
      }
      const signingIn = replica({
        [step]: async (...args: never[]) => {
          if (before) await end()
          const answer = await (store[step] as (...given: never[]) => Promise<unknown>)(...args)
          if (!before) await end()
          return answer
        },
      })
      const made = await signingIn.create(ana, { ...context, startedAt }).catch((error) => error)
      const cookie = made instanceof SignInRevoked ? undefined : signingIn.cookieFor(made, HOST)
      clock.time += 1_000
      const opened = cookie && (await replica().open(cookie.value, HOST))
      t.equal(opened, undefined, `${before ? 'before' : 'after'} ${step}`)
      t.equal(await store.count(), 0)
    }
  }
})

test('a hand-over code opens nothing once its session has ended', async (t) => {
  const { sessions, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const code = await sessions.issueHandOver(made, HOST, 'binding')
  await replica().endOf('okta', 'sid', 'sid-1')
  t.equal(await replica().redeemHandOver(code, HOST, 'binding'), undefined)
})

test('ends and sign-ins find each other while the secret is being changed', async (t) => {
  const { sessions, secrets, clock, replica } = startSessions(t)
  const startedAt = clock.time
  clock.time += 1_000
  await sessions.endOf('okta', 'sub', ana.sub)
  secrets.list = [secretB, secretA]
  await t.rejects(replica().create(ana, { ...context, startedAt }), { code: 'SIGN_IN_REQUIRED' })
})

test('marks are forgotten once no sign-in can be as old', async (t) => {
  const { sessions, store, clock } = startSessions(t)
  const startedAt = clock.time
  clock.time += 1_000
  await sessions.endOf('okta', 'sub', ana.sub)
  clock.time += 3 * HOUR
  t.ok(await sessions.create(ana, { ...context, startedAt }))
  t.equal(await store.count(), 1)
})

test('what comes twice acts once; what could not act may come again', async (t) => {
  const { sessions, clock, replica } = startSessions(t)
  const until = clock.time + 60_000
  let acts = 0
  const act = async () => void acts++
  t.equal(await sessions.once('jti', until, act), true)
  t.equal(await replica().once('jti', until, act), false)
  t.equal(await sessions.once('other', until, act), true)
  t.equal(acts, 2)
  await t.rejects(
    sessions.once('third', until, () => Promise.reject(new Error('down'))),
    /down/,
  )
  t.equal(await sessions.once('third', until, act), true)
  const both = await Promise.all([1, 2].map(() => sessions.once('race', until, act)))
  t.strictSame(both.sort(), [false, true])
})

test('what failed with the store is no duplicate when it comes again', async (t) => {
  const { sessions, clock, fault, replica } = startSessions(t)
  const until = clock.time + 60_000
  const failing = async () => {
    fault.down = true
    await sessions.endOf('okta', 'sub', ana.sub)
  }
  await t.rejects(sessions.once('event', until, failing), { code: 'STORE_UNAVAILABLE' })
  fault.down = false
  let acts = 0
  const act = async () => void acts++
  await t.rejects(
    replica().once('event', until, act),
    { code: 'STORE_UNAVAILABLE' },
    'nobody can say yet whether it is done, and the sender is told to come again',
  )
  clock.time += 10_000
  t.equal(await replica().once('event', until, act), true)
  t.equal(await sessions.once('event', until, act), false)
  t.equal(acts, 1)
})

test('of two at once the second acts where the first fails, and not where it does not', async (t) => {
  for (const elsewhere of [false, true]) {
    const { sessions, clock, replica } = startSessions(t)
    const until = clock.time + 60_000
    const other = elsewhere ? replica() : sessions
    const first = Promise.withResolvers<void>()
    let acts = 0
    const act = async () => void acts++
    const failing = sessions.once('failing', until, () => first.promise)
    const second = other.once('failing', until, act)
    first.reject(new Error('down'))
    await t.rejects(failing, /down/)
    t.equal(await second, true)
    const going = Promise.withResolvers<void>()
    const both = [
      sessions.once('going', until, () => going.promise),
      other.once('going', until, act),
    ]
    going.resolve()
    t.same(await Promise.all(both), [true, false])
    t.equal(acts, 1)
  }
})
