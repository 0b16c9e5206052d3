/** Metrics of several processes as those of one gateway. What a process has counted stays counted when it has ended. */

import { AggregatorRegistry, type Registry } from 'prom-client'
import type { MetricsText } from './metrics.ts'

/** All metrics of one process, as plain data. */
export type MetricFamilies = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export interface SummedMetrics extends MetricsText {
  /** What `process` has counted by now. While it does not answer its last word stands. */
  told(process: object, families: MetricFamilies): void
  /** It has ended: what it counted remains a part of the sum, what it measured does not. */
  left(process: object): void
}

const COUNTING: ReadonlySet<string> = new Set(['counter', 'histogram'])

/** @param own of this process, which are a part of the sum too */
export function sumMetrics(own: Registry): SummedMetrics {
  const latest = new Map<object, MetricFamilies>()
  let counted: Promise<MetricFamilies> = Promise.resolve([])
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
      counted = counted.then((before) => sum([before, counts]).getMetricsAsJSON())
    },
  }
}

/** By the `aggregator` of each metric, which is to add up unless it says otherwise. */
function sum(processes: readonly MetricFamilies[]): Registry {
  return AggregatorRegistry.aggregate([...processes])
}
