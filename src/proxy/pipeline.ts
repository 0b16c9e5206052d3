/**
 * One request from its head to its log line: the stages in order, each a function whose value the next one takes.
 * Nothing is forwarded but by `forwardAllowed`, and that is called only where `goesOn` says so: the decision is `allow`,
 * or the route only reports.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { GatehouseError } from '../errors.ts'
import type { Clock } from '../support/time.ts'
import type { Tracing } from '../support/tracing.ts'
import { limitSilence } from './body-silence.ts'
import { type CanonicalOwnRequest, type CanonicalRequest, canonicalize } from './canonicalize.ts'
import { limitRest } from './client-stall.ts'
import type { DataPlane } from './data-plane.ts'
import type { Received } from './exchange.ts'
import { FastResponse } from './fast-path/fast-path.ts'
import { forward } from './forward.ts'
import { answerForwardAuth } from './forward-auth.ts'
import { isForwardAuthPath } from './forward-auth-dialect.ts'
import type { RouteIdentity } from './identity-headers.ts'
import { endTurn, isLastOf, isOpen, isOwed, startAfter, takeBack, takeTurn } from './in-turn.ts'
import { identityFor, type Judged, type JudgeParts, judge } from './judge.ts'
import { sendOwnAnswer } from './own-answer.ts'
import { overLimit, receive } from './receive.ts'
import { refuseDecision, refuseFailure } from './refuse.ts'
import { beginTrace, endTrace } from './request-trace.ts'
import { requestTrailers } from './trailers.ts'
import type { Upstreams } from './upstream/upstreams.ts'
import { hearsOwnHost, upstreamHeaders } from './upstream-headers.ts'
import { upstreamPath } from './upstream-path.ts'

/** A request for one of our own endpoints, read once like any other. */
export interface OwnRequest extends CanonicalOwnRequest {
  readonly received: Received
}

export interface PipelineParts extends JudgeParts {
  /** The plane in force now; a request keeps the one that it began with. */
  plane(): DataPlane
  readonly upstreams: Upstreams
  readonly log: Logger
  readonly now: Clock
  /** While draining, every answer ends its connection. */
  draining(): boolean
  /** Hands the request to endpoints/. */
  answerOwn(request: OwnRequest): void
  /** Called once per request that is not our own, when it is over. */
  onFinished(received: Received): void
  /** Called for a request whose X-Forwarded-For is not heeded, since nobody trusts this peer. */
  onUntrustedProxy?(peer: string): void
  /** Undefined: there are no traces. */
  readonly tracing?: Tracing | undefined
}

export type Pipeline = (request: IncomingMessage, response: ServerResponse) => void

export function createPipeline(parts: PipelineParts): Pipeline {
  return (request, response) => {
    const { socket } = request
    const before = takeTurn(socket, response)
    if (before !== undefined) startAfter(before, socket, () => begin(parts, request, response))
    else if (isOpen(socket)) begin(parts, request, response)
  }
}

function begin(parts: PipelineParts, request: IncomingMessage, response: ServerResponse): void {
  if (parts.draining()) response.shouldKeepAlive = false
  const received = receive(request, response, parts.plane(), parts.now)
  // Taken now: Node takes the connection off a request that is over.
  const { socket } = request
  if (isLastOf(socket, received.plane.limits.requestsPerConnection))
    response.shouldKeepAlive = false
  // Behind an upgrade that does not come about Node loses bytes: what comes next would be read from its middle.
  if (received.headers.asksForUpgrade) response.shouldKeepAlive = false
  // One listener for all that is to be done then; it is called once.
  response.on('close', () => {
    endTurn(socket, response)
    finish(parts, received)
    // It may have begun to drain since the head was written.
    if (parts.draining() && !isOwed(socket)) socket.end()
  })
  // Over HTTP/1.1 it says that nothing more will be written, and what could not be is waiting.
  response.on('prefinish', () => {
    if (socket.writableLength > 0) limitRest(request, response, received.plane.limits.bodyTimeoutMs)
  })
  proceed(parts, received)
}

/** All stages after the first. */
export function proceed(parts: PipelineParts, received: Received): void {
  if (parts.tracing === undefined) return attempt(parts, received)
  beginTrace(parts.tracing, received).run(() => attempt(parts, received))
}

function attempt(parts: PipelineParts, received: Received): void {
  try {
    run(parts, received)
  } catch (error) {
    failed(parts, received, error)
  }
}

/** To be called once, when the client's side of the exchange is over, however it ended. */
export function finish(parts: PipelineParts, received: Received): void {
  if (!received.trail.own) parts.onFinished(received)
  if (received.trail.trace !== undefined) endTrace(received)
  if (received.headers.forwardedFor.length > 0) noteUntrusted(parts, received)
  received.trail.forwarding?.clientClosed()
}

