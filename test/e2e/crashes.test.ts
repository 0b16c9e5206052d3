/** One crash of each kind; test/long has many of them. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { startVictim, underLoad } from '../support/kill-gateway.ts'

test('a worker, and then the whole gateway, is killed under load: no answer is wrong, nobody is signed out', async (t) => {
  const victim = await startVictim(t, 'sqlite:sessions.db')
  await underLoad(t, victim, 1, async () => {
    await wait(500)
    await victim.killWorker()
    await wait(500)
    await victim.killAll()
    await wait(500)
  })
})
