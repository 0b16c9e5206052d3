/** One worker of a gateway: it serves what the primary gives it, and decides nothing by itself. */

import { loadSnapshot } from '../../config/load.ts'
import type { ListenAddress, Snapshot } from '../../config/snapshot.ts'
import { proxySettings } from '../../identity/provider/outgoing-fetch.ts'
import { formatProblem } from '../../support/problem.ts'
import type { Clock } from '../../support/time.ts'
import { createClosing } from '../closing.ts'
import { drain } from '../drain.ts'
import { giveBackMemory } from '../give-back-memory.ts'
import { createLogger } from '../logger.ts'
import { buildParts, type Parts, type Prepared } from '../parts.ts'
import { providerHealth } from '../provider-health.ts'
import { buildPublicServer, openForBrowsers } from '../servers.ts'
import { tracingOf } from '../tracing.ts'
import { workerCount } from '../worker-count.ts'
import { DECISIONS_FD, type GivenSnapshot } from './messages.ts'
import { linkToPrimary, type ParentProcess } from './worker-link.ts'

/** Resolves when the primary has asked for the end and all is closed. */
export async function runWorker(parent: ParentProcess, now: Clock): Promise<void> {
  const link = linkToPrimary(parent)
  const closing = createClosing()
  const ended = Promise.withResolvers<void>()
  let serving: { parts: Parts; server: Awaited<ReturnType<typeof buildPublicServer>> } | undefined
  let prepared: Prepared | undefined

  const started = () => {
    if (serving === undefined) throw new Error('the worker has not started')
    return serving
  }
  link.serve({
    start: async ({ worker, given }) => {
      const snapshot = await load(given, now)
      const log = createLogger(snapshot.config.logging.level, { worker })
      const parts = await buildParts(snapshot, {
        now,
        log,
        closing,
        proxies: proxySettings(given.env),
        tracing: await tracingOf(given.env, log, closing),
        given: {
          signingPems: given.signingPems,
          siblings: link.siblings,
          workers: workerCount(snapshot),
          decisionsFd: DECISIONS_FD,
          audit: link.audit,
        },
      })
      serving = { parts, server: await buildPublicServer(parts) }
      giveBackMemory()
    },
    listen: async (address: ListenAddress) => {
      const { parts, server } = started()
      const open = await openForBrowsers(parts, server, address)
      parts.life.ready = true
      return open.address
    },
    prepare: async (given) => {
      const next = await load(given, now)
      prepared = await started().parts.prepare(next, given.signingPems)
    },
    commit: async () => {
      const next = prepared
      prepared = undefined
      await next?.commit()
    },
    abort: async () => {
      const next = prepared
      prepared = undefined
      await next?.abort()
    },
    health: async () => providerHealth(started().parts.runtime()),
    metrics: async () => started().parts.metrics.registry.getMetricsAsJSON(),
    drain: async ({ delay }) => {
      if (serving !== undefined) await drain(serving.parts, serving.server, delay)
      await closing.all()
      ended.resolve()
    },
  })
  await ended.promise
}

/** What the primary has found good is loaded anew from the same bytes; its warnings have been told. */
async function load({ configFile, env, inputs }: GivenSnapshot, now: Clock): Promise<Snapshot> {
  const { snapshot, problems } = await loadSnapshot({ configFile, env, now, inputs })
  if (snapshot !== undefined) return snapshot
  throw new Error(problems.map(formatProblem).join('\n'))
}
