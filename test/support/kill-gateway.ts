/** A gateway with workers whose processes are killed while people use it, and that starts again where it was. */

import type { Test } from 'tap'
import { freePort } from './free-port.ts'
import { checkLedger, peopleUnderLoad } from './people-under-load.ts'
import { type SpawnedGateway, spawnGateway } from './spawn-gateway.ts'
import { until } from './start-redis.ts'
import { type Reachable, startSurroundings } from './start-replicas.ts'

export interface Victim extends Reachable {
  /** Kills one worker, and waits for the one that takes its place. */
  killWorker(): Promise<void>
  /** Kills all processes at once, and starts again. */
  killAll(): Promise<void>
}

/** @param store `session.store` */
export async function startVictim(t: Test, store: string): Promise<Victim> {
  const { provider, policies } = await startSurroundings(t)
  const port = await freePort()
  const config = {
    server: { workers: 2, listen: `127.0.0.1:${port}` },
    session: { store, max_per_user: 10_000 },
  }
  const start = (folder?: string) =>
    spawnGateway(t, { provider, policies, config, ...(folder === undefined ? {} : { folder }) })
  let gateway: SpawnedGateway = await start()
  let turn = 0
  return {
    port,
    get: (url, options) => gateway.get(url, options),
    killWorker: async () => {
      const number = (turn++ % 2) + 1
      const pid = gateway.workers().get(number)
      process.kill(pid ?? 0, 'SIGKILL')
      await until(async () => gateway.workers().get(number) !== pid)
    },
    killAll: async () => {
      for (const pid of gateway.workers().values()) process.kill(pid, 'SIGKILL')
      gateway.signal('SIGKILL')
      await gateway.ended
      gateway = await start(gateway.folder)
    },
  }
}

/** People use the victim while `harm` does its work; then everything they were told is held against it. */
export async function underLoad(
  t: Test,
  victim: Victim,
  timesEach: number,
  harm: () => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const load = peopleUnderLoad(t, victim, timesEach, stop.signal)
  await harm()
  stop.abort()
  await checkLedger(t, victim, await load)
}
