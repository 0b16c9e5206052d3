/**
 * The head of a request: method, framing and host, each read in one way or refused.
 * Node's parser refuses part of this already; it is not relied on.
 */

import { absoluteAuthority, type CanonicalHost, type Refusal, refuse } from './canonical.ts'
import { type HostAndPort, readAuthority } from './host-name.ts'

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

/** With more digits a length is no exact number any more. */
const LENGTH = /^[0-9]{1,15}$/

/**
 * Refuses what RFC 9112 §6 calls ambiguous about where the body ends, and header names that are no tokens.
 * `rawHeaders` are names and values in turn, as they came; `httpVersion` as in `1.1`.
 */
export function checkFraming(
  rawHeaders: readonly string[],
  httpVersion: string,
): Refusal | undefined {
  let coding: string | undefined
  let length: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (!isToken(name)) return refuse('a header name that is no token')
    if (name.length === 14 && name.toLowerCase() === 'content-length') {
      if (length !== undefined) return refuse('several Content-Length headers')
      length = value
    } else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      if (coding !== undefined) return refuse('several Transfer-Encoding headers')
      coding = value
    }
  }
  if (coding === undefined && length === undefined) return undefined
  return checkBodyLength(coding, length, httpVersion)
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
 * The host that the request is for: exactly one Host header, and the same name in a target in absolute form
 * (the port there does not count; product 8).
 */
export function canonicalHost(
  rawHeaders: readonly string[],
  target: string,
): CanonicalHost | Refusal {
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (host !== undefined) return refuse('several Host headers')
    host = rawHeaders[i + 1] ?? ''
  }
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

// A loop over a table and no pattern: it runs for each header of each request and is several times as fast.
function isToken(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (TOKEN_CHARS[name.charCodeAt(i)] !== 1) return false
  }
  return name.length > 0
}
