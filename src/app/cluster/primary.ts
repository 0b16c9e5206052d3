/**
 * The process that supervises workers: it alone reads config and policies, decides what is in force, answers the admin
 * listener and writes the decision log. It serves no request itself.
 */

import type { Logger } from 'pino'
import { createAdminServer } from '../../admin/admin-server.ts'
import type { LoadResult } from '../../config/load.ts'
import { createSnapshotHolder, type ReloadStatus } from '../../config/reload.ts'
import type { ListenAddress, Snapshot } from '../../config/snapshot.ts'
import { watchFiles } from '../../config/watch.ts'
import { every } from '../../support/every.ts'
import { formatProblem } from '../../support/problem.ts'
import { createReloadAudit } from '../audit-reload.ts'
import { type Closing, createClosing } from '../closing.ts'
import type { Gateway, GatewayOptions, WorkerProgram } from '../gateway.ts'
import type { Ingress } from '../ingress.ts'
import { listen } from '../listen.ts'
import { createLogger } from '../logger.ts'
import { once } from '../once.ts'
import type { FirstLoad } from '../one-process.ts'
import { RECENT_DECISIONS } from '../recent-decisions.ts'
import { loadTestPeople } from '../test-people.ts'
import { openPrimaryParts, type PrimaryParts } from './primary-parts.ts'
import { createWorkerPool, type WorkerPool } from './worker-pool.ts'

export interface PrimaryOptions extends GatewayOptions {
  readonly workerProgram: WorkerProgram
  /** How many workers; two or more. */
  readonly count: number
  readonly ingress: Ingress | undefined
}

interface StartOptions extends PrimaryOptions {
  readonly closing: Closing
  readonly log: Logger
}

/** What crashes of workers may cost of the metrics. */
const METRICS_EVERY_MS = 5_000
/** What a worker needs to end besides the time that is configured. */
const CLOSING_MS = 10_000

export async function startPrimary(
  first: FirstLoad,
  load: (previous: Snapshot) => Promise<LoadResult>,
  options: PrimaryOptions,
): Promise<Gateway> {
  const closing = createClosing()
  try {
    const log = createLogger(first.snapshot.config.logging.level)
    for (const problem of first.problems) log.warn(formatProblem(problem))
    return await startAll(first, load, { ...options, closing, log })
  } catch (error) {
    // Nothing is left half-started.
    await closing.all()
    throw error
  }
}

async function startAll(
  first: FirstLoad,
  load: (previous: Snapshot) => Promise<LoadResult>,
  options: StartOptions,
): Promise<Gateway> {
  const { workerProgram: program, count, configFile, now, closing, log, ingress } = options
  const { snapshot } = first
  const parts = await openPrimaryParts(first, options)
  const pool = createWorkerPool({
    program,
    count,
    log,
    listen: snapshot.listen,
    first: parts.given(),
    onForked: (worker) => {
      parts.decisions.take(worker.decisions)
      worker.onAudit(parts.audit.write)
      worker.onEnded((id) => {
        parts.ended.heard(id)
        pool.tellEnded(id, worker)
      })
    },
    onExited: parts.summed.left,
  })
  parts.ended.tellWorkers((id) => pool.tellEnded(id))
  const auditReload = createReloadAudit(parts.audit.tell)
  const holder = createSnapshotHolder({
    first: snapshot,
    stamps: first.stamps,
    load: async (previous) => parts.loaded(await load(previous)),
    configFile,
    now,
    log,
    onSwap: (next) => parts.swap(next, pool.swap),
    onReload: (result) => {
      parts.metrics.reloaded(result !== 'failed')
      auditReload(result, holder.status())
      ingress?.reloaded(result)
    },
  })
  const life = { ready: false, draining: false }
  const isReady = () => life.ready && !life.draining && pool.serving() > 0
  const adminAddress = await openAdmin(parts, pool, holder.status, isReady, options)
  const address = await pool.start()
  closing.push(every(METRICS_EVERY_MS, () => void pool.askMetrics(parts.summed.told)))
  const watch = watchFiles({
    stamps: holder.stamps,
    onChange: async () => void (await holder.reload()),
  })
  closing.push(() => watch.close())
  const live = () => {
    const { revision } = holder.current()
    life.ready = true
    log.info({ listen: address, admin: adminAddress, revision, workers: count }, 'ready')
  }
  closing.push(() => ingress?.close())
  if (ingress === undefined) live()
  else ingress.start(holder.reload, live)
  return {
    address,
    adminAddress,
    redirectAddress: () => holder.current().redirectListen,
    reload: async () => void (await holder.reload()),
    reopenLogs: () => {
      parts.decisions.reopen()
      parts.audit.reopen()
    },
    stop: once(async ({ delay } = { delay: false }) => {
      const { drain_delay: delayMs, drain_timeout: timeoutMs } = holder.current().config.server
      life.draining = true
      await pool.drain(delay, (delay ? delayMs : 0) + timeoutMs + CLOSING_MS)
      await closing.all()
      log.info('stopped')
    }),
  }
}

async function openAdmin(
  parts: PrimaryParts,
  pool: WorkerPool,
  configStatus: () => ReloadStatus,
  ready: () => boolean,
  options: StartOptions,
): Promise<ListenAddress> {
  const { closing, log, now, onMade } = options
  const { adminListen } = parts.snapshot()
  const admin = createAdminServer({
    listenHost: adminListen.host,
    token: () => parts.snapshot().config.server.admin_token,
    ready,
    configStatus,
    recentDecisions: () => parts.recent.last(RECENT_DECISIONS),
    metrics: {
      contentType: parts.summed.contentType,
      text: async () => {
        await pool.askMetrics(parts.summed.told)
        return parts.summed.text()
      },
    },
    sessions: parts.sessions,
    audit: parts.audit.tell,
    operator: {
      snapshot: parts.snapshot,
      health: pool.askHealth,
      testPeople: () => loadTestPeople(options),
      now,
    },
    log,
  })
  closing.push(() => admin.close())
  onMade?.()
  return listen(admin, adminListen, 'server.admin_listen')
}
