/** What probes have at hand: the config as it would be served, and connections such as the gateway would use. */

import type { Snapshot } from '../config/snapshot.ts'
import {
  createOutgoingFetch,
  type OutgoingFetch,
  proxySettings,
} from '../identity/provider/outgoing-fetch.ts'
import type { Clock } from '../support/time.ts'
import type { ProbeContext } from './probe.ts'

/** No provider can have this name. */
const OWN = ''

export interface OpenProbeContext extends ProbeContext {
  /** Ends its connections. */
  close(): void
}

export function openProbeContext(
  snapshot: Snapshot,
  { env, now }: { readonly env: Readonly<Record<string, string | undefined>>; readonly now: Clock },
): OpenProbeContext {
  const proxies = proxySettings(env)
  const opened = new Map<string, OutgoingFetch>()
  const outgoing = (provider: string) => {
    const known = opened.get(provider)
    if (known !== undefined) return known
    const made = createOutgoingFetch(proxies, snapshot.providerCas.get(provider))
    opened.set(provider, made)
    return made
  }
  return {
    snapshot,
    now,
    fetchOf: (provider) => outgoing(provider).fetch,
    fetchOwn: (url, init) => outgoing(OWN).fetch(url, init),
    close: () => {
      for (const one of opened.values()) one.close()
    },
  }
}
