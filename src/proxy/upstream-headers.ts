/** The request's headers as they go upstream: the client's that may pass, then ours. Those that say who asks go behind them. */

import type { Route, UpstreamUrl } from '../policy/route.ts'
import type { CanonicalHost } from '../routing/canonical.ts'
import { plainName } from '../support/header-name.ts'
import { readBearer } from './bearer.ts'
import type { Received } from './exchange.ts'
import type { RouteIdentity } from './identity-headers.ts'

/** @returns names and values in turn, without those of `identity` */
export function upstreamHeaders(
  { headers, forwarded, requestId, plane, trail }: Received,
  route: Route,
  to: UpstreamUrl,
  host: CanonicalHost,
  identity: RouteIdentity | undefined,
): string[] {
  const sent = headers.upstream
  if (route.bearer?.forward === false && isBearer(headers.authorization)) drop(sent, AUTHORIZATION)
  if (route.requestHeaders !== undefined) drop(sent, route.requestHeaders.dropped)
  // Without traces of ours the client's passes as it is; `tracestate` always does.
  if (trail.trace !== undefined) {
    drop(sent, TRACEPARENT)
    sent.push('traceparent', trail.trace.traceparent())
  }
  sent.push(
    'Host',
    route.preserveHostHeader ? host.authority : (route.hostRewrite ?? hostOf(to)),
    'X-Forwarded-For',
    forwarded.chain,
    'X-Forwarded-Proto',
    route.secure ? 'https' : 'http',
    'X-Forwarded-Host',
    host.authority,
    'X-Forwarded-Port',
    publicPort(route),
    'X-Request-Id',
    requestId,
  )
  // HTTP/2 has no other way to hear it; with HTTP/1.1 trailers come or not, and are passed on. RFC 9113 §8.2.2
  if (headers.takesTrailers && (to.h2c || to.scheme === 'https')) sent.push('TE', 'trailers')
  if (identity === undefined && route.requestHeaders !== undefined)
    sent.push(...plane.anonymousHeaders(route))
  return sent
}

const TRACEPARENT = new Set(['traceparent'])
const AUTHORIZATION = new Set(['authorization'])

function isBearer(authorization: string | undefined): boolean {
  return readBearer(authorization) !== undefined
}

/** True where each upstream of `route` hears another `Host`. */
export function hearsOwnHost(route: Route): boolean {
  return !route.preserveHostHeader && route.hostRewrite === undefined
}

function drop(headers: string[], names: ReadonlySet<string>): void {
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (names.has(plainName(headers[i] as string))) headers.splice(i, 2)
  }
}

const hosts = new WeakMap<UpstreamUrl, string>()

/** What `Host` says to an upstream that is to hear its own name. */
export function hostOf(to: UpstreamUrl): string {
  let host = hosts.get(to)
  if (host === undefined) {
    host = to.origin.slice(to.origin.indexOf('//') + 2)
    hosts.set(to, host)
  }
  return host
}

const ports = new WeakMap<Route, string>()

function publicPort(route: Route): string {
  let port = ports.get(route)
  if (port === undefined) {
    port = /:(\d+)$/.exec(route.origin)?.[1] ?? (route.secure ? '443' : '80')
    ports.set(route, port)
  }
  return port
}
