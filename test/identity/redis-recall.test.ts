import { test } from 'tap'
import { GatehouseError } from '../../src/errors.ts'
import { createRecall } from '../../src/identity/store/redis-recall.ts'
import { startCluster, startRedis, until } from '../support/start-redis.ts'
import { openRedis } from './open-redis.ts'
import { HOUR, type Logged, recorder } from './session-fixture.ts'
import { START, storedSession } from './store-contract.ts'

const fresh = (id: string) => storedSession(id, { expiresAt: Date.now() + HOUR })

test('what a backup brings back of ended sessions is ended again, by every gateway that heard of the end', async (t) => {
  const redis = await startRedis(t)
  const url = `redis://127.0.0.1:${redis.port}`
  const logged: Logged[] = []
  const heard = await openRedis(t, url, { logged })
  await until(async () => Number((await redis.admin.pubsub('NUMSUB', 'gatehouse:ended'))[1]) === 1)
  const other = await openRedis(t, url)
  for (const id of ['ended', 'live']) await other.create(fresh(id))
  t.equal(await redis.admin.exists('gatehouse:session:{ended}'), 1, 'the backup has it')
  await redis.admin.save()
  await other.delete('ended')
  await redis.admin.ping()
  await other.close()
  await redis.kill()
  await redis.restart()
  await until(async () => (await redis.admin.exists('gatehouse:session:{ended}')) === 0)
  await until(() =>
    heard.revision('live').then(
      (found) => found !== undefined,
      () => false,
    ),
  )
  t.equal(await heard.revision('ended'), undefined)
  await until(async () => logged.some(({ level }) => level === 'warn'))
  t.match(
    logged.map(({ level }) => level),
    ['error', 'info', 'warn'],
  )
})

test('on a cluster one node that was restored is enough', async (t) => {
  const nodes = await startCluster(t)
  const store = await openRedis(t, `redis-cluster://127.0.0.1:${nodes[0]?.port}`)
  const ids = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const id of ids) await store.create(fresh(id))
  for (const { admin } of nodes) await admin.save()
  for (const id of ids) await store.delete(id)
  const [, restored] = nodes
  await restored?.kill()
  await restored?.restart()
  await until(async () => Number(await restored?.admin.dbsize()) > 0)
  await until(async () => {
    const there = await Promise.all(ids.map((id) => store.revision(id))).catch(() => ['unknown'])
    return there.every((revision) => revision === undefined)
  })
  t.pass('all ended again')
})

test('ends are remembered for a day, and repeated until Redis takes them', async (t) => {
  const clock = { time: START }
  const asked: string[] = []
  let down = false
  const logged: Logged[] = []
  const recall = createRecall({
    now: () => clock.time,
    log: recorder(logged),
    end: async (id) => {
      if (down) throw new GatehouseError('STORE_UNAVAILABLE', 'down')
      asked.push(id)
      return id === 'undead'
    },
  })
  t.teardown(() => recall.close())
  recall.note('old')
  clock.time += 24 * HOUR - 1
  for (const id of ['undead', 'other', 'undead']) recall.note(id)
  recall.again()
  await until(async () => asked.length === 3)
  t.same(asked, ['old', 'other', 'undead'])
  await until(async () => logged.length === 1)
  t.match(logged, [{ level: 'warn', fields: { sessions: 1 } }])

  clock.time += 1
  asked.length = 0
  down = true
  recall.again()
  recall.again()
  await new Promise(setImmediate)
  down = false
  await until(async () => asked.length === 2)
  t.same(asked, ['other', 'undead'], 'a day has passed for the first one')
})
