import { test } from 'tap'
import { createMetrics } from '../../src/admin/metrics.ts'

const SOURCES = {
  sessions: async () => 3,
  lostLogLines: () => 0,
  openWebSockets: () => 2,
  directories: () => [],
}

const FINISHED = {
  route: 'app',
  outcome: 'allow',
  status: 200,
  durationMs: 4,
  upstreamMs: 3,
}

test('every family is there before the first request', async (t) => {
  const text = await createMetrics(SOURCES).registry.metrics()
  for (const name of [
    'gatehouse_requests_total',
    'gatehouse_request_duration_seconds',
    'gatehouse_upstream_duration_seconds',
    'gatehouse_sign_ins_total',
  ]) {
    t.match(text, `# TYPE ${name} `)
  }
})

test('requests are counted by route, outcome and class of the answer, at each scrape anew', async (t) => {
  const { registry, requestFinished, routesChanged } = createMetrics(SOURCES)
  routesChanged([{ name: 'app' }])
  requestFinished(FINISHED)
  requestFinished(FINISHED)
  requestFinished({ ...FINISHED, route: undefined, outcome: 'rejected', status: 400 })
  await registry.metrics()
  const text = await registry.metrics()
  const counted = 'gatehouse_requests_total{route="app",outcome="allow",status_class="2xx"} 2'
  t.match(text, counted)
  t.match(text, '{route="none",outcome="rejected",status_class="4xx"} 1')
  t.equal(text.split('gatehouse_requests_total{').length - 1, 2, 'no class without a request')
})

test('durations are a histogram in seconds: buckets hold all that took no longer', async (t) => {
  const { registry, requestFinished, routesChanged } = createMetrics(SOURCES)
  routesChanged([{ name: 'app' }])
  for (const durationMs of [1, 4, 60_000]) requestFinished({ ...FINISHED, durationMs })
  const text = await registry.metrics()
  const bucket = (le: string) =>
    new RegExp(
      `gatehouse_request_duration_seconds_bucket\\{le="${le}",outcome="allow"\\} (\\d+)`,
    ).exec(text)?.[1]
  t.same(['0.001', '0.0025', '0.005', '30', '\\+Inf'].map(bucket), ['1', '1', '2', '2', '3'])
  t.match(text, 'gatehouse_request_duration_seconds_sum{outcome="allow"} 60.005')
  t.match(text, 'gatehouse_request_duration_seconds_count{outcome="allow"} 3')
  t.match(text, 'gatehouse_upstream_duration_seconds_count{route="app"} 3')
})

const MANY = Array.from({ length: 10_000 }, (_, i) => ({ name: `route-${i}` }))
const OUTCOMES = ['allow', 'deny', 'sign_in', 'step_up', 'unavailable']
const STATUSES = [101, 200, 302, 404, 502]

test('10,000 routes that all had traffic: a scrape stays below a megabyte, the rest is `other`', async (t) => {
  const { registry, requestFinished, routesChanged } = createMetrics(SOURCES)
  const finishAll = () => {
    for (const { name: route } of MANY)
      for (const outcome of OUTCOMES)
        for (const status of STATUSES) requestFinished({ ...FINISHED, route, outcome, status })
  }
  routesChanged(MANY)
  finishAll()
  const text = await registry.metrics()
  t.comment(`${text.length} bytes, ${text.split('\n').length} lines`)
  t.ok(text.length < 1_000_000)
  const total = [...text.matchAll(/^gatehouse_requests_total\{.*\} (\d+)$/gm)]
  t.equal(new Set(total.map(([line]) => /route="([^"]+)"/.exec(line)?.[1])).size, 101)
  const sum = total.reduce((before, [, count]) => before + Number(count), 0)
  t.equal(sum, MANY.length * OUTCOMES.length * STATUSES.length, 'nothing is left out of the sum')
  t.match(text, 'route="other",outcome="allow",status_class="2xx"} 9900')

  // All those that were named have gone, and their names with them.
  const renamed = MANY.map(({ name }) => ({ name: `new-${name}` }))
  routesChanged(renamed)
  finishAll()
  t.notMatch(await registry.metrics(), 'route="route-')
  const long = MANY.map(({ name }) => ({ name: `${name}${'x'.repeat(1_000)}` }))
  routesChanged([...long, { name: 'short' }])
  for (const { name: route } of [...long, { name: 'short' }])
    requestFinished({ ...FINISHED, route })
  const short = await registry.metrics()
  t.ok(short.length < 1_000_000)
  t.match(short, 'route="short"', 'what fits is named')

  // Whoever may offer routes calls them as they like, and takes no name from those of the files or from older ones.
  const offered = ['old.example.com', ...MANY.map((_, i) => `0-${i}.example.com`)]
  const all = ['short', ...offered].map((name) => ({ name }))
  routesChanged(all, 1)
  for (const { name: route } of all) requestFinished({ ...FINISHED, route })
  const beside = await registry.metrics()
  t.match(beside, 'route="short"')
  t.match(beside, 'route="old.example.com"')
})

test('counts of several processes can be added up', async (t) => {
  const { registry, requestFinished } = createMetrics(SOURCES)
  requestFinished(FINISHED)
  const families = await registry.getMetricsAsJSON()
  const family = families.find(({ name }) => name === 'gatehouse_request_duration_seconds')
  t.match(family, { type: 'histogram', aggregator: 'sum' })
  t.match(family?.values[0], { labels: { le: 0.001, outcome: 'allow' }, value: 0 })
})
