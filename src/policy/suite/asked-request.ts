/** A request as tests and `explain` write it, read exactly as the gateway reads one from a socket. */

import ipaddr from 'ipaddr.js'
import {
  type CanonicalHost,
  type CanonicalPath,
  canonicalHost,
  canonicalPath,
  checkFraming,
  checkMethod,
  type Refusal,
  readHeadFields,
} from '../../routing/canonical.ts'
import type { HostEntry, Routable, RouteTable } from '../../routing/route-table.ts'
import type { EpochMs } from '../../support/time.ts'
import type { ClientCertificate, Facts } from '../model.ts'

export interface AskedRequest {
  readonly method: string
  /** As written. */
  readonly url: string
  /** What stands between the scheme and the path, as a client would send it in `Host`. */
  readonly authority: string
  /** From the path on, query included, as a client would send it. */
  readonly target: string
  /** Names and values in turn, without `Host`. */
  readonly headers: readonly string[]
  /** Canonical; an IPv4-mapped address is written as IPv4. */
  readonly sourceIp: string
  readonly clientCertificate: ClientCertificate | undefined
}

/** Of an address block that is kept for examples: RFC 5737. */
export const DEFAULT_SOURCE_IP = '192.0.2.10'

const URL_PARTS = /^https?:\/\/([^/?#]*)(.*)$/is

/** Splits an absolute http URL without changing a byte of it; `undefined` where it is none. */
export function splitUrl(
  url: string,
): Pick<AskedRequest, 'url' | 'authority' | 'target'> | undefined {
  const match = URL_PARTS.exec(url)
  if (match === null) return undefined
  const [, authority = '', rest = ''] = match
  return { url, authority, target: rest.startsWith('/') ? rest : `/${rest}` }
}

/** `GET https://app.example.com/` as method and URL; what is wrong with it where it is not of that form. */
export function readRequestLine(text: string): AskedRequest | string {
  const space = text.indexOf(' ')
  const url = space === -1 ? undefined : splitUrl(text.slice(space + 1))
  if (url === undefined || space === 0) {
    return `\`${text}\` is no request; write METHOD URL, as in \`GET https://app.example.com/\``
  }
  return {
    method: text.slice(0, space),
    ...url,
    headers: [],
    sourceIp: DEFAULT_SOURCE_IP,
    clientCertificate: undefined,
  }
}

/** An address as decisions see it; `undefined` where `text` is none. */
export function readSourceIp(text: string): string | undefined {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
  if (!isAddress || text.includes('%')) return undefined
  return ipaddr.process(text).toString()
}

/** What the gateway would make of a request before any policy. */
export type Reading<R> =
  | {
      readonly kind: 'routed'
      readonly host: CanonicalHost
      readonly path: CanonicalPath
      readonly entry: HostEntry<R>
      readonly route: R
    }
  /** Answered by Gatehouse itself: `/.gatehouse/` and the keys of the assertion. */
  | { readonly kind: 'own'; readonly host: CanonicalHost; readonly path: CanonicalPath }
  | {
      readonly kind: 'rejected'
      readonly code: 'MALFORMED_REQUEST' | 'UNKNOWN_HOST' | 'NO_ROUTE'
      readonly detail: string
      readonly host?: CanonicalHost
      readonly path?: CanonicalPath
    }

/** Reads `request` and finds its route in `table`. */
export function readRequest<R extends Routable>(
  table: RouteTable<R>,
  request: AskedRequest,
): Reading<R> {
  const fields = readHeadFields(rawHeadersOf(request))
  const refusal = checkMethod(request.method) ?? checkFraming(fields, '1.1')
  if (refusal !== undefined) return malformed(refusal)
  const host = canonicalHost(fields.host, request.target)
  if (host.kind === 'refused') return malformed(host)
  const entry = table.host(host.name)
  const path = canonicalPath(request.target, entry?.keepEncodedSlashes ?? false)
  if (path.kind === 'refused') return { ...malformed(path), host }
  if (entry === undefined) {
    const detail = `no route has the host \`${host.name}\``
    return { kind: 'rejected', code: 'UNKNOWN_HOST', detail, host, path }
  }
  if (isOwnPath(path.decoded)) return { kind: 'own', host, path }
  const route = entry.match(path.decoded)
  if (route === undefined) {
    const detail = `no route on \`${entry.host}\` takes the path \`${path.decoded}\``
    return { kind: 'rejected', code: 'NO_ROUTE', detail, host, path }
  }
  return { kind: 'routed', host, path, entry, route }
}

/** What a decision may know of `request` once it is read. */
export function factsOf(
  request: AskedRequest,
  path: CanonicalPath,
  now: EpochMs | undefined,
): Facts {
  return {
    method: request.method,
    path: path.decoded,
    sourceIp: request.sourceIp,
    rawHeaders: rawHeadersOf(request),
    now,
    clientCertificate: request.clientCertificate,
  }
}

function rawHeadersOf(request: AskedRequest): readonly string[] {
  return ['Host', request.authority, ...request.headers]
}

function malformed(refusal: Refusal) {
  return { kind: 'rejected', code: 'MALFORMED_REQUEST', detail: refusal.detail } as const
}

const OWN_PREFIX = '/.gatehouse'
const OWN_PATHS = new Set([OWN_PREFIX, '/.well-known/gatehouse/jwks.json'])

/** What no route can take on any host. */
function isOwnPath(path: string): boolean {
  return path.startsWith(`${OWN_PREFIX}/`) || OWN_PATHS.has(path)
}
