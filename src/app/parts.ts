/** The parts of a running gateway that live as long as it does, and how a new snapshot reaches them. */

import type { Logger } from 'pino'
import { createMetrics, type Metrics } from '../admin/metrics.ts'
import type { Snapshot } from '../config/snapshot.ts'
import { openSharedDirectory } from '../identity/directory/open-shared-directory.ts'
import { createSessions } from '../identity/live-sessions.ts'
import { createLocalAdmins, type LocalAdmins } from '../identity/local-admins.ts'
import { openRateLimits } from '../identity/open-rate-limits.ts'
import type { ProxySettings } from '../identity/provider/outgoing-fetch.ts'
import type { RateLimits } from '../identity/rate-limits.ts'
import { createResolveGroups, type ResolveGroups } from '../identity/session-groups.ts'
import type { Sessions } from '../identity/sessions.ts'
import { openStore } from '../identity/store/open-store.ts'
import type { Siblings } from '../identity/store/session-store.ts'
import { type AccessLog, createAccessLog } from '../proxy/access-log.ts'
import { type Certificates, createCertificates, type TlsMaterial } from '../proxy/tls.ts'
import { createUpstreams, type Upstreams } from '../proxy/upstream/upstreams.ts'
import { createWebSockets, type WebSockets } from '../proxy/web-sockets.ts'
import type { Audit } from '../support/audit.ts'
import { createRecentLines } from '../support/recent-lines.ts'
import type { Clock } from '../support/time.ts'
import type { Tracing } from '../support/tracing.ts'
import type { Closing } from './closing.ts'
import { endSuspended } from './directories.ts'
import { givenLogs, openLogs } from './logs.ts'
import { RECENT_DECISION_BYTES, RECENT_DECISIONS } from './recent-decisions.ts'
import { buildRuntime, closeReplaced, type Runtime } from './runtime.ts'
import { sessionSettings } from './session-settings.ts'

export interface Parts {
  readonly now: Clock
  readonly log: Logger
  readonly closing: Closing
  readonly sessions: Sessions
  readonly resolveGroups: ResolveGroups
  readonly rateLimits: RateLimits
  readonly localAdmins: LocalAdmins
  readonly upstreams: Upstreams
  readonly webSockets: WebSockets
  readonly metrics: Metrics
  /** Undefined: plain http. */
  readonly certificates: Certificates | undefined
  readonly life: { ready: boolean; draining: boolean }
  runtime(): Runtime
  readonly accessLog: AccessLog
  readonly audit: Audit
  /** Undefined: there are no traces. */
  readonly tracing: Tracing | undefined
  /** Files of logs are opened anew where they were moved away. */
  reopenLogs(): void
  /** The last lines of the decision log, oldest first. */
  recentDecisions(): readonly string[]
  /** Makes `prepare` part of every reload from now on. */
  alsoPrepare(prepare: (next: Snapshot) => Promise<Prepared>): void
  /**
   * Makes all that `next` needs. Rejects without having changed anything where it cannot.
   * @param signingPems as another process has looked them up
   */
  prepare(next: Snapshot, signingPems?: readonly string[]): Promise<Prepared>
}

/** A snapshot that can be put in force; one of the two is called, once. */
export interface Prepared {
  /** Puts it in force as a whole; it cannot fail. Resolves when what it replaced is closed. */
  commit(): Promise<void>
  abort(): Promise<void>
}

export interface PartsOptions {
  readonly now: Clock
  readonly log: Logger
  readonly closing: Closing
  readonly proxies: ProxySettings
  readonly tracing: Tracing | undefined
  /** Only in a worker: what it has from the primary in place of its own. */
  readonly given?: FromPrimary
}

export interface FromPrimary {
  /** PEM; the first signs. */
  readonly signingPems: readonly string[]
  readonly siblings: Siblings
  /** How many there are. */
  readonly workers: number
  /** An open descriptor for the lines of the decision log. */
  readonly decisionsFd: number
  /** Takes a line of the audit log, without its end. */
  readonly audit: (line: string) => void
}

