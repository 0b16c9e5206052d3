/** One request and its answer while the stages work on it: what each stage found, for those after it and for the log. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LiveSession } from '../identity/session.ts'
import type { Decision, Outcome } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'
import type { EpochMs } from '../support/time.ts'
import type { RequestTrace } from '../support/tracing.ts'
import type { RequestRecord } from './access-log.ts'
import type { DataPlane } from './data-plane.ts'
import type { Forwarding } from './forward.ts'
import type { ForwardedFor } from './peer.ts'
import type { RequestHeaders } from './request-headers.ts'

/** Known as soon as the request's head has been read. */
export interface Received {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly plane: DataPlane
  readonly time: EpochMs
  /** By the monotonic clock, in milliseconds. */
  readonly startedAt: number
  readonly requestId: string
  readonly headers: RequestHeaders
  readonly forwarded: ForwardedFor
  /** What the log will say; each stage adds what it finds. */
  readonly trail: Trail
}

/** What of a request is known so far. */
export interface Trail {
  host: string | undefined
  path: string | undefined
  route: Route | undefined
  /** Strict-Transport-Security, as soon as the host is known. */
  hsts: string | undefined
  session: LiveSession | undefined
  namedGroups: readonly string[]
  decision: Decision | undefined
  /** What the policy said where the request went on all the same: the route only reports. */
  wouldBe: Outcome | undefined
  upstreamStartedAt: number | undefined
  upstreamMs: number | undefined
  /** The upstream call, once there is one. */
  forwarding: Forwarding | undefined
  detail: string | undefined
  storeFailed: boolean
  /** Undefined where there are no traces. */
  trace: RequestTrace | undefined
  /** Requests for our own endpoints are not in the decision log. */
  own: boolean
  /** Of a request that a proxy asks about: what it is, where that is another than what reached us. */
  asked: { readonly method: string; readonly clientAddress: string } | undefined
}

const NO_GROUPS: readonly string[] = []

export function emptyTrail(): Trail {
  return {
    host: undefined,
    path: undefined,
    route: undefined,
    hsts: undefined,
    session: undefined,
    namedGroups: NO_GROUPS,
    decision: undefined,
    wouldBe: undefined,
    upstreamStartedAt: undefined,
    upstreamMs: undefined,
    forwarding: undefined,
    detail: undefined,
    storeFailed: false,
    trace: undefined,
    own: false,
    asked: undefined,
  }
}

/** The method of the request that is judged. */
export function judgedMethod({ request, trail }: Received): string {
  return trail.asked?.method ?? request.method ?? ''
}

/** Whether a request goes on: the policy lets it, or the route only reports what its policy says. */
export function goesOn(trail: Trail, { reportOnly }: Route, { outcome }: Decision): boolean {
  if (outcome === 'allow') return true
  if (reportOnly) trail.wouldBe = outcome
  return reportOnly
}

/** nginx's number for a client that left before the answer began; it is never sent. */
export const CLIENT_GONE = 499

export function recordOf(received: Received): RequestRecord {
  const { request, response, plane, time, requestId, forwarded, startedAt, trail } = received
  return {
    time,
    requestId,
    method: trail.asked?.method ?? request.method ?? '',
    sourceIp: trail.asked?.clientAddress ?? forwarded.clientAddress,
    host: trail.host,
    path: trail.path,
    route: trail.route,
    session: trail.session,
    namedGroups: trail.namedGroups,
    decision: trail.decision,
    wouldBe: trail.wouldBe,
    status: response.headersSent ? response.statusCode : CLIENT_GONE,
    durationMs: performance.now() - startedAt,
    upstreamMs: trail.upstreamMs,
    revision: plane.snapshot.revision,
    detail: trail.detail,
    storeFailed: trail.storeFailed,
  }
}
