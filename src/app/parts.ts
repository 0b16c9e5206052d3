/** The parts of a running gateway that live as long as it does, and how a new snapshot reaches them. */

import type { Logger } from 'pino'
import { createMetrics, type Metrics } from '../admin/metrics.ts'
import type { Snapshot } from '../config/snapshot.ts'
import { createSessions } from '../identity/live-sessions.ts'
import { openStore } from '../identity/open-store.ts'
import type { Sessions } from '../identity/sessions.ts'
import { type AccessLog, openAccessLog } from '../proxy/access-log.ts'
import { type Certificates, createCertificates } from '../proxy/tls.ts'
import { createUpstreams, type Upstreams } from '../proxy/upstreams.ts'
import { createWebSockets, type WebSockets } from '../proxy/web-sockets.ts'
import type { Clock } from '../support/time.ts'
import type { Closing } from './closing.ts'
import { buildRuntime, closeReplaced, type Runtime } from './runtime.ts'

export interface Parts {
  readonly now: Clock
  readonly log: Logger
  readonly closing: Closing
  readonly sessions: Sessions
  readonly upstreams: Upstreams
  readonly webSockets: WebSockets
  readonly metrics: Metrics
  /** Undefined: plain http. */
  readonly certificates: Certificates | undefined
  readonly life: { ready: boolean; draining: boolean }
  runtime(): Runtime
  accessLog(): AccessLog
  /** Puts `next` in force as a whole. Rejects without having changed anything where it cannot. */
  swap(next: Snapshot): Promise<void>
}

export interface PartsOptions {
  readonly now: Clock
  readonly log: Logger
  readonly closing: Closing
}

export async function buildParts(snapshot: Snapshot, options: PartsOptions): Promise<Parts> {
  const { now, log, closing } = options
  const store = await openStore(snapshot.store, { now, log })
  closing.push(() => store.close())
  let accessLog = openAccessLog(snapshot.config.logging.decisions)
  closing.push(() => accessLog.close())
  let runtime = await buildRuntime(snapshot, { store, now, log }, undefined)
  closing.push(() => {
    for (const provider of runtime.providers.values()) provider.close()
  })
  const sessions = createSessions({
    store,
    now,
    log,
    secrets: () => runtime.snapshot.sessionSecrets,
    lifetimes: () => {
      const { lifetime, idle, not_before: notBefore } = runtime.snapshot.config.session
      return { lifetimeMs: lifetime, idleMs: idle, notBefore }
    },
    providers: () => runtime.providers.keys(),
    maxPerUser: () => runtime.snapshot.config.session.max_per_user,
  })
  closing.push(() => sessions.close())
  const upstreams = createUpstreams()
  closing.push(() => upstreams.close())
  const webSockets = createWebSockets()
  const certificates = snapshot.tls.length === 0 ? undefined : createCertificates(snapshot.tls)
  const metrics = createMetrics({
    sessions: () => sessions.count(),
    lostLogLines: () => accessLog.lost(),
    openWebSockets: () => webSockets.count(),
  })
  const swap = async (next: Snapshot): Promise<void> => {
    const { level, decisions } = next.config.logging
    const isMoved = decisions !== runtime.snapshot.config.logging.decisions
    const built = await buildRuntime(next, { store, now, log }, runtime)
    let movedLog: AccessLog | undefined
    try {
      movedLog = isMoved ? openAccessLog(decisions) : undefined
      if (next.tls.length > 0) certificates?.replace(next.tls)
    } catch (error) {
      closeReplaced(built, runtime)
      await movedLog?.close()
      throw error
    }
    // From here on nothing can fail.
    const replaced = runtime
    runtime = built
    closeReplaced(replaced, built)
    upstreams.retain(next.table.routes.filter((route) => route.to !== undefined))
    log.level = level
    if (movedLog !== undefined) {
      const old = accessLog
      accessLog = movedLog
      await old.close()
    }
  }
  return {
    now,
    log,
    closing,
    sessions,
    upstreams,
    webSockets,
    metrics,
    certificates,
    swap,
    life: { ready: false, draining: false },
    runtime: () => runtime,
    accessLog: () => accessLog,
  }
}
