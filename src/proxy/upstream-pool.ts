/** Connections of HTTP/1.1 to one upstream, over TLS or a unix socket where it is there. */

import { isIP } from 'node:net'
import { Pool } from 'undici'
import type { Route, UpstreamUrl } from '../policy/route.ts'

/** How long a connection to an upstream may take to open; a host that drops packets answers nothing at all. */
const CONNECT_TIMEOUT_MS = 10_000
/** Below the idle timeout of common servers (nginx 75 s, Node 5 s states its own), so that we close first. */
const KEEP_ALIVE_MS = 4_000
/** However busy, a connection is let go after this: only a new one asks DNS where the upstream is now. */
const CONNECTION_AGE_MS = 60_000
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024

/** Two routes with the same key share their connections. */
export function poolKey(url: UpstreamUrl, tls: Route['tls']): string {
  const { skipVerify, customCa, serverName, client } = tls
  const place = url.socketPath ?? url.origin
  return JSON.stringify([place, url.h2c, skipVerify, customCa, serverName, client])
}

export function openPool(url: UpstreamUrl, tls: Route['tls']): Pool {
  const socket = url.socketPath === undefined ? {} : { socketPath: url.socketPath }
  return new Pool(url.origin, {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    clientTtl: CONNECTION_AGE_MS,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    connect: { timeout: CONNECT_TIMEOUT_MS, ...tlsOptions(url.hostname, tls), ...socket },
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
