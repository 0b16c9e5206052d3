/** Replicas are cut off from Redis again and again in the middle of sign-ins and sign-outs. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { type Link, startLink } from '../support/start-link.ts'
import { startRedis } from '../support/start-redis.ts'
import { underLoad } from './redis-load.ts'

test('links are cut, slow and half-open, one after the other and at once', {
  timeout: 300_000,
}, async (t) => {
  const redis = await startRedis(t)
  const links = await Promise.all([0, 1, 2].map(() => startLink(t, redis.port)))
  const urls = links.map(({ port }) => `redis://127.0.0.1:${port}`)
  const harms: readonly ((link: Link) => void)[] = [
    (link) => link.cut(),
    (link) => link.halfOpen(),
    (link) => link.delay(5_000),
    (link) => link.delay(50),
  ]
  await underLoad(t, urls, async () => {
    for (const harm of harms) {
      for (const chosen of [...links.map((link) => [link]), links]) {
        for (const link of chosen) harm(link)
        await wait(1_500)
        for (const link of links) link.heal()
        await wait(1_500)
      }
    }
  })
})
