/** The decision log and the audit log of one process: destinations of its own, or what the primary takes from a worker. */

import type { Snapshot } from '../config/snapshot.ts'
import { auditLine } from '../support/audit.ts'
import { type LineSink, openLineSink } from '../support/line-sink.ts'
import { shareStdout } from '../support/line-writer.ts'
import type { Log } from '../support/log.ts'
import { openMovingSink } from '../support/moving-sink.ts'
import type { Clock } from '../support/time.ts'
import { type AuditLog, openAuditLog } from './audit-log.ts'
import type { FromPrimary, Prepared } from './parts.ts'

export interface Logs {
  readonly decisions: LineSink
  readonly audit: Omit<AuditLog, 'prepare' | 'write'>
  /** Where a reload sends them. */
  prepare(next: Snapshot): Promise<Prepared>
}

interface LogTools {
  readonly log: Log
  readonly now: Clock
}

/** @throws Error that names the config's key where a destination cannot be had */
export function openLogs({ config: { logging } }: Snapshot, { log, now }: LogTools): Logs {
  const stdout = shareStdout()
  const decisions = openMovingSink(logging.decisions, { key: 'logging.decisions', log, stdout })
  const audit = openAuditLog(logging.audit, { log, stdout, now })
  return {
    decisions,
    audit,
    prepare: async ({ config }) => {
      const first = decisions.prepare(config.logging.decisions)
      const both = [first, await preparedOr(() => audit.prepare(config.logging.audit), first.abort)]
      return {
        commit: async () => void (await Promise.all(both.map((one) => one.commit()))),
        abort: async () => void (await Promise.all(both.map((one) => one.abort()))),
      }
    },
  }
}

/** Of a worker: nothing that a reload could change. */
export function givenLogs({ decisionsFd, audit }: FromPrimary, { log, now }: LogTools): Logs {
  const nothing = async () => undefined
  return {
    decisions: openLineSink(decisionsFd, { key: 'logging.decisions', log }),
    audit: {
      tell: (event) => audit(auditLine(event, now())),
      reopen: () => undefined,
      lost: () => 0,
      close: nothing,
    },
    prepare: async () => ({ commit: nothing, abort: nothing }),
  }
}

async function preparedOr(prepare: () => Prepared, abort: Prepared['abort']): Promise<Prepared> {
  try {
    return prepare()
  } catch (error) {
    await abort()
    throw error
  }
}
