/**
 * One request from its head to its log line: the stages in order, each a function whose value the next one takes.
 * Nothing is forwarded but by `forwardAllowed`, and that is called only where `goesOn` says so: the decision is `allow`,
 * or the route only reports.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import { GatehouseError } from '../errors.ts'
import type { LiveSession } from '../identity/session.ts'
import type { ResolveGroups } from '../identity/session-groups.ts'
import type { Sessions } from '../identity/sessions.ts'
import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Facts } from '../policy/model.ts'
import type { Clock } from '../support/time.ts'
import { authenticate, noteUse, tokensOf } from './authenticate.ts'
import { limitSilence } from './body-silence.ts'
import { type CanonicalOwnRequest, type CanonicalRequest, canonicalize } from './canonicalize.ts'
import { clientCertificate } from './client-certificate.ts'
import type { DataPlane } from './data-plane.ts'
import { goesOn, type Received } from './exchange.ts'
import { forward } from './forward.ts'
import { answerForwardAuth } from './forward-auth.ts'
import { isForwardAuthPath } from './forward-auth-dialect.ts'
import { namedGroupsOf, type RouteIdentity } from './identity-headers.ts'
import { endTurn, isLastOf, isOpen, startAfter, takeTurn } from './in-turn.ts'
import { sendOwnAnswer } from './own-answer.ts'
import { overLimit, receive } from './receive.ts'
import { refuseDecision, refuseFailure } from './refuse.ts'
import { resolveGroupsFor } from './resolve-groups.ts'
import { hearsOwnHost, upstreamHeaders } from './upstream-headers.ts'
import { upstreamPath } from './upstream-path.ts'
import type { Upstreams } from './upstreams.ts'

/** A request for one of our own endpoints, read once like any other. */
export interface OwnRequest extends CanonicalOwnRequest {
  readonly received: Received
}

export interface PipelineParts {
  /** The plane in force now; a request keeps the one that it began with. */
  plane(): DataPlane
  readonly sessions: Sessions
  readonly resolveGroups: ResolveGroups
  readonly upstreams: Upstreams
  readonly log: Logger
  readonly now: Clock
  /** While draining, every answer ends its connection. */
  draining(): boolean
  /** Hands the request to endpoints/. */
  answerOwn(request: OwnRequest): void
  /** Called once per request that is not our own, when it is over. */
  onFinished(received: Received): void
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
  })
  proceed(parts, received)
}

/** All stages after the first. */
export function proceed(parts: PipelineParts, received: Received): void {
  try {
    run(parts, received)
  } catch (error) {
    failed(parts, received, error)
  }
}

/** To be called once, when the client's side of the exchange is over, however it ended. */
export function finish(parts: PipelineParts, received: Received): void {
  if (!received.trail.own) parts.onFinished(received)
  received.trail.forwarding?.clientClosed()
}

function run(parts: PipelineParts, received: Received): void {
  const tooLarge = overLimit(received)
  if (tooLarge !== undefined) return refuseFailure(received, tooLarge)
  const reading = canonicalize(received)
  if (reading instanceof GatehouseError) return refuseFailure(received, reading)
  if (reading.kind === 'own') {
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
  const session = openSession(parts, received, reading)
  if (session instanceof Promise) {
    session
      .then((opened) => resolve(parts, received, reading, opened))
      .catch((error: unknown) => withoutStore(parts, received, reading, error))
  } else {
    resolve(parts, received, reading, session)
  }
}

/** Decides once the groups are known, where the route needs them. */
function resolve(
  parts: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
  session: LiveSession | undefined,
): void {
  const { plane } = received
  const resolved = resolveGroupsFor(reading.route, session, plane, parts.resolveGroups)
  if (resolved instanceof Promise) {
    resolved
      .then((known) => judge(parts, received, reading, known))
      .catch((error: unknown) => failed(parts, received, error))
  } else {
    judge(parts, received, reading, resolved)
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

/** Like `authenticate`, but a store that fails at once fails like one that fails later. */
function openSession(
  { sessions }: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
): LiveSession | undefined | Promise<LiveSession | undefined> {
  try {
    return authenticate(sessions, received, reading)
  } catch (error) {
    return Promise.reject(error)
  }
}

function judge(
  parts: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
  session: LiveSession | undefined,
): void {
  const { route } = reading
  const facts = factsOf(received, reading)
  const decision = decide(route.policy, facts, session?.subject ?? ANONYMOUS)
  received.trail.session = session
  received.trail.decision = decision
  if (session !== undefined) noteUse(parts.sessions, session)
  if (!goesOn(received.trail, route, decision)) {
    if (session !== undefined) received.trail.namedGroups = namedGroupsOf(session.subject, route)
    return refuseDecision(received, reading, decision, facts)
  }
  if (session === undefined) return forwardAllowed(parts, received, reading, undefined)
  const identity = received.plane.identityOf(
    session,
    route,
    reading.origin,
    tokensOf(parts.sessions, session),
  )
  if (identity instanceof Promise) {
    identity
      .then((made) => forwardAllowed(parts, received, reading, made))
      .catch((error: unknown) => failed(parts, received, error))
  } else {
    forwardAllowed(parts, received, reading, identity)
  }
}

/**
 * The store cannot say who asks. What is decided for everybody alike, known or not, is still enforced; anything else
 * has to wait for the store, and the cookie is kept.
 */
function withoutStore(
  parts: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
  error: unknown,
): void {
  if (!(error instanceof GatehouseError) || error.code !== 'STORE_UNAVAILABLE') {
    return failed(parts, received, error)
  }
  received.trail.storeFailed = true
  try {
    const facts = factsOf(received, reading)
    const decision = decide(reading.route.policy, facts, ANONYMOUS)
    const goes = goesOn(received.trail, reading.route, decision)
    if (!goes && decision.outcome !== 'deny') return failed(parts, received, error)
    received.trail.decision = decision
    if (!goes) return refuseDecision(received, reading, decision, facts)
    forwardAllowed(parts, received, reading, undefined)
  } catch (second) {
    failed(parts, received, second)
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
  if (identity !== undefined) trail.namedGroups = identity.namedGroups
  if (route.ownAnswer !== undefined) return sendOwnAnswer(received, reading, route.ownAnswer)
  if (route.to === undefined) {
    return refuseFailure(received, new GatehouseError('NO_ROUTE', 'the route has no upstream'))
  }
  const balancer = parts.upstreams.balancer(route)
  const target = balancer.pick()
  if (target === undefined) throw new GatehouseError('INTERNAL', 'no upstream was chosen')
  const encodedPath = upstreamPath(route, path)
  trail.upstreamStartedAt = performance.now()
  trail.forwarding = forward({
    request,
    response,
    target,
    balancer,
    path: encodedPath,
    headers: upstreamHeaders(received, route, target.url, host, identity),
    ownHost: hearsOwnHost(route),
    needsHttp2: headers.takesTrailers,
    hasBody: headers.hasBody,
    // A client of HTTP/1.0 does not know interim answers. RFC 9110 §15.2
    expectsContinue: headers.expectsContinue && request.httpVersion !== '1.0',
    signedIn: trail.session !== undefined,
    hsts: trail.hsts,
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

export function factsOf(received: Received, reading: CanonicalRequest): Facts {
  return {
    method: received.request.method as string,
    path: reading.path.decoded,
    sourceIp: received.forwarded.clientAddress,
    rawHeaders: received.request.rawHeaders,
    now: received.time,
    clientCertificate: clientCertificate(received.request.socket, received.time),
  }
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
