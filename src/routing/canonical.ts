/**
 * The one reading of a request's target: raw bytes become a canonical path, or are refused.
 * Runs for every request. Never throws; nothing here knows which routes there are.
 */

import { readEscapes } from './percent.ts'

/** What is wrong with a request, for the log; the client sees MALFORMED_REQUEST. */
export interface Refusal {
  readonly kind: 'refused'
  readonly detail: string
}

export interface CanonicalHost {
  readonly kind: 'host'
  /** Lower case, without a final dot, without port: what routes are found by. An IPv6 address keeps its brackets. */
  readonly name: string
  /** As `X-Forwarded-Host` says it: the canonical name with the port that the client wrote. */
  readonly authority: string
}

export interface CanonicalPath {
  readonly kind: 'path'
  /** What goes upstream: canonical, percent-encoded as the client wrote it but for RFC 3986 §6.2.2. */
  readonly encoded: string
  /** The same, decoded once as UTF-8: what routes and policies see (product 3.1). */
  readonly decoded: string
  /** With its leading `?`, exactly as sent; empty where there is none. */
  readonly query: string
}

/** A refusal with its detail for the log: lower case, one line, no bytes of the client's. */
export function refuse(detail: string): Refusal {
  return { kind: 'refused', detail }
}

/** Controls, spaces, `#` and bytes from 0x80, which Node gives as one character each (product 8). */
const RAW_BYTE_NOT_ALLOWED = /[^\x21\x22\x24-\x7e]/

/** `http://` and `https://` up to the authority; of other schemes there is no absolute form here. RFC 9112 §3.2.2 */
const ABSOLUTE_FORM = /^https?:\/\//i

/**
 * A segment that walks up or stays, alone or with parameters: to some upstreams `..;x` is `..`.
 * Kept slashes divide segments too, because behind us they may be decoded.
 */
const DOT_SEGMENT = /\/\.\.?(?:[/;]|$)/
const DOT_SEGMENT_KEPT = /(?:\/|%2F|%5C)\.\.?(?:[/;]|%2F|%5C|$)/

/**
 * The path and query of a request target in origin form or absolute form.
 * With `keepEncodedSlashes`, `%2F` and `%5C`, and with them `%25`, stay as they are in `decoded` too; else the
 * first two are refused. INVARIANT: what is sent and what is judged is the same path: `encoded` decodes to
 * `decoded`, holds no dot segment and no repeated slash, and made canonical again it is itself.
 */
export function canonicalPath(
  target: string,
  keepEncodedSlashes: boolean,
): CanonicalPath | Refusal {
  if (RAW_BYTE_NOT_ALLOWED.test(target)) {
    return refuse('the target holds a control, a space, `#` or a byte past 0x7e')
  }
  const start = pathStart(target)
  if (start === -1) return refuse('the target is neither a path nor an http URL')
  const queryAt = target.indexOf('?', start)
  const raw =
    queryAt === -1 ? (start === 0 ? target : target.slice(start)) : target.slice(start, queryAt)
  const query = queryAt === -1 ? '' : target.slice(queryAt)
  if (raw === '') return { kind: 'path', encoded: '/', decoded: '/', query }

  if (raw.includes('\\')) return refuse('backslash in the path')
  const path = raw.includes('//') ? raw.replace(/\/{2,}/g, '/') : raw
  if (!path.includes('%')) {
    if (path.includes('/.') && DOT_SEGMENT.test(path)) return refuse('dot segment in the path')
    return { kind: 'path', encoded: path, decoded: path, query }
  }
  const read = readEscapes(path, keepEncodedSlashes)
  if (typeof read === 'string') return refuse(read)
  const dots = keepEncodedSlashes ? DOT_SEGMENT_KEPT : DOT_SEGMENT
  if (dots.test(read.decoded)) return refuse('dot segment in the path')
  return { kind: 'path', encoded: read.encoded, decoded: read.decoded, query }
}

/** Where the path begins in `target`; behind the authority of an absolute form. -1: in neither form. */
function pathStart(target: string): number {
  if (target.charCodeAt(0) === 47) return 0
  const authority = absoluteAuthority(target)
  return authority === undefined ? -1 : target.indexOf('//') + 2 + authority.length
}

/** The authority of a target in absolute form, as written; `undefined` for any other form. */
export function absoluteAuthority(target: string): string | undefined {
  const scheme = ABSOLUTE_FORM.exec(target)
  if (scheme === null) return undefined
  const start = scheme[0].length
  for (let i = start; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code === 47 || code === 63) return target.slice(start, i)
  }
  return target.slice(start)
}
