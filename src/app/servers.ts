/** The two listeners of a gateway: opened together, drained in order. */

import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type ConfigStatus, createAdminServer } from '../admin/admin-server.ts'
import type { ListenAddress } from '../config/snapshot.ts'
import type { RequestRecord } from '../proxy/access-log.ts'
import { brokenRecord } from '../proxy/broken-request.ts'
import { recordOf } from '../proxy/exchange.ts'
import { type BrokenRequest, limitListener } from '../proxy/listener.ts'
import { listen } from './listen.ts'
import type { Parts } from './parts.ts'
import { createPublicServer } from './public-server.ts'
import { startRedirectServer } from './redirect-server.ts'

export interface Servers {
  readonly address: ListenAddress
  readonly adminAddress: ListenAddress
  readonly redirectAddress: () => ListenAddress | undefined
  readonly publicServer: FastifyInstance
  readonly admin: FastifyInstance
}

export async function startServers(
  parts: Parts,
  configStatus: () => ConfigStatus,
): Promise<Servers> {
  const { snapshot } = parts.runtime()
  const onBrokenRequest = (broken: BrokenRequest) =>
    note(parts, brokenRecord(broken, parts.runtime().plane, parts.now()))
  const publicServer = await createPublicServer({
    certificates: parts.certificates,
    limits: () => parts.runtime().snapshot.config.server.limits,
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
    onBrokenRequest,
  })
  parts.alsoPrepare(async ({ config }) => ({
    commit: async () => limitListener(publicServer.server, config.server.limits),
    abort: async () => undefined,
  }))
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
  const redirect = await startRedirectServer(parts, onBrokenRequest)
  return { address, adminAddress, redirectAddress: redirect.address, publicServer, admin }
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
