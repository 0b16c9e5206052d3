/** Where requests over HTTP/2 enter the stages: many at once on one connection, each a stream that ends by itself. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import { GatehouseError } from '../errors.ts'
import { limitRest } from './client-stall.ts'
import type { Received } from './exchange.ts'
import type { H2Request } from './h2-request.ts'
import type { H2Response } from './h2-response.ts'
import { finish, type PipelineParts, proceed } from './pipeline.ts'
import { receive } from './receive.ts'
import { refuseFailure } from './refuse.ts'

export type H2Pipeline = (request: H2Request, response: H2Response) => void

export function createH2Pipeline(parts: PipelineParts): H2Pipeline {
  return (request, response) => {
    const received = receiveStream(parts, request, response)
    response.stream.once('close', () => finish(parts, received))
    boundAnswer(received, request, response)
    if (request.problem === undefined) return proceed(parts, received)
    refuseFailure(received, new GatehouseError('MALFORMED_REQUEST', request.problem))
  }
}

/** Once the answer has been written: what it and the rest of the request may still take. */
export function boundAnswer(received: Received, request: H2Request, response: H2Response): void {
  response.onWritten = () => {
    // A stream that its client leaves open would be kept, whether or not a body is waited for.
    if (!request.isBodyless) response.stream.once('finish', () => setImmediate(refuseRest, request))
    limitRest(received.request, received.response, received.plane.limits.bodyTimeoutMs)
  }
  response.on('timeout', () => {
    if (request.listenerCount('timeout') === 0) response.destroy()
  })
}

/** A body that nobody will read is not waited for; by now the answer is on its way. RFC 9113 §8.1 */
function refuseRest({ complete, stream }: H2Request): void {
  if (!complete && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR)
}

/** The first stage. Both objects have what the stages use of those of HTTP/1.1. */
export function receiveStream(
  { plane, now }: PipelineParts,
  request: H2Request,
  response: H2Response,
): Received {
  const received = receive(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    plane(),
    now,
  )
  // The stream says where a body ends, and whether there is one.
  const hasBody = !request.isBodyless && received.headers.contentLength !== '0'
  return { ...received, headers: { ...received.headers, hasBody } }
}
