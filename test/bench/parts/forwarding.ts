/**
 * The table of docs/performance.md: what a small GET costs each program, on one core, in interleaved rounds, once with as many
 * requests as it can serve, and once with the same number a second for all, and how long it then takes.
 */

import { join } from 'node:path'
import { startApache } from '../apache.ts'
import type { Candidate } from '../candidate.ts'
import {
  startBareForwarder,
  startHttpProxy,
  startNginxProxy,
  startUpstream,
} from '../forwarders.ts'
import { startGatehouse } from '../gatehouse.ts'
import { runLoad, runPaced } from '../load.ts'
import { startNginxAuthRequest } from '../nginx-auth-request.ts'
import type { Bench, BenchPart } from '../part.ts'
import { median, quantile } from '../processes.ts'

const CONNECTIONS = 32
const WARM_REQUESTS = 60_000
const WARM_MS = 30_000

interface Figures {
  readonly candidate: Candidate
  readonly cpu: number[]
  readonly perSecond: number[]
  readonly p50: number[]
  readonly p99: number[]
  /** CPU at half load. */
  readonly cpuAtHalf: number[]
  residentMegabytes: number
}

export const part: BenchPart = {
  about: 'a small GET through each program: CPU, throughput, latency; settings rounds, seconds',
  run: async (bench) => {
    const rounds = Number(bench.settings.get('rounds') ?? 9)
    const seconds = Number(bench.settings.get('seconds') ?? 3)
    bench.print(`${rounds} rounds of ${seconds} s, ${CONNECTIONS} connections\n`)
    const figures = await startAll(bench)
    for (const { candidate } of figures) await warmUp(bench, candidate, seconds)
    for (let i = 1; i <= rounds; i++) {
      for (const figure of inTurn(figures, i)) {
        bench.progress(`round ${i} of ${rounds}: ${figure.candidate.name}`)
        const result = await runLoad(figure.candidate, { connections: CONNECTIONS, seconds })
        figure.cpu.push(result.cpu)
        figure.perSecond.push(result.perSecond)
        figure.residentMegabytes = figure.candidate.process.residentMegabytes()
      }
    }
    const perSecond = median(figures[0]?.perSecond ?? []) / 2
    for (let i = 1; i <= rounds; i++) {
      bench.progress(`round ${i} of ${rounds} at ${perSecond.toFixed(0)} requests a second`)
      for (const figure of inTurn(figures, i)) await atHalfLoad(figure, perSecond, seconds)
    }
    report(bench, figures, perSecond)
  },
}

/** Until the compiler has done with it, which takes a program of many parts tens of thousands of requests; not for ever on a slow machine. */
async function warmUp(bench: Bench, candidate: Candidate, seconds: number): Promise<void> {
  bench.progress(`warms up: ${candidate.name}`)
  const startedAt = performance.now()
  for (let requests = 0; requests < WARM_REQUESTS; ) {
    requests += (await runLoad(candidate, { connections: CONNECTIONS, seconds })).requests
    if (performance.now() - startedAt > WARM_MS) return
  }
}

/** Each round begins with another, so that what comes and goes on the machine does not always meet the same. */
function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}

async function startAll(bench: Bench): Promise<readonly Figures[]> {
  const upstream = await startUpstream(bench.folder)
  bench.defer(upstream.process.stop)
  const figures: Figures[] = []
  for (const start of [
    () => startGatehouse(bench.folder, { upstream: upstream.port }),
    () => startBareForwarder(upstream.port),
    () => startHttpProxy(upstream.port),
    () => startNginxProxy(bench.folder, upstream.port),
    () => startApache(bench.folder, upstream.port),
    () => startNginxAuthRequest(join(bench.folder, 'asked'), upstream.port),
  ]) {
    const candidate = await start()
    bench.defer(candidate.process.stop)
    const nothing = {
      cpu: [],
      perSecond: [],
      p50: [],
      p99: [],
      cpuAtHalf: [],
      residentMegabytes: 0,
    }
    figures.push({ candidate: withCookieOf(figures[0]?.candidate, candidate), ...nothing })
  }
  return figures
}

/** All are asked for the same: what keeps no session of its own gets a cookie of the same length. */
function withCookieOf(own: Candidate | undefined, candidate: Candidate): Candidate {
  const cookie = candidate.headers.Cookie ?? own?.headers.Cookie
  if (cookie === undefined) return candidate
  return { ...candidate, headers: { ...candidate.headers, Cookie: cookie } }
}

/** Half of what Gatehouse can do, for each of them: the same work, and none is at its limit. */
async function atHalfLoad(figure: Figures, perSecond: number, seconds: number): Promise<void> {
  if (perSecond > 0.8 * median(figure.perSecond)) return
  const load = { connections: CONNECTIONS, seconds, perSecond }
  const { latencies, failed, cpu } = await runPaced(figure.candidate, load)
  if (failed > 0) throw new Error(`${figure.candidate.name}: ${failed} requests failed`)
  figure.cpuAtHalf.push(cpu)
  figure.p50.push(quantile(latencies, 0.5))
  figure.p99.push(quantile(latencies, 0.99))
}

function report({ print }: Bench, figures: readonly Figures[], perSecond: number): void {
  const own = figures[0]
  print(
    '| | CPU µs/request | requests/s | Gatehouse costs | CPU µs at half load | Gatehouse costs | p50 ms | p99 ms | resident MB |',
  )
  print('|---|---|---|---|---|---|---|---|---|')
  for (const figure of figures) {
    const cells = [
      figure.candidate.name,
      median(figure.cpu).toFixed(1),
      median(figure.perSecond).toFixed(0),
      figure === own ? '' : times(own?.cpu, figure.cpu),
      figure.cpuAtHalf.length === 0 ? 'too slow' : median(figure.cpuAtHalf).toFixed(1),
      figure === own ? '' : times(own?.cpuAtHalf, figure.cpuAtHalf),
      milliseconds(figure.p50),
      milliseconds(figure.p99),
      figure.residentMegabytes.toFixed(0),
    ]
    print(`| ${cells.join(' | ')} |`)
  }
  print(
    `\nHalf load is ${perSecond.toFixed(0)} requests a second for each of them; its figures are medians of the rounds.`,
  )
}

/** The median of what each round says. */
function times(own: readonly number[] = [], other: readonly number[]): string {
  const ratios = own.flatMap((value, i) => (other[i] === undefined ? [] : value / other[i]))
  return ratios.length === 0 ? '' : `${median(ratios).toFixed(2)} times`
}

function milliseconds(values: readonly number[]): string {
  return values.length === 0 ? 'too slow' : median(values).toFixed(2)
}
