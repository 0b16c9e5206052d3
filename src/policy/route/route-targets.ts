/** Where a route leads: one upstream or several, how requests are shared among them, and how they are looked after. */

import type { YamlNode } from '../../support/yaml-node.ts'
import type { Around } from '../language/compile-conditions.ts'
import type { Report } from '../language/matchers.ts'
import type { HealthCheck, UpstreamTargets, WeightedUrl } from '../route.ts'
import { readTo } from './route-address.ts'
import {
  entriesInside,
  entriesOf,
  type RouteEntries,
  readChoice,
  readDuration,
  readNumber,
  readText,
} from './route-values.ts'

const MAX_WEIGHT = 1_000_000
const DEFAULT_CHECK = { intervalMs: 10_000, timeoutMs: 2_000, unhealthy: 3, healthy: 1 }
/** Asking more often than this is load, and no more certainty. */
const LEAST_INTERVAL_MS = 100
/** A path with its query, percent-encoded. */
const SENDABLE = /^\/[\x21\x22\x24-\x7e]*$/

/** `to`, `load_balancing_policy` and `health_check`; null where there is no `to`. */
export function readTargets(
  entries: RouteEntries,
  { report }: Around,
): UpstreamTargets | null | undefined {
  const to = entries.get('to')?.value
  const urls = to === undefined ? null : readUrls(to, report)
  const policy = readChoice(
    entries,
    'load_balancing_policy',
    ['ROUND_ROBIN', 'LEAST_REQUEST'],
    report,
  )
  const healthCheck = readHealthCheck(entries, report)
  if (urls === null) return withoutUpstream(entries, report)
  if (urls === undefined || policy === undefined || healthCheck === undefined) return undefined
  return {
    urls,
    policy: policy === 'LEAST_REQUEST' ? 'LEAST_REQUEST' : 'ROUND_ROBIN',
    healthCheck: healthCheck ?? undefined,
  }
}

/** What is for upstreams says nothing where there is none. */
function withoutUpstream(entries: RouteEntries, report: Report): null | undefined {
  let fine = true
  for (const key of ['load_balancing_policy', 'health_check'] as const) {
    const entry = entries.get(key)
    if (entry === undefined) continue
    fine = false
    report(entry.keyAt, `\`${key}\` is about upstreams, and this route has no \`to\``)
  }
  return fine ? null : undefined
}

function readUrls(to: YamlNode, report: Report): readonly WeightedUrl[] | undefined {
  const items = to.kind === 'list' ? to.items : [to]
  if (items.length === 0) return report(to.at, '`to` is empty; write the URL of the upstream')
  const read = items.map((item) => readUrl(item, report))
  const urls = read.filter((url) => url !== undefined)
  const [first] = urls
  if (urls.length < read.length || first === undefined) return undefined
  const paths = new Set(urls.map(({ basePath }) => basePath))
  if (paths.size > 1) {
    return report(
      to.at,
      'the URLs of `to` have different paths; whichever is taken, the path is one',
    )
  }
  const seen = new Set<string>()
  for (const [index, { origin, socketPath }] of urls.entries()) {
    const place = socketPath ?? origin
    if (seen.has(place)) {
      return report(items[index]?.at ?? to.at, `\`to\` names ${place} twice; write a \`weight\``)
    }
    seen.add(place)
  }
  return urls
}

/** A URL, or `{ url, weight }`. */
function readUrl(node: YamlNode, report: Report): WeightedUrl | undefined {
  if (node.kind !== 'map') return weighted(node, 1, report)
  const known = ['url', 'weight'] as const
  const entries = entriesInside({ key: 'to', keyAt: node.at, value: node }, known, report)
  if (entries === undefined) return undefined
  const weight = readNumber(entries, 'weight', [1, MAX_WEIGHT], report)
  const url = entriesOf(node).get('url')?.value
  if (url === undefined) return report(node.at, '`to` takes `{ url, weight }`; write the `url`')
  const read = weighted(url, weight ?? 1, report)
  return weight === undefined ? undefined : read
}

function weighted(node: YamlNode, weight: number, report: Report): WeightedUrl | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') {
    return report(node.at, '`to` is the URL of the upstream, as in `http://grafana.internal:3000`')
  }
  const url = readTo(node.value)
  return typeof url === 'string' ? report(node.at, url) : { ...url, weight }
}

function readHealthCheck(entries: RouteEntries, report: Report): HealthCheck | null | undefined {
  const entry = entries.get('health_check')
  if (entry === undefined) return null
  const known = ['path', 'interval', 'timeout', 'unhealthy', 'healthy'] as const
  const inside = entriesInside(entry, known, report)
  if (inside === undefined) return undefined
  const path = readText(inside, 'path', report)
  if (path === null)
    return report(entry.value.at, '`health_check` needs a `path`, as in `/healthz`')
  const intervalMs = readDuration(inside, 'interval', DEFAULT_CHECK.intervalMs, report)
  const timeoutMs = readDuration(inside, 'timeout', DEFAULT_CHECK.timeoutMs, report)
  const unhealthy = readNumber(inside, 'unhealthy', [1, 100], report)
  const healthy = readNumber(inside, 'healthy', [1, 100], report)
  const broken =
    path === undefined ||
    intervalMs === undefined ||
    timeoutMs === undefined ||
    unhealthy === undefined ||
    healthy === undefined
  if (broken) return undefined
  const at = (key: (typeof known)[number]) => inside.get(key)?.value.at ?? entry.value.at
  if (!SENDABLE.test(path)) {
    return report(at('path'), '`path` begins with a slash and is written as it is sent: `/healthz`')
  }
  if (intervalMs < LEAST_INTERVAL_MS)
    return report(at('interval'), '`interval` is at least `100ms`; a check has its cost')
  if (timeoutMs === 0) return report(at('timeout'), '`timeout` is not `0s`: a check has to end')
  return {
    path,
    intervalMs,
    timeoutMs,
    unhealthy: unhealthy ?? DEFAULT_CHECK.unhealthy,
    healthy: healthy ?? DEFAULT_CHECK.healthy,
  }
}
