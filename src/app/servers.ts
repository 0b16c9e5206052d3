/** The listeners of a gateway of one process, opened together; a worker has those for browsers alone. */

import type { FastifyInstance } from 'fastify'
import { type ConfigStatus, createAdminServer } from '../admin/admin-server.ts'
import { metricsText } from '../admin/metrics.ts'
import type { OperatorParts } from '../admin/operator/operator-parts.ts'
import type { ListenAddress } from '../config/snapshot.ts'
import type { RequestRecord } from '../proxy/access-log.ts'
import { brokenRecord } from '../proxy/broken-request.ts'
import { recordOf } from '../proxy/exchange.ts'
import { type BrokenRequest, limitListener } from '../proxy/listener.ts'
import { listen } from './listen.ts'
import type { Parts } from './parts.ts'
import { providerHealth } from './provider-health.ts'
import { createPublicServer } from './public-server.ts'
import { startRedirectServer } from './redirect-server.ts'
import { noteUntrustedProxies } from './untrusted-proxies.ts'

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
  testPeople: OperatorParts['testPeople'],
  onMade: () => void = () => undefined,
): Promise<Servers> {
  const { snapshot } = parts.runtime()
  const publicServer = await buildPublicServer(parts)
  const admin = createAdminServer({
    listenHost: snapshot.adminListen.host,
    token: () => parts.runtime().snapshot.config.server.admin_token,
    ready: () => parts.life.ready && !parts.life.draining,
    configStatus,
    recentDecisions: parts.recentDecisions,
    metrics: metricsText(parts.metrics.registry),
    sessions: parts.sessions,
    audit: parts.audit,
    operator: {
      snapshot: () => parts.runtime().snapshot,
      health: async () => [providerHealth(parts.runtime())],
      testPeople,
      now: parts.now,
    },
    log: parts.log,
  })
  parts.closing.push(() => admin.close())
  onMade()
  const adminAddress = await listen(admin, snapshot.adminListen, 'server.admin_listen')
  const browsers = await openForBrowsers(parts, publicServer, snapshot.listen)
  return { ...browsers, adminAddress, publicServer, admin }
}

/** Opens the listener that was built, and that of `server.redirect_listen` where there is one. */
export async function openForBrowsers(
  parts: Parts,
  publicServer: FastifyInstance,
  wanted: ListenAddress,
): Promise<Pick<Servers, 'address' | 'redirectAddress'>> {
  const address = await listen(publicServer, wanted, 'server.listen')
  const redirect = await startRedirectServer(parts, noteBroken(parts))
  return { address, redirectAddress: redirect.address }
}

/** The public listener over `parts`, which does not listen yet; it closes with them. */
export async function buildPublicServer(parts: Parts): Promise<FastifyInstance> {
  const publicServer = await createPublicServer({
    certificates: parts.certificates,
    server: () => parts.runtime().snapshot.config.server,
    parts: {
      plane: () => parts.runtime().plane,
      sessions: parts.sessions,
      resolveGroups: parts.resolveGroups,
      upstreams: parts.upstreams,
      webSockets: parts.webSockets,
      log: parts.log,
      now: parts.now,
      draining: () => parts.life.draining,
      tracing: parts.tracing,
      onUntrustedProxy: noteUntrustedProxies(parts.log, parts.metrics.untrustedProxy),
      onFinished: (received) => note(parts, recordOf(received)),
      onUpgraded: (received, status) => note(parts, { ...recordOf(received), status }),
    },
    endpoints: {
      snapshot: () => parts.runtime().snapshot,
      sessions: parts.sessions,
      resolveGroups: parts.resolveGroups,
      directories: () => parts.runtime().directories,
      rateLimits: parts.rateLimits,
      localAdmins: parts.localAdmins,
      providers: () => parts.runtime().providers,
      assertion: () => parts.runtime().signer,
      secrets: () => parts.runtime().snapshot.sessionSecrets,
      now: parts.now,
      log: parts.log,
      audit: parts.audit,
      onSignIn: (provider, result) => parts.metrics.signIn(provider, result),
      onStoreFailed: parts.metrics.storeFailed,
    },
    onBrokenRequest: noteBroken(parts),
  })
  parts.alsoPrepare(async ({ config }) => ({
    commit: async () => limitListener(publicServer.server, config.server.limits),
    abort: async () => undefined,
  }))
  parts.closing.push(() => publicServer.close())
  return publicServer
}

function noteBroken(parts: Parts): (broken: BrokenRequest) => void {
  return (broken) => note(parts, brokenRecord(broken, parts.runtime().plane, parts.now()))
}

function note(parts: Parts, record: RequestRecord): void {
  parts.accessLog.write(record)
  if (record.storeFailed) parts.metrics.storeFailed()
  parts.metrics.requestFinished({
    route: record.route?.name,
    outcome: record.wouldBe === undefined ? (record.decision?.outcome ?? 'rejected') : 'allow',
    status: record.status,
    durationMs: record.durationMs,
    upstreamMs: record.upstreamMs,
  })
}
