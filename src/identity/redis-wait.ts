/** Waiting until a write is on a replica of Redis, where there is one: what is not there yet a failover would lose. */

import type { Log } from '../support/log.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import type { RedisClient } from './redis-link.ts'

/** Below the time that any answer may take, so that a replica that hangs delays a sign-in and does not fail it. */
const WAIT_MS = 500
/** After a wait in vain nobody waits for so long: while a replica hangs, sign-ins go on. */
const PAUSE_MS = 5_000

export interface ReplicaWaitOptions {
  readonly now: Clock
  readonly log: Log
}

/** Waits for all that the client's connection has written to the server that holds `key`. */
export type ReplicaWait = (client: RedisClient, key: string) => Promise<void>

export function createReplicaWait({ now, log }: ReplicaWaitOptions): ReplicaWait {
  let waitAgainAt: EpochMs = 0

  return async (client, key) => {
    if (now() < waitAgainAt) return
    // The key leads both to the same node of a cluster, over the connection that has written.
    if (!hasReplicas(await last(client.pipeline().exists(key).role()))) return
    const reached = Number(await last(client.pipeline().exists(key).wait(1, WAIT_MS)))
    if (reached > 0) return
    waitAgainAt = now() + PAUSE_MS
    log.warn(
      { seconds: PAUSE_MS / 1_000 },
      'no replica of Redis has confirmed a write in time; sign-ins and sign-outs do not wait for one now',
    )
  }
}

async function last(pipeline: ReturnType<RedisClient['pipeline']>): Promise<unknown> {
  const answers = (await pipeline.exec()) ?? []
  const failed = answers.find(([error]) => error !== null)?.[0]
  if (failed) throw failed
  return answers.at(-1)?.[1]
}

/** ROLE of a primary: its name, its offset, its replicas. */
function hasReplicas(role: unknown): boolean {
  return Array.isArray(role) && Array.isArray(role[2]) && role[2].length > 0
}
