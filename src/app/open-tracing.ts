/** Traces by OpenTelemetry, sent by OTLP over HTTP. Its environment variables (OTEL_*) are read by its own packages. */

import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base'
import type { Log } from '../support/log.ts'
import type {
  RequestTrace,
  TracedOutcome,
  TracedRequest,
  TracedStage,
  Tracing,
} from '../support/tracing.ts'

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
/** An end of the process waits no longer for a collector that does not answer. */
const CLOSE_MS = 3_000

export function openTracing(log: Log): Tracing & { close(): Promise<void> } {
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'gatehouse' }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(toldOnce(new OTLPTraceExporter(), log))],
  })
  const tracer = provider.getTracer('gatehouse')
  const current = new AsyncLocalStorage<() => Context>()
  return {
    request: (request) => beginTrace(tracer, current, request),
    fetch: (to, fetch) => async (url, init) => {
      const context = current.getStore()?.() ?? ROOT_CONTEXT
      const method = init.method ?? 'GET'
      const attributes = { 'http.request.method': method, 'server.address': new URL(url).host }
      const span = tracer.startSpan(
        `${method} ${to}`,
        { kind: SpanKind.CLIENT, attributes },
        context,
      )
      try {
        const answer = await fetch(url, init)
        span.setAttribute('http.response.status_code', answer.status)
        return answer
      } catch (error) {
        // Its message may have the address with its query.
        span.setStatus({ code: SpanStatusCode.ERROR })
        throw error
      } finally {
        span.end()
      }
    },
    close: async () => {
      const late = AbortSignal.timeout(CLOSE_MS)
      const given = new Promise<void>((resolve) => {
        late.addEventListener('abort', () => resolve(), { once: true })
      })
      await Promise.race([provider.shutdown().catch(() => undefined), given])
    },
  }
}

function beginTrace(
  tracer: Tracer,
  current: AsyncLocalStorage<() => Context>,
  { method, requestId, traceparent }: TracedRequest,
): RequestTrace {
  const attributes = { 'http.request.method': method, 'gatehouse.request_id': requestId }
  const root = tracer.startSpan(
    method,
    { kind: SpanKind.SERVER, attributes },
    parentOf(traceparent),
  )
  const context = trace.setSpan(ROOT_CONTEXT, root)
  let stage: Span | undefined
  const begin = (name: TracedStage) => {
    stage?.end()
    const kind = name === 'upstream' ? SpanKind.CLIENT : SpanKind.INTERNAL
    stage = tracer.startSpan(name, { kind }, context)
  }
  begin('match')
  return {
    stage: begin,
    traceparent: () => traceparentOf(stage ?? root),
    run: (act) =>
      current.run(() => (stage === undefined ? context : trace.setSpan(context, stage)), act),
    end: (outcome) => {
      stage?.end()
      stage = undefined
      tell(root, method, outcome)
      root.end()
    },
  }
}

function tell(root: Span, method: string, { status, route, outcome, reason }: TracedOutcome): void {
  root.setAttribute('http.response.status_code', status)
  if (route !== undefined) {
    root.updateName(`${method} ${route}`)
    root.setAttribute('gatehouse.route', route)
  }
  if (outcome !== undefined) root.setAttribute('gatehouse.outcome', outcome)
  if (reason !== undefined) root.setAttribute('gatehouse.reason', reason)
  if (status >= 500) root.setStatus({ code: SpanStatusCode.ERROR })
}

/** What the client says it is a part of; anything else than one value as the standard writes it is none. */
function parentOf(traceparent: string | undefined): Context {
  const [, traceId = '', spanId = '', flags = '0'] = TRACEPARENT.exec(traceparent ?? '') ?? []
  if (/^0*$/.test(traceId) || /^0*$/.test(spanId)) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags, 16) & TraceFlags.SAMPLED
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`
}

/** `exporter`, which says once that it cannot deliver, and once that it can again. Spans are dropped meanwhile. */
function toldOnce(exporter: SpanExporter, log: Log): SpanExporter {
  let failing = false
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const fails = result.code !== 0
        if (fails && !failing) log.warn({ err: result.error }, 'traces cannot be delivered')
        if (!fails && failing) log.info({}, 'traces are delivered again')
        failing = fails
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  }
}
