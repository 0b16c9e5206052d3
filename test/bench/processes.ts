/** The processes of a bench run: each pinned to a core, measured from /proc, and ended with the run. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What is measured runs alone on one core; clients, upstreams and the bench itself on the other. */
export const TESTED_CORE = 0
export const OTHER_CORE = 1

export interface Pinned {
  readonly pid: number
  /** CPU time used so far by the process, its threads and its children, in microseconds. */
  cpuMicroseconds(): number
  /** Memory of the process and its children; pages that they share are counted once. */
  residentMegabytes(): number
  stop(): Promise<void>
}

/** How a program shows that it answers: by a line of its output, or by an open port on 127.0.0.1. */
export type Ready = ((output: string) => boolean) | { readonly port: number }

/** Starts `command` on one core, and waits until it is ready. */
export async function startPinned(
  core: number,
  command: readonly string[],
  ready: Ready,
): Promise<Pinned> {
  const child = spawn('taskset', ['-c', String(core), ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const isReady = typeof ready === 'function' ? ready : () => false
  const started = untilReady(child, isReady, command.join(' '))
  await (typeof ready === 'function' ? started : Promise.race([started, untilOpen(ready.port)]))
  const pid = child.pid as number
  return {
    pid,
    cpuMicroseconds: () => sum(familyOf(pid).map(cpuOf)),
    residentMegabytes: () => sum(familyOf(pid).map(residentOf)),
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

async function untilOpen(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await wait(100)
  }
  throw new Error(`nobody listens on port ${port}`)
}

/** `pid` and all that it has started. */
function familyOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(familyOf)]
}

/** Nanoseconds on the CPU of every thread: utime and stime of /proc/PID/stat, but finer than its clock ticks. */
function cpuOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanoseconds = threads.map((thread) =>
    Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]),
  )
  return sum(nanoseconds) / 1_000
}

/** Proportional where the system tells it, so that a page of several processes is counted once. */
function residentOf(pid: number): number {
  const shared = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1]
  const own = /^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]
  return Number(shared ?? own) / 1024
}

/** Empty where the thread or process has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** @param share 0.99 for p99 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * share
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  if (low === undefined || high === undefined) return Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}
