/** The workers of a gateway: started, replaced when they die, given every snapshot all together, and drained. */

import { setTimeout as wait } from 'node:timers/promises'
import type { ProviderHealth } from '../../admin/operator/operator-parts.ts'
import type { MetricFamilies } from '../../admin/summed-metrics.ts'
import type { ListenAddress } from '../../config/snapshot.ts'
import type { Log } from '../../support/log.ts'
import type { WorkerProgram } from '../gateway.ts'
import type { GivenSnapshot } from './messages.ts'
import { forkWorker, WorkerFailed, WorkerGone, type WorkerProcess } from './worker-process.ts'

export interface WorkerPoolOptions {
  readonly program: WorkerProgram
  readonly count: number
  readonly first: GivenSnapshot
  readonly listen: ListenAddress
  readonly log: Log
  /** Called for each worker as soon as there is one, and when it has ended. */
  readonly onForked: (worker: WorkerProcess) => void
  readonly onExited: (worker: WorkerProcess) => void
}

export interface WorkerPool {
  /** Resolves when all listen. Rejects with a sentence for people where one cannot; the others are then ended. */
  start(): Promise<ListenAddress>
  /** Puts `next` in force in all workers at once, or rejects with the reason and has changed nothing in any. */
  swap(next: GivenSnapshot): Promise<void>
  /** How many listen. */
  serving(): number
  /** Tells all but `source` that a session has ended. */
  tellEnded(id: string, source?: WorkerProcess): void
  /** What each worker that answers in time has counted. */
  askMetrics(told: (worker: WorkerProcess, families: MetricFamilies) => void): Promise<void>
  /** How each worker that answers in time finds the providers. */
  askHealth(): Promise<readonly (readonly ProviderHealth[])[]>
  /** All finish what is in flight, and end; those that do not within `ms` are killed. */
  drain(delay: boolean, ms: number): Promise<void>
}

/** A snapshot of 10,000 routes takes a second; a worker that hangs must not keep the others from the next one. */
const PREPARE_MS = 30_000
/** Whoever asks for metrics or health waits no longer for any worker. */
const METRICS_MS = 1_000
/** Whoever has lived for so long is replaced at once; else each time twice as late as before. */
const STABLE_MS = 5_000
const FIRST_PAUSE_MS = 100
const LAST_PAUSE_MS = 10_000

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { log } = options
  let given = options.first
  /** What the socket was opened with that all share; and where it is. */
  let asked = options.listen
  let address: ListenAddress | undefined
  let swapping: Promise<unknown> | undefined
  let ending = false
  const alive = new Set<WorkerProcess>()
  /** Those that take part in swaps. */
  const admitted = new Set<WorkerProcess>()
  const serving = new Set<WorkerProcess>()

  /** Brings a worker to the snapshot in force, whatever happens to that meanwhile, and lets it listen. */
  const admit = async (worker: WorkerProcess, number: number): Promise<void> => {
    await Promise.race([worker.greeted, worker.exited])
    let has = given
    await worker.call('start', { worker: number, given: has })
    for (;;) {
      while (swapping !== undefined) await swapping
      if (has === given) break
      has = given
      await worker.call('prepare', has)
      await worker.call('commit', undefined)
    }
    // Where nobody was left the socket was closed: it is opened anew at its place, also where any port would do.
    if (admitted.size === 0) asked = address ?? asked
    admitted.add(worker)
    address = await worker.call('listen', asked)
    serving.add(worker)
    log.info({ worker: number, pid: worker.pid }, 'a worker serves')
  }

  const fork = (): WorkerProcess => {
    const worker = forkWorker(options.program)
    alive.add(worker)
    options.onForked(worker)
    void worker.exited.then(() => {
      for (const set of [alive, admitted, serving]) set.delete(worker)
      options.onExited(worker)
    })
    return worker
  }

  /** Keeps one worker of this number alive until the end. */
  const keepAlive = async (number: number, first: WorkerProcess): Promise<void> => {
    let pause = 0
    for (let worker = first; ; worker = fork()) {
      const since = performance.now()
      if (worker !== first) {
        await admit(worker, number).catch((cause: Error) => {
          if (!ending) log.error({ worker: number, reason: cause.message }, 'a worker cannot start')
          worker.kill()
        })
      }
      const exit = await worker.exited
      if (ending) return
      pause = performance.now() - since > STABLE_MS ? 0 : nextPause(pause)
      log.error(
        { worker: number, pid: worker.pid, ...exit, again_in_ms: pause },
        'a worker has ended and is replaced',
      )
      await wait(pause, undefined, { ref: false })
      if (ending) return
    }
  }

  const swapNow = async (next: GivenSnapshot): Promise<void> => {
    const all = [...admitted]
    const prepared = await Promise.allSettled(
      all.map((worker) => worker.call('prepare', next, PREPARE_MS)),
    )
    const refusal = prepared
      .map((one) => (one.status === 'rejected' ? one.reason : undefined))
      .find((reason) => reason !== undefined && !(reason instanceof WorkerGone))
    if (refusal !== undefined) {
      await Promise.allSettled(all.map((worker) => worker.call('abort', undefined, PREPARE_MS)))
      throw new Error(`a worker cannot take it: ${refusal.message}`)
    }
    // Whoever ends from here on is replaced by one that starts with it.
    given = next
    await Promise.allSettled(all.map((worker) => worker.call('commit', undefined, PREPARE_MS)))
  }

  return {
    start: async () => {
      const workers = Array.from({ length: options.count }, fork)
      const admissions = workers.map((worker, at) => admit(worker, at + 1))
      try {
        await Promise.all(admissions)
      } catch (cause) {
        ending = true
        for (const worker of alive) worker.kill()
        await Promise.all(workers.map((worker) => worker.exited))
        throw cause
      }
      workers.forEach((worker, at) => void keepAlive(at + 1, worker))
      return address ?? asked
    },
    swap: async (next) => {
      const running = swapNow(next)
      swapping = running.catch(() => undefined)
      try {
        await running
      } finally {
        swapping = undefined
      }
    },
    serving: () => serving.size,
    tellEnded: (id, source) => {
      for (const worker of alive) if (worker !== source) worker.tellEnded(id)
    },
    askMetrics: async (told) => {
      await Promise.all(
        [...serving].map(async (worker) => {
          const families = await worker.call('metrics', undefined, METRICS_MS).catch(isNoAnswer)
          if (families !== undefined) told(worker, families)
        }),
      )
    },
    askHealth: async () => {
      const answers = await Promise.all(
        [...serving].map((worker) =>
          worker.call('health', undefined, METRICS_MS).catch(isNoAnswer),
        ),
      )
      return answers.filter((answer) => answer !== undefined)
    },
    drain: async (delay, ms) => {
      ending = true
      const all = [...alive]
      for (const worker of all) {
        if (admitted.has(worker)) worker.call('drain', { delay }).catch(isNoAnswer)
        else worker.kill()
      }
      const late = new AbortController()
      const deadline = wait(ms, undefined, { signal: late.signal }).then(
        () => {
          for (const worker of all) worker.kill()
        },
        () => undefined,
      )
      await Promise.all(all.map((worker) => worker.exited))
      late.abort()
      await deadline
    },
  }
}

function nextPause(pause: number): number {
  return Math.min(Math.max(2 * pause, FIRST_PAUSE_MS), LAST_PAUSE_MS)
}

function isNoAnswer(cause: unknown): undefined {
  if (cause instanceof WorkerGone || cause instanceof WorkerFailed) return undefined
  throw cause
}
