/** Every probe of `doctor`, in the order in which they run: each stands on what those before it have found. */

import { probeDirectories } from './directory-probe.ts'
import type { Finding, Probe, ProbeContext } from './probe.ts'
import { probeProviders } from './provider-probe.ts'

const PROBES: readonly Probe[] = [probeProviders, probeDirectories]

/** All findings, as they come. */
export async function* examine(context: ProbeContext): AsyncGenerator<Finding> {
  for (const probe of PROBES) yield* await probe(context)
}
