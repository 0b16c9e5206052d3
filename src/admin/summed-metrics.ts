/** Metrics of several processes as those of one gateway. What a process has counted stays counted when it has ended. */

import { AggregatorRegistry, type Registry } from 'prom-client'
import type { MetricsText } from './metrics.ts'
import { type NamedRoute, type RouteLabels, routeLabels } from './route-labels.ts'

/** All metrics of one process, as plain data. */
export type MetricFamilies = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export interface SummedMetrics extends MetricsText {
  /** What `process` has counted by now. While it does not answer its last word stands. */
  told(process: object, families: MetricFamilies): void
  /** It has ended: what it counted remains a part of the sum, what it measured does not. */
  left(process: object): void
  /** The routes that are in force from now on: of others nothing is kept. */
  routesChanged(routes: readonly NamedRoute[], fileRoutes?: number): void
}

const COUNTING: ReadonlySet<string> = new Set(['counter', 'histogram'])

/** @param own of this process, which are a part of the sum too */
export function sumMetrics(own: Registry): SummedMetrics {
  const latest = new Map<object, MetricFamilies>()
  let counted: Promise<MetricFamilies> = Promise.resolve([])
  let named: RouteLabels | undefined
  return {
    contentType: own.contentType,
    text: async () => {
      const ofThis = await own.getMetricsAsJSON()
      return sum([ofThis, ...latest.values(), await counted]).metrics()
    },
    told: (process, families) => {
      latest.set(process, families)
    },
    left: (process) => {
      const last = latest.get(process) ?? []
      latest.delete(process)
      const counts = last.filter(({ type }) => COUNTING.has(String(type)))
      counted = counted.then(async (before) =>
        namedOnly(await sum([before, counts]).getMetricsAsJSON(), named),
      )
    },
    routesChanged: (routes, fileRoutes) => {
      named = routeLabels(routes, fileRoutes)
      counted = counted.then((before) => namedOnly(before, named))
    },
  }
}

/** Without the series of routes that are not named any more. */
function namedOnly(families: MetricFamilies, named: RouteLabels | undefined): MetricFamilies {
  if (named === undefined) return families
  const isKept = ({ route }: { readonly route?: string | number }) =>
    route === undefined || named.has(String(route))
  return families.map((family) => ({
    ...family,
    values: family.values.filter(({ labels }) => isKept(labels)),
  }))
}

/** By the `aggregator` of each metric, which is to add up unless it says otherwise. */
function sum(processes: readonly MetricFamilies[]): Registry {
  return AggregatorRegistry.aggregate([...processes])
}
