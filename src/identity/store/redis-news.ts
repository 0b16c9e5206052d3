/**
 * Sessions that end or are replaced anywhere, told by Redis to every replica at once. No more than a hint that comes early: what is told
 * while the connection is cut nobody hears, and whoever relies on a session asks the store again after a second.
 */

import { Redis } from 'ioredis'
import type { RedisLocation } from '../../config/snapshot.ts'
import type { Every } from '../../support/every.ts'
import { connectionOptions, neverGiveUp, openServer } from './redis-link.ts'

export interface News {
  /** Calls `listener` with each id that `channel` tells; returns a function that stops that. */
  listen(channel: string, listener: (id: string) => void): () => void
  close(): void
}

export interface NewsOptions {
  readonly location: RedisLocation
  readonly every: Every
  readonly channels: readonly string[]
}

const PULSE_MS = 1_000
const NEXT_NODE_MS = 150

export function openNews({ location, every, channels }: NewsOptions): News {
  const listeners = new Map(channels.map((channel) => [channel, new Set<(id: string) => void>()]))
  const tell = (channel: string, id: string) => {
    for (const listener of listeners.get(channel) ?? []) listener(id)
  }
  const subscriber =
    location.mode === 'cluster'
      ? subscribeToCluster(location, channels, tell)
      : subscribeToServer(location, channels, tell)
  const stopPulse = every(PULSE_MS, () => subscriber.pulse())
  return {
    listen: (channel, listener) => {
      const entry = (id: string) => listener(id)
      listeners.get(channel)?.add(entry)
      return () => listeners.get(channel)?.delete(entry)
    },
    close: () => {
      stopPulse()
      subscriber.close()
    },
  }
}

interface Subscriber {
  /** A connection that has died silently is noticed by asking. */
  pulse(): void
  close(): void
}

type Tell = (channel: string, id: string) => void

function subscribe(redis: Redis, channels: readonly string[], tell: Tell): Subscriber {
  // The link says what is wrong with Redis; this one only comes back.
  redis.on('error', () => undefined)
  redis.on('message', tell)
  redis.on('ready', () => {
    redis.subscribe(...channels).catch(() => redis.status === 'ready' && redis.disconnect(true))
  })
  return {
    pulse: () => {
      if (redis.status === 'ready') redis.ping().catch(() => undefined)
    },
    close: () => redis.disconnect(),
  }
}

function subscribeToServer(
  location: Exclude<RedisLocation, { mode: 'cluster' }>,
  channels: readonly string[],
  tell: Tell,
): Subscriber {
  const redis = openServer(location)
  const { pulse, close } = subscribe(redis, channels, tell)
  let closed = false
  neverGiveUp(redis, () => closed)
  return {
    pulse,
    close: () => {
      closed = true
      close()
    },
  }
}

/** Any node tells what is published at any other: one connection, to another node where it is lost. */
function subscribeToCluster(
  location: Extract<RedisLocation, { mode: 'cluster' }>,
  channels: readonly string[],
  tell: Tell,
): Subscriber {
  let current: Subscriber | undefined
  let closed = false
  let next = 0
  const open = () => {
    const node = location.nodes[next++ % location.nodes.length]
    const redis = new Redis({ ...connectionOptions(location), ...node, retryStrategy: () => null })
    current = subscribe(redis, channels, tell)
    redis.on('end', () => {
      if (!closed) setTimeout(open, NEXT_NODE_MS).unref()
    })
  }
  open()
  return {
    pulse: () => current?.pulse(),
    close: () => {
      closed = true
      current?.close()
    },
  }
}
