import { test } from 'tap'
import { createMemoryStore } from '../../src/identity/store/memory-store.ts'
import { manualTimer } from './manual-timer.ts'
import { START, storeContract, storedSession } from './store-contract.ts'

test('the memory store keeps the contract of session stores', (t) =>
  storeContract(t, (_t, now) => createMemoryStore({ now })))

test('what has ended is swept out', async (t) => {
  const clock = { time: START }
  const timer = manualTimer()
  const store = createMemoryStore({
    now: () => clock.time,
    every: timer.every,
    maxSessions: 2,
    maxOnce: 2,
  })
  t.teardown(() => store.close())
  await store.create(storedSession('a', { expiresAt: START + 10 }))
  await store.create(storedSession('b', { expiresAt: START + 1_000 }))
  await store.putOnce('x', Buffer.of(1), START + 10)
  clock.time = START + 10
  timer.tick()
  await store.create(storedSession('c', { expiresAt: START + 1_000 }))
  t.equal(await store.count(), 2)
})

test('a full memory store refuses what is new and keeps what it has', async (t) => {
  const clock = { time: START }
  const store = createMemoryStore({ now: () => clock.time, maxSessions: 2, maxOnce: 1 })
  t.teardown(() => store.close())
  await store.create(storedSession('a'))
  await store.create(storedSession('b', { expiresAt: START + 10 }))
  await t.rejects(store.create(storedSession('c')), { code: 'STORE_UNAVAILABLE' })
  t.type(await store.revision('a'), 'string')
  await store.putOnce('x', Buffer.of(1), START + 10)
  await t.rejects(store.putOnce('y', Buffer.of(1), START + 10), { code: 'STORE_UNAVAILABLE' })
  clock.time = START + 10
  await store.create(storedSession('c'))
  t.equal(await store.putOnce('y', Buffer.of(1), START + 20), true)
})

test('closing the store stops its sweeping', async (t) => {
  const timer = manualTimer()
  const store = createMemoryStore({ now: () => START, every: timer.every })
  t.equal(timer.running(), 1)
  await store.close()
  t.equal(timer.running(), 0)
})
