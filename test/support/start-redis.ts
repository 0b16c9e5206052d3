/** Real Redis servers on ports of their own, that go with the test: one, a primary with replica and Sentinel, a cluster. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { findTool } from '../../scripts/test-tools.mjs'
import { freePort } from './free-port.ts'
import { selfSigned } from './self-signed.ts'
import { tempFolder } from './temp-folder.ts'

export interface RedisServer {
  readonly port: number
  /** A connection as an operator has one; closed with the test. */
  readonly admin: Redis
  /** SIGKILL: nothing more is written. Resolves when it is gone. */
  kill(): Promise<void>
  /** On the same port and folder, after `kill`. */
  restart(): Promise<void>
  /** SIGSTOP: its connections stay, and nothing answers. */
  pause(): void
  resume(): void
}

export interface RedisServerOptions {
  /** Lines of redis.conf besides port, folder and "no snapshots". */
  readonly conf?: readonly string[]
  /** The lines speak of TLS: `port` is the TLS port. */
  readonly tls?: boolean
  readonly sentinel?: boolean
  /** How `admin` connects, besides the port. */
  readonly admin?:
    | { readonly password?: string; readonly tls?: { readonly ca: string } }
    | undefined
  readonly portBelow?: number
}

export async function startRedis(t: Test, options: RedisServerOptions = {}): Promise<RedisServer> {
  for (let attempt = 1; ; attempt++) {
    const port = await portBelow(options.portBelow ?? 65_536)
    const folder = tempFolder(t)
    const conf = join(folder, options.sentinel ? 'sentinel.conf' : 'redis.conf')
    writeFileSync(conf, `${confLines(folder, port, options).join('\n')}\n`)
    const started = await tryStart(conf, options)
    if (started.ready) return serverOf(t, port, conf, started.child, options)
    // The port may have been taken in between; anything else will not mend itself.
    if (attempt === 3 || !started.log.includes('Address already in use')) {
      throw new Error(`redis-server did not start: ${started.log}`)
    }
  }
}

async function portBelow(limit: number): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (port < limit) return port
  }
}

function confLines(folder: string, port: number, options: RedisServerOptions): string[] {
  const { conf = [], tls = false, sentinel = false } = options
  const ports = tls ? ['port 0', `tls-port ${port}`] : [`port ${port}`]
  const common = [...ports, 'bind 127.0.0.1', `dir ${folder}`, 'daemonize no']
  return [...common, ...(sentinel ? [] : ['save ""']), ...conf]
}

interface Started {
  readonly child: ChildProcess
  readonly ready: boolean
  readonly log: string
}

