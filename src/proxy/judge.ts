/**
 * The stages from authentication to decision, as every request meets them: one that is forwarded, one that becomes a
 * WebSocket, and one that another proxy asks about.
 */

import { GatehouseError } from '../errors.ts'
import type { LiveSession } from '../identity/session.ts'
import type { ResolveGroups } from '../identity/session-groups.ts'
import type { Sessions } from '../identity/sessions.ts'
import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Decision, type Facts } from '../policy/model.ts'
import { authenticate, noteUse, tokensOf } from './authenticate.ts'
import type { CanonicalRequest } from './canonicalize.ts'
import { clientCertificate } from './client-certificate.ts'
import { goesOn, judgedMethod, type Received, type Trail } from './exchange.ts'
import { namedGroupsOf, type RouteIdentity } from './identity-headers.ts'
import { resolveGroupsFor } from './resolve-groups.ts'

export interface JudgeParts {
  readonly sessions: Sessions
  readonly resolveGroups: ResolveGroups
}

export interface Judged {
  readonly facts: Facts
  readonly decision: Decision
  /** Whether the request goes on: `decision` allows it, or the route only reports. */
  readonly goes: boolean
  /** As it was opened, before its groups were resolved. */
  readonly opened: LiveSession | undefined
  readonly session: LiveSession | undefined
}

/**
 * What is decided about a request; the trail is told. Synchronous where nothing has to be waited for.
 * Rejects or throws where nobody can decide: GatehouseError STORE_UNAVAILABLE, BAD_TOKEN, RATE_LIMITED, ProviderFailure.
 */
export function judge(
  parts: JudgeParts,
  received: Received,
  reading: CanonicalRequest,
): Judged | Promise<Judged> {
  let opened: ReturnType<typeof authenticate>
  received.trail.trace?.stage('session')
  try {
    opened = authenticate(parts.sessions, received, reading)
  } catch (error) {
    return withoutStore(received, reading, error)
  }
  return opened instanceof Promise
    ? opened.then(
        (session) => resolve(parts, received, reading, session),
        (error: unknown) => withoutStore(received, reading, error),
      )
    : resolve(parts, received, reading, opened)
}

/** Decides once the groups are known, where the route needs them. */
function resolve(
  parts: JudgeParts,
  received: Received,
  reading: CanonicalRequest,
  opened: LiveSession | undefined,
): Judged | Promise<Judged> {
  const known = resolveGroupsFor(reading.route, opened, received.plane, parts.resolveGroups)
  return known instanceof Promise
    ? known.then((session) => decideFor(parts, received, reading, opened, session))
    : decideFor(parts, received, reading, opened, known)
}

function decideFor(
  { sessions }: JudgeParts,
  received: Received,
  reading: CanonicalRequest,
  opened: LiveSession | undefined,
  session: LiveSession | undefined,
): Judged {
  const { route } = reading
  const { trail } = received
  trail.trace?.stage('decide')
  const facts = factsOf(received, reading)
  const decision = decide(route.policy, facts, session?.subject ?? ANONYMOUS)
  const goes = goesOn(trail, route, decision)
  trail.session = session
  trail.decision = decision
  if (session !== undefined) {
    noteUse(sessions, session)
    if (!goes) trail.namedGroups = namedGroupsOf(session.subject, route)
  }
  return { facts, decision, goes, opened, session }
}

/**
 * The store cannot say who asks. What is decided for everybody alike, known or not, is still enforced; anything else
 * has to wait for the store, and the cookie is kept.
 */
function withoutStore(received: Received, reading: CanonicalRequest, error: unknown): Judged {
  if (!(error instanceof GatehouseError) || error.code !== 'STORE_UNAVAILABLE') throw error
  const { trail } = received
  trail.storeFailed = true
  const facts = factsOf(received, reading)
  const decision = decide(reading.route.policy, facts, ANONYMOUS)
  const goes = goesOn(trail, reading.route, decision)
  if (!goes && decision.outcome !== 'deny') throw error
  trail.decision = decision
  return { facts, decision, goes, opened: undefined, session: undefined }
}

function factsOf(received: Received, { path }: CanonicalRequest): Facts {
  const { request, forwarded, time, trail } = received
  const { asked } = trail
  return {
    method: judgedMethod(received),
    path: path.decoded,
    sourceIp: asked === undefined ? forwarded.clientAddress : asked.clientAddress,
    rawHeaders: request.rawHeaders,
    now: time,
    // The connection of a proxy that asks is its own; whatever certificate a client has shown it stays there.
    clientCertificate: asked === undefined ? clientCertificate(request.socket, time) : undefined,
  }
}

/** What the app is told of who asks; `undefined` of nobody in particular. The trail is told which groups. */
export function identityFor(
  { sessions }: JudgeParts,
  { plane, trail }: Received,
  { route, origin }: CanonicalRequest,
  session: LiveSession | undefined,
): RouteIdentity | undefined | Promise<RouteIdentity> {
  if (session === undefined) return undefined
  const identity = plane.identityOf(session, route, origin, tokensOf(sessions, session))
  return identity instanceof Promise
    ? identity.then((made) => noted(trail, made))
    : noted(trail, identity)
}

function noted(trail: Trail, identity: RouteIdentity): RouteIdentity {
  trail.namedGroups = identity.namedGroups
  return identity
}
