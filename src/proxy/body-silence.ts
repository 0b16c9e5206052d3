/** How long a client may be silent in the middle of its body: whoever stops sending is not waited for. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { clientTimer } from './client-timer.ts'

/** Calls `onSilence` when nothing of the body has come for `timeoutMs`. Ends with the body. */
export function limitSilence(
  request: IncomingMessage,
  response: ServerResponse,
  timeoutMs: number,
  onSilence: () => void,
): void {
  const timer = clientTimer(request)
  const stop = (): void => {
    request.removeListener('timeout', onSilence)
    // Once the answer has been given, the time limit is Node's, for the next request.
    if (!response.writableEnded) timer.setTimeout(0)
  }
  timer.setTimeout(timeoutMs)
  // Node cuts the connection off by itself where the request has no listener.
  request.once('timeout', onSilence)
  request.once('end', stop)
  request.once('close', stop)
  // From then on nobody waits for the body: whoever is silent is cut off as between two requests.
  response.once('close', () => request.removeListener('timeout', onSilence))
}