async function tryStart(conf: string, { sentinel = false }: RedisServerOptions): Promise<Started> {
  const command = findTool('redis-server')
  if (command === undefined) {
    throw new Error('redis-server is not installed: run `npm test` from the start')
  }
  const child = spawn(command, [conf, ...(sentinel ? ['--sentinel'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  const sign = sentinel ? '+monitor master' : 'Ready to accept connections'
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (line.includes(sign)) {
      child.stdout.resume()
      return { child, ready: true, log: '' }
    }
  }
  return { child, ready: false, log: lines.join('\n') }
}

function serverOf(
  t: Test,
  port: number,
  conf: string,
  first: ChildProcess,
  options: RedisServerOptions,
): RedisServer {
  let child = first
  const admin = new Redis(port, '127.0.0.1', { lazyConnect: true, ...options.admin })
  admin.on('error', () => undefined)
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  t.teardown(async () => {
    admin.disconnect()
    await kill()
  })
  return {
    port,
    admin,
    kill,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    restart: async () => {
      const started = await tryStart(conf, options)
      if (!started.ready) throw new Error(`redis-server did not start again: ${started.log}`)
      child = started.child
    },
  }
}

export interface SentinelSetUp {
  readonly primary: RedisServer
  readonly replica: RedisServer
  readonly sentinel: RedisServer
  /** Under which the Sentinel knows the primary. */
  readonly name: string
}

export interface SentinelOptions {
  /** Lines of redis.conf for primary and replica. */
  readonly conf?: readonly string[]
  readonly password?: string
  readonly sentinelPassword?: string
  readonly tls?: TestTls
}

/** A primary, its replica, and one Sentinel that makes the replica primary when that is gone for half a second. */
export async function startSentinel(
  t: Test,
  options: SentinelOptions = {},
): Promise<SentinelSetUp> {
  const { password, sentinelPassword, tls, conf = [] } = options
  const name = 'mymaster'
  const auth = password === undefined ? [] : [`requirepass ${password}`, `masterauth ${password}`]
  const own = {
    ...withTls(tls, password === undefined ? {} : { password }),
    conf: [...auth, ...(tls?.conf ?? []), 'repl-diskless-sync-delay 0', ...conf],
  }
  const primary = await startRedis(t, own)
  const replica = await startRedis(t, {
    ...own,
    conf: [...own.conf, `replicaof 127.0.0.1 ${primary.port}`],
  })
  // The first acknowledgement takes up to a second, all others less than a millisecond.
  await until(async () => {
    await primary.admin.flushall()
    return (await primary.admin.wait(1, 1_000)) === 1
  })
  const sentinel = await startRedis(t, {
    sentinel: true,
    ...withTls(tls, sentinelPassword === undefined ? {} : { password: sentinelPassword }),
    conf: [
      ...(tls?.conf ?? []),
      ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
      `sentinel monitor ${name} 127.0.0.1 ${primary.port} 1`,
      ...(password === undefined ? [] : [`sentinel auth-pass ${name} ${password}`]),
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 5000`,
    ],
  })
  // It asks the primary for its replicas every ten seconds, and for the first time about now.
  await until(async () => {
    const replicas = await sentinel.admin.call('SENTINEL', 'REPLICAS', name)
    return Array.isArray(replicas) && replicas.length === 1
  })
  return { primary, replica, sentinel, name }
}

/** A certificate for servers on 127.0.0.1, and the lines of redis.conf that make them use it for everything. */
export interface TestTls {
  readonly cert: string
  readonly conf: readonly string[]
}

export function redisTls(t: Test): TestTls {
  const { cert, key } = selfSigned(['127.0.0.1'])
  const folder = tempFolder(t, { 'tls.crt': cert, 'tls.key': key })
  const conf = [
    `tls-cert-file ${join(folder, 'tls.crt')}`,
    `tls-key-file ${join(folder, 'tls.key')}`,
    `tls-ca-cert-file ${join(folder, 'tls.crt')}`,
    'tls-auth-clients no',
    'tls-replication yes',
  ]
  return { cert, conf }
}

function withTls(tls: TestTls | undefined, admin: RedisServerOptions['admin']) {
  if (tls === undefined) return { admin }
  return { tls: true, admin: { ...admin, tls: { ca: tls.cert } } }
}

const SLOTS = 16_384

/** Three primaries that share the slots. */
export async function startCluster(
  t: Test,
  conf: readonly string[] = [],
  tls?: TestTls,
): Promise<readonly RedisServer[]> {
  const nodes = await Promise.all(
    [0, 1, 2].map((at) =>
      startRedis(t, {
        ...withTls(tls, {}),
        // The port of the cluster's own traffic lies 10000 above.
        portBelow: 55_000,
        conf: [
          'cluster-enabled yes',
          'cluster-node-timeout 1000',
          `cluster-config-file nodes-${at}.conf`,
          ...(tls === undefined ? [] : [...tls.conf, 'tls-cluster yes']),
          ...conf,
        ],
      }),
    ),
  )
  const share = Math.ceil(SLOTS / nodes.length)
  for (const [at, { admin }] of nodes.entries()) {
    const first = at * share
    const count = Math.min(share, SLOTS - first)
    await admin.cluster('ADDSLOTS', ...Array.from({ length: count }, (_, slot) => first + slot))
    for (const other of nodes) await admin.cluster('MEET', '127.0.0.1', other.port)
  }
  for (const { admin } of nodes) {
    await until(async () => {
      const info = String(await admin.cluster('INFO'))
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
    })
  }
  return nodes
}

/** Asks again and again until the answer is yes; half a minute at most. */
export async function until(question: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!(await question())) {
    if (Date.now() > deadline) throw new Error('it has not come about in half a minute')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
