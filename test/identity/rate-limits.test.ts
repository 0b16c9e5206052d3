import { type Test, test } from 'tap'
import { readStoreUrl } from '../../src/config/store-url.ts'
import { openRateLimits } from '../../src/identity/open-rate-limits.ts'
import {
  addressKey,
  createRateLimits,
  nameKey,
  type RateLimits,
  type SharedCounter,
} from '../../src/identity/rate-limits.ts'
import type { Rate } from '../../src/support/rate.ts'
import { startRedis, until } from '../support/start-redis.ts'
import { type Logged, recorder } from './session-fixture.ts'

const START = Date.UTC(2026, 2, 2, 9)
const RATES = {
  sign_in: { count: 3, seconds: 60 },
  local_sign_in: { count: 2, seconds: 60 },
  bearer_failures: { count: 2, seconds: 3_600 },
}

function limits(shared?: SharedCounter) {
  const clock = { time: START }
  const logged: Logged[] = []
  const rates: Record<keyof typeof RATES, Rate> = { ...RATES }
  const rateLimits = createRateLimits({
    rates: () => rates,
    secrets: () => [Buffer.alloc(32, 7)],
    now: () => clock.time,
    log: recorder(logged),
    shared,
  })
  return { clock, logged, rates, rateLimits }
}

async function countTimes(rateLimits: RateLimits, times: number, key = 'a') {
  const waits: (number | undefined)[] = []
  for (let i = 0; i < times; i++) waits.push(await rateLimits.count('sign_in', key))
  return waits
}

test('so many in a window are let through, then the time that is left is said', async (t) => {
  const { rateLimits, clock, logged } = limits()
  t.same(await countTimes(rateLimits, 3), [undefined, undefined, undefined])
  clock.time += 15_500
  t.same(await countTimes(rateLimits, 2), [45, 45])
  t.equal(rateLimits.waitSeconds('sign_in', 'a'), 45)
  t.equal(logged.length, 1, 'one line, however often they come')
  clock.time += 44_501
  t.equal(rateLimits.waitSeconds('sign_in', 'a'), undefined)
  t.same(await countTimes(rateLimits, 3), [undefined, undefined, undefined])
})

test('keys and kinds are counted apart', async (t) => {
  const { rateLimits } = limits()
  await countTimes(rateLimits, 4)
  t.equal(await rateLimits.count('sign_in', 'b'), undefined)
  t.equal(await rateLimits.count('local_sign_in', 'a'), undefined)
  t.equal(rateLimits.waitSeconds('local_sign_in', 'a'), undefined)
})

test('another rate holds at once', async (t) => {
  const { rateLimits, rates } = limits()
  await countTimes(rateLimits, 4)
  rates.sign_in = { count: 10, seconds: 60 }
  t.equal(await rateLimits.count('sign_in', 'a'), undefined)
})

test('however many keys there are, memory is bounded', async (t) => {
  const { rateLimits } = limits()
  await countTimes(rateLimits, 4, 'first')
  for (let i = 0; i < 20_000; i++) await rateLimits.count('sign_in', `key-${i}`)
  t.equal(rateLimits.waitSeconds('sign_in', 'first'), undefined, 'the quietest is forgotten')
})

test('an IPv6 address counts with its /64', async (t) => {
  const same = ['2001:db8:0:1::1', '2001:db8::1:ffff:0:0:1', '2001:0db8:0000:0001:a:b:c:d']
  for (const address of same) t.equal(addressKey(address), '2001:db8:0:1::/64')
  t.equal(addressKey('::1'), '0:0:0:0::/64')
  t.equal(addressKey('fe80::'), 'fe80:0:0:0::/64')
  t.equal(addressKey('192.0.2.10'), '192.0.2.10')
  t.equal(addressKey('::ffff:192.0.2.10'), '192.0.2.10')
  t.not(nameKey('192.0.2.10'), addressKey('192.0.2.10'))
})

test('where the shared counter fails, what is known here goes on counting', async (t) => {
  const state = { down: false, count: 1 }
  const shared: SharedCounter = {
    count: async () => {
      if (state.down) throw new Error('down')
      return { count: state.count++, endsAt: START + 60_000 }
    },
    close: () => undefined,
  }
  const { rateLimits } = limits(shared)
  t.same(await countTimes(rateLimits, 2), [undefined, undefined])
  state.down = true
  t.same(await countTimes(rateLimits, 2), [undefined, 60], 'neither lets all in')
  t.equal(await rateLimits.count('sign_in', 'b'), undefined, 'nor locks out')
})

async function overRedis(t: Test, port: number): Promise<RateLimits> {
  const rateLimits = await openRateLimits(readStoreUrl(`redis://127.0.0.1:${port}`, '/'), {
    rates: () => RATES,
    secrets: () => [Buffer.alloc(32, 7)],
    now: Date.now,
    log: recorder([]),
  })
  t.teardown(() => rateLimits.close())
  return rateLimits
}

test('replicas count together in Redis, and by themselves while it is down', async (t) => {
  const redis = await startRedis(t)
  const [one, other] = [await overRedis(t, redis.port), await overRedis(t, redis.port)]
  const inRedis = async () => (await redis.admin.keys('gatehouse:rate:sign_in:*')).length
  await until(async () => {
    await one.count('sign_in', 'to connect')
    await other.count('sign_in', 'to connect')
    return (await inRedis()) > 0
  })
  await redis.admin.flushall()
  t.same(await countTimes(one, 2), [undefined, undefined])
  t.same(await countTimes(other, 1), [undefined])
  t.match(await other.count('sign_in', 'a'), Number)
  t.match(await one.count('sign_in', 'a'), Number)
  t.match(await redis.admin.keys('*'), [/^gatehouse:rate:sign_in:60:[\w-]{43}$/])
  t.ok((await redis.admin.ttl((await redis.admin.keys('*'))[0] ?? '')) > 0)

  t.same(await countTimes(one, 2, 'b'), [undefined, undefined])
  await redis.kill()
  t.match(await countTimes(one, 2, 'b'), [undefined, Number])
  t.equal(await other.count('sign_in', 'c'), undefined)
  await redis.restart()
  await until(async () => {
    await one.count('sign_in', `${Math.random()}`)
    return (await inRedis()) > 0
  })
})
