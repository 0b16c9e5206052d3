/** What the primary has of its own: the store and the sessions in it, the decision log's destination, the metrics. */

import type { Logger } from 'pino'
import { createMetrics, type Metrics } from '../../admin/metrics.ts'
import { type SummedMetrics, sumMetrics } from '../../admin/summed-metrics.ts'
import type { LoadResult } from '../../config/load.ts'
import type { Snapshot } from '../../config/snapshot.ts'
import { createSessions } from '../../identity/live-sessions.ts'
import type { Sessions } from '../../identity/sessions.ts'
import { openStore } from '../../identity/store/open-store.ts'
import type { Siblings } from '../../identity/store/session-store.ts'
import { shareStdout } from '../../support/line-writer.ts'
import { createRecentLines, type RecentLines } from '../../support/recent-lines.ts'
import { type AuditLog, openAuditLog } from '../audit-log.ts'
import type { Closing } from '../closing.ts'
import type { GatewayOptions } from '../gateway.ts'
import type { FirstLoad } from '../one-process.ts'
import { RECENT_DECISION_BYTES } from '../recent-decisions.ts'
import { sessionSettings } from '../session-settings.ts'
import { signingPemsOf } from '../signing-pems.ts'
import { type DecisionLines, openDecisionLines } from './decision-lines.ts'
import type { GivenSnapshot } from './messages.ts'

export interface PrimaryParts {
  readonly sessions: Sessions
  readonly decisions: DecisionLines
  readonly audit: AuditLog
  readonly recent: RecentLines
  readonly metrics: Metrics
  readonly summed: SummedMetrics
  readonly ended: EndedSessions
  snapshot(): Snapshot
  /** What is in force, as workers are given it. */
  given(): GivenSnapshot
  /** Notes what a snapshot that may come into force was made from. */
  loaded(result: LoadResult): LoadResult
  /** Puts `next` in force by `swapWorkers`; where that rejects nothing has changed. */
  swap(next: Snapshot, swapWorkers: (given: GivenSnapshot) => Promise<void>): Promise<void>
}

interface EndedSessions {
  /** A worker has said so. */
  heard(id: string): void
  /** Calls `tell` with each session that ends here. */
  tellWorkers(tell: (id: string) => void): void
}

export async function openPrimaryParts(
  first: FirstLoad,
  options: GatewayOptions & { readonly closing: Closing; readonly log: Logger },
): Promise<PrimaryParts> {
  const { closing, log, now, configFile, env } = options
  let snapshot = first.snapshot
  let inputs = inputsOf(first)
  const recent = createRecentLines(RECENT_DECISION_BYTES)
  const stdout = shareStdout()
  const decisions = openDecisionLines(snapshot.config.logging.decisions, { log, stdout }, recent)
  closing.push(() => decisions.close())
  const audit = openAuditLog(snapshot.config.logging.audit, { log, stdout, now })
  closing.push(() => audit.close())
  const { siblings, ...ended } = connectSiblings()
  // Before any worker: of several that make one sqlite file at once some would find it locked.
  const store = await openStore(snapshot.store, { now, log, siblings })
  closing.push(() => store.close())
  let signingPems = await signingPemsOf(snapshot, store, undefined)
  const sessions = createSessions({
    store,
    now,
    log,
    audit: audit.tell,
    ...sessionSettings(() => snapshot),
  })
  closing.push(() => sessions.close())
  const metrics = createMetrics({
    sessions: () => sessions.count(),
    lostLogLines: decisions.lost,
    lostAuditLines: audit.lost,
    openWebSockets: () => 0,
  })
  const summed = sumMetrics(metrics.registry)
  summed.routesChanged(snapshot.table.routes, snapshot.fileRoutes)
  const give = (pems: readonly string[]) => ({ configFile, env, inputs, signingPems: pems })
  return {
    sessions,
    decisions,
    audit,
    recent,
    metrics,
    summed,
    ended,
    snapshot: () => snapshot,
    given: () => give(signingPems),
    loaded: (result) => {
      if (result.snapshot !== undefined) inputs = inputsOf(result)
      return result
    },
    swap: async (next, swapWorkers) => {
      const pems = await signingPemsOf(next, store, { snapshot, signingPems })
      const { logging } = next.config
      const moved = [decisions.prepare(logging.decisions)]
      try {
        moved.push(audit.prepare(logging.audit))
        await swapWorkers(give(pems))
      } catch (error) {
        await Promise.all(moved.map((one) => one.abort()))
        throw error
      }
      snapshot = next
      signingPems = pems
      log.level = logging.level
      summed.routesChanged(next.table.routes, next.fileRoutes)
      await Promise.all(moved.map((one) => one.commit()))
    },
  }
}

function inputsOf({ inputs }: LoadResult) {
  if (inputs === undefined) throw new TypeError('what was loaded was not kept')
  return inputs
}

function connectSiblings(): EndedSessions & { readonly siblings: Siblings } {
  const listeners = new Set<(id: string) => void>()
  let tellWorkers: (id: string) => void = () => undefined
  return {
    siblings: {
      tell: (id) => tellWorkers(id),
      listen: (listener) => {
        const entry = (id: string) => listener(id)
        listeners.add(entry)
        return () => listeners.delete(entry)
      },
    },
    heard: (id) => {
      for (const listener of listeners) listener(id)
    },
    tellWorkers: (tell) => {
      tellWorkers = tell
    },
  }
}
