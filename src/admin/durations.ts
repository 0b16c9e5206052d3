/** Durations counted into buckets for the price of an addition; Prometheus gets them as a histogram when it asks. */

import { Histogram, type Registry } from 'prom-client'
import { keepOnly, OTHER_ROUTES, type RouteLabels } from './route-labels.ts'

/** From a cache hit to the longest wait that a default `timeout` allows. */
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const BOUNDS_MS = SECONDS.map((seconds) => seconds * 1_000)

/** What has been counted under one label. */
class Buckets {
  /** One for each bound, and one for what is past the last. */
  readonly counts = new Array<number>(BOUNDS_MS.length + 1).fill(0)
  sumMs = 0

  add(durationMs: number): void {
    let bucket = 0
    while (bucket < BOUNDS_MS.length && durationMs > (BOUNDS_MS[bucket] as number)) bucket++
    this.counts[bucket] = (this.counts[bucket] as number) + 1
    this.sumMs += durationMs
  }
}

export interface DurationsOptions<L extends string> {
  readonly name: string
  readonly help: string
  readonly label: L
  readonly registry: Registry
}

/** prom-client's own histogram hashes its labels anew for each observation, which costs more than a decision does. */
export class Durations<L extends string> extends Histogram<L> {
  readonly #byLabel = new Map<string, Buckets>()
  readonly #options: DurationsOptions<L>
  /** Undefined: values of the label are few by themselves. */
  #named: RouteLabels | undefined

  constructor(options: DurationsOptions<L>) {
    const { name, help, label, registry } = options
    super({ name, help, labelNames: [label], buckets: SECONDS, registers: [registry] })
    this.#options = options
  }

  add(label: string, durationMs: number): void {
    const buckets = this.#byLabel.get(label) ?? this.#make(label)
    buckets.add(durationMs)
  }

  /** Values of the label that are named from now on; what was counted under another is dropped. */
  label(labels: RouteLabels): void {
    this.#named = labels
    keepOnly(this.#byLabel, labels)
  }

  #make(value: string): Buckets {
    const label = this.#named === undefined || this.#named.has(value) ? value : OTHER_ROUTES
    const buckets = this.#byLabel.get(label) ?? new Buckets()
    this.#byLabel.set(label, buckets)
    return buckets
  }

  override get(): ReturnType<Histogram<L>['get']> {
    const { name, help } = this.#options
    const values = [...this.#byLabel].flatMap(([value, buckets]) => this.#samples(value, buckets))
    const metric = { name, help, type: 'histogram', aggregator: 'sum', values }
    return Promise.resolve(metric as unknown as Awaited<ReturnType<Histogram<L>['get']>>)
  }

  /** The text form asks for this one, which prom-client's types do not know. */
  getForPromString(): ReturnType<Histogram<L>['get']> {
    return this.get()
  }

  #samples(value: string, { counts, sumMs }: Buckets): readonly Sample[] {
    const { name, label } = this.#options
    const labels = { [label]: value }
    let count = 0
    const samples: Sample[] = counts.map((inBucket, i) => {
      count += inBucket
      const le = SECONDS[i] ?? '+Inf'
      return { labels: { le, ...labels }, value: count, metricName: `${name}_bucket` }
    })
    samples.push({ labels, value: sumMs / 1_000, metricName: `${name}_sum` })
    samples.push({ labels, value: count, metricName: `${name}_count` })
    return samples
  }
}

interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  readonly metricName: string
}
