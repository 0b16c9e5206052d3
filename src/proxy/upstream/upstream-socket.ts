/** A connection to an upstream: TCP or a unix socket, with TLS where the URL says so, verified unless the route says otherwise. */

import { isIP, connect as netConnect, type OnReadOpts, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import type { Route, UpstreamUrl } from '../../policy/route.ts'

/** How long a connection may take to open; a host that drops packets answers nothing at all. */
export const CONNECT_TIMEOUT_MS = 10_000
/** However busy, a connection is let go after this: only a new one asks DNS where the upstream is now. */
export const CONNECTION_AGE_MS = 60_000
/** Whether a silent peer is still there is asked after this. */
const KEEP_ALIVE_PROBE_MS = 60_000

/** Two routes with the same key share their connections. */
export function upstreamKey(url: UpstreamUrl, tls: Route['tls']): string {
  const { skipVerify, customCa, serverName, client } = tls
  const place = url.socketPath ?? url.origin
  return JSON.stringify([place, url.h2c, skipVerify, customCa, serverName, client])
}

export interface SocketUse {
  /** For ALPN. RFC 7301 */
  readonly protocol: 'http/1.1' | 'h2'
  /** Reads into the reader's memory, past the stream. */
  readonly onread?: OnReadOpts
  /** A TLS session to go on with. */
  readonly session?: Buffer | undefined
}

/** Ready at `connect`, or with TLS at `secureConnect`: see `readyEvent`. */
export function openSocket(url: UpstreamUrl, tls: Route['tls'], use: SocketUse): Socket {
  const { onread, session, protocol } = use
  const read = onread === undefined ? {} : { onread }
  const place =
    url.socketPath === undefined ? { host: url.hostname, port: url.port } : { path: url.socketPath }
  const socket =
    url.scheme === 'http'
      ? netConnect({ ...place, ...read })
      : tlsConnect({
          ...place,
          ...read,
          ...(session === undefined ? {} : { session }),
          ALPNProtocols: [protocol],
          ...tlsOptions(url.hostname, tls),
        })
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
}

export function readyEvent({ scheme }: UpstreamUrl): 'connect' | 'secureConnect' {
  return scheme === 'http' ? 'connect' : 'secureConnect'
}

/** The TLS settings of a route, for plain requests and for WebSockets alike. */
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
