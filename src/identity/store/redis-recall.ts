/**
 * Sessions that ended lately are ended again whenever Redis may have forgotten that: after a failover, which can lose what
 * no replica had, or a crash, or a restore from a backup. Every gateway that heard of an end remembers it for a day.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { GatehouseError } from '../../errors.ts'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'

export interface RecallOptions {
  readonly now: Clock
  readonly log: Log
  /** Ends a session; true where there was one. Rejects with STORE_UNAVAILABLE. */
  readonly end: (id: string) => Promise<boolean>
}

export interface Recall {
  note(id: string): void
  /** Ends them all again, as soon as Redis lets us. */
  again(): void
  close(): void
}

const REMEMBERED_MS = 24 * 3_600_000
/** About 150 bytes each. */
const MAX_REMEMBERED = 50_000
const AT_ONCE = 100
const RETRY_MS = 1_000

export function createRecall({ now, log, end }: RecallOptions): Recall {
  // In the order in which they ended.
  const ended = new Map<string, EpochMs>()
  const closed = new AbortController()
  let wanted = 0
  let running = false

  const forget = (): void => {
    const since = now() - REMEMBERED_MS
    for (const [id, at] of ended) {
      if (at > since && ended.size <= MAX_REMEMBERED) return
      ended.delete(id)
    }
  }

  const endAll = async (): Promise<number> => {
    forget()
    const ids = [...ended.keys()]
    let found = 0
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const there = await Promise.all(ids.slice(at, at + AT_ONCE).map(end))
      found += there.filter(Boolean).length
    }
    return found
  }

  const run = async (): Promise<void> => {
    for (let done = -1; done !== wanted && !closed.signal.aborted; ) {
      const asked = wanted
      try {
        const found = await endAll()
        done = asked
        if (found > 0) {
          log.warn(
            { sessions: found },
            'sessions that had ended were in Redis again, and were ended again',
          )
        }
      } catch (error) {
        if (!(error instanceof GatehouseError)) throw error
        await wait(RETRY_MS, undefined, { signal: closed.signal, ref: false }).catch(
          () => undefined,
        )
      }
    }
  }

  return {
    note: (id) => {
      ended.delete(id)
      ended.set(id, now())
      forget()
    },
    again: () => {
      wanted++
      if (running) return
      running = true
      run()
        .catch((err: unknown) => log.error({ err }, 'ended sessions could not be ended again'))
        .finally(() => {
          running = false
        })
    },
    close: () => closed.abort(),
  }
}
