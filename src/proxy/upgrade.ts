/**
 * WebSocket upgrades: the same stages as any request, then @fastify/http-proxy carries the messages.
 * Its upstream leg sends nothing of the request by itself; the headers are those that a plain request would get.
 */

import type { ClientRequest, IncomingMessage, Server } from 'node:http'
import { type NetConnectOpts, connect as netConnect, type Socket } from 'node:net'
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls'
import fastifyHttpProxy from '@fastify/http-proxy'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { GatehouseError } from '../errors.ts'
import type { Route, UpstreamUrl } from '../policy/route.ts'
import { admitUpgrade, type Upgrade, type UpgradeParts } from './admit-upgrade.ts'
import { receive } from './receive.ts'
import { tlsOptions } from './upstream/upstream-socket.ts'
import { upstreamHeaders } from './upstream-headers.ts'

const UPGRADE: unique symbol = Symbol('upgrade')
type UpgradeRequest = IncomingMessage & { [UPGRADE]?: Upgrade | undefined; originalUrl?: string }
type UpstreamHeaders = Record<string, string | string[]> & { [UPGRADE]?: Upgrade }

/** What came on the connection behind the head. */
const NOTHING_READ = Buffer.alloc(0)
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
    const raw: UpgradeRequest = request.raw
    // Over HTTP/2 it has been admitted by now.
    raw[UPGRADE] ??= await admit(parts, raw, reply)
    if (raw[UPGRADE] === undefined) return
    // What goes upstream is set in `sendHandshake`: made into a URL on its way some of it would be encoded anew.
    raw.url = '/'
    parts.onUpgraded(raw[UPGRADE].received, 101)
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

/** Over HTTP/1.1 the connection is the WebSocket's own. */
async function admit(
  parts: UpgradeParts,
  raw: UpgradeRequest,
  reply: FastifyReply,
): Promise<Upgrade | undefined> {
  raw.url = raw.originalUrl ?? raw.url ?? ''
  const received = receive(raw, reply.raw, parts.plane(), parts.now)
  const upgrade = await admitUpgrade(parts, received, raw.socket)
  if (upgrade === undefined) reply.hijack()
  return upgrade
}

/** Hands an upgrade that has been admitted elsewhere to the carrier of messages. */
export function carryUpgrade(server: Server, request: IncomingMessage, upgrade: Upgrade): void {
  const admitted: UpgradeRequest = request
  admitted[UPGRADE] = upgrade
  server.emit('upgrade', admitted, upgrade.connection, NOTHING_READ)
}

function upgradeOf(request: FastifyRequest): Upgrade {
  const upgrade = (request.raw as UpgradeRequest)[UPGRADE]
  if (upgrade === undefined)
    throw new GatehouseError('INTERNAL', 'an upgrade that was not admitted')
  return upgrade
}

/** The handshake's own headers are made by each leg for itself. RFC 6455 §4 */
const HANDSHAKE = /^sec-websocket-/i

function upgradeHeaders(upgrade: Upgrade): UpstreamHeaders {
  const { received, reading, identity, target, path } = upgrade
  const { route, host } = reading
  // Without a prototype: clients may call a header `constructor`. By lower case: Node keeps the last of two spellings.
  const headers: UpstreamHeaders = Object.create(null)
  const list = [
    ...upstreamHeaders(received, route, target.url, host, identity),
    ...(identity?.headers ?? []),
  ]
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
  upstream.once('close', () => upgrade.connection.resume())
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
