/** The processes of a bench run: each pinned to a core, measured from /proc, and ended with the run. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'

export interface Pinned {
  readonly pid: number
  /** CPU time used so far by the process and its threads, in microseconds. */
  cpuMicroseconds(): number
  residentMegabytes(): number
  stop(): Promise<void>
}

/** Starts `command` on one core. `ready` says by a line of its output that it answers. */
export async function startPinned(
  core: number,
  command: readonly string[],
  ready: (output: string) => boolean,
): Promise<Pinned> {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await untilReady(child, ready, command.join(' '))
  const pid = child.pid as number
  return {
    pid,
    cpuMicroseconds: () => cpuOf(pid),
    residentMegabytes: () => residentOf(pid),
    stop: async () => {
      if (child.exitCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await exit
      clearTimeout(late)
    },
  }
}

function untilReady(
  child: ChildProcess,
  ready: (output: string) => boolean,
  name: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (chunk: Buffer): void => {
      if (output.length < 100_000) output += chunk.toString()
      if (ready(output)) resolve()
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`\`${name}\` ended with ${code}: ${output}`)))
  })
}

/** Nanoseconds on the CPU of every thread; finer than the clock ticks of /proc/PID/stat. */
function cpuOf(pid: number): number {
  let nanoseconds = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(
        readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0],
      )
    } catch {
      // The thread has ended since it was listed; what it used is lost, in every candidate alike.
    }
  }
  return nanoseconds / 1_000
}

function residentOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

export interface LoadResult {
  readonly requests: number
  readonly failed: number
}

export interface Load {
  readonly core: number
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
}

/** Runs wrk once. Requests that were answered by other than 2xx or 3xx, or not at all, are `failed`. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const headers = Object.entries(load.headers).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ])
  const wrk = spawn(
    'taskset',
    [
      ...['-c', String(load.core), 'wrk', '-t1', `-c${load.connections}`, `-d${load.seconds}s`],
      ...headers,
      load.url,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  wrk.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  await once(wrk, 'close')
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0)
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? []
  return {
    requests,
    failed: refused + errors.slice(1).reduce((sum, count) => sum + Number(count), 0),
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2
}
