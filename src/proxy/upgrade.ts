/**
 * WebSocket upgrades: the same stages as any request, then @fastify/http-proxy carries the messages.
 * Its upstream leg sends nothing of the request by itself; the headers are those that a plain request would get.
 */

import type { ClientRequest, IncomingMessage } from 'node:http'
import { type NetConnectOpts, connect as netConnect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls'
import fastifyHttpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { GatehouseError } from '../errors.ts'
import type { Route, UpstreamUrl } from '../policy/route.ts'
import { noteUse } from './authenticate.ts'
import type { Target } from './balancer.ts'

import { type CanonicalRequest, canonicalize } from './canonicalize.ts'
import { CLIENT_GONE, type Received } from './exchange.ts'
import type { RouteIdentity } from './identity-headers.ts'
import { identityFor, judge } from './judge.ts'
import { createStillHolds, type StillHolds } from './judged-again.ts'
import type { PipelineParts } from './pipeline.ts'
import { overLimit, receive } from './receive.ts'
import { refuseDecision, refuseFailure } from './refuse.ts'
import { upstreamHeaders } from './upstream-headers.ts'
import { upstreamPath } from './upstream-path.ts'
import { tlsOptions } from './upstream-socket.ts'
import { checkWebSocket } from './web-socket-rules.ts'
import type { WebSockets } from './web-sockets.ts'

export interface UpgradeParts extends PipelineParts {
  readonly webSockets: WebSockets
  /** Called when an upgrade has been refused or has become a WebSocket. */
  onUpgraded(received: Received, status: number): void
}

interface Upgrade {
  readonly received: Received
  readonly reading: CanonicalRequest
  /** Path and query as they go upstream. */
  readonly path: string
  readonly target: Target
  readonly identity: RouteIdentity | undefined
}

const UPGRADE: unique symbol = Symbol('upgrade')
type UpgradeRequest = IncomingMessage & { [UPGRADE]?: Upgrade; originalUrl?: string }
type UpstreamHeaders = Record<string, string | string[]> & { [UPGRADE]?: Upgrade }

/** How long an upstream may take to accept a WebSocket. */
const HANDSHAKE_TIMEOUT_MS = 10_000
/** Carries path and query to `sendHandshake` and no further; clients cannot send headers of such a name. */
const TARGET_HEADER = 'x-gatehouse-target'

/**
 * Every upgrade is routed to one place, whatever its target: the target is read once, in `admit`. No route of a config
 * can be there, and a plain request that asks for it meets `admit` as well, which knows no such endpoint.
 */
export const UPGRADE_PATH = '/.gatehouse/upgrade'

export function webSocketUpgrades(fastify: FastifyInstance, parts: UpgradeParts): void {
  fastify.addHook('onRequest', async (request, reply) => {
    const upgrade = await admit(parts, request, reply)
    if (upgrade === undefined) return
    const raw = request.raw as UpgradeRequest
    raw[UPGRADE] = upgrade
    // What goes upstream is set in `sendHandshake`: made into a URL on its way some of it would be encoded anew.
    raw.url = '/'
    parts.onUpgraded(upgrade.received, 101)
  })
  fastify.register(fastifyHttpProxy, {
    upstream: '',
    routes: [UPGRADE_PATH],
    httpMethods: ['GET'],
    websocket: true,
    // Pings and pongs pass from end to end; nobody in between answers them as well.
    wsServerOptions: { perMessageDeflate: false, autoPong: false },
    wsClientOptions: {
      perMessageDeflate: false,
      autoPong: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      rewriteRequestHeaders: (_headers: unknown, request: FastifyRequest) =>
        upgradeHeaders(upgradeOf(request)),
      finishRequest: sendHandshake,
      createConnection: connectUpstream,
    },
    wsHooks: {
      onConnect: (_context: unknown, client: WebSocket, upstream: WebSocket) =>
        parts.webSockets.connected(client, upstream),
    },
    replyOptions: {
      getUpstream: (request: FastifyRequest) => upgradeOf(request).target.url.origin,
    },
  } as unknown as Parameters<typeof fastifyHttpProxy>[1])
}

function upgradeOf(request: FastifyRequest): Upgrade {
  const upgrade = (request.raw as UpgradeRequest)[UPGRADE]
  if (upgrade === undefined)
    throw new GatehouseError('INTERNAL', 'an upgrade that was not admitted')
  return upgrade
}

/** The stages before forwarding. `undefined` where the request was answered. */
async function admit(
  parts: UpgradeParts,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Upgrade | undefined> {
  const raw = request.raw as UpgradeRequest
  raw.url = raw.originalUrl ?? raw.url ?? ''
  const received = receive(raw, reply.raw, parts.plane(), parts.now)
  try {
    return await judgeUpgrade(parts, received)
  } catch (error) {
    const failure =
      error instanceof GatehouseError
        ? error
        : new GatehouseError('INTERNAL', String(error), { cause: error })
    if (failure.code === 'INTERNAL')
      parts.log.error({ request_id: received.requestId, err: failure.cause }, failure.message)
    refuseFailure(received, failure)
    return undefined
  } finally {
    if (received.response.writableEnded) {
      reply.hijack()
      parts.onUpgraded(received, received.response.statusCode)
    }
  }
}

async function judgeUpgrade(parts: UpgradeParts, received: Received): Promise<Upgrade | undefined> {
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
  return admitted(parts, { received, reading, path, target, identity }, stillHolds)
}

const HANDSHAKE_KEY = /^[+/0-9A-Za-z]{22}==$/

/** RFC 6455 §4.2.1. What does not hold would be refused later, after the log has said that the WebSocket is open. */
function checkHandshake({ headers }: IncomingMessage): void {
  const { 'sec-websocket-key': key = '', 'sec-websocket-version': version } = headers
  if (HANDSHAKE_KEY.test(key) && version === '13') return
  throw new GatehouseError('MALFORMED_REQUEST', 'the handshake of a WebSocket lacks key or version')
}

function admitted(parts: UpgradeParts, upgrade: Upgrade, stillHolds: StillHolds): Upgrade {
  const { session } = upgrade.received.trail
  const { endpoint } = upgrade.target
  const { socket } = upgrade.received.request
  // Its `close` is over, and nothing that waits for it would ever end.
  if (socket.destroyed)
    throw new GatehouseError('MALFORMED_REQUEST', 'the client has left', { status: CLIENT_GONE })
  endpoint.inFlight++
  socket.once('close', () => endpoint.inFlight--)
  parts.webSockets.admit(socket, {
    session,
    idleTimeoutMs: upgrade.reading.route.idleTimeoutMs,
    stillHolds,
    onClientActive: () => {
      if (session !== undefined) noteUse(parts.sessions, session)
    },
  })
  return upgrade
}

/** The handshake's own headers are made by each leg for itself. RFC 6455 §4 */
const HANDSHAKE = /^sec-websocket-/i

function upgradeHeaders(upgrade: Upgrade): UpstreamHeaders {
  const { received, reading, identity, target, path } = upgrade
  const { route, host } = reading
  // Without a prototype: clients may call a header `constructor`. By lower case: Node keeps the last of two spellings.
  const headers: UpstreamHeaders = Object.create(null)
  const list = upstreamHeaders(received, route, target.url, host, identity)
  for (let i = 0; i < list.length; i += 2) {
    const name = (list[i] as string).toLowerCase()
    if (HANDSHAKE.test(name)) continue
    const known = headers[name]
    const value = list[i + 1] as string
    headers[name] = known === undefined ? value : [known, value].flat()
  }
  headers[TARGET_HEADER] = path
  // Travels with the headers to `connectUpstream`, which is told of no request; Node sends no symbols.
  headers[UPGRADE] = upgrade
  return headers
}

/** Sends the request byte for byte as it was judged. */
function sendHandshake(request: ClientRequest): void {
  request.path = String(request.getHeader(TARGET_HEADER))
  request.removeHeader(TARGET_HEADER)
  request.end()
}

/** The upstream connection, with the TLS settings that plain requests of the same route have. */
function connectUpstream(
  options: NetConnectOpts & ConnectionOptions & { headers?: UpstreamHeaders },
): Socket {
  const upgrade = options.headers?.[UPGRADE]
  if (upgrade === undefined)
    throw new GatehouseError('INTERNAL', 'a WebSocket that was not admitted')
  const upstream = openUpstream(upgrade.target.url, upgrade.reading.route)
  // Where it never opened, nothing has been read from the client, who is to hear of that and to answer.
  upstream.once('close', () => upgrade.received.request.socket.resume())
  return upstream
}

function openUpstream({ scheme, hostname, port, socketPath }: UpstreamUrl, { tls }: Route): Socket {
  if (socketPath !== undefined) return netConnect({ path: socketPath })
  if (scheme === 'http') return netConnect({ host: hostname, port })
  return tlsConnect({
    host: hostname,
    port,
    ALPNProtocols: ['http/1.1'],
    ...tlsOptions(hostname, tls),
  })
}
