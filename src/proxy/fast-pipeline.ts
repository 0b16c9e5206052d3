/** Where simple requests enter the stages: one at a time on their connection, without a body. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { limitRest } from './client-stall.ts'
import type { FastRequest, FastResponse } from './fast-path/fast-path.ts'
import { isLastOf } from './in-turn.ts'
import { finish, type PipelineParts, proceed } from './pipeline.ts'
import { receive } from './receive.ts'

export type FastPipeline = (request: FastRequest, response: FastResponse) => void

export function createFastPipeline(parts: PipelineParts): FastPipeline {
  return (fastRequest, fastResponse) => {
    // Both have what the stages use of those of Node.
    const request = fastRequest as unknown as IncomingMessage
    const response = fastResponse as unknown as ServerResponse
    const received = receive(request, response, parts.plane(), parts.now)
    if (parts.draining()) fastResponse.shouldKeepAlive = false
    if (isLastOf(fastRequest.socket, received.plane.limits.requestsPerConnection))
      fastResponse.shouldKeepAlive = false
    fastResponse.now = parts.now
    fastResponse.onClose = () => {
      finish(parts, received)
      // It may have begun to drain since the head was written.
      fastResponse.isLastIfIdle = parts.draining()
    }
    fastResponse.onUnsent = () => limitRest(request, response, received.plane.limits.bodyTimeoutMs)
    proceed(parts, received)
  }
}
