/**
 * The one reading of a request: raw method, framing, host and target become canonical values, or are refused.
 * Runs for every request and never throws. Node's parser refuses part of this already; it is not relied on.
 */

import { type HostAndPort, readAuthority } from './host-name.ts'
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
  /** The same, decoded once as UTF-8: what routes and policies see. */
  readonly decoded: string
  /** With its leading `?`, exactly as sent; empty where there is none. */
  readonly query: string
}

/** A refusal with its detail for the log: lower case, one line, no bytes of the client's. */
function refuse(detail: string): Refusal {
  return { kind: 'refused', detail }
}

/** What may be forwarded. CONNECT and TRACE are never: a tunnel has no path, and an echo shows what we added. */
const METHODS: ReadonlySet<string> = new Set(
  (
    'GET HEAD POST PUT PATCH DELETE OPTIONS QUERY ACL BIND CHECKOUT COPY LINK LOCK M-SEARCH MERGE MKACTIVITY ' +
    'MKCALENDAR MKCOL MOVE NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK ' +
    'UNLOCK UNSUBSCRIBE'
  ).split(' '),
)

/** Methods are case-sensitive: `get` is not GET. RFC 9110 §9.1 */
export function checkMethod(method: string): Refusal | undefined {
  return METHODS.has(method) ? undefined : refuse('a method that is not forwarded')
}

/** What two readers of one head could take differently. */
export type Ambiguity =
  | 'a header name that is no token'
  | 'several Host headers'
  | 'several Content-Length headers'
  | 'several Transfer-Encoding headers'

/** The fields of a head that say where the request goes and where its body ends, and whether they say one thing. */
export interface HeadFields {
  readonly host: string | undefined
  readonly contentLength: string | undefined
  readonly transferEncoding: string | undefined
  readonly ambiguity: Ambiguity | undefined
}

/** @param rawHeaders names and values in turn, as they came */
export function readHeadFields(rawHeaders: readonly string[]): HeadFields {
  const found: { -readonly [F in keyof HeadFields]: HeadFields[F] } = {
    host: undefined,
    contentLength: undefined,
    transferEncoding: undefined,
    ambiguity: undefined,
  }
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (!isToken(name)) found.ambiguity ??= 'a header name that is no token'
    switch (name.toLowerCase()) {
      case 'host':
        if (found.host !== undefined) found.ambiguity ??= 'several Host headers'
        found.host = value
        break
      case 'content-length':
        if (found.contentLength !== undefined) found.ambiguity ??= 'several Content-Length headers'
        found.contentLength = value
        break
      case 'transfer-encoding':
        if (found.transferEncoding !== undefined)
          found.ambiguity ??= 'several Transfer-Encoding headers'
        found.transferEncoding = value
        break
    }
  }
  return found
}

/** With more digits a length is no exact number any more. */
const LENGTH = /^[0-9]{1,15}$/

/**
 * Refuses a head that two readers could take differently: about where the request goes, or about where its body ends
 * (RFC 9112 §6). `httpVersion` as in `1.1`.
 */
export function checkFraming(
  { contentLength, transferEncoding, ambiguity }: HeadFields,
  httpVersion: string,
): Refusal | undefined {
  if (ambiguity !== undefined) return refuse(ambiguity)
  if (transferEncoding === undefined && contentLength === undefined) return undefined
  return checkBodyLength(transferEncoding, contentLength, httpVersion)
}

function checkBodyLength(
  coding: string | undefined,
  length: string | undefined,
  httpVersion: string,
): Refusal | undefined {
  if (length !== undefined && !LENGTH.test(length)) return refuse('Content-Length is no number')
  if (coding === undefined) return undefined
  if (length !== undefined) return refuse('Transfer-Encoding beside Content-Length')
  if (httpVersion !== '1.1') return refuse('Transfer-Encoding in another version than HTTP/1.1')
  if (coding.toLowerCase() !== 'chunked') return refuse('a Transfer-Encoding other than chunked')
  return undefined
}

/**
 * The host that the request is for: that of its one Host header, and the same name in a target in absolute form
 * (the port there does not count).
 */
export function canonicalHost(host: string | undefined, target: string): CanonicalHost | Refusal {
  if (host === undefined) return refuse('no Host header')
  const read = readAuthority(host)
  if (read === undefined) return refuse('the Host header is no host name with an optional port')
  if (target.charCodeAt(0) !== 47) {
    const differs = checkAbsoluteTarget(target, read)
    if (differs !== undefined) return differs
  }
  const authority = read.port === undefined ? read.name : `${read.name}:${read.port}`
  return { kind: 'host', name: read.name, authority }
}

function checkAbsoluteTarget(target: string, host: HostAndPort): Refusal | undefined {
  const authority = absoluteAuthority(target)
  if (authority === undefined) return refuse('the target is neither a path nor an http URL')
  const read = readAuthority(authority)
  if (read === undefined) return refuse('the target names no host with an optional port')
  if (read.name !== host.name) return refuse('the target names another host than the Host header')
  return undefined
}

/** 1 for the characters of a token. RFC 9110 §5.6.2 */
const TOKEN_CHARS = new Uint8Array(128)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN_CHARS[char.charCodeAt(0)] = 1
}

// A loop over a table and no pattern: it is several times as fast.
export function isToken(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (TOKEN_CHARS[name.charCodeAt(i)] !== 1) return false
  }
  return name.length > 0
}

/** Controls, spaces, `#` and bytes from 0x80, which Node gives as one character each. */
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
function absoluteAuthority(target: string): string | undefined {
  const scheme = ABSOLUTE_FORM.exec(target)
  if (scheme === null) return undefined
  const start = scheme[0].length
  for (let i = start; i < target.length; i++) {
    const code = target.charCodeAt(i)
    if (code === 47 || code === 63) return target.slice(start, i)
  }
  return target.slice(start)
}
