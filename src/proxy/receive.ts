/** The first stage: a request's head is read once, measured against the limits, and gets its id and its client's address. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatehouseError } from '../errors.ts'
import type { Clock } from '../support/time.ts'
import type { DataPlane } from './data-plane.ts'
import { emptyTrail, type Received } from './exchange.ts'
import { forwardedFor, peerAddress } from './peer.ts'
import { readRequestHeaders, requestIdOf } from './request-headers.ts'

export function receive(
  request: IncomingMessage,
  response: ServerResponse,
  plane: DataPlane,
  now: Clock,
): Received {
  const headers = readRequestHeaders(request.rawHeaders, plane.headerPlan)
  const peer = peerAddress(request.socket)
  return {
    request,
    response,
    plane,
    time: now(),
    startedAt: performance.now(),
    requestId: requestIdOf(headers.requestId, plane.isTrustedProxy(peer)),
    headers,
    forwarded: forwardedFor(peer, headers.forwardedFor, plane.isTrustedProxy),
    trail: emptyTrail(),
  }
}

/** The failure where the request's head is past a limit, else `undefined`. */
export function overLimit({ request, headers, plane }: Received): GatehouseError | undefined {
  const { limits } = plane
  if ((request.url ?? '').length > limits.urlBytes) {
    return new GatehouseError('MALFORMED_REQUEST', 'the target is too long', {
      status: 414,
      text: 'The address is too long.',
    })
  }
  if (request.rawHeaders.length > limits.headers * 2 || headers.size > limits.headerBytes) {
    return new GatehouseError('MALFORMED_REQUEST', 'too many or too large headers', {
      status: 431,
      text: 'The headers are too large.',
    })
  }
  return undefined
}
