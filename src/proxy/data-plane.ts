/** What the path of a request needs of one snapshot, compiled when the snapshot comes into force and swapped whole. */

import type { Snapshot } from '../config/snapshot.ts'
import { type Brand, brandOf } from '../pages/brand.ts'
import type { Route } from '../policy/route.ts'
import type { HostEntry, RouteTable } from '../routing/route-table.ts'
import type { Clock } from '../support/time.ts'
import type { AdmitBearer } from './bearer.ts'
import { isForwardAuthPath } from './forward-auth-dialect.ts'
import { compileHeaderPlan, type HeaderPlan } from './header-plan.ts'
import {
  createIdentityHeaders,
  type IdentityHeadersOptions,
  type IdentityOf,
} from './identity-headers.ts'
import { type IsTrusted, trustedPeers } from './peer.ts'
import { usesGroups } from './route-claims.ts'
import { createAnonymousHeaders } from './set-headers.ts'

export interface DataPlane {
  readonly snapshot: Snapshot
  readonly table: RouteTable<Route>
  readonly headerPlan: HeaderPlan
  readonly brand: Brand
  readonly limits: RequestLimits
  readonly isTrustedProxy: IsTrusted
  /** Who may ask for decisions, and is believed about the requests that it asks about. */
  readonly isForwardAuthProxy: IsTrusted
  /** Whether a decision on `route`, or what its upstream is told, depends on groups. */
  needsGroups(route: Route): boolean
  readonly identityOf: IdentityOf
  readonly admitBearer: AdmitBearer
  /** What a route that sets headers sends of them for nobody in particular: names and values in turn. */
  readonly anonymousHeaders: (route: Route) => readonly string[]
  /** Strict-Transport-Security for answers of `route`; without one, of the host of `public_url`. */
  hsts(route: Route | undefined): string | undefined
  /** The host of `public_url`, canonical. */
  readonly publicHost: string
  readonly publicOrigin: string
  /** True where the path belongs to endpoints/ and to no route. */
  isOwn(host: string, entry: HostEntry<Route> | undefined, path: string): boolean
  /** Origins of all exact hosts, for which CORS answers are readable. */
  isOwnOrigin(origin: string): boolean
}

/** Product 2, `limits`: what a request may ask of us. */
export interface RequestLimits {
  readonly headers: number
  readonly headerBytes: number
  readonly urlBytes: number
  readonly bodyTimeoutMs: number
  readonly requestsPerConnection: number
}

const OWN_PREFIX = '/.gatehouse'
const JWKS_PATH = '/.well-known/gatehouse/jwks.json'
const POMERIUM_JWKS_PATH = '/.well-known/pomerium/jwks.json'

export interface DataPlaneTools {
  readonly signer: IdentityHeadersOptions['signer']
  readonly admitBearer: AdmitBearer
  readonly now: Clock
}

export function compileDataPlane(
  snapshot: Snapshot,
  { signer, admitBearer, now }: DataPlaneTools,
): DataPlane {
  const { config, table } = snapshot
  const publicUrl = new URL(config.server.public_url)
  const publicHost = publicUrl.hostname.replace(/\.$/, '')
  const origins = new Set([publicUrl.origin, ...table.routes.map((route) => route.origin)])
  const onEveryHost = new Set([OWN_PREFIX, JWKS_PATH])
  if (config.identity_headers.preset === 'pomerium') onEveryHost.add(POMERIUM_JWKS_PATH)
  const redirectPaths = new Set(
    Object.values(config.providers).map((provider) => provider.redirect_path),
  )
  const grouped = new Set(table.routes.filter((route) => usesGroups(config, route)))
  const publicHsts = publicUrl.protocol === 'https:' ? hstsText(config.server.hsts) : undefined
  const hstsByDefault = hstsText(config.server.hsts)
  const { limits } = config.server
  return {
    snapshot,
    table,
    needsGroups: (route) => grouped.has(route),
    limits: {
      headers: limits.headers,
      headerBytes: limits.header_bytes,
      urlBytes: limits.url_bytes,
      bodyTimeoutMs: limits.body_timeout,
      requestsPerConnection: limits.requests_per_connection,
    },
    hsts: (route) => {
      if (route === undefined) return publicHsts
      // Over plain http browsers do not heed it. RFC 6797 §7.2
      if (!route.secure) return undefined
      return route.hstsMs === undefined ? hstsByDefault : hstsText(route.hstsMs)
    },
    headerPlan: compileHeaderPlan(config.identity_headers, table.routes),
    brand: brandOf(snapshot),
    isTrustedProxy: trustedPeers(config.server.trusted_proxies),
    isForwardAuthProxy: trustedPeers(config.forward_auth.trusted_proxies),
    identityOf: createIdentityHeaders({
      config: config.identity_headers,
      signer,
      publicUrl: config.server.public_url,
      now,
    }),
    admitBearer,
    anonymousHeaders: createAnonymousHeaders(config.identity_headers),
    publicHost,
    publicOrigin: publicUrl.origin,
    isOwn: (host, entry, path) => {
      // Proxies ask under whatever name they reach us by.
      if (isForwardAuthPath(path)) return true
      if (host !== publicHost && entry === undefined) return false
      if (path.startsWith('/.') && (path.startsWith(`${OWN_PREFIX}/`) || onEveryHost.has(path)))
        return true
      if (host !== publicHost) return false
      // What no route takes on the public host is answered by endpoints/: the portal, landing pages, or 404.
      return redirectPaths.has(path) || entry?.match(path) === undefined
    },
    isOwnOrigin: (origin) => origins.has(origin),
  }
}

/** RFC 6797 §6.1; `undefined` where browsers are told nothing. */
function hstsText(ms: number): string | undefined {
  return ms === 0 ? undefined : `max-age=${Math.floor(ms / 1_000)}`
}
