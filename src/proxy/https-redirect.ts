/** The listener for plain http (`server.redirect_listen`): 308 to https for hosts that are served, and nothing else. */

import { GatehouseError } from '../errors.ts'
import { originFor } from '../policy/explain/follow-up.ts'
import type { Route } from '../policy/route.ts'
import {
  canonicalHost,
  canonicalPath,
  checkFraming,
  checkMethod,
  type Refusal,
} from '../routing/canonical.ts'
import type { HostEntry } from '../routing/route-table.ts'
import type { Clock } from '../support/time.ts'
import type { DataPlane } from './data-plane.ts'
import type { Received } from './exchange.ts'
import type { Pipeline } from './pipeline.ts'
import { overLimit, receive } from './receive.ts'
import { closing, refuseFailure } from './refuse.ts'

export interface HttpsRedirectOptions {
  plane(): DataPlane
  readonly now: Clock
}

export function createHttpsRedirect({ plane, now }: HttpsRedirectOptions): Pipeline {
  return (request, response) => {
    const received = receive(request, response, plane(), now)
    // Nobody has more to ask here.
    response.shouldKeepAlive = false
    const location = overLimit(received) ?? httpsLocation(received)
    if (location instanceof GatehouseError) return refuseFailure(received, location)
    response.writeHead(308, {
      Location: location,
      'Content-Length': '0',
      'Cache-Control': 'no-store',
      ...closing(received),
    })
    response.end()
  }
}

/** Where the same request belongs. Scheme, host and port come from the config, so that nobody is sent elsewhere. */
function httpsLocation({ request, headers, plane }: Received): string | GatehouseError {
  const target = request.url ?? ''
  const broken = checkMethod(request.method ?? '') ?? checkFraming(headers, request.httpVersion)
  if (broken !== undefined) return malformed(broken)
  const host = canonicalHost(headers.host, target)
  if (host.kind === 'refused') return malformed(host)
  const entry = plane.table.host(host.name)
  const path = canonicalPath(target, entry?.keepEncodedSlashes ?? false)
  if (path.kind === 'refused') return malformed(path)
  const origin = httpsOrigin(plane, host.name, entry)
  if (origin !== undefined) return origin + path.encoded + path.query
  return new GatehouseError('UNKNOWN_HOST', `no https site of the name \`${host.name}\``)
}

function httpsOrigin(
  plane: DataPlane,
  host: string,
  entry: HostEntry<Route> | undefined,
): string | undefined {
  const route = entry?.routes.find(({ secure }) => secure)
  if (route !== undefined) return originFor(route, host)
  const isPublic = host === plane.publicHost && plane.publicOrigin.startsWith('https:')
  return isPublic ? plane.publicOrigin : undefined
}

function malformed(refusal: Refusal): GatehouseError {
  return new GatehouseError('MALFORMED_REQUEST', refusal.detail)
}
