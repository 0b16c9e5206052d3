/** A small receiver of traces: OTLP over HTTP with protobuf, as much of it as tests look at. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import protobuf from 'protobufjs'
import type { Test } from 'tap'

/** Of opentelemetry-proto, the fields that are read here. */
const PROTO = `
syntax = "proto3";
message Value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; }
message KeyValue { string key = 1; Value value = 2; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  repeated KeyValue attributes = 9; Status status = 15;
}
message ScopeSpans { repeated Span spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Traces { repeated ResourceSpans resource_spans = 1; }
`
const Traces = protobuf.parse(PROTO).root.lookupType('Traces')

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty: a root. */
  readonly parentId: string
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
}

export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly endpoint: string
  readonly spans: readonly ReceivedSpan[]
  /** Attributes of what sent the spans. */
  readonly resource: () => Readonly<Record<string, string>>
  /** All that came, as it was sent. */
  readonly bytes: () => Buffer
}

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface Decoded {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] }
    readonly scopeSpans: readonly { readonly spans: readonly Record<string, unknown>[] }[]
  }[]
}

export async function startCollector(t: Test): Promise<Collector> {
  const spans: ReceivedSpan[] = []
  const bodies: Buffer[] = []
  let resource: Readonly<Record<string, string>> = {}
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    bodies.push(body)
    const options = { bytes: String, longs: String, arrays: true }
    const { resourceSpans } = Traces.toObject(Traces.decode(body), options) as unknown as Decoded
    for (const one of resourceSpans) {
      resource = textsOf(one.resource.attributes)
      for (const span of one.scopeSpans.flatMap((scope) => scope.spans)) spans.push(spanOf(span))
    }
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    spans,
    resource: () => resource,
    bytes: () => Buffer.concat(bodies),
  }
}

function spanOf(span: Record<string, unknown>): ReceivedSpan {
  return {
    traceId: hex(span['traceId']),
    spanId: hex(span['spanId']),
    parentId: hex(span['parentSpanId']),
    name: String(span['name']),
    attributes: textsOf(span['attributes'] as readonly KeyValue[]),
  }
}

function textsOf(attributes: readonly KeyValue[]): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]),
  )
}

function hex(base64: unknown): string {
  return Buffer.from(String(base64 ?? ''), 'base64').toString('hex')
}
