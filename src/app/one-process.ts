/** A gateway that is one process: it loads, listens, reloads and drains by itself. */

import type { LoadResult } from '../config/load.ts'
import { createSnapshotHolder } from '../config/reload.ts'
import type { Snapshot } from '../config/snapshot.ts'
import { watchFiles } from '../config/watch.ts'
import { proxySettings } from '../identity/provider/outgoing-fetch.ts'
import { formatProblem } from '../support/problem.ts'
import { createReloadAudit } from './audit-reload.ts'
import { createClosing } from './closing.ts'
import { drain } from './drain.ts'
import type { Gateway, GatewayOptions } from './gateway.ts'
import type { Ingress } from './ingress.ts'
import { createLogger } from './logger.ts'
import { once } from './once.ts'
import { buildParts } from './parts.ts'
import { startServers } from './servers.ts'
import { loadTestPeople } from './test-people.ts'
import { tracingOf } from './tracing.ts'

/** What a start has loaded. */
export interface FirstLoad extends LoadResult {
  readonly snapshot: Snapshot
}

export async function startOneProcess(
  first: FirstLoad,
  load: (previous: Snapshot) => Promise<LoadResult>,
  options: GatewayOptions & { readonly ingress: Ingress | undefined },
): Promise<Gateway> {
  const { configFile, now, env, onMade, ingress } = options
  const { snapshot, stamps, problems } = first
  const closing = createClosing()
  try {
    const log = createLogger(snapshot.config.logging.level)
    for (const problem of problems) log.warn(formatProblem(problem))
    const tracing = await tracingOf(env, log, closing)
    const tools = { now, log, closing, tracing }
    const parts = await buildParts(snapshot, { ...tools, proxies: proxySettings(env) })
    const servers = await startServers(
      parts,
      () => holder.status(),
      () => loadTestPeople(options),
      onMade,
    )
    const auditReload = createReloadAudit(parts.audit)
    const holder = createSnapshotHolder({
      first: snapshot,
      stamps,
      load,
      configFile,
      now,
      log,
      onSwap: async (next) => (await parts.prepare(next)).commit(),
      onReload: (result) => {
        parts.metrics.reloaded(result !== 'failed')
        auditReload(result, holder.status())
        ingress?.reloaded(result)
      },
    })
    const watch = watchFiles({
      stamps: holder.stamps,
      onChange: async () => void (await holder.reload()),
    })
    closing.push(() => watch.close())
    const live = () => {
      const { address: listen, adminAddress: admin } = servers
      parts.life.ready = true
      log.info({ listen, admin, revision: holder.current().revision }, 'ready')
    }
    closing.push(() => ingress?.close())
    if (ingress === undefined) live()
    else ingress.start(holder.reload, live)
    return {
      ...servers,
      reload: async () => void (await holder.reload()),
      reopenLogs: parts.reopenLogs,
      stop: once(async ({ delay } = { delay: false }) => {
        await drain(parts, servers.publicServer, delay)
        await closing.all()
        log.info('stopped')
      }),
    }
  } catch (error) {
    // Nothing is left half-started.
    await closing.all()
    throw error
  }
}
