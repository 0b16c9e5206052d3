/**
 * CPU time per request of Gatehouse, of bare forwarding by Fastify and undici, and of nginx, on one core in interleaved
 * rounds.
 */

import {
  type Candidate,
  OTHER_CORE,
  startBareForwarder,
  startGatehouse,
  startNginxProxy,
  startUpstream,
} from '../candidates.ts'
import type { Bench, BenchPart } from '../part.ts'
import { median, runLoad } from '../processes.ts'

const CONNECTIONS = 32

interface Figures {
  readonly cpu: number[]
  readonly perSecond: number[]
}

export const part: BenchPart = {
  about: 'CPU per request beside bare forwarders and nginx; settings rounds, seconds',
  run: async (bench) => {
    const upstream = await startUpstream(bench.folder)
    bench.defer(upstream.process.stop)
    const candidates: Candidate[] = []
    for (const start of [
      () => startGatehouse(bench.folder, upstream.port),
      () => startBareForwarder(upstream.port),
      () => startNginxProxy(bench.folder, upstream.port),
    ]) {
      const candidate = await start()
      candidates.push(candidate)
      bench.defer(candidate.process.stop)
    }
    report(bench, candidates, await measure(bench, candidates))
  },
}

async function measure(
  bench: Bench,
  candidates: readonly Candidate[],
): Promise<ReadonlyMap<string, Figures>> {
  const rounds = Number(bench.settings.get('rounds') ?? 9)
  const seconds = Number(bench.settings.get('seconds') ?? 3)
  bench.print(`${rounds} rounds of ${seconds} s, ${CONNECTIONS} connections\n`)
  const figures = new Map(
    candidates.map(({ name }) => [name, { cpu: [], perSecond: [] } as Figures]),
  )
  for (const candidate of candidates) await round(candidate, seconds)
  for (let i = 1; i <= rounds; i++) {
    bench.progress(`round ${i} of ${rounds}`)
    for (const candidate of candidates) {
      const { cpu, perSecond } = await round(candidate, seconds)
      figures.get(candidate.name)?.cpu.push(cpu)
      figures.get(candidate.name)?.perSecond.push(perSecond)
    }
  }
  return figures
}

async function round(
  candidate: Candidate,
  seconds: number,
): Promise<{ cpu: number; perSecond: number }> {
  const before = candidate.process.cpuMicroseconds()
  const { requests, failed } = await runLoad({
    core: OTHER_CORE,
    url: candidate.url,
    headers: candidate.headers,
    connections: CONNECTIONS,
    seconds,
  })
  const used = candidate.process.cpuMicroseconds() - before
  if (failed > 0 || requests === 0)
    throw new Error(`${candidate.name}: ${failed} of ${requests} requests failed`)
  return { cpu: used / requests, perSecond: requests / seconds }
}

function report(
  { print }: Bench,
  candidates: readonly Candidate[],
  figures: ReadonlyMap<string, Figures>,
): void {
  const own = figures.get('Gatehouse')?.cpu ?? []
  print('| | CPU µs/request | requests/s | resident MB | Gatehouse costs |')
  print('|---|---|---|---|---|')
  for (const { name, process: measured } of candidates) {
    const { cpu = [], perSecond = [] } = figures.get(name) ?? {}
    const ratio = median(own.map((value, i) => value / (cpu[i] ?? Number.NaN)))
    print(
      `| ${name} | ${median(cpu).toFixed(1)} | ${median(perSecond).toFixed(0)} | ` +
        `${measured.residentMegabytes().toFixed(0)} | ${name === 'Gatehouse' ? '' : `${ratio.toFixed(2)} times`} |`,
    )
  }
}
