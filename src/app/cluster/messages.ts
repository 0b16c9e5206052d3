/** What primary and workers say to each other: calls that are answered, and ends of sessions. Plain data. */

import type { ProviderHealth } from '../../admin/operator/operator-parts.ts'
import type { MetricFamilies } from '../../admin/summed-metrics.ts'
import type { KeptInputs } from '../../config/kept-inputs.ts'
import type { Environment } from '../../config/references.ts'
import type { ListenAddress } from '../../config/snapshot.ts'

/** A snapshot as it travels: what it is made from, since closures cannot be sent. */
export interface GivenSnapshot {
  readonly configFile: string
  readonly env: Environment
  readonly inputs: KeptInputs
  /** PEM; the first signs. */
  readonly signingPems: readonly string[]
}

/** What a worker does when the primary asks, in this order: start, listen, any number of snapshots, drain. */
export interface WorkerMethods {
  /** Makes all that serving needs, without listening. `worker`: its number, for its log lines. */
  start(how: { readonly worker: number; readonly given: GivenSnapshot }): Promise<void>
  /** @param address with the port that the others have, where there are some */
  listen(address: ListenAddress): Promise<ListenAddress>
  prepare(given: GivenSnapshot): Promise<void>
  /** Puts in force what was prepared; it cannot fail. */
  commit(): Promise<void>
  /** Drops what was prepared, if anything was. */
  abort(): Promise<void>
  metrics(): Promise<MetricFamilies>
  health(): Promise<readonly ProviderHealth[]>
  /** Finishes what is in flight and ends the process. */
  drain(how: { readonly delay: boolean }): Promise<void>
}

export type WorkerMethod = keyof WorkerMethods
export type Argument<M extends WorkerMethod> = Parameters<WorkerMethods[M]>[0]
export type Returned<M extends WorkerMethod> = Awaited<ReturnType<WorkerMethods[M]>>

/** That a session has ended, which goes to all processes but the one that says so. */
interface Ended {
  readonly kind: 'ended'
  readonly id: string
}

export type ToWorker =
  | Ended
  | {
      readonly kind: 'call'
      readonly call: number
      readonly method: WorkerMethod
      readonly argument: unknown
    }

export type FromWorker =
  | Ended
  /** An audit event as a line without its end. */
  | { readonly kind: 'audit'; readonly line: string }
  /** It listens to us: what was said before, nobody heard. */
  | { readonly kind: 'hello' }
  | { readonly kind: 'returned'; readonly call: number; readonly value: unknown }
  /** `message` is a sentence for people. */
  | { readonly kind: 'failed'; readonly call: number; readonly message: string }

/** The descriptor on which a worker writes lines of the decision log. */
export const DECISIONS_FD = 4
