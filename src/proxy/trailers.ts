/** Fields behind an answer's body: gRPC keeps its status there. RFC 9110 §6.5 */

import type { ServerResponse } from 'node:http'

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

/**
 * Passes the upstream's trailers on; a client of HTTP/1.1 gets them behind a chunked body only.
 * @param trailers names and values in turn
 */
export function passTrailers(response: ServerResponse, trailers: readonly string[]): void {
  const passed: [string, string][] = []
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const name = trailers[i] as string
    if (REFUSED.has(name.toLowerCase()) || OURS.test(name)) continue
    passed.push([name, trailers[i + 1] as string])
  }
  if (passed.length > 0) response.addTrailers(passed)
}
