/** Waiting until a write is on a replica of Redis, where there is one: what is not there yet a failover would lose. */

import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
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

  const isConfirmed = async (client: RedisClient, key: string): Promise<boolean> => {
    // The key leads both to the same node of a cluster, over the connection that has written.
    if (!hasReplicas(await last(client.pipeline().exists(key).role()))) return true
    return Number(await last(client.pipeline().exists(key).wait(1, WAIT_MS))) > 0
  }

  return async (client, key) => {
    if (now() < waitAgainAt) return
    let reason = 'no replica has confirmed it in time'
    try {
      if (await isConfirmed(client, key)) return
    } catch (error) {
      // Lost on the way: nobody knows what became of the write itself.
      if (!isRefusal(error)) throw error
      reason = error.message
    }
    waitAgainAt = now() + PAUSE_MS
    log.warn(
      { reason, seconds: PAUSE_MS / 1_000 },
      'a sign-in or sign-out is not known to be on a replica of Redis; the next ones do not wait for that',
    )
  }
}

/** Redis has answered, and does not let us ask: some services keep ROLE and WAIT to themselves. */
function isRefusal(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
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
