/** What is written back to a cluster: addresses and events of each Ingress, only where they are not there yet. */

import { every } from '../support/every.ts'
import type { Log } from '../support/log.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import type { ClusterApi } from './api.ts'
import { type Finding, worthTelling } from './findings.ts'
import { type Address, type IngressObject, keyOf } from './objects.ts'
import { writeEvent } from './write-event.ts'
import { isSame, writeStatus } from './write-status.ts'

export interface Report {
  readonly ingress: IngressObject
  readonly findings: readonly Finding[]
  /** `undefined`: not known, so that nothing is written. */
  readonly addresses: readonly Address[] | undefined
}

export interface Reports {
  /** What holds now of all that are ours; what was to be written before and is no longer true is not. */
  tell(all: readonly Report[]): void
  close(): void
}

export interface ReportsOptions {
  readonly api: ClusterApi
  readonly now: Clock
  readonly log: Log
}

/** The cluster is not to be asked more than so much at once. */
const AT_A_TIME = 4
/** Clusters forget events after an hour; what is still true is told again before. */
const EVENT_AGAIN_MS = 55 * 60_000
const LOOK_AGAIN_MS = 10 * 60_000
/** What could not be written is tried again with the next look. */
const RETRY_MS = 5_000

export function createReports({ api, now, log }: ReportsOptions): Reports {
  let all: readonly Report[] = []
  let told = new Map<string, EpochMs>()
  let tasks: (() => Promise<void>)[] = []
  let running = 0
  let isClosed = false
  let retry: NodeJS.Timeout | undefined
  let failure: string | undefined

  const tasksFor = ({ ingress, findings, addresses }: Report): (() => Promise<void>)[] => {
    const due: (() => Promise<void>)[] = []
    if (addresses !== undefined && !isSame(ingress.addresses, addresses)) {
      due.push(() => writeStatus(api, ingress, addresses))
    }
    for (const finding of findings) {
      const key = eventKey(ingress, finding)
      if (now() - (told.get(key) ?? Number.NEGATIVE_INFINITY) < EVENT_AGAIN_MS) continue
      due.push(async () => {
        await writeEvent(api, ingress, finding, now())
        told.set(key, now())
      })
    }
    return due
  }

  const failed = (cause: unknown) => {
    if (isClosed) return
    const reason = cause instanceof Error ? cause.message : String(cause)
    if (reason !== failure) {
      log.warn({ reason }, 'status or event of an Ingress cannot be written; it is tried again')
    }
    failure = reason
    retry ??= setTimeout(() => {
      retry = undefined
      look()
    }, RETRY_MS).unref()
  }

  const pump = () => {
    while (running < AT_A_TIME && !isClosed) {
      const task = tasks.shift()
      if (task === undefined) return
      running++
      task()
        .then(() => {
          failure = undefined
        }, failed)
        .finally(() => {
          running--
          pump()
        })
        .catch(failed)
    }
  }

  const look = () => {
    tasks = all.flatMap(tasksFor)
    pump()
  }
  const stopLooking = every(LOOK_AGAIN_MS, look)
  return {
    tell: (next) => {
      all = next.map((one) => ({ ...one, findings: worthTelling(one.findings) }))
      const keys = new Set(all.flatMap((one) => one.findings.map((f) => eventKey(one.ingress, f))))
      told = new Map([...told].filter(([key]) => keys.has(key)))
      look()
    },
    close: () => {
      isClosed = true
      tasks = []
      clearTimeout(retry)
      stopLooking()
    },
  }
}

function eventKey(ingress: IngressObject, { reason, message }: Finding): string {
  return JSON.stringify([ingress.uid, keyOf(ingress), reason, message])
}
