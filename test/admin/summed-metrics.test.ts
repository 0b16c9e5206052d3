import { Registry } from 'prom-client'
import { test } from 'tap'
import { createMetrics, type Metrics } from '../../src/admin/metrics.ts'
import { sumMetrics } from '../../src/admin/summed-metrics.ts'

const request = { route: 'app', outcome: 'allow', status: 200, durationMs: 3, upstreamMs: 2 }

function process(openWebSockets: number): Metrics {
  const metrics = createMetrics({ lostLogLines: () => 1, openWebSockets: () => openWebSockets })
  metrics.routesChanged([{ name: 'app' }])
  return metrics
}

test('what processes count is added up, and what is one thing for all is not', async (t) => {
  const own = createMetrics({
    sessions: async () => 7,
    lostLogLines: () => 0,
    openWebSockets: () => 0,
  })
  own.reloaded(false)
  const summed = sumMetrics(own.registry)
  const workers = [process(3), process(4)]
  for (const worker of workers) {
    worker.requestFinished(request)
    summed.told(worker, await worker.registry.getMetricsAsJSON())
  }
  const value = async (series: string) => seriesIn(await summed.text(), series)
  const requests = 'gatehouse_requests_total{route="app",outcome="allow",status_class="2xx"}'
  t.equal(await value(requests), 2)
  t.equal(await value('gatehouse_request_duration_seconds_count{outcome="allow"}'), 2)
  t.equal(await value('gatehouse_websockets'), 7)
  t.equal(await value('gatehouse_decision_log_lost_lines'), 2)
  t.equal(await value('gatehouse_sessions'), 7)
  t.equal(await value('gatehouse_config_last_reload_successful'), 0)
})

test('what a process counted outlives it, and what it measured does not', async (t) => {
  const summed = sumMetrics(new Registry())
  for (let i = 0; i < 3; i++) {
    const worker = process(5)
    worker.requestFinished(request)
    summed.told(worker, await worker.registry.getMetricsAsJSON())
    summed.left(worker)
  }
  const text = await summed.text()
  t.equal(
    seriesIn(text, 'gatehouse_request_duration_seconds_bucket{le="0.005",outcome="allow"}'),
    3,
  )
  t.equal(seriesIn(text, 'gatehouse_decision_log_lost_lines'), 3)
  t.notMatch(text, 'gatehouse_websockets')
  t.match(text, 'gatehouse_requests_total{route="app"')
  summed.routesChanged([{ name: 'another' }])
  t.notMatch(await summed.text(), 'route="app"', 'of a route that is gone nothing is kept')
})

function seriesIn(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length))
}