export async function buildParts(snapshot: Snapshot, options: PartsOptions): Promise<Parts> {
  const { now, log, closing, proxies, tracing, given } = options
  const store = await openStore(snapshot.store, { now, log, siblings: given?.siblings })
  closing.push(() => store.close())
  // A worker's are kept by the primary, with those of all others.
  const recent = given === undefined ? createRecentLines(RECENT_DECISION_BYTES) : undefined
  const logs = given === undefined ? openLogs(snapshot, options) : givenLogs(given, options)
  const accessLog = createAccessLog(logs.decisions, recent)
  closing.push(() => logs.audit.close())
  closing.push(() => accessLog.close())
  // The runtime needs the limits, and they need to know what is in force.
  let inForce = snapshot
  const rateLimits = await openRateLimits(snapshot.store, {
    rates: () => inForce.config.server.rate_limits,
    secrets: () => inForce.sessionSecrets,
    now,
    log,
  })
  closing.push(() => rateLimits.close())
  const audit = logs.audit.tell
  const metrics = createMetrics({
    // The primary asks for all workers.
    ...(given === undefined ? { sessions: () => sessions.count() } : {}),
    lostLogLines: accessLog.lost,
    lostAuditLines: logs.audit.lost,
    openWebSockets: () => webSockets.count(),
    directories: () => runtime.directories.values(),
  })
  metrics.routesChanged(snapshot.table.routes, snapshot.fileRoutes)
  const shared = await openSharedDirectory(snapshot.store, {
    secrets: () => inForce.sessionSecrets,
    now,
    siblings: given?.siblings,
  })
  closing.push(() => shared?.close())
  const directory = {
    shared,
    processes: shared?.count === undefined ? (given?.workers ?? 1) : 1,
    onResult: metrics.directoryAsked,
    onEnded: (provider: string, sub: string) =>
      endSuspended({ sessions, log, audit }, provider, sub),
  }
  const storeAndTools = { store, rateLimits, now, log, proxies, tracing, directory }
  let runtime = await buildRuntime(snapshot, storeAndTools, undefined, given?.signingPems)
  closing.push(() => {
    for (const provider of runtime.providers.values()) provider.close()
    for (const known of runtime.directories.values()) known.close()
  })
  const sessions = createSessions({
    store,
    now,
    log,
    audit,
    ...sessionSettings(() => runtime.snapshot),
    refresh: {
      provider: (name) => runtime.providers.get(name),
      beforeMs: () => runtime.snapshot.config.session.refresh_before,
      onResult: (provider, result) => metrics.refreshed(provider, result),
    },
  })
  closing.push(() => sessions.close())
  const localAdmins = createLocalAdmins({
    admins: () => runtime.snapshot.localAdmins,
    rateLimits,
    now,
  })
  const upstreams = createUpstreams(log)
  upstreams.retain(snapshot.table.routes)
  closing.push(() => upstreams.close())
  const webSockets = createWebSockets()
  const certificates =
    snapshot.tls.length === 0 ? undefined : createCertificates(tlsMaterial(snapshot))
  const others: ((next: Snapshot) => Promise<Prepared>)[] = [logs.prepare]
  const prepare = async (next: Snapshot, signingPems?: readonly string[]): Promise<Prepared> => {
    const built = await buildRuntime(next, storeAndTools, runtime, signingPems)
    let changeCertificates: (() => void) | undefined
    const prepared: Prepared[] = []
    const abort = async () => {
      closeReplaced(built, runtime)
      await Promise.all(prepared.map((other) => other.abort()))
    }
    try {
      if (next.tls.length > 0) changeCertificates = certificates?.prepare(tlsMaterial(next))
      for (const other of others) prepared.push(await other(next))
    } catch (error) {
      await abort()
      throw error
    }
    const commit = async () => {
      const replaced = runtime
      runtime = built
      inForce = next
      changeCertificates?.()
      closeReplaced(replaced, built)
      upstreams.retain(next.table.routes)
      metrics.routesChanged(next.table.routes, next.fileRoutes)
      log.level = next.config.logging.level
      await Promise.all(prepared.map((other) => other.commit()))
    }
    return { commit, abort }
  }
  return {
    now,
    log,
    closing,
    sessions,
    resolveGroups: createResolveGroups((provider) => runtime.directories.get(provider)),
    localAdmins,
    rateLimits,
    upstreams,
    webSockets,
    metrics,
    certificates,
    alsoPrepare: (other) => others.push(other),
    prepare,
    life: { ready: false, draining: false },
    runtime: () => runtime,
    accessLog,
    audit,
    tracing,
    reopenLogs: () => {
      accessLog.reopen()
      logs.audit.reopen()
    },
    recentDecisions: () => {
      accessLog.flush()
      return recent?.last(RECENT_DECISIONS) ?? []
    },
  }
}

function tlsMaterial({ tls, clientCa }: Snapshot): TlsMaterial {
  return { pairs: tls, clientCa }
}
