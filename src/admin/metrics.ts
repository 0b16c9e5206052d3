/** What the gateway counts, for Prometheus (product 5). Labels are fixed: none of them is chosen by a client. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface FinishedRequest {
  /** `undefined` where no route was found. */
  readonly route: string | undefined
  readonly outcome: string
  readonly status: number
  readonly durationMs: number
  readonly upstreamMs: number | undefined
}

export interface Metrics {
  readonly registry: Registry
  requestFinished(request: FinishedRequest): void
  signIn(provider: string, result: string): void
  reloaded(successful: boolean): void
  storeFailed(): void
}

export interface MetricsSources {
  /** Live sessions; rejects when the store cannot tell. Left out where another process of the gateway tells. */
  sessions?(): Promise<number>
  /** Lines that the decision log has lost. */
  lostLogLines(): number
  openWebSockets(): number
}

/** From a cache hit to the longest wait that a default `timeout` allows. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const NO_ROUTE = 'none'

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Counter({
    name: 'gatehouse_requests_total',
    help: 'Requests by route, outcome and class of the answer.',
    labelNames: ['route', 'outcome', 'status_class'],
    registers,
  })
  const duration = new Histogram({
    name: 'gatehouse_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['outcome'],
    buckets: SECONDS,
    registers,
  })
  const upstream = new Histogram({
    name: 'gatehouse_upstream_duration_seconds',
    help: 'Time until an upstream begins its answer.',
    labelNames: ['route'],
    buckets: SECONDS,
    registers,
  })
  const signIns = new Counter({
    name: 'gatehouse_sign_ins_total',
    help: 'Finished sign-ins by provider and result.',
    labelNames: ['provider', 'result'],
    registers,
  })
  const reloads = new Counter({
    name: 'gatehouse_config_reloads_total',
    help: 'Reloads of config and policies by result.',
    labelNames: ['result'],
    registers,
  })
  const lastReload = new Gauge({
    name: 'gatehouse_config_last_reload_successful',
    help: '1 while the files on disk are those in force, 0 after a reload that was refused.',
    // Of several processes the one knows that reloads.
    aggregator: 'min',
    registers,
  })
  lastReload.set(1)
  const storeErrors = new Counter({
    name: 'gatehouse_store_errors_total',
    help: 'Times that the session store could not answer.',
    registers,
  })
  registerGauges(registry, sources, () => storeErrors.inc())
  const requestChildren = createChildren((route: string, outcome: string, statusClass: string) =>
    requests.labels(route, outcome, statusClass),
  )
  const durationChildren = createChildren((outcome: string) => duration.labels(outcome))
  const upstreamChildren = createChildren((route: string) => upstream.labels(route))
  return {
    registry,
    requestFinished: ({ route = NO_ROUTE, outcome, status, durationMs, upstreamMs }) => {
      requestChildren(route, outcome, STATUS_CLASSES[Math.floor(status / 100)] ?? 'other').inc()
      durationChildren(outcome).observe(durationMs / 1000)
      if (upstreamMs !== undefined) upstreamChildren(route).observe(upstreamMs / 1000)
    },
    signIn: (provider, result) => signIns.inc({ provider, result }),
    reloaded: (successful) => {
      reloads.inc({ result: successful ? 'success' : 'failure' })
      lastReload.set(successful ? 1 : 0)
    },
    storeFailed: () => storeErrors.inc(),
  }
}

const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** One look-up for a set of labels instead of hashing it anew for every request. */
function createChildren<L extends string[], C>(make: (...labels: L) => C): (...labels: L) => C {
  const children = new Map<string, C>()
  return (...labels) => {
    const key = labels.length === 1 ? (labels[0] as string) : labels.join('\n')
    let child = children.get(key)
    if (child === undefined) {
      child = make(...labels)
      children.set(key, child)
    }
    return child
  }
}

function registerGauges(
  registry: Registry,
  sources: MetricsSources,
  onStoreError: () => void,
): void {
  const registers = [registry]
  new Gauge({
    name: 'gatehouse_sessions',
    help: 'Live sessions in the store.',
    // All processes of a gateway have one store, so they are not to be added up.
    aggregator: 'max',
    registers,
    async collect() {
      try {
        if (sources.sessions !== undefined) this.set(await sources.sessions())
      } catch {
        // Unknown is not none: the last value stands, and the error is counted.
        onStoreError()
      }
    },
  })
  new Gauge({
    name: 'gatehouse_websockets',
    help: 'Open WebSockets.',
    registers,
    collect() {
      this.set(sources.openWebSockets())
    },
  })
  new Gauge({
    name: 'gatehouse_decision_log_lost_lines',
    help: 'Lines of the decision log that could not be written.',
    registers,
    collect() {
      this.set(sources.lostLogLines())
    },
  })
}
