/** The two listeners of a gateway: opened together, drained in order. */

import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type ConfigStatus, createAdminServer } from '../admin/admin-server.ts'
import type { ListenAddress } from '../config/snapshot.ts'
import type { RequestRecord } from '../proxy/access-log.ts'
import { brokenRecord } from '../proxy/broken-request.ts'
import { recordOf } from '../proxy/exchange.ts'
import type { Parts } from './parts.ts'
import { createPublicServer } from './public-server.ts'

export interface Servers {
  readonly address: ListenAddress
  readonly adminAddress: ListenAddress
  readonly publicServer: FastifyInstance
  readonly admin: FastifyInstance
}

export async function startServers(
  parts: Parts,
  configStatus: () => ConfigStatus,
): Promise<Servers> {
  const { snapshot } = parts.runtime()
  const publicServer = await createPublicServer({
    certificates: parts.certificates,
    parts: {
      plane: () => parts.runtime().plane,
      sessions: parts.sessions,
      upstreams: parts.upstreams,
      webSockets: parts.webSockets,
      log: parts.log,
      now: parts.now,
      draining: () => parts.life.draining,
      onFinished: (received) => note(parts, recordOf(received)),
      onUpgraded: (received, status) => note(parts, { ...recordOf(received), status }),
    },
    endpoints: {
      snapshot: () => parts.runtime().snapshot,
      sessions: parts.sessions,
      rateLimits: parts.rateLimits,
      providers: () => parts.runtime().providers,
      assertion: () => parts.runtime().signer,
      secrets: () => parts.runtime().snapshot.sessionSecrets,
      now: parts.now,
      log: parts.log,
      onSignIn: (provider, result) => parts.metrics.signIn(provider, result),
    },
    onBrokenRequest: (broken) =>
      note(parts, brokenRecord(broken, parts.runtime().plane, parts.now())),
  })
  const admin = createAdminServer({
    listenHost: snapshot.adminListen.host,
    token: () => parts.runtime().snapshot.config.server.admin_token,
    ready: () => parts.life.ready && !parts.life.draining,
    configStatus,
    metrics: parts.metrics,
    sessions: parts.sessions,
    log: parts.log,
  })
  parts.closing.push(() => admin.close())
  const adminAddress = await listen(admin, snapshot.adminListen, 'server.admin_listen')
  parts.closing.push(() => publicServer.close())
  const address = await listen(publicServer, snapshot.listen, 'server.listen')
  return { address, adminAddress, publicServer, admin }
}

function note(parts: Parts, record: RequestRecord): void {
  parts.accessLog().write(record)
  if (record.storeFailed) parts.metrics.storeFailed()
  parts.metrics.requestFinished({
    route: record.route?.name,
    outcome: record.wouldBe === undefined ? (record.decision?.outcome ?? 'rejected') : 'allow',
    status: record.status,
    durationMs: record.durationMs,
    upstreamMs: record.upstreamMs,
  })
}

/** @throws Error that names the config's key and what to do */
async function listen(
  server: FastifyInstance,
  { host, port }: ListenAddress,
  key: string,
): Promise<ListenAddress> {
  try {
    await server.listen({ host, port })
  } catch (cause) {
    throw new Error(whyNotListening(cause, host, port, key), { cause })
  }
  const address = server.server.address() as AddressInfo
  return { host: address.address, port: address.port }
}

function whyNotListening(cause: unknown, host: string, port: number, key: string): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is taken: end the program that uses it or change \`${key}\``
    case 'EACCES':
      return `port ${port} on ${host} needs more rights: choose one from 1024 up in \`${key}\``
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${host}: change \`${key}\``
    default:
      return `cannot listen on ${host}:${port} (\`${key}\`): ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

/**
 * Product 6: not ready at once; connections are still accepted for `drain_delay`; then what is in flight finishes
 * within `drain_timeout`, and WebSockets close with 1001.
 */
export async function drain(
  parts: Parts,
  { publicServer }: Servers,
  delay: boolean,
): Promise<void> {
  const { drain_delay: delayMs, drain_timeout: timeoutMs } = parts.runtime().snapshot.config.server
  parts.life.draining = true
  if (delay && delayMs > 0) await wait(delayMs)
  const ended = Promise.all([publicServer.close(), parts.webSockets.closeAll()])
  const late = new AbortController()
  const deadline = wait(timeoutMs, undefined, { signal: late.signal }).then(
    () => publicServer.server.closeAllConnections(),
    () => undefined,
  )
  await ended
  late.abort()
  await deadline
}
