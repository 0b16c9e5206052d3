/** What an upstream says before its answer so that browsers can begin to load it. RFC 8297 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { readResponseHeaders } from './response-headers.ts'

/** Passes the links of a 103 answer on; nothing else of it is of use before the final one. */
export function passEarlyHints(
  request: IncomingMessage,
  response: ServerResponse,
  received: readonly string[],
): void {
  // A client of HTTP/1.0 does not know interim answers. RFC 9110 §15.2
  if (request.httpVersion === '1.0') return
  const { headers } = readResponseHeaders(received, false)
  const link = headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === 'link')
  if (link.length === 0) return
  try {
    response.writeEarlyHints({ link })
  } catch {
    // Links that are none help nobody; what they belong to still comes.
  }
}
