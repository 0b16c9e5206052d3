/** The trace of one request, where there are traces: when it begins and what it says in the end. */

import type { RequestTrace, Tracing } from '../support/tracing.ts'
import { CLIENT_GONE, type Received } from './exchange.ts'

export function beginTrace(tracing: Tracing, received: Received): RequestTrace {
  const { request, requestId } = received
  const values = valuesOf(request.rawHeaders, 'traceparent')
  const trace = tracing.request({
    method: request.method ?? '',
    requestId,
    traceparent: values.length === 1 ? values[0] : undefined,
  })
  received.trail.trace = trace
  return trace
}

export function endTrace({ response, trail }: Received): void {
  trail.trace?.end({
    status: response.headersSent ? response.statusCode : CLIENT_GONE,
    route: trail.route?.name,
    outcome: trail.decision?.outcome,
    reason: trail.decision?.reason,
  })
}

function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === name) values.push(rawHeaders[i + 1] ?? '')
  }
  return values
}
