/**
 * Replicas behind a real nginx that are restarted one after the other, while requests come at a steady rate and
 * WebSockets are open.
 */

import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import { freePort } from './free-port.ts'
import { type SpawnedGateway, spawnGateway } from './spawn-gateway.ts'
import { sendTo } from './start-gateway.ts'
import { startNginx } from './start-nginx.ts'
import { startRedis } from './start-redis.ts'
import { PRIVATE, startSurroundings, visitorsOf } from './start-replicas.ts'

export interface RollingRestart {
  readonly replicas: number
  readonly requestsPerSecond: number
  readonly webSockets: number
}

/** What came of it. */
export interface Restarted {
  /** How often each status was answered. */
  readonly answers: ReadonlyMap<number, number>
  /** Requests that had no answer, and why. */
  readonly failed: readonly string[]
  /** With which codes WebSockets were closed. */
  readonly closeCodes: readonly number[]
  readonly seconds: number
}

/** nginx as docs/running.md has it. */
async function startFront(t: Test, ports: readonly number[]) {
  const servers = ports.map((port) => `server 127.0.0.1:${port} max_fails=1 fail_timeout=1s;`)
  return startNginx(t, {
    http: `
      map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
      upstream gatehouse { ${servers.join(' ')} keepalive 64; }`,
    server: `location / {
      proxy_pass http://gatehouse;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }`,
  })
}

export async function restartUnderLoad(t: Test, options: RollingRestart): Promise<Restarted> {
  const redis = await startRedis(t)
  const { provider, policies } = await startSurroundings(t)
  const ports = await Promise.all(Array.from({ length: options.replicas }, freePort))
  const start = (port: number, folder?: string) =>
    spawnGateway(t, {
      provider,
      policies,
      config: {
        server: { listen: `127.0.0.1:${port}`, drain_delay: '1s', drain_timeout: '10s' },
        session: { store: `redis://127.0.0.1:${redis.port}` },
      },
      ...(folder === undefined ? {} : { folder }),
    })
  const gateways: SpawnedGateway[] = []
  for (const port of ports) gateways.push(await start(port))
  const front = await startFront(t, ports)
  const cookie = await visitorsOf(t, gateways).signIn(0)
  const codes: number[] = []
  const sockets = await Promise.all(
    Array.from({ length: options.webSockets }, () => openSocket(t, front.port, cookie, codes)),
  )
  const begun = performance.now()
  const load = startLoad(t, front.port, cookie, options.requestsPerSecond)
  for (const [at, port] of ports.entries()) {
    const gateway = gateways[at] as SpawnedGateway
    gateway.signal('SIGTERM')
    const end = await gateway.ended
    t.strictSame(end, [0, null], `replica ${at} ends in order`)
    gateways[at] = await start(port, gateway.folder)
    // So long nginx believes it to be away.
    await wait(1_200)
  }
  const { answers, failed } = await load.stop()
  const seconds = (performance.now() - begun) / 1_000
  for (const socket of sockets) socket.terminate()
  return { answers, failed, closeCodes: codes, seconds }
}

async function openSocket(
  t: Test,
  port: number,
  cookie: string,
  codes: number[],
): Promise<WebSocket> {
  const headers = { host: new URL(PRIVATE).host, cookie, origin: PRIVATE }
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers })
  t.teardown(() => socket.terminate())
  socket.on('error', () => undefined)
  socket.on('close', (code) => codes.push(code))
  await new Promise<void>((resolve) => {
    socket.on('open', () => socket.send('hello'))
    socket.on('message', () => resolve())
  })
  return socket
}

/** Past it a machine that is too slow for the rate is waited for, rather than buried. */
const MAX_OPEN = 200

/** One request every so often, whether the one before has been answered or not. */
function startLoad(t: Test, port: number, cookie: string, perSecond: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  t.teardown(() => agent.destroy())
  const answers = new Map<number, number>()
  const failed: string[] = []
  const open = new Set<Promise<void>>()
  const ask = async (): Promise<void> => {
    try {
      const { status } = await sendTo(port, `${PRIVATE}/`, { headers: { cookie }, agent })
      answers.set(status, (answers.get(status) ?? 0) + 1)
    } catch (cause) {
      failed.push(String(cause))
    }
  }
  const begun = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * perSecond
    for (; sent < due; sent++) {
      if (open.size >= MAX_OPEN) continue
      const one = ask().finally(() => open.delete(one))
      open.add(one)
    }
  }, 10)
  t.teardown(() => clearInterval(timer))
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(open)
      return { answers, failed }
    },
  }
}
