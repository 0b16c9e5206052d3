/** Connections to upstreams: one pool for each origin and way of TLS, kept over reloads. */

import { isIP } from 'node:net'
import { Pool } from 'undici'
import type { Route } from '../policy/route.ts'

/** How long a connection to an upstream may take to open; a host that drops packets answers nothing at all. */
const CONNECT_TIMEOUT_MS = 10_000
/** Below the idle timeout of common servers (nginx 75 s, Node 5 s states its own), so that we close first. */
const KEEP_ALIVE_MS = 4_000
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024

export interface Upstreams {
  /** The pool for a route that has `to`. */
  pool(route: Route): Pool
  /** Keeps the pools that `routes` need, and closes the others once their requests are done. */
  retain(routes: readonly Route[]): void
  close(): Promise<void>
}

export function createUpstreams(): Upstreams {
  const pools = new Map<string, Pool>()
  const byRoute = new WeakMap<Route, Pool>()
  return {
    pool: (route) => {
      const known = byRoute.get(route)
      // A request that began before a reload may come here after its pool was let go.
      if (known !== undefined && !known.closed) return known
      const key = poolKey(route)
      let pool = pools.get(key)
      if (pool === undefined) {
        pool = openPool(route)
        pools.set(key, pool)
      }
      byRoute.set(route, pool)
      return pool
    },
    retain: (routes) => {
      const needed = new Set(routes.map(poolKey))
      for (const [key, pool] of pools) {
        if (needed.has(key)) continue
        pools.delete(key)
        closeWhenDone(pool)
      }
    },
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

/** Requests in flight finish; a pool that never gets idle is not waited for. */
function closeWhenDone(pool: Pool): void {
  pool.close().catch(() => pool.destroy())
}

function poolKey(route: Route): string {
  const { skipVerify, customCa, serverName, client } = route.tls
  return JSON.stringify([route.to?.origin, skipVerify, customCa, serverName, client])
}

function openPool(route: Route): Pool {
  const { to, tls } = route
  if (to === undefined) throw new TypeError(`route ${route.name} has no upstream`)
  return new Pool(to.origin, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      ...tlsOptions(to.hostname, tls),
    },
  })
}

/** The TLS settings of a route, for plain requests and for WebSockets alike: verified unless the route says otherwise. */
export function tlsOptions(
  hostname: string,
  tls: Route['tls'],
): { rejectUnauthorized: boolean; ca?: string; servername?: string; cert?: string; key?: string } {
  const serverName = tls.serverName ?? hostname
  return {
    rejectUnauthorized: !tls.skipVerify,
    ...(tls.customCa === undefined ? {} : { ca: tls.customCa }),
    // SNI carries names only. RFC 6066 §3
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...tls.client,
  }
}
