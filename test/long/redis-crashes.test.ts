/** Redis is killed again and again in the middle of sign-ins and sign-outs. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { startCluster, startRedis, startSentinel, until } from '../support/start-redis.ts'
import { underLoad } from './redis-load.ts'

const three = (url: string) => [url, url, url]

test('Redis is killed ten times and starts again', { timeout: 120_000 }, async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  await underLoad(t, three(`redis://127.0.0.1:${redis.port}`), async () => {
    for (let i = 0; i < 10; i++) {
      await wait(700)
      await redis.kill()
      await wait(300)
      await redis.restart()
    }
    await wait(1_000)
  })
})

test('a primary under Sentinel is killed', { timeout: 120_000 }, async (t) => {
  const { primary, replica, sentinel, name } = await startSentinel(t)
  await underLoad(t, three(`redis-sentinel://127.0.0.1:${sentinel.port}/${name}`), async () => {
    await wait(3_000)
    await primary.kill()
    await until(async () => /role:master/.test(await replica.admin.info('replication')))
    await wait(3_000)
  })
})

test('a node of a cluster is killed and starts again', { timeout: 120_000 }, async (t) => {
  const nodes = await startCluster(t, ['appendonly yes', 'cluster-require-full-coverage no'])
  const [first, second, third] = nodes
  const url = `redis-cluster://127.0.0.1:${first?.port},127.0.0.1:${third?.port}`
  await underLoad(t, three(url), async () => {
    for (const node of [second, first]) {
      await wait(2_000)
      await node?.kill()
      await wait(1_500)
      await node?.restart()
      await wait(3_000)
    }
  })
})
