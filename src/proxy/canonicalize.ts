/** The one reading of a received request: canonical host and path, and the route or the endpoint that they mean. */

import type { Socket } from 'node:net'
import { GatehouseError } from '../errors.ts'
import { originFor } from '../policy/explain/follow-up.ts'
import type { Route } from '../policy/route.ts'
import {
  type CanonicalHost,
  type CanonicalPath,
  canonicalHost,
  canonicalPath,
  checkFraming,
  checkMethod,
  type Refusal,
} from '../routing/canonical.ts'
import type { Received } from './exchange.ts'
import { hostIsCovered } from './tls.ts'

/** A request for a route: what is matched here is what is judged and what is sent. */
export interface CanonicalRequest {
  readonly kind: 'routed'
  readonly host: CanonicalHost
  readonly path: CanonicalPath
  readonly route: Route
  /** Scheme and host by which browsers know the route. */
  readonly origin: string
}

/** A request for an endpoint of ours. */
export interface CanonicalOwnRequest {
  readonly kind: 'own'
  readonly host: CanonicalHost
  readonly path: CanonicalPath
  /** Scheme and host by which browsers know this host. */
  readonly origin: string
  readonly secure: boolean
}

export function canonicalize(
  received: Received,
): CanonicalRequest | CanonicalOwnRequest | GatehouseError {
  const { request, headers } = received
  const method = checkMethod(request.method ?? '')
  if (method !== undefined) return malformed(method)
  const framing = checkFraming(headers, request.httpVersion)
  if (framing !== undefined) return malformed(framing)
  return readTarget(received, headers.host, request.url ?? '', request.socket)
}

/** A request that a proxy asks about, as that proxy tells of it. */
export interface AskedRequest {
  readonly method: string
  /** As in a Host header. */
  readonly host: string
  /** As in a request line. */
  readonly target: string
}

/** Reads what a proxy asks about exactly as it would be read if it came here itself. */
export function canonicalizeAsked(
  received: Received,
  { method, host, target }: AskedRequest,
): CanonicalRequest | CanonicalOwnRequest | GatehouseError {
  const refused = checkMethod(method)
  if (refused !== undefined) return malformed(refused)
  return readTarget(received, host, target, undefined)
}

/**
 * @param hostHeader what the Host header says
 * @param socket the connection whose certificate must cover the host
 */
function readTarget(
  received: Received,
  hostHeader: string | undefined,
  target: string,
  socket: Socket | undefined,
): CanonicalRequest | CanonicalOwnRequest | GatehouseError {
  const { plane, trail } = received
  const host = canonicalHost(hostHeader, target)
  if (host.kind === 'refused') return malformed(host)
  trail.host = host.name
  const entry = plane.table.host(host.name)
  const path = canonicalPath(target, entry?.keepEncodedSlashes ?? false)
  if (path.kind === 'refused') return malformed(path)
  trail.path = path.encoded
  if (socket !== undefined && !hostIsCovered(socket, host.name)) {
    return new GatehouseError(
      'UNKNOWN_HOST',
      `the certificate of this connection is not for \`${host.name}\``,
    )
  }
  if (plane.isOwn(host.name, entry, path.decoded)) {
    const origin = ownOrigin(received, host, entry?.routes[0])
    trail.hsts = plane.hsts(host.name === plane.publicHost ? undefined : entry?.routes[0])
    return { kind: 'own', host, path, origin, secure: origin.startsWith('https:') }
  }
  if (entry === undefined)
    return new GatehouseError('UNKNOWN_HOST', `no route for host \`${host.name}\``)
  const route = entry.match(path.decoded)
  trail.hsts = plane.hsts(route ?? entry.routes[0])
  if (route === undefined) return new GatehouseError('NO_ROUTE', 'no route takes this path')
  trail.route = route
  return { kind: 'routed', host, path, route, origin: originFor(route, host.name) }
}

function malformed(refusal: Refusal): GatehouseError {
  return new GatehouseError('MALFORMED_REQUEST', refusal.detail)
}

/** `public_url` on its own host, else the origin of the host's routes. */
function ownOrigin({ plane }: Received, host: CanonicalHost, route: Route | undefined): string {
  if (host.name === plane.publicHost) return plane.publicOrigin
  return route === undefined ? `https://${host.name}` : originFor(route, host.name)
}
