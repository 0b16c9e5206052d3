/** What the gateway counts, for Prometheus. Labels are fixed: none of them is chosen by a client. */

import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { Durations } from './durations.ts'
import { createRequestCounts } from './request-counts.ts'
import { type NamedRoute, NO_ROUTE, routeLabels } from './route-labels.ts'

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
  /** The routes that are in force from now on. */
  routesChanged(routes: readonly NamedRoute[], fileRoutes?: number): void
  requestFinished(request: FinishedRequest): void
  signIn(provider: string, result: string): void
  refreshed(provider: string, result: string): void
  reloaded(successful: boolean): void
  storeFailed(): void
  untrustedProxy(): void
  directoryAsked(result: DirectoryResult): void
}

/** How calls of a directory end, all of them. */
const DIRECTORY_RESULTS = ['ok', 'not_found', 'rate_limited', 'refused', 'unavailable'] as const
export type DirectoryResult = (typeof DIRECTORY_RESULTS)[number]

/** What a directory knows of itself. */
export interface DirectoryState {
  /** Calls left in its window; undefined before it has said. */
  remaining(): number | undefined
  oldestInUseMs(): number
}

/** Metrics as Prometheus reads them. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

export interface MetricsSources {
  /** Live sessions; rejects when the store cannot tell. Left out where another process of the gateway tells. */
  sessions?(): Promise<number>
  /** Lines that the decision log has lost. */
  lostLogLines(): number
  /** Lines that the audit log has lost. */
  lostAuditLines?(): number
  openWebSockets(): number
  /** Left out in a process that asks none. */
  directories?(): Iterable<DirectoryState>
}

export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = createRequestCounts(registry)
  const duration = new Durations({
    name: 'gatehouse_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    label: 'outcome',
    registry,
  })
  const upstream = new Durations({
    name: 'gatehouse_upstream_duration_seconds',
    help: 'Time until an upstream begins its answer.',
    label: 'route',
    registry,
  })
  const signIns = new Counter({
    name: 'gatehouse_sign_ins_total',
    help: 'Finished sign-ins by provider and result.',
    labelNames: ['provider', 'result'],
    registers,
  })
  const refreshes = new Counter({
    name: 'gatehouse_session_refreshes_total',
    help: 'Refreshes of sessions by provider and result, each counted where it was made.',
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
  const untrustedProxies = new Counter({
    name: 'gatehouse_untrusted_proxy_requests_total',
    help: 'Requests with X-Forwarded-For from peers that are not in `server.trusted_proxies`.',
    registers,
  })
  const directoryRequests = new Counter({
    name: 'gatehouse_directory_requests_total',
    help: 'Calls of directories by result.',
    labelNames: ['result'],
    registers,
  })
  for (const result of DIRECTORY_RESULTS) directoryRequests.inc({ result }, 0)
  registerDirectoryGauges(registry, sources)
  registerGauges(registry, sources, () => storeErrors.inc())
  return {
    registry,
    routesChanged: (routes, fileRoutes) => {
      const labels = routeLabels(routes, fileRoutes)
      requests.label(labels)
      upstream.label(labels)
    },
    requestFinished: ({ route = NO_ROUTE, outcome, status, durationMs, upstreamMs }) => {
      requests.add(route, outcome, status)
      duration.add(outcome, durationMs)
      if (upstreamMs !== undefined) upstream.add(route, upstreamMs)
    },
    signIn: (provider, result) => signIns.inc({ provider, result }),
    refreshed: (provider, result) => refreshes.inc({ provider, result }),
    reloaded: (successful) => {
      reloads.inc({ result: successful ? 'success' : 'failure' })
      lastReload.set(successful ? 1 : 0)
    },
    storeFailed: () => storeErrors.inc(),
    untrustedProxy: () => untrustedProxies.inc(),
    directoryAsked: (result) => directoryRequests.inc({ result }),
  }
}

export function metricsText(registry: Registry): MetricsText {
  return { contentType: registry.contentType, text: () => registry.metrics() }
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
  const lost = (log: string, count: () => number) =>
    new Counter({
      name: `gatehouse_${log}_log_lost_lines`,
      help: `Lines of the ${log} log that could not be written.`,
      registers,
      collect() {
        this.reset()
        this.inc(count())
      },
    })
  lost('decision', () => sources.lostLogLines())
  lost('audit', () => sources.lostAuditLines?.() ?? 0)
}

function registerDirectoryGauges(registry: Registry, { directories }: MetricsSources): void {
  const registers = [registry]
  const all = () => [...(directories?.() ?? [])]
  new Gauge({
    name: 'gatehouse_directory_rate_limit_remaining',
    help: 'Calls left in the running window of the directory that has fewest; +Inf before any has said.',
    aggregator: 'min',
    registers,
    collect() {
      this.set(Math.min(...all().flatMap((directory) => directory.remaining() ?? [])))
    },
  })
  new Gauge({
    name: 'gatehouse_directory_oldest_answer_seconds',
    help: 'Age of the oldest answer of a directory that was used within the last minute.',
    aggregator: 'max',
    registers,
    collect() {
      const ages = all().map((directory) => directory.oldestInUseMs())
      this.set(Math.max(0, ...ages) / 1_000)
    },
  })
}
