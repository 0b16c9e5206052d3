/** The origins that browsers know this gateway by: those of its routes, and `public_url`. */

import type { Snapshot } from '../config/snapshot.ts'
import { readAuthority } from '../routing/host-name.ts'
import { hostText } from '../routing/route-table.ts'

export interface ServedOrigins {
  /** True for scheme, host and port of a route, and for `public_url`. */
  has(origin: string): boolean
}

const known = new WeakMap<Snapshot, ServedOrigins>()

/** Worked out once for a snapshot. */
export function servedOrigins(snapshot: Snapshot): ServedOrigins {
  const made = known.get(snapshot) ?? compile(snapshot)
  known.set(snapshot, made)
  return made
}

function compile({ config, table }: Snapshot): ServedOrigins {
  // By the host as its routes say it; the origins of a wildcard have `*` for the first label.
  const origins = new Map<string, Set<string>>()
  for (const route of table.routes) {
    const host = hostText(route.match.host)
    const ofHost = origins.get(host) ?? new Set()
    origins.set(host, ofHost.add(new URL(route.origin).origin))
  }
  const publicOrigin = new URL(config.server.public_url).origin
  return {
    has(origin) {
      if (origin === publicOrigin) return true
      if (!URL.canParse(origin)) return false
      const url = new URL(origin)
      // A wildcard takes one label, and what no Host header may say is none.
      if (readAuthority(url.hostname)?.name !== url.hostname) return false
      const host = table.host(url.hostname)?.host
      if (host === undefined) return false
      const asRoutesSay = host.startsWith('*.') ? withStar(url) : url.origin
      return origins.get(host)?.has(asRoutesSay) ?? false
    },
  }
}

function withStar(url: URL): string {
  const rest = url.host.slice(url.hostname.indexOf('.'))
  return `${url.protocol}//*${rest}`
}
