/**
 * Forward-auth: another proxy asks what it may do with a request that it holds. The same reading, the same
 * stages and the same decision as for a request that comes here itself; nothing is forwarded.
 */

import { GatehouseError } from '../errors.ts'
import {
  type CanonicalOwnRequest,
  type CanonicalRequest,
  canonicalizeAsked,
} from './canonicalize.ts'
import type { Received } from './exchange.ts'
import { admitAsked, refuseAsked } from './forward-auth-answer.ts'
import { askedRequest, type Dialect, dialectAt } from './forward-auth-dialect.ts'
import { identityFor, judge } from './judge.ts'
import { forwardedFor, peerAddress } from './peer.ts'
import type { PipelineParts } from './pipeline.ts'
import { decisionAnswer, failureAnswer, refuseFailure } from './refuse.ts'
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
    await answerJudged(parts, received, dialect, reading)
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    refuseAsked(received, dialect, failureAnswer(received, error))
  }
}

async function answerJudged(
  parts: PipelineParts,
  received: Received,
  dialect: Dialect,
  reading: CanonicalRequest,
): Promise<void> {
  const { goes, decision, facts, session } = await judge(parts, received, reading)
  if (!goes) {
    return refuseAsked(received, dialect, decisionAnswer(received, reading, decision, facts))
  }
  if (asksForWebSocket(received.request)) checkWebSocket(received.request, reading)
  const { route } = reading
  const identity = await identityFor(parts, received, reading, session)
  const headers = identity?.headers ?? received.plane.anonymousHeaders(route)
  admitAsked(received, dialect, route, headers)
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
