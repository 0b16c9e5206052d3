/**
 * A connection to Redis that never keeps anybody waiting: it answers, or it fails at once with STORE_UNAVAILABLE, and it
 * comes back by itself within a second of the network. One server, a primary that Sentinels know, or a cluster.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisLocation } from '../../config/snapshot.ts'
import { GatehouseError } from '../../errors.ts'
import type { Every } from '../../support/every.ts'
import { SCRIPTS } from './redis-scripts.ts'

export type RedisClient = Redis | Cluster

export interface RedisLink {
  /** Rejects with STORE_UNAVAILABLE only. A command that was sent and not answered may have been done. */
  ask<T>(question: (client: RedisClient) => Promise<T>): Promise<T>
  /** Resolves once there is a connection, or after `ms` without one. */
  ready(ms: number): Promise<void>
  close(): void
}

export interface RedisLinkOptions {
  readonly location: RedisLocation
  readonly every: Every
  /** Called when the connection is lost, or cannot be had, with the reason; once until it is there again. */
  readonly onLost: (reason: string) => void
  /** Called when it is there again after it was lost. */
  readonly onBack: () => void
  /** Called when Redis may have lost what it took: it is there again after it was lost, or a node of the cluster is gone. */
  readonly onDoubt: () => void
}

/** Nobody waits longer for an answer. A socket that is silent for so long is given up, whatever TCP says of it. */
const ANSWER_MS = 1_000
const CONNECT_MS = 700
const RETRY_MS = 150
/** A quiet connection that has died is noticed before a request needs it. */
const PULSE_MS = 1_000
const SLOTS_EVERY_MS = 5_000
const READY_STEP_MS = 5

/** What all connections have in common. */
export function connectionOptions({ tls, username, password }: RedisLocation) {
  return {
    // Understood by every server and proxy; nothing here needs more.
    protocol: 2,
    connectionName: 'gatehouse',
    ...(tls ? { tls: {} } : {}),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: password.reveal() }),
    connectTimeout: CONNECT_MS,
    commandTimeout: ANSWER_MS,
    socketTimeout: ANSWER_MS,
    disconnectTimeout: RETRY_MS,
    maxLoadingRetryTime: RETRY_MS,
    retryStrategy: () => RETRY_MS,
    // A command is sent once: what was not answered may have been done, and "done twice" would read as "not there".
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    // A primary that has become a replica: another connection may lead to the new one.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
  } as const satisfies RedisOptions
}

