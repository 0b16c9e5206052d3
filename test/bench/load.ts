/** Clients of a bench run: wrk, which asks as fast as it is answered, and h2load, which asks at a given rate. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Candidate } from './candidate.ts'
import { OTHER_CORE } from './processes.ts'

export interface Load {
  readonly connections: number
  readonly seconds: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface LoadResult {
  readonly requests: number
  /** CPU time of the candidate for each request, in microseconds. */
  readonly cpu: number
  readonly perSecond: number
}

/** As many requests as go. Rejects where one was answered by other than 2xx or 3xx, or not at all. */
export async function runLoad(candidate: Candidate, load: Load): Promise<LoadResult> {
  const before = candidate.process.cpuMicroseconds()
  const { connections, seconds } = load
  const command = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s']
  const output = await runClient([
    ...command,
    ...headerOptions({ ...candidate.headers, ...load.headers }),
    candidate.url,
  ])
  const used = candidate.process.cpuMicroseconds() - before
  const requests = Number(/(\d+) requests in/.exec(output)?.[1] ?? 0)
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? []
  const failed = refused + errors.slice(1).reduce((total, count) => total + Number(count), 0)
  if (failed > 0 || requests === 0)
    throw new Error(`${candidate.name}: ${failed} of ${requests} requests failed\n${output}`)
  return { requests, cpu: used / requests, perSecond: requests / seconds }
}

export interface PacedLoad extends Load {
  /** Of all connections together. */
  readonly perSecond: number
}

export interface PacedResult {
  /** Milliseconds of each request, in the order in which they ended. */
  readonly latencies: readonly number[]
  /** Answered by other than 2xx or 3xx, or not at all. */
  readonly failed: number
  /** CPU time of the candidate for each request, in microseconds. */
  readonly cpu: number
}

/** So many requests a second, whatever the answers take. */
export async function runPaced(candidate: Candidate, load: PacedLoad): Promise<PacedResult> {
  const file = join(tmpdir(), `gatehouse-bench-${process.pid}-${Math.random()}.log`)
  const { connections, seconds, perSecond } = load
  const rate = Math.max(1, Math.round(perSecond / connections))
  const before = candidate.process.cpuMicroseconds()
  const output = await runClient([
    ...['h2load', '--h1', '-t1', '-c', String(connections), '-D', String(seconds)],
    ...['--rps', String(rate), '--log-file', file],
    ...headerOptions(withAuthority({ ...candidate.headers, ...load.headers })),
    candidate.url,
  ])
  const used = candidate.process.cpuMicroseconds() - before
  const rows = readFileSync(file, 'utf8').trimEnd().split('\n')
  rmSync(file)
  const answers = rows.map((row) => row.split('\t').map(Number))
  const bad = answers.filter(([, status = 0]) => status < 200 || status > 399).length
  const lost = Number(/(\d+) errored/.exec(output)?.[1] ?? 0)
  return {
    latencies: answers.map(([, , took = 0]) => took / 1_000),
    failed: bad + lost,
    cpu: used / answers.length,
  }
}

/** h2load knows a Host header under this name only, and would send two. */
function withAuthority(headers: Readonly<Record<string, string>>): Record<string, string> {
  const { Host: host = '', ...others } = headers
  return { ':authority': host, ...others }
}

function headerOptions(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
}

async function runClient(command: readonly string[]): Promise<string> {
  const client = spawn('taskset', ['-c', String(OTHER_CORE), ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  client.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  const [code] = await once(client, 'close')
  if (code !== 0) throw new Error(`\`${command[0]}\` ended with ${code}: ${output}`)
  return output
}
