/** An upgrade's way through the same stages as any request, from its limits to its admission as a WebSocket. */

import type { IncomingMessage } from 'node:http'
import { GatehouseError } from '../errors.ts'
import { isToken } from '../routing/canonical.ts'
import { noteUse } from './authenticate.ts'
import { type CanonicalRequest, canonicalize } from './canonicalize.ts'
import { CLIENT_GONE, type Received } from './exchange.ts'
import type { RouteIdentity } from './identity-headers.ts'
import { identityFor, judge } from './judge.ts'
import { createStillHolds, type StillHolds } from './judged-again.ts'
import type { PipelineParts } from './pipeline.ts'
import { overLimit } from './receive.ts'
import { refuseDecision, refuseFailure } from './refuse.ts'
import type { Target } from './upstream/balancer.ts'
import { upstreamPath } from './upstream-path.ts'
import { checkWebSocket } from './web-socket-rules.ts'
import type { ClientConnection, WebSockets } from './web-sockets.ts'

export interface UpgradeParts extends PipelineParts {
  readonly webSockets: WebSockets
  /** Called when an upgrade has been refused or has become a WebSocket. */
  onUpgraded(received: Received, status: number): void
}

export interface Upgrade {
  readonly received: Received
  /** What becomes the WebSocket: over HTTP/2 a stream of many on the connection. */
  readonly connection: ClientConnection
  readonly reading: CanonicalRequest
  /** Path and query as they go upstream. */
  readonly path: string
  readonly target: Target
  readonly identity: RouteIdentity | undefined
}

/**
 * The stages before forwarding. `undefined` where the request was answered, which then has been told to `onUpgraded`.
 * @param problem why it is refused whatever it asks for
 */
export async function admitUpgrade(
  parts: UpgradeParts,
  received: Received,
  connection: ClientConnection,
  problem?: string,
): Promise<Upgrade | undefined> {
  const admission = await judgeUpgrade(parts, received, connection, problem).catch(
    (error: unknown) => {
      refuseUpgrade(parts, received, error)
      return undefined
    },
  )
  if (admission === undefined) {
    const { headersSent, statusCode } = received.response
    parts.onUpgraded(received, headersSent ? statusCode : CLIENT_GONE)
  }
  return admission
}

function refuseUpgrade({ log }: UpgradeParts, received: Received, error: unknown): void {
  const failure =
    error instanceof GatehouseError
      ? error
      : new GatehouseError('INTERNAL', String(error), { cause: error })
  if (failure.code === 'INTERNAL')
    log.error({ request_id: received.requestId, err: failure.cause }, failure.message)
  refuseFailure(received, failure)
}

async function judgeUpgrade(
  parts: UpgradeParts,
  received: Received,
  connection: ClientConnection,
  problem: string | undefined,
): Promise<Upgrade | undefined> {
  if (problem !== undefined) throw new GatehouseError('MALFORMED_REQUEST', problem)
  const tooLarge = overLimit(received)
  if (tooLarge !== undefined) throw tooLarge
  const reading = canonicalize(received)
  if (reading instanceof GatehouseError) throw reading
  if (reading.kind === 'own')
    throw new GatehouseError('NO_ROUTE', 'no endpoint of ours takes WebSockets')
  const { route } = reading
  const { goes, decision, facts, opened, session } = await judge(parts, received, reading)
  if (!goes) {
    refuseDecision(received, reading, decision, facts)
    return undefined
  }
  checkWebSocket(received.request, reading)
  if (route.to === undefined) throw new GatehouseError('ACCESS_DENIED', 'the route has no upstream')
  checkHandshake(received.request)
  const path = upstreamPath(route, reading.path)
  const target = parts.upstreams.balancer(route).pick()
  if (target === undefined) throw new GatehouseError('INTERNAL', 'no upstream was chosen')
  const { plane } = received
  const stillHolds = createStillHolds(
    {
      ...{ request: received.request, reading, plane, facts },
      ...{ session: session === undefined ? undefined : opened, person: session?.subject },
    },
    parts,
  )
  const identity = await identityFor(parts, received, reading, session)
  return admitted(parts, { received, connection, reading, path, target, identity }, stillHolds)
}

const HANDSHAKE_KEY = /^[+/0-9A-Za-z]{22}==$/

/** RFC 6455 §4.2.1. What does not hold would be refused later, after the log has said that the WebSocket is open. */
function checkHandshake({ headers }: IncomingMessage): void {
  const { 'sec-websocket-key': key = '', 'sec-websocket-version': version } = headers
  if (!HANDSHAKE_KEY.test(key) || version !== '13')
    throw new GatehouseError(
      'MALFORMED_REQUEST',
      'the handshake of a WebSocket lacks key or version',
    )
  if (!areProtocols(headers['sec-websocket-protocol']))
    throw new GatehouseError(
      'MALFORMED_REQUEST',
      'the subprotocols of a WebSocket are no list of names',
    )
}

/** Names, each once. RFC 6455 §4.1 */
function areProtocols(list: string | undefined): boolean {
  if (list === undefined) return true
  const names = list.split(',').map((name) => name.replace(/^[ \t]+|[ \t]+$/g, ''))
  return names.every(isToken) && new Set(names).size === names.length
}

function admitted(parts: UpgradeParts, upgrade: Upgrade, stillHolds: StillHolds): Upgrade {
  const { session } = upgrade.received.trail
  const { endpoint } = upgrade.target
  const { connection } = upgrade
  // Its `close` is over, and nothing that waits for it would ever end.
  if (connection.destroyed)
    throw new GatehouseError('MALFORMED_REQUEST', 'the client has left', { status: CLIENT_GONE })
  endpoint.inFlight++
  connection.once('close', () => endpoint.inFlight--)
  parts.webSockets.admit(connection, {
    session,
    idleTimeoutMs: upgrade.reading.route.idleTimeoutMs,
    stillHolds,
    onClientActive: () => {
      if (session !== undefined) noteUse(parts.sessions, session)
    },
  })
  return upgrade
}