/** A connection for one server, or for the primary that Sentinels name. */
export function openServer(location: Exclude<RedisLocation, { mode: 'cluster' }>): Redis {
  const common = { ...connectionOptions(location), scripts: SCRIPTS, db: location.db }
  if (location.mode === 'single') return new Redis({ ...common, ...location.node })
  const { sentinels, name, sentinelPassword, tls } = location
  return new Redis({
    ...common,
    name,
    sentinels: [...sentinels],
    role: 'master',
    ...(sentinelPassword === undefined ? {} : { sentinelPassword: sentinelPassword.reveal() }),
    ...(tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
    sentinelCommandTimeout: CONNECT_MS,
    sentinelRetryStrategy: () => RETRY_MS,
  })
}

function openCluster(location: Extract<RedisLocation, { mode: 'cluster' }>): Cluster {
  const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = connectionOptions(location)
  const cluster = new Cluster([...location.nodes], {
    scripts: SCRIPTS,
    redisOptions,
    enableOfflineQueue: false,
    clusterRetryStrategy: () => RETRY_MS,
    slotsRefreshTimeout: CONNECT_MS,
    slotsRefreshInterval: SLOTS_EVERY_MS,
    // Sent once, as above; what a node refuses with MOVED, ASK or TRYAGAIN it has not done.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Names stay names, so that certificates are checked against them.
    dnsLookup: (host, callback) => callback(null, host),
  })
  // Connected before anybody asks: what is asked of a node that is still connecting fails at once. Not before the end of
  // this turn, in which the command may be sent that made ioredis look for the node; nor before the cluster is known.
  const connect = (node: Redis) => {
    setImmediate(() => {
      if (cluster.status === 'ready' && node.status === 'wait') node.connect().catch(ignore)
    })
  }
  cluster.on('+node', connect)
  cluster.on('ready', () => cluster.nodes().forEach(connect))
  return cluster
}

export function openRedisLink(options: RedisLinkOptions): RedisLink {
  const { location } = options
  const where = describeRedis(location)
  const client = location.mode === 'cluster' ? openCluster(location) : openServer(location)
  let problem: string | undefined
  let lost = false
  let closed = false

  const lose = (error?: unknown): void => {
    if (closed) return
    if (error !== undefined) problem = firstLine(error)
    if (lost) return
    lost = true
    options.onLost(`${where}: ${problem ?? 'the connection was closed'}`)
  }
  client.on('error', (error: Error & { readonly lastNodeError?: Error }) =>
    lose(error.lastNodeError ?? error),
  )
  client.on('node error', (error: Error) => {
    problem = firstLine(error)
  })
  client.on('close', () => lose())
  client.on('ready', () => {
    problem = undefined
    if (!lost) return
    lost = false
    options.onBack()
    options.onDoubt()
  })
  client.on('-node', () => {
    if (!closed) options.onDoubt()
  })
  neverGiveUp(client, () => closed)
  const stopPulse = options.every(PULSE_MS, () => pulse(client, location.mode))

  return {
    async ask(question) {
      try {
        return await question(client)
      } catch (cause) {
        if (cause instanceof GatehouseError) throw cause
        const isDown = client.status !== 'ready'
        const reason = isDown ? (problem ?? 'there is no connection') : firstLine(cause)
        // Not as its cause: errors of ioredis carry the command, and so what is stored, or a password.
        throw new GatehouseError('STORE_UNAVAILABLE', `session store ${where}: ${reason}`)
      }
    },
    async ready(ms) {
      const signal = AbortSignal.timeout(ms)
      try {
        await untilReady(client, signal)
        if (client instanceof Cluster) {
          await Promise.all(client.nodes('master').map((node) => untilReady(node, signal)))
        }
      } catch {
        // The time is over. What is asked from now on tells what is wrong.
      }
    },
    close() {
      closed = true
      stopPulse()
      client.disconnect()
    },
  }
}

async function untilReady(client: RedisClient, signal: AbortSignal): Promise<void> {
  // Not events.once: that rejects at the first error, of which there may be some on the way.
  while (client.status !== 'ready') {
    signal.throwIfAborted()
    await wait(READY_STEP_MS, undefined, { signal })
  }
}

/** ioredis ends for good where a connection is closed while Sentinels are still asked. */
export function neverGiveUp(client: RedisClient, isClosed: () => boolean): void {
  client.on('end', () => {
    if (!isClosed()) setTimeout(() => client.connect().catch(ignore), RETRY_MS).unref()
  })
}

/** Its answers matter to nobody; that none comes closes the connection. */
function pulse(client: RedisClient, mode: RedisLocation['mode']): void {
  if (client instanceof Cluster) {
    for (const node of client.nodes()) if (node.status === 'ready') node.ping().catch(ignore)
  } else if (client.status === 'ready') {
    client.role().then((role) => {
      // Sentinels have made another one the primary, and this connection outlived that.
      if (mode === 'sentinel' && role[0] !== 'master' && client.status === 'ready') {
        client.disconnect(true)
      }
    }, ignore)
  }
}

function ignore(): void {
  // Whoever asks next meets the same and tells of it.
}

/** The store's URL as it may be shown: without user and password. */
export function describeRedis(location: RedisLocation): string {
  const scheme = location.tls ? 'rediss' : 'redis'
  const join = (nodes: readonly { readonly host: string; readonly port: number }[]) =>
    nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  switch (location.mode) {
    case 'single':
      return `\`${scheme}://${join([location.node])}\``
    case 'sentinel':
      return `\`${scheme}-sentinel://${join(location.sentinels)}/${location.name}\``
    case 'cluster':
      return `\`${scheme}-cluster://${join(location.nodes)}\``
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n', 1)[0] ?? text
}
