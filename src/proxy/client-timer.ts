/** What tells of a client's silence: its connection, or over HTTP/2 its stream. Both cut off where nobody listens. */

import type { IncomingMessage } from 'node:http'

export interface ClientTimer {
  /** Milliseconds in which nothing has come or gone; 0: none. It and `request` then emit `timeout`. */
  setTimeout(ms: number): unknown
  once(event: 'timeout', listener: () => void): unknown
  removeListener(event: 'timeout', listener: () => void): unknown
}

export interface TimedRequest {
  readonly stream?: ClientTimer
}

export function clientTimer(request: IncomingMessage & TimedRequest): ClientTimer {
  return request.httpVersionMajor === 2 && request.stream !== undefined
    ? request.stream
    : request.socket
}
