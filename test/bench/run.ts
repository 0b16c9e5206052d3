/**
 * `npm run bench`: CPU time per request of Gatehouse, of bare forwarding by Fastify and undici, and of nginx, on one
 * core in interleaved rounds. The figures that count are the ratios of one run; a machine's own speed drops out.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Candidate,
  OTHER_CORE,
  startBareForwarder,
  startGatehouse,
  startNginxProxy,
  startUpstream,
} from './candidates.ts'
import { median, runLoad } from './processes.ts'

const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 9)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 3)
const CONNECTIONS = 32

interface Figures {
  readonly cpu: number[]
  readonly perSecond: number[]
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
const stops: (() => Promise<void>)[] = []
try {
  const upstream = await startUpstream(folder)
  stops.push(upstream.process.stop)
  const candidates: Candidate[] = []
  for (const start of [
    () => startGatehouse(folder, upstream.port),
    () => startBareForwarder(upstream.port),
    () => startNginxProxy(folder, upstream.port),
  ]) {
    const candidate = await start()
    candidates.push(candidate)
    stops.push(candidate.process.stop)
  }
  report(candidates, await measure(candidates))
} finally {
  for (const stop of stops.reverse()) await stop()
  rmSync(folder, { recursive: true, force: true })
}

async function measure(candidates: readonly Candidate[]): Promise<ReadonlyMap<string, Figures>> {
  const figures = new Map(
    candidates.map(({ name }) => [name, { cpu: [], perSecond: [] } as Figures]),
  )
  for (const candidate of candidates) await round(candidate, SECONDS)
  for (let i = 1; i <= ROUNDS; i++) {
    process.stderr.write(`\rround ${i} of ${ROUNDS}`)
    for (const candidate of candidates) {
      const { cpu, perSecond } = await round(candidate, SECONDS)
      figures.get(candidate.name)?.cpu.push(cpu)
      figures.get(candidate.name)?.perSecond.push(perSecond)
    }
  }
  process.stderr.write('\n')
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

function report(candidates: readonly Candidate[], figures: ReadonlyMap<string, Figures>): void {
  const own = figures.get('Gatehouse')?.cpu ?? []
  const print = (text: string): void => {
    process.stdout.write(`${text}\n`)
  }
  print(
    `${cpus()[0]?.model}, Node ${process.version}, ${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections`,
  )
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
