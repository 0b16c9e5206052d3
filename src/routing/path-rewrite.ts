/**
 * Paths that change on their way upstream. What the client wrote keeps its encoding; what the operator wrote is encoded
 * once, at load. INVARIANT: a rewritten path is as canonical as the one that was judged, or there is none.
 */

import type { Matcher, RE2JS } from 're2js'
import { type CanonicalPath, canonicalPath, type Refusal } from './canonical.ts'

/** The encoded path that goes upstream in place of `path`. */
export type PathRewrite = (path: CanonicalPath) => string | Refusal

/** A piece of a substitution: encoded text, or the number of a group, 0 for all that matched. */
export type SubstitutionPart = string | number

/** Longer paths are refused when they come; a substitution may not make them. */
const MAX_PATH = 16_384

/** All that a path may hold as it is. RFC 3986 §3.3 */
const NOT_IN_PATH = /[^A-Za-z0-9\-._~!$&'()*+,;=:@/]+/g
const KEPT = /(%(?:2F|5C|25))/

/** Plain text as it stands in a path; with `keepEncodedSlashes`, `%2F`, `%5C` and `%25` in it are what they look like. */
export function encodePathText(text: string, keepEncodedSlashes: boolean): string {
  if (!keepEncodedSlashes) return text.replace(NOT_IN_PATH, percentEncoded)
  return text
    .split(KEPT)
    .map((part) => (KEPT.test(part) ? part : part.replace(NOT_IN_PATH, percentEncoded)))
    .join('')
}

function percentEncoded(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text.toWellFormed()))
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return encoded
}

/** What is wrong with an encoded path that is to be sent; it must be canonical as it stands. */
export function checkRewritten(encoded: string, keepEncodedSlashes: boolean): Refusal | undefined {
  if (encoded.length > MAX_PATH) return refuse('the rewritten path is too long')
  if (encoded.charCodeAt(0) !== 47) return refuse('the rewritten path does not begin with a slash')
  if (encoded.includes('//')) return refuse('the rewritten path has an empty segment')
  const read = canonicalPath(encoded, keepEncodedSlashes)
  if (read.kind === 'refused') return refuse(`rewritten: ${read.detail}`)
  return read.encoded === encoded && read.query === ''
    ? undefined
    : refuse('the rewritten path is not canonical')
}

function refuse(detail: string): Refusal {
  return { kind: 'refused', detail }
}

/**
 * `prefix`, which took the path, makes room for `by`: as many segments go as it has.
 * @param by encoded, as `checkRewritten` takes it
 */
export function rewritePrefix(
  prefix: string,
  by: string,
  keepEncodedSlashes: boolean,
): PathRewrite {
  const segments = prefix.replace(/\/$/, '').split('/').length - 1
  const front = by.replace(/\/$/, '')
  return ({ encoded }) => {
    let end = 0
    for (let i = 0; i < segments; i++) {
      const slash = encoded.indexOf('/', end + 1)
      end = slash === -1 ? encoded.length : slash
    }
    const rewritten = end === encoded.length ? by : front + encoded.slice(end)
    return checkRewritten(rewritten, keepEncodedSlashes) ?? rewritten
  }
}

/** Any path becomes `by`. */
export function rewriteWhole(by: string): PathRewrite {
  return () => by
}

/** Every part of the decoded path that `pattern` matches is replaced; where none does, the path stays as it is. */
export function rewritePattern(
  pattern: RE2JS,
  substitution: readonly SubstitutionPart[],
  keepEncodedSlashes: boolean,
): PathRewrite {
  return (path) => {
    const matcher = pattern.matcher(path.decoded)
    if (!matcher.find()) return path.encoded
    const slice = slicer(path, keepEncodedSlashes)
    let rewritten = ''
    let copied = 0
    do {
      rewritten += slice(copied, matcher.start())
      for (const part of substitution) {
        if (rewritten.length > MAX_PATH) return refuse('the rewritten path is too long')
        rewritten += typeof part === 'string' ? part : groupOf(matcher, part, slice)
      }
      copied = matcher.end()
    } while (matcher.find())
    rewritten += slice(copied, path.decoded.length)
    return checkRewritten(rewritten, keepEncodedSlashes) ?? rewritten
  }
}

type Slice = (start: number, end: number) => string

/** What a group matched, as it is encoded; a group that took no part is empty. */
function groupOf(matcher: Matcher, group: number, slice: Slice): string {
  const start = matcher.start(group)
  return start < 0 ? '' : slice(start, matcher.end(group))
}

/** Cuts pieces out of the encoded path by places in the decoded one. */
function slicer({ encoded, decoded }: CanonicalPath, keepEncodedSlashes: boolean): Slice {
  if (encoded === decoded) return (start, end) => encoded.slice(start, end)
  const places = new Uint32Array(decoded.length + 1)
  let at = 0
  let i = 0
  while (i < decoded.length) {
    const length = encodedLength(encoded, at, keepEncodedSlashes)
    const point = encoded.charCodeAt(at) === 37 && length === 12 ? 2 : 1
    places.fill(at, i, i + point)
    at += length
    i += point
  }
  places[decoded.length] = encoded.length
  return (start, end) => encoded.slice(places[start], places[end])
}

/** How much of the encoded path is one character of the decoded one. */
function encodedLength(encoded: string, at: number, keepEncodedSlashes: boolean): number {
  if (encoded.charCodeAt(at) !== 37) return 1
  const byte = Number.parseInt(encoded.slice(at + 1, at + 3), 16)
  // A kept `%2F` is three characters in either form.
  if (keepEncodedSlashes && (byte === 0x2f || byte === 0x5c || byte === 0x25)) return 1
  return byte < 0x80 ? 3 : byte < 0xe0 ? 6 : byte < 0xf0 ? 9 : 12
}
