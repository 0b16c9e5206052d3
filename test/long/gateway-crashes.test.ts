/** Workers and whole gateways are killed again and again while people sign in, look and sign out. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { startVictim, underLoad } from '../support/kill-gateway.ts'
import { startRedis } from '../support/start-redis.ts'

const stores = {
  sqlite: async () => 'sqlite:sessions.db',
  Redis: async (t: Parameters<typeof startRedis>[0]) =>
    `redis://127.0.0.1:${(await startRedis(t, { conf: ['appendonly yes'] })).port}`,
}

for (const [name, open] of Object.entries(stores)) {
  test(`with ${name}, workers are killed ten times`, { timeout: 600_000 }, async (t) => {
    const victim = await startVictim(t, await open(t))
    await underLoad(t, victim, 3, async () => {
      for (let i = 0; i < 10; i++) {
        await wait(1_000)
        await victim.killWorker()
      }
      await wait(1_000)
    })
  })

  test(`with ${name}, the whole gateway is killed five times`, { timeout: 600_000 }, async (t) => {
    const victim = await startVictim(t, await open(t))
    await underLoad(t, victim, 3, async () => {
      for (let i = 0; i < 5; i++) {
        await wait(2_000)
        await victim.killAll()
      }
      await wait(2_000)
    })
  })
}
