/** Holds the snapshot in force, and swaps it whole for a newer one that is good in every part. */

import type { Log } from '../support/log.ts'
import { formatProblem, type Problem } from '../support/problem.ts'
import { Secret } from '../support/secret.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import type { Stamps } from './input-files.ts'
import type { LoadResult } from './load.ts'
import type { Snapshot } from './snapshot.ts'

/** Why the last reload changed nothing. */
export interface ReloadError {
  readonly message: string
  readonly file: string
  /** Counted from 1. */
  readonly line: number
  /** Counted from 1. */
  readonly column: number
  readonly at: EpochMs
}

/** Keys that take effect only at a start; of `tls` only that it comes or goes as a whole. */
export type RestartKey =
  | 'listen'
  | 'admin_listen'
  | 'workers'
  | 'store'
  | 'tls'
  | 'kubernetes.namespaces'

export interface ReloadStatus {
  readonly revision: string
  readonly loadedAt: EpochMs
  /** `undefined` once a reload has gone well again. */
  readonly lastError: ReloadError | undefined
  /** Keys that have changed since the start and wait for the next one. */
  readonly restartNeeded: readonly RestartKey[]
}

/** Only `failed` leaves the files and what is in force apart; `restored`: a mistake was taken back, without other changes. */
export type ReloadResult = 'swapped' | 'unchanged' | 'restored' | 'failed'

export interface SnapshotHolder {
  current(): Snapshot
  status(): ReloadStatus
  /** What the last load has looked at, whether it went well or not. */
  stamps(): Stamps
  /** Loads and swaps; one at a time, and a call during one is answered by a further one. Never rejects. */
  reload(): Promise<ReloadResult>
}

export interface SnapshotHolderOptions {
  /** What `load` gave at the start. */
  readonly first: Snapshot
  readonly stamps: Stamps
  readonly load: (previous: Snapshot) => Promise<LoadResult>
  /**
   * Puts `next` in force. What it throws or rejects with refuses the snapshot: it must then have changed nothing.
   */
  readonly onSwap: (next: Snapshot, previous: Snapshot) => void | Promise<void>
  /** After each reload, for the metrics. */
  readonly onReload?: (result: ReloadResult) => void
  /** Where a problem without a place of its own is reported: the config file. */
  readonly configFile: string
  readonly now: Clock
  readonly log: Log
}

export function createSnapshotHolder(options: SnapshotHolderOptions): SnapshotHolder {
  const { first, log, now } = options
  let current = first
  let stamps = options.stamps
  let lastError: ReloadError | undefined
  let running: Promise<ReloadResult> | undefined
  let waiting: Promise<ReloadResult> | undefined

  const fail = (message: string, problem?: Problem): ReloadResult => {
    const { file, line, column } = problem ?? { file: options.configFile, line: 1, column: 1 }
    lastError = { message, file, line, column, at: now() }
    return 'failed'
  }

  const swap = async (next: Snapshot, problems: readonly Problem[]): Promise<ReloadResult> => {
    if (next.revision === current.revision) {
      if (lastError === undefined) return 'unchanged'
      log.info({}, 'the files are again what is in force')
      lastError = undefined
      return 'restored'
    }
    logProblems(problems, log)
    // What is offered from elsewhere may end; that files lose all their routes is hardly meant.
    if (next.fileRoutes === 0 && current.fileRoutes > 0) {
      const message = 'no route is left in the policies; the last good ones stay in force'
      log.error({ file: options.configFile }, `reload refused: ${message}`)
      return fail(message)
    }
    await options.onSwap(next, current)
    current = next
    lastError = undefined
    log.info({ revision: next.revision, routes: next.table.routes.length }, 'reloaded')
    const restart = restartKeys(first, next)
    if (restart.length > 0) log.warn({ keys: restart }, `restart needed for: ${restart.join(', ')}`)
    return 'swapped'
  }

  const reloadOnce = async (): Promise<ReloadResult> => {
    try {
      const result = await options.load(current)
      stamps = result.stamps
      if (result.snapshot !== undefined) return await swap(result.snapshot, result.problems)
      logProblems(result.problems, log)
      const problem = result.problems.find((one) => one.severity === 'error')
      return fail(problem?.message ?? 'the config could not be loaded', problem)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      log.error({ err: cause }, `reload failed: ${message}`)
      return fail(message)
    }
  }

  const start = async (): Promise<ReloadResult> => {
    const result = await reloadOnce()
    options.onReload?.(result)
    return result
  }

  const reload = (): Promise<ReloadResult> => {
    if (running !== undefined) {
      // What changed after the running load began to read is seen only by another one, and one is enough for all.
      waiting ??= running.then(() => {
        waiting = undefined
        return reload()
      })
      return waiting
    }
    running = start().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    current: () => current,
    status: () => ({
      revision: current.revision,
      loadedAt: current.loadedAt,
      lastError,
      restartNeeded: restartKeys(first, current),
    }),
    stamps: () => stamps,
    reload,
  }
}

/** Which keys of a start `next` asks for in vain. */
function restartKeys(first: Snapshot, next: Snapshot): readonly RestartKey[] {
  const keys: RestartKey[] = []
  if (!isSame(first.listen, next.listen)) keys.push('listen')
  if (!isSame(first.adminListen, next.adminListen)) keys.push('admin_listen')
  if (first.config.server.workers !== next.config.server.workers) keys.push('workers')
  if (!isSame(first.store, next.store)) keys.push('store')
  if (first.tls.length > 0 !== next.tls.length > 0) keys.push('tls')
  const namespaces = ({ config }: Snapshot) => config.kubernetes.namespaces
  if (!isSame(namespaces(first), namespaces(next))) keys.push('kubernetes.namespaces')
  return keys
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one, revealed) === JSON.stringify(other, revealed)
}

/** A secret prints as `[secret]`, so that its change would not show. */
function revealed(this: Readonly<Record<string, unknown>>, key: string, printed: unknown): unknown {
  const value = this[key]
  return value instanceof Secret ? value.reveal() : printed
}

function logProblems(problems: readonly Problem[], log: Log): void {
  for (const problem of problems) {
    const { file, line, column } = problem
    if (problem.severity === 'error') log.error({ file, line, column }, formatProblem(problem))
    else log.warn({ file, line, column }, formatProblem(problem))
  }
}
