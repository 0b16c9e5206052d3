/** What every session store must do; each store's test file runs this against its own. */

import type { Test } from 'tap'
import type { SessionStore, StoredSession } from '../../src/identity/store/session-store.ts'
import type { Clock, EpochMs } from '../../src/support/time.ts'
import { until } from '../support/start-redis.ts'

/** A store on an empty ground, which the caller closes, reading the clock given. */
export type OpenStore = (t: Test, now: Clock) => SessionStore | Promise<SessionStore>

export const START: EpochMs = Date.UTC(2026, 2, 2, 9)

export function storedSession(id: string, changes: Partial<StoredSession> = {}): StoredSession {
  return {
    id,
    record: Buffer.from(`record of ${id}`),
    groups: Buffer.from(`groups of ${id}`),
    tokens: Buffer.from([0, 255, 10, 13]),
    card: Buffer.from(`card of ${id}`),
    revision: 'first',
    indexKeys: [],
    expiresAt: START + 60_000,
    ...changes,
  }
}

/**
 * Runs the contract as subtests of `t`.
 * @param start when it is at the beginning: now, for a store that forgets by a clock of its own
 */
export async function storeContract(
  t: Test,
  openStore: OpenStore,
  start: EpochMs = START,
): Promise<void> {
  const sessionOf = (id: string, changes: Partial<StoredSession> = {}) =>
    storedSession(id, { expiresAt: start + 60_000, ...changes })
  const clock = { time: start }
  const A = { id: 'a', revision: 'first' }
  const rule = (name: string, check: (t: Test, store: SessionStore) => Promise<void>) =>
    t.test(name, async (t) => {
      clock.time = start
      const store = await openStore(t, () => clock.time)
      t.teardown(() => store.close())
      await check(t, store)
    })

  await rule('a mark is read until its end, and another takes its place', async (t, store) => {
    t.equal(await store.marked('m'), undefined)
    await store.mark('m', Buffer.from('one'), start + 10_000)
    await store.putOnce('m', Buffer.from('apart'), start + 10_000)
    await store.mark('m', Buffer.from([0, 255]), start + 20_000)
    t.same(Buffer.from((await store.marked('m')) ?? []), Buffer.from([0, 255]))
    t.same(Buffer.from((await store.marked('m')) ?? []), Buffer.from([0, 255]), 'and again')
    t.equal(Buffer.from((await store.takeOnce('m')) ?? []).toString(), 'apart')
    clock.time = start + 20_000
    t.equal(await store.marked('m'), undefined)
  })

  await rule('a session is read back byte for byte', async (t, store) => {
    const session = sessionOf('a', { indexKeys: ['k1', 'k2'] })
    await store.create(session)
    const read = await store.read('a')
    for (const part of ['record', 'groups', 'tokens', 'card'] as const) {
      t.same(Buffer.from(read?.[part] ?? []), Buffer.from(session[part]), part)
    }
    t.equal(read?.id, 'a')
    t.equal(read?.expiresAt, session.expiresAt)
    t.equal(read?.revision, 'first')
    t.same([...(read?.indexKeys ?? [])].sort(), ['k1', 'k2'])
    t.equal(await store.revision('a'), 'first')
  })

  await rule('an unknown session is not there', async (t, store) => {
    t.equal(await store.read('a'), undefined)
    t.equal(await store.revision('a'), undefined)
    t.equal(await store.delete('a'), false)
    t.equal(await store.touch(A, Buffer.from('card'), start + 1), undefined)
    t.equal(await store.revision('a'), undefined, 'touching it did not make it')
  })

  await rule('a session is created once', async (t, store) => {
    await store.create(sessionOf('a'))
    await t.rejects(store.create(sessionOf('a', { card: Buffer.from('another') })), {
      code: 'STORE_UNAVAILABLE',
    })
    t.equal(Buffer.from((await store.read('a'))?.card ?? []).toString(), 'card of a')
  })

  await rule('a session ends by itself at its time', async (t, store) => {
    await store.create(sessionOf('a', { indexKeys: ['k'] }))
    clock.time = start + 59_999
    t.type(await store.revision('a'), 'string')
    clock.time = start + 60_000
    t.equal(await store.revision('a'), undefined)
    t.equal(await store.read('a'), undefined)
    t.same(await store.findByIndex('k'), [])
    t.equal(await store.touch(A, Buffer.from('card'), start + 120_000), undefined)
    t.equal(await store.delete('a'), false)
    t.equal(await store.count(), 0)
    t.same(await listed(store), [])
  })

  await rule(
    'touching a session gives it a new card and a new end, and nothing else',
    async (t, store) => {
      await store.create(sessionOf('a', { indexKeys: ['k'] }))
      t.equal(await store.touch(A, Buffer.from('seen again'), start + 90_000), 'first')
      clock.time = start + 80_000
      const read = await store.read('a')
      t.equal(Buffer.from(read?.card ?? []).toString(), 'seen again')
      t.equal(read?.expiresAt, start + 90_000)
      t.equal(Buffer.from(read?.record ?? []).toString(), 'record of a')
      t.same(await store.findByIndex('k'), ['a'])
    },
  )

  const second = (changes: Partial<StoredSession> = {}) =>
    sessionOf('a', {
      record: Buffer.from('a longer record of a'),
      groups: Buffer.from('groups'),
      tokens: Buffer.from('new tokens'),
      card: Buffer.from('new card'),
      revision: 'second',
      ...changes,
    })
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

  await rule('a session is replaced as a whole, where it is as it was read', async (t, store) => {
    await store.create(sessionOf('a', { indexKeys: ['sub', 'old-mail'] }))
    await store.create(sessionOf('b', { indexKeys: ['old-mail'] }))
    const first = await store.read('a')
    if (first === undefined) throw new Error('it was just created')
    const next = second({ indexKeys: ['sub', 'new-mail'], expiresAt: start + 90_000 })
    t.equal(await store.replace(next, first), 'replaced')
    t.equal(await store.revision('a'), 'second')
    clock.time = start + 80_000
    const read = await store.read('a')
    for (const part of ['record', 'groups', 'tokens', 'card'] as const) {
      t.equal(text(read?.[part]), text(next[part]), part)
    }
    t.strictSame([read?.revision, read?.expiresAt], ['second', start + 90_000])
    t.same([...(read?.indexKeys ?? [])].sort(), ['new-mail', 'sub'])
    clock.time = start
    t.same(await store.findByIndex('sub'), ['a'])
    t.same(await store.findByIndex('new-mail'), ['a'])
    t.same(await store.findByIndex('old-mail'), ['b'])
    t.equal(
      await store.touch({ id: 'a', revision: 'second' }, Buffer.from('seen'), start + 91_000),
      'second',
    )
    t.equal(await store.touch(A, Buffer.from('late'), start + 95_000), 'second', 'another by now')
    t.equal(text((await store.read('a'))?.card), 'seen')
    t.equal((await store.read('a'))?.expiresAt, start + 91_000)
    t.equal(text((await store.read('a'))?.record), 'a longer record of a')
  })

  await rule('of two who replace a session one does, and neither shortens it', async (t, store) => {
    await store.create(sessionOf('a', { indexKeys: ['k'], expiresAt: start + 99_000 }))
    const previous = { revision: 'first', indexKeys: ['k'] }
    const tries = ['x', 'y', 'z'].map((revision) =>
      store.replace(second({ revision, indexKeys: ['k'] }), previous),
    )
    t.same((await Promise.all(tries)).sort(), ['changed', 'changed', 'replaced'])
    t.equal((await store.read('a'))?.expiresAt, start + 99_000)
    t.same(await store.findByIndex('k'), ['a'])
  })

  await rule('a session that is gone is not replaced', async (t, store) => {
    const previous = { revision: 'first', indexKeys: ['k'] }
    t.equal(await store.replace(second({ indexKeys: ['k'] }), previous), 'gone')
    await store.create(sessionOf('a', { indexKeys: ['k'] }))
    await store.delete('a')
    t.equal(await store.replace(second({ indexKeys: ['k'] }), previous), 'gone')
    t.equal(await store.revision('a'), undefined)
    t.same(await store.findByIndex('k'), [])
    t.equal(await store.count(), 0)
  })

  await rule('a lock is had by one, and given back by its owner only', async (t, store) => {
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.lock('race', `owner ${i}`, 10_000)),
    )
    t.equal(tries.filter(Boolean).length, 1)
    t.equal(await store.lock('a', 'one', 10_000), true)
    t.equal(await store.lock('a', 'one', 10_000), false, 'nor by its owner twice')
    t.equal(await store.lock('b', 'other', 10_000), true)
    await store.unlock('a', 'other')
    t.equal(await store.renewLock('a', 'other', 10_000), false)
    t.equal(await store.lock('a', 'other', 10_000), false)
    t.equal(await store.renewLock('a', 'one', 10_000), true)
    await store.unlock('a', 'one')
    t.equal(await store.renewLock('a', 'one', 10_000), false)
    t.equal(await store.lock('a', 'other', 10_000), true)
  })

  await rule('a lock ends by itself, later where it was renewed', async (t, store) => {
    t.equal(await store.lock('a', 'one', 100), true)
    t.equal(await store.lock('b', 'one', 100), true)
    t.equal(await store.renewLock('b', 'one', 60_000), true)
    // By the clock of the test, or by the store's own.
    clock.time += 100
    await until(() => store.lock('a', 'other', 60_000))
    t.equal(await store.renewLock('a', 'one', 60_000), false, 'it is another one now')
    t.equal(await store.lock('b', 'other', 60_000), false)
  })

  await rule(
    'a deleted session is gone with its index entries and stays gone',
    async (t, store) => {
      await store.create(sessionOf('a', { indexKeys: ['k'] }))
      await store.create(sessionOf('b', { indexKeys: ['k'] }))
      t.equal(await store.delete('a'), true)
      t.equal(await store.delete('a'), false)
      t.equal(await store.touch(A, Buffer.from('card'), start + 60_000), undefined)
      t.equal(await store.read('a'), undefined)
      t.same(await store.findByIndex('k'), ['b'])
      t.equal(await store.count(), 1)
    },
  )

  await rule('sessions are found by each of their index entries', async (t, store) => {
    await store.create(sessionOf('a', { indexKeys: ['sub', 'mail'] }))
    await store.create(sessionOf('b', { indexKeys: ['sub'] }))
    t.same([...(await store.findByIndex('sub'))].sort(), ['a', 'b'])
    t.same(await store.findByIndex('mail'), ['a'])
    t.same(await store.findByIndex('su'), [], 'compared whole')
    t.same(await store.findByIndex(''), [])
  })

  await rule('all live sessions are listed with card and end', async (t, store) => {
    const ids = Array.from({ length: 1_203 }, (_, i) => `s${String(i).padStart(4, '0')}`)
    for (const id of ids) await store.create(sessionOf(id))
    await store.create(sessionOf('early', { expiresAt: start + 1 }))
    clock.time = start + 1
    t.same((await listed(store)).sort(), ids)
    t.equal(await store.count(), ids.length)
    for await (const entry of store.list()) {
      t.equal(Buffer.from(entry.card).toString(), `card of ${entry.id}`)
      t.equal(entry.expiresAt, start + 60_000)
      break
    }
  })

  await rule('sessions may end while they are listed', async (t, store) => {
    for (const id of ['a', 'b', 'c']) await store.create(sessionOf(id))
    const seen: string[] = []
    for await (const { id } of store.list()) {
      seen.push(id)
      await store.delete(id)
    }
    t.same(seen.sort(), ['a', 'b', 'c'])
    t.equal(await store.count(), 0)
  })

  await rule('a value put once is taken once', async (t, store) => {
    t.equal(await store.putOnce('code', Buffer.from([1, 0, 255]), start + 30_000), true)
    t.equal(
      await store.putOnce('code', Buffer.from([2]), start + 30_000),
      false,
      'the key is taken',
    )
    t.same(Buffer.from((await store.takeOnce('code')) ?? []), Buffer.from([1, 0, 255]))
    t.equal(await store.takeOnce('code'), undefined)
    t.equal(await store.putOnce('code', Buffer.from([3]), start + 30_000), true, 'free again')
  })

  await rule('of many callers at once, one gets a value', async (t, store) => {
    await store.putOnce('code', Buffer.from([1]), start + 30_000)
    const taken = await Promise.all(Array.from({ length: 50 }, () => store.takeOnce('code')))
    t.equal(taken.filter((value) => value !== undefined).length, 1)
    const put = await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.putOnce('race', Buffer.from([i]), start + 30_000)),
    )
    t.equal(put.filter(Boolean).length, 1)
  })

  await rule('a value put once ends by itself, and its key is free then', async (t, store) => {
    await store.putOnce('code', Buffer.from([1]), start + 30_000)
    clock.time = start + 30_000
    t.equal(await store.takeOnce('code'), undefined)
    await store.putOnce('guard', Buffer.from([1]), clock.time + 10)
    clock.time += 10
    t.equal(await store.putOnce('guard', Buffer.from([2]), clock.time + 10), true)
    t.same(Buffer.from((await store.takeOnce('guard')) ?? []), Buffer.from([2]))
  })

  await rule('of values kept for good the first one wins', async (t, store) => {
    t.same(Buffer.from(await store.keep('key', Buffer.from('first'))), Buffer.from('first'))
    t.same(Buffer.from(await store.keep('key', Buffer.from('second'))), Buffer.from('first'))
    clock.time = start + 10 * 365 * 86_400_000
    t.same(Buffer.from(await store.keep('key', Buffer.from('third'))), Buffer.from('first'))
    t.same(Buffer.from(await store.keep('other', Buffer.from('x'))), Buffer.from('x'))
  })

  await rule('sessions, values and kept values do not meet', async (t, store) => {
    await store.create(sessionOf('same', { indexKeys: ['same'] }))
    t.equal(await store.takeOnce('same'), undefined)
    t.equal(await store.putOnce('same', Buffer.from('once'), start + 1), true)
    t.same(Buffer.from(await store.keep('same', Buffer.from('kept'))), Buffer.from('kept'))
    t.equal(await store.delete('same'), true)
    t.same(Buffer.from((await store.takeOnce('same')) ?? []), Buffer.from('once'))
  })

  await rule('a store that cannot answer says so, and never "not there"', async (t, store) => {
    await store.create(sessionOf('a'))
    await store.close()
    const refused = { code: 'STORE_UNAVAILABLE' }
    await t.rejects(store.read('a'), refused)
    await t.rejects(store.revision('a'), refused)
    await t.rejects(store.create(sessionOf('b')), refused)
    await t.rejects(store.touch(A, Buffer.from(''), start), refused)
    await t.rejects(store.delete('a'), refused)
    await t.rejects(store.replace(sessionOf('a'), sessionOf('a')), refused)
    await t.rejects(store.lock('k', 'one', 1), refused)
    await t.rejects(store.renewLock('k', 'one', 1), refused)
    await t.rejects(store.unlock('k', 'one'), refused)
    await t.rejects(store.findByIndex('k'), refused)
    await t.rejects(store.count(), refused)
    await t.rejects(listed(store), refused)
    await t.rejects(store.putOnce('k', Buffer.from(''), start), refused)
    await t.rejects(store.takeOnce('k'), refused)
    await t.rejects(store.keep('k', Buffer.from('')), refused)
    await store.close()
  })
}

async function listed(store: SessionStore): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of store.list()) ids.push(id)
  return ids
}
