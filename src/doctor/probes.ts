/** Every probe of `doctor`, in the order in which they run: each stands on what those before it have found. */

import { probeDirectories } from './directory-probe.ts'
import { probeFront } from './front-probe.ts'
import type { Finding, Probe, ProbeContext } from './probe.ts'
import { probeProviders } from './provider-probe.ts'
import { probeStore } from './store-probe.ts'
import { probeTls } from './tls-probe.ts'
import { probeUpstreams } from './upstream-probe.ts'

const PROBES: readonly Probe[] = [
  probeTls,
  probeStore,
  probeProviders,
  probeDirectories,
  probeUpstreams,
  probeFront,
]

/** All findings, as they come. */
export async function* examine(context: ProbeContext): AsyncGenerator<Finding> {
  for (const probe of PROBES) yield* await probe(context)
}
