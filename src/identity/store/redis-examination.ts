/** What a Redis says of itself, for whoever wants to know whether sessions are safe there. It is only asked. */

import { Cluster, type Redis } from 'ioredis'
import type { RedisLocation } from '../../config/snapshot.ts'
import { GatehouseError } from '../../errors.ts'
import { every } from '../../support/every.ts'
import { describeRedis, openRedisLink } from './redis-link.ts'

/** One server that takes writes. */
export interface RedisNode {
  readonly version: string
  readonly appendOnly: boolean
  /** False after a write or a snapshot that failed. */
  readonly persists: boolean
  readonly evictionPolicy: string
  readonly replicas: number
  /** Its clock, in milliseconds since the epoch, and ours when it said so. */
  readonly clock: { readonly there: number; readonly here: number }
}

/** `where` is its URL without user and password. */
export type RedisExamination = { readonly where: string } & (
  | { readonly kind: 'answers'; readonly nodes: readonly RedisNode[] }
  | { readonly kind: 'silent'; readonly why: string }
)

const CONNECT_MS = 3_000

export async function examineRedis(
  location: RedisLocation,
  now: () => number,
): Promise<RedisExamination> {
  const where = describeRedis(location)
  const ignore = () => undefined
  const link = openRedisLink({ location, every, onLost: ignore, onBack: ignore, onDoubt: ignore })
  try {
    await link.ready(CONNECT_MS)
    const nodes = await link.ask((client) =>
      Promise.all(
        (client instanceof Cluster ? client.nodes('master') : [client]).map((node) =>
          examineNode(node, now),
        ),
      ),
    )
    return { where, kind: 'answers', nodes }
  } catch (error) {
    if (error instanceof GatehouseError) return { where, kind: 'silent', why: error.message }
    throw error
  } finally {
    link.close()
  }
}

async function examineNode(node: Redis, now: () => number): Promise<RedisNode> {
  const [seconds, microseconds] = await node.time()
  const here = now()
  const info = new Map(
    (await node.info())
      .split(/\r?\n/)
      .map((line) => [line.split(':', 1)[0] ?? '', line.slice(line.indexOf(':') + 1)]),
  )
  const says = (key: string) => info.get(key) ?? ''
  return {
    version: says('redis_version'),
    appendOnly: says('aof_enabled') === '1',
    persists: says('aof_last_write_status') !== 'err' && says('rdb_last_bgsave_status') !== 'err',
    evictionPolicy: says('maxmemory_policy'),
    replicas: Number(says('connected_slaves')),
    clock: { there: Number(seconds) * 1_000 + Number(microseconds) / 1_000, here },
  }
}
