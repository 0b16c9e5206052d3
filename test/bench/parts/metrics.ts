/** What `/metrics` costs when 10,000 routes have had traffic, in one process and summed over workers. */

import { createMetrics, type Metrics } from '../../../src/admin/metrics.ts'
import { sumMetrics } from '../../../src/admin/summed-metrics.ts'
import type { Bench, BenchPart } from '../part.ts'

const ROUTES = Array.from({ length: 10_000 }, (_, i) => ({ name: `app-${i}.example.com/admin` }))
const SCRAPES = 50
const TYPICAL = [
  ['allow', 200],
  ['allow', 302],
  ['allow', 404],
  ['allow', 502],
  ['sign_in', 302],
  ['deny', 403],
] as const

export const part: BenchPart = {
  about: 'a scrape of /metrics with 10,000 routes that all had traffic: bytes and milliseconds',
  run: async (bench) => {
    bench.print('| processes | bytes | median | slowest |')
    bench.print('| --- | --- | --- | --- |')
    const one = withTraffic()
    await measure(bench, '1', () => one.registry.metrics())
    for (const count of [2, 8]) {
      const own = createMetrics(SOURCES)
      const summed = sumMetrics(own.registry)
      summed.routesChanged(ROUTES)
      for (const worker of Array.from({ length: count }, withTraffic)) {
        summed.told(worker, await worker.registry.getMetricsAsJSON())
      }
      await measure(bench, `${count} workers, summed`, summed.text)
    }
  },
}

const SOURCES = { lostLogLines: () => 0, openWebSockets: () => 0 }

function withTraffic(): Metrics {
  const metrics = createMetrics(SOURCES)
  metrics.routesChanged(ROUTES)
  for (const { name: route } of ROUTES)
    for (const [outcome, status] of TYPICAL)
      metrics.requestFinished({ route, outcome, status, durationMs: 5, upstreamMs: 3 })
  return metrics
}

async function measure(bench: Bench, name: string, text: () => Promise<string>): Promise<void> {
  const took: number[] = []
  let bytes = 0
  for (let i = 0; i < SCRAPES; i++) {
    const start = performance.now()
    bytes = Buffer.byteLength(await text())
    took.push(performance.now() - start)
  }
  took.sort((a, b) => a - b)
  const ms = (value = 0) => `${value.toFixed(1)} ms`
  bench.print(`| ${name} | ${bytes} | ${ms(took[SCRAPES / 2])} | ${ms(took.at(-1))} |`)
}
