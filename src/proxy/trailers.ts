/** Fields behind an answer's body: gRPC keeps its status there. RFC 9110 §6.5 */

import type { ServerResponse } from 'node:http'

/** What undici gives: names and values in turn, or by name from HTTP/2. */
export type UpstreamTrailers =
  | readonly (Buffer | string)[]
  | Readonly<Record<string, unknown>>
  | null

/** Fields that frame or route a message, or that are to be read before its body: behind it they are not believed. */
const REFUSED: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'keep-alive',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Names that carry our assertion: an app that echoes its request must not hand it to a browser. */
const OURS = /^x[-_](gatehouse|pomerium)[-_]/i

/** Passes the upstream's trailers on; a client of HTTP/1.1 gets them behind a chunked body only. */
export function passTrailers(response: ServerResponse, trailers: UpstreamTrailers): void {
  const passed = pairsOf(trailers).filter(
    ([name]) => !REFUSED.has(name.toLowerCase()) && !OURS.test(name),
  )
  if (passed.length > 0) response.addTrailers(passed)
}

function pairsOf(trailers: UpstreamTrailers): [string, string][] {
  if (trailers === null) return []
  if (!isList(trailers)) {
    return Object.entries(trailers).flatMap(([name, value]) =>
      [value].flat().map((one): [string, string] => [name, String(one)]),
    )
  }
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    pairs.push([text(trailers[i]), text(trailers[i + 1])])
  }
  return pairs
}

function isList(trailers: NonNullable<UpstreamTrailers>): trailers is readonly (Buffer | string)[] {
  return Array.isArray(trailers)
}

function text(part: Buffer | string | undefined): string {
  return typeof part === 'string' ? part : (part?.toString('latin1') ?? '')
}
