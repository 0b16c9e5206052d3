/** Class F, refresh: once for all replicas, with nobody waiting who need not, and an end that is one everywhere. */

import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { startRedis, until } from '../support/start-redis.ts'
import { startRefreshing } from '../support/start-refreshing.ts'

const HOUR = 3_600_000
const threeOver = (redis: { readonly port: number }) =>
  Array.from({ length: 3 }, () => `redis://127.0.0.1:${redis.port}`)

test('F6: 50 requests on 3 replicas at the moment of expiry are one refresh and 50 answers', async (t) => {
  const redis = await startRedis(t)
  const all = await startRefreshing(t, { stores: threeOver(redis) })
  const { okta, upstream, clock, visit } = all
  const cookie = await all.signIn(0)
  const before = upstream.last.header('x-token')[0]
  for (const at of [0, 1, 2]) t.equal((await visit(at, cookie)).status, 200)
  clock.time += HOUR + 1
  const seen = upstream.requests.length
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => visit(i % 3, cookie)))
  t.same(
    answers.map(({ status }) => status),
    Array.from({ length: 50 }, () => 200),
  )
  t.equal(all.asked(), 1, 'one redemption')
  t.equal(okta.vault.reuses(), 0, 'no reuse')
  const tokens = new Set(upstream.requests.slice(seen).flatMap((sent) => sent.header('x-token')))
  t.equal(tokens.size, 1, 'all upstream requests carry the new access token')
  t.notOk(tokens.has(before ?? ''))
  // Again, with the rotated token: nobody has kept the old one.
  clock.time += HOUR + 1
  const again = await Promise.all(Array.from({ length: 50 }, (_, i) => visit(i % 3, cookie)))
  t.same(
    again.map(({ status }) => status),
    Array.from({ length: 50 }, () => 200),
  )
  t.equal(all.asked(), 2)
  t.equal(okta.vault.reuses(), 0)
})

test('F7: while the provider takes its time requests are served on the old token, and the lock is kept', async (t) => {
  const redis = await startRedis(t)
  const all = await startRefreshing(t, { stores: threeOver(redis) })
  const { okta, upstream, clock, visit } = all
  const cookie = await all.signIn(0)
  for (const at of [0, 1, 2]) await visit(at, cookie)
  const old = upstream.last.header('x-token')[0]
  // Longer than the lock lasts without being renewed.
  okta.faults.fail('token', { kind: 'delay', ms: 6_000 }, 1)
  clock.time += HOUR - 30_000
  const started = performance.now()
  const slowest: number[] = []
  for (let i = 0; performance.now() - started < 5_000; i++) {
    const from = performance.now()
    t.equal((await visit(i % 3, cookie)).status, 200)
    slowest.push(performance.now() - from)
    t.same(upstream.last.header('x-token'), [old])
    await wait(50)
  }
  t.ok(Math.max(...slowest) < 2_000, 'nobody has waited for the provider')
  await until(async () => {
    await visit(1, cookie)
    await visit(2, cookie)
    return upstream.requests.slice(-2).every((sent) => sent.header('x-token')[0] !== old)
  })
  t.equal(all.asked(), 1, 'asked once, by one of three')
  t.equal(okta.vault.reuses(), 0)
})

test('F8: a provider in trouble costs nobody the session; it is tried again, and told', async (t) => {
  const all = await startRefreshing(t, { stores: ['memory:'] })
  const { okta, upstream, clock, visit, gateways } = all
  const cookie = await all.signIn(0)
  const old = upstream.last.header('x-token')[0]
  const troubles = [
    { kind: 'status', status: 500 },
    { kind: 'html' },
    { kind: 'status', status: 401, body: '{"error":"invalid_client"}' },
  ] as const
  clock.time += HOUR + 1
  for (const [count, trouble] of troubles.entries()) {
    okta.faults.fail('token', trouble)
    await until(async () => {
      t.equal((await visit(0, cookie)).status, 200)
      t.same(upstream.last.header('x-token'), [], 'an access token that has run out is not sent')
      // The lock of the failed attempt ends by this clock.
      clock.time += 5_000
      return all.asked() > count
    })
  }
  okta.faults.clear()
  await until(async () => {
    clock.time += 5_000
    t.equal((await visit(0, cookie)).status, 200)
    return upstream.last.header('x-token').length > 0
  })
  t.not(upstream.last.header('x-token')[0], old)
  const metrics = await (await fetch(`${gateways[0]?.adminUrl}/metrics`)).text()
  for (const result of ['unavailable', 'invalid-answer', 'misconfigured', 'ok']) {
    t.match(metrics, `gatehouse_session_refreshes_total{provider="okta",result="${result}"}`)
  }
})

test('F9: who was taken out of a group, or away, is refused with the next refresh, on open sockets too', async (t) => {
  const redis = await startRedis(t)
  const all = await startRefreshing(t, {
    stores: threeOver(redis),
    route: 'allowed_groups: [platform-engineers]',
  })
  const { okta, clock, visit } = all
  const cookie = await all.signIn(0)
  for (const at of [0, 1, 2]) t.equal((await visit(at, cookie)).status, 200)
  okta.world.removeFromGroup('ana', 'platform-engineers')
  t.equal((await visit(1, cookie)).status, 200, 'until then')
  clock.time += HOUR + 1
  for (const at of [0, 1, 2]) t.equal((await visit(at, cookie)).status, 403)

  const dana = await all.signIn(0, 'chris')
  const sockets = await Promise.all([0, 1, 2].map((at) => all.openSocket(at, dana)))
  const closed = sockets.map((socket) => once(socket, 'close'))
  okta.world.setStatus('chris', 'DEPROVISIONED')
  // Nobody asks for anything: the open sockets are enough.
  clock.time += HOUR + 1
  for (const close of closed) t.equal((await close)[0], 1008)
  for (const at of [0, 1, 2]) t.equal((await visit(at, dana)).status, 401)
})

test('Redis is killed in the middle of a refresh: what the provider has said is kept', async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  const all = await startRefreshing(t, { stores: threeOver(redis).slice(1) })
  const { okta, upstream, clock, visit } = all
  const cookie = await all.signIn(0)
  t.equal((await visit(1, cookie)).status, 200)
  okta.faults.fail('token', { kind: 'delay', ms: 300 }, 1)
  clock.time += HOUR + 1
  const first = visit(0, cookie)
  await until(async () => all.asked() === 1)
  await redis.kill()
  t.equal((await visit(1, cookie)).status, 503)
  await wait(500)
  await redis.restart()
  t.ok([200, 503].includes((await first).status))
  for (const at of [0, 1]) {
    await until(async () => (await visit(at, cookie)).status === 200)
    await until(async () => {
      await visit(at, cookie)
      return upstream.last.header('x-token').length === 1
    })
  }
  t.equal(all.asked(), 1, 'asked once')
  t.equal(okta.vault.reuses(), 0)
})
