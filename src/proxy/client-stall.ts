/** How long a client may leave an answer lying: who takes nothing of what was written is not waited for. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { clientTimer, type TimedRequest } from './client-timer.ts'

/**
 * Node takes whatever moves on a connection for a sign of life: what the client sends, and over HTTP/2 other streams. So there
 * is an end to that. What waits is at most what Node buffers, and a client that is only slow has it by then.
 */
const SLOWER_BY = 10
const LONGEST_MS = 60_000

/**
 * Cuts the client off where it takes nothing for `ms` (0: never). To be stopped when what was written has gone; stops by itself
 * when the answer is over.
 */
export function limitStall(
  request: IncomingMessage & TimedRequest,
  response: ServerResponse,
  ms: number,
): () => void {
  if (ms === 0) return ignore
  const timer = clientTimer(request)
  const cut = (): void => void response.destroy()
  const late = setTimeout(cut, Math.max(ms, Math.min(ms * SLOWER_BY, LONGEST_MS)))
  const forget = (): void => {
    clearTimeout(late)
    timer.removeListener('timeout', cut)
    response.removeListener('close', forget)
  }
  timer.setTimeout(ms)
  timer.once('timeout', cut)
  // By then the time limit is Node's, for the next request.
  response.once('close', forget)
  return () => {
    forget()
    timer.setTimeout(0)
  }
}

/** The same for the end of an answer, which is over once it has gone. To be called when `end` has been. */
export function limitRest(request: IncomingMessage, response: ServerResponse, ms: number): void {
  if (response.writableFinished || response.destroyed) return
  // Before Node sets the time limit for the next request.
  response.prependOnceListener('finish', limitStall(request, response, ms))
}

function ignore(): void {
  // Nothing to stop.
}
