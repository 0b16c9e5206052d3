/** What tells of a client's silence: its connection, or over HTTP/2 its stream. Both cut off where nobody listens. */

import type { IncomingMessage } from 'node:http'

export interface ClientTimer {
  /** Milliseconds in which nothing has come or gone; 0: none. `request` then emits `timeout`. */
  setTimeout(ms: number): unknown
}

export function clientTimer(request: IncomingMessage & { stream?: ClientTimer }): ClientTimer {
  return request.httpVersionMajor === 2 && request.stream !== undefined
    ? request.stream
    : request.socket
}