/** Of an untrusted peer the chain has no more than its own address. */
function noteUntrusted(parts: PipelineParts, { forwarded, plane }: Received): void {
  const { clientAddress, chain } = forwarded
  if (chain === clientAddress && !plane.isTrustedProxy(chain)) parts.onUntrustedProxy?.(chain)
}

function run(parts: PipelineParts, received: Received): void {
  const tooLarge = overLimit(received)
  if (tooLarge !== undefined) return refuseFailure(received, tooLarge)
  const reading = canonicalize(received)
  if (reading instanceof GatehouseError) return refuseFailure(received, reading)
  if (reading.kind === 'own') {
    // Endpoints are served by Fastify, with Node's own objects.
    if (received.response instanceof FastResponse) {
      takeBack(received.request.socket)
      return received.response.handOver()
    }
    if (isForwardAuthPath(reading.path.decoded)) {
      answerForwardAuth(parts, received, reading).catch((error: unknown) =>
        failed(parts, received, error),
      )
      return
    }
    received.trail.own = true
    if (received.headers.hasBody) limitSilenceOfOwn(received)
    return parts.answerOwn({ received, ...reading })
  }
  const judged = judge(parts, received, reading)
  if (judged instanceof Promise) {
    judged
      .then((known) => enforce(parts, received, reading, known))
      .catch((error: unknown) => failed(parts, received, error))
  } else {
    enforce(parts, received, reading, judged)
  }
}

function limitSilenceOfOwn(received: Received): void {
  const { request, response, plane } = received
  limitSilence(request, response, plane.limits.bodyTimeoutMs, () => {
    if (response.headersSent) response.destroy()
    else {
      refuseFailure(
        received,
        new GatehouseError('MALFORMED_REQUEST', 'the body stopped arriving', { status: 408 }),
      )
    }
  })
}

function enforce(
  parts: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
  { goes, decision, facts, session }: Judged,
): void {
  if (!goes) return refuseDecision(received, reading, decision, facts)
  const identity = identityFor(parts, received, reading, session)
  if (identity instanceof Promise) {
    identity
      .then((made) => forwardAllowed(parts, received, reading, made))
      .catch((error: unknown) => failed(parts, received, error))
  } else {
    forwardAllowed(parts, received, reading, identity)
  }
}

function forwardAllowed(
  parts: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
  identity: RouteIdentity | undefined,
): void {
  const { request, response, headers, trail } = received
  // Who has left while this was decided wants nothing any more, and nobody would end what is begun for them.
  if (response.destroyed) return
  const { route, host, path } = reading
  if (route.ownAnswer !== undefined) return sendOwnAnswer(received, reading, route.ownAnswer)
  if (route.to === undefined) {
    return refuseFailure(received, new GatehouseError('NO_ROUTE', 'the route has no upstream'))
  }
  const balancer = parts.upstreams.balancer(route)
  const target = balancer.pick()
  if (target === undefined) throw new GatehouseError('INTERNAL', 'no upstream was chosen')
  const encodedPath = upstreamPath(route, path)
  trail.upstreamStartedAt = performance.now()
  trail.trace?.stage('upstream')
  trail.forwarding = forward({
    request,
    response,
    target,
    balancer,
    path: encodedPath,
    headers: upstreamHeaders(received, route, target.url, host, identity),
    identity,
    ownHost: hearsOwnHost(route),
    needsHttp2: headers.takesTrailers,
    hasBody: headers.hasBody,
    trailers: requestTrailers(
      request,
      headers.trailer,
      received.plane.headerPlan,
      route.requestHeaders?.dropped,
    ),
    // A client of HTTP/1.0 does not know interim answers. RFC 9110 §15.2
    expectsContinue: headers.expectsContinue && request.httpVersion !== '1.0',
    signedIn: trail.session !== undefined,
    hsts: trail.hsts,
    draining: parts.draining,
    responseHeaders: route.responseHeaders,
    bodyTimeoutMs: received.plane.limits.bodyTimeoutMs,
    timeoutMs: route.timeoutMs,
    idleTimeoutMs: route.idleTimeoutMs,
    onAnswer: () => {
      trail.upstreamMs = performance.now() - (trail.upstreamStartedAt ?? received.startedAt)
    },
    onFailure: (error) => failed(parts, received, error),
    onBroken: (detail) => {
      trail.detail = detail
    },
  })
}

/** Whatever went wrong, the request is not forwarded, or its answer is not finished as if all were well. */
function failed(parts: PipelineParts, received: Received, error: unknown): void {
  const { response, requestId, trail } = received
  const failure =
    error instanceof GatehouseError
      ? error
      : new GatehouseError('INTERNAL', String(error), { cause: error })
  trail.detail = failure.message
  if (failure.status >= 500) {
    const level = failure.code === 'INTERNAL' ? 'error' : 'warn'
    parts.log[level](
      { request_id: requestId, code: failure.code, err: failure.cause ?? failure },
      failure.message,
    )
  }
  if (response.destroyed) return
  if (response.headersSent) response.destroy()
  else refuseFailure(received, failure)
}
