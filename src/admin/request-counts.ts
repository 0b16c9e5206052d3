/** How many requests came to what: plain numbers, given to prom-client when Prometheus asks. */

import { Counter, type Registry } from 'prom-client'
import { keepOnly, OTHER_ROUTES, type RouteLabels } from './route-labels.ts'

const STATUS_CLASSES = ['other', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

export interface RequestCounts {
  add(route: string, outcome: string, status: number): void
  /** Routes that are named from now on; what was counted under another name is dropped. */
  label(labels: RouteLabels): void
}

/** prom-client's own counters hash their labels anew for every request. */
export function createRequestCounts(registry: Registry): RequestCounts {
  const counts = new Map<string, Map<string, number[]>>()
  let named: RouteLabels = new Set()
  new Counter({
    name: 'gatehouse_requests_total',
    help: 'Requests by route, outcome and class of the answer.',
    labelNames: ['route', 'outcome', 'status_class'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [route, byOutcome] of counts)
        for (const [outcome, byClass] of byOutcome)
          for (const [i, count] of byClass.entries()) {
            const status_class = STATUS_CLASSES[i] ?? 'other'
            if (count > 0) this.inc({ route, outcome, status_class }, count)
          }
    },
  })
  const addLabel = (label: string) => getOrMake(counts, label, () => new Map<string, number[]>())
  return {
    add: (route, outcome, status) => {
      const byOutcome = counts.get(route) ?? addLabel(named.has(route) ? route : OTHER_ROUTES)
      const byClass = getOrMake(byOutcome, outcome, () => STATUS_CLASSES.map(() => 0))
      const statusClass = status >= 100 && status < 600 ? Math.floor(status / 100) : 0
      byClass[statusClass] = (byClass[statusClass] ?? 0) + 1
    },
    label: (labels) => {
      named = labels
      keepOnly(counts, labels)
    },
  }
}

function getOrMake<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
