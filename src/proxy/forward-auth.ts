/**
 * Forward-auth (product 4.4): another proxy asks what it may do with a request that it holds. The same reading, the same
 * stages and the same decision as for a request that comes here itself; nothing is forwarded.
 */

import { GatehouseError } from '../errors.ts'
import type { LiveSession } from '../identity/session.ts'
import { decide } from '../policy/decide.ts'
import { ANONYMOUS, type Facts } from '../policy/model.ts'
import { authenticate, noteUse, tokensOf } from './authenticate.ts'
import {
  type CanonicalOwnRequest,
  type CanonicalRequest,
  canonicalizeAsked,
} from './canonicalize.ts'
import { goesOn, type Received } from './exchange.ts'
import { admitAsked, refuseAsked } from './forward-auth-answer.ts'
import { askedRequest, type Dialect, dialectAt } from './forward-auth-dialect.ts'
import { namedGroupsOf } from './identity-headers.ts'
import { forwardedFor, peerAddress } from './peer.ts'
import type { PipelineParts } from './pipeline.ts'
import { decisionAnswer, failureAnswer, refuseFailure } from './refuse.ts'
import { resolveGroupsFor } from './resolve-groups.ts'
import { asksForWebSocket, checkWebSocket } from './web-socket-rules.ts'

/**
 * Answers a request below `/.gatehouse/auth/`.
 * Rejects where something failed that is nobody's outage: the request is then to be answered with a failure.
 */
export async function answerForwardAuth(
  parts: PipelineParts,
  received: Received,
  { path }: CanonicalOwnRequest,
): Promise<void> {
  const dialect = dialectAt(path.decoded)
  if (dialect === undefined) {
    return refuseFailure(received, new GatehouseError('NO_ROUTE', 'no proxy asks at this path'))
  }
  const peer = peerAddress(received.request.socket)
  if (!received.plane.isForwardAuthProxy(peer)) return refuseFailure(received, notTrusted(peer))
  // What the proxy does not tell is its own mistake, in every dialect.
  const question = askedRequest(dialect, received.request, path)
  if (question instanceof GatehouseError) return refuseFailure(received, question)
  const clientAddress = clientBehind(received, peer)
  received.trail.asked = { method: question.method, clientAddress }
  try {
    const reading = canonicalizeAsked(received, question)
    if (reading instanceof GatehouseError) throw reading
    if (reading.kind === 'own') throw notAsked()
    await judge(parts, received, dialect, reading)
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    if (error.code === 'STORE_UNAVAILABLE') received.trail.storeFailed = true
    refuseAsked(received, dialect, failureAnswer(received, error))
  }
}

async function judge(
  parts: PipelineParts,
  received: Received,
  dialect: Dialect,
  reading: CanonicalRequest,
): Promise<void> {
  const { trail, plane } = received
  const { route } = reading
  const { session: opened, storeError } = await sessionOf(parts, received, reading)
  const session = await resolveGroupsFor(route, opened, plane, parts.resolveGroups)
  const facts = factsOf(received, reading)
  const decision = decide(route.policy, facts, session?.subject ?? ANONYMOUS)
  const goes = goesOn(trail, route, decision)
  // Without the store only what is decided for everybody alike, known or not, is decided (as in pipeline.ts).
  if (storeError !== undefined && !goes && decision.outcome !== 'deny') throw storeError
  trail.session = session
  trail.decision = decision
  if (session !== undefined) {
    noteUse(parts.sessions, session)
    trail.namedGroups = namedGroupsOf(session.subject, route)
  }
  if (!goes) {
    return refuseAsked(received, dialect, decisionAnswer(received, reading, decision, facts))
  }
  if (asksForWebSocket(received.request)) checkWebSocket(received.request, reading)
  const identity =
    session === undefined
      ? undefined
      : await plane.identityOf(session, route, reading.origin, tokensOf(parts.sessions, session))
  admitAsked(received, dialect, route, identity?.headers ?? plane.anonymousHeaders(route))
}

/** The session of the request that is asked about, or why the store cannot tell. */
async function sessionOf(
  { sessions }: PipelineParts,
  received: Received,
  reading: CanonicalRequest,
): Promise<{ session?: LiveSession | undefined; storeError?: GatehouseError }> {
  try {
    return { session: await authenticate(sessions, received, reading) }
  } catch (error) {
    if (!(error instanceof GatehouseError) || error.code !== 'STORE_UNAVAILABLE') throw error
    received.trail.storeFailed = true
    return { storeError: error }
  }
}

function factsOf({ request, time, trail }: Received, { path }: CanonicalRequest): Facts {
  return {
    method: trail.asked?.method ?? '',
    path: path.decoded,
    sourceIp: trail.asked?.clientAddress ?? '',
    rawHeaders: request.rawHeaders,
    now: time,
    // The connection is the proxy's; whatever certificate a client has shown it stays there.
    clientCertificate: undefined,
  }
}

/** The proxy that asks is believed about who asked it; what others say further left as always. */
function clientBehind({ headers, plane }: Received, peer: string): string {
  const isTrusted = (address: string) => address === peer || plane.isTrustedProxy(address)
  return forwardedFor(peer, headers.forwardedFor, isTrusted).clientAddress
}

function notTrusted(peer: string): GatehouseError {
  return new GatehouseError('ACCESS_DENIED', `${peer} is not in \`forward_auth.trusted_proxies\``, {
    text: 'Only proxies that are configured here may ask about requests.',
  })
}

/** Our own pages are asked of us, not of an app. */
function notAsked(): GatehouseError {
  return new GatehouseError(
    'NO_ROUTE',
    'the proxy asks about a path of ours: let it send `/.gatehouse/` to Gatehouse itself',
  )
}
