/** Open WebSockets: closed when their session or their access ends, when they are quiet too long, and when the gateway stops. */

import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { LiveSession } from '../identity/session.ts'
import { type Every, every } from '../support/every.ts'
import type { StillHolds } from './judged-again.ts'

/** Close codes, RFC 6455 §7.4.1. */
const GOING_AWAY = 1001
const POLICY_VIOLATION = 1008
/** One side may be ahead of the other by this much before it is no longer read. */
const MAX_BUFFERED_BYTES = 1024 * 1024
/** How long the other side may take to answer a close before the connection is cut. */
const CLOSE_TIMEOUT_MS = 2_000
/** Longer than the upstream has for its handshake: what has not become a WebSocket by then never will. */
const OPEN_TIMEOUT_MS = 15_000

/** The connection that a WebSocket has to itself, or a stream that stands for one. */
export interface ClientConnection extends Duplex {
  /** Milliseconds in which nothing has come or gone, 0: any; it then emits `timeout`. */
  setTimeout(ms: number): unknown
}

export interface AdmittedSocket {
  readonly session: LiveSession | undefined
  /** 0: never. */
  readonly idleTimeoutMs: number
  /** Asked every second; once it is false, the WebSocket is closed. */
  readonly stillHolds: StillHolds
  /** Called when the client sends anything. */
  readonly onClientActive: () => void
}

export interface WebSockets {
  /** An upgrade that was allowed; from here on the connection is ours to end. */
  admit(socket: ClientConnection, admitted: AdmittedSocket): void
  /** Both sides are open. */
  connected(client: WebSocket, upstream: WebSocket): void
  count(): number
  /** Closes all with 1001 and waits until they are gone, or cut. */
  closeAll(): Promise<void>
}

interface Open extends AdmittedSocket {
  client: WebSocket | undefined
  readonly opening: NodeJS.Timeout
  /** A question whether it still may stay is under way. */
  looking: boolean
}

/** ws keeps the connection in this field; there is no public way from a WebSocket to its socket. */
type WithSocket = WebSocket & { readonly _socket?: ClientConnection }

/** How soon an open WebSocket follows a change of groups or policies. */
const LOOK_EVERY_MS = 1_000

export function createWebSockets(repeat: Every = every): WebSockets {
  const open = new Map<ClientConnection, Open>()
  const end = (socket: ClientConnection, code: number, reason: string): void => {
    const client = open.get(socket)?.client
    if (client === undefined) {
      socket.destroy()
      return
    }
    client.close(code, reason)
    setTimeout(() => client.terminate(), CLOSE_TIMEOUT_MS).unref()
  }
  const look = async (socket: ClientConnection, one: Open): Promise<void> => {
    if (one.looking) return
    const holds = one.stillHolds()
    if (holds === true) return
    one.looking = true
    // What cannot be told holds no longer: this is decided as a request would be.
    const answer = await Promise.resolve(holds).catch(() => false)
    one.looking = false
    if (!answer) end(socket, POLICY_VIOLATION, 'access has ended')
  }
  const stopLooking = repeat(LOOK_EVERY_MS, () => {
    for (const [socket, one] of open) void look(socket, one)
  })
  return {
    admit: (socket, admitted) => {
      // Nothing is read before there is an upstream to take it: until then all of it would be kept in memory.
      socket.pause()
      const opening = setTimeout(() => socket.destroy(), OPEN_TIMEOUT_MS)
      open.set(socket, { ...admitted, client: undefined, opening, looking: false })
      const stop = admitted.session?.onEnd(() =>
        end(socket, POLICY_VIOLATION, 'the session has ended'),
      )
      socket.once('close', () => {
        clearTimeout(opening)
        open.delete(socket)
        stop?.()
      })
    },
    connected: (client: WithSocket, upstream: WithSocket) => {
      const socket = client._socket
      const admitted = socket === undefined ? undefined : open.get(socket)
      if (socket === undefined || admitted === undefined) {
        // Nobody vouches for this connection, or the client has left by now.
        client.terminate()
        upstream.terminate()
        return
      }
      clearTimeout(admitted.opening)
      admitted.client = client
      if (admitted.session?.ended) end(socket, POLICY_VIOLATION, 'the session has ended')
      for (const event of ['message', 'ping', 'pong'] as const)
        client.on(event, admitted.onClientActive)
      socket.setTimeout(admitted.idleTimeoutMs)
      socket.on('timeout', () => end(socket, GOING_AWAY, 'idle'))
      holdBack(client, upstream)
      holdBack(upstream, client)
      passEnd(client, upstream)
      passEnd(upstream, client)
      client.resume()
    },
    count: () => open.size,
    closeAll: async () => {
      stopLooking()
      const closed = [...open.keys()].map(
        (socket) => new Promise<void>((resolve) => socket.once('close', () => resolve())),
      )
      for (const socket of open.keys()) end(socket, GOING_AWAY, 'the gateway is stopping')
      await Promise.all(closed)
    },
  }
}

/** No code was sent: RFC 6455 §7.1.5; no close was: §7.1.7. */
const NO_CODE = 1005
const BROKEN = 1006

/** The carrier of messages knows no close without a code, and takes a broken connection for one that is closed with some. */
function passEnd(from: WebSocket, to: WithSocket): void {
  from.prependListener('close', (code: number) => {
    if (code === NO_CODE) to.close()
    if (code !== BROKEN) return
    // What it was sent before goes out, and then its connection ends like the other.
    to._socket?.end()
    setTimeout(() => to.terminate(), CLOSE_TIMEOUT_MS).unref()
  })
}

/** Stops reading `from` while `to` is slower than it. */
function holdBack(from: WebSocket, to: WithSocket): void {
  const wait = (): void => {
    if (to.bufferedAmount < MAX_BUFFERED_BYTES || from.isPaused) return
    from.pause()
    to._socket?.once('drain', () => from.resume())
  }
  for (const event of ['message', 'ping', 'pong'] as const) from.on(event, wait)
}
