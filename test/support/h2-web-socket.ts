/** A WebSocket over a stream of HTTP/2 (RFC 8441) for tests: `ws` speaks, Node carries. */

import { once } from 'node:events'
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  OutgoingHttpHeaders,
} from 'node:http2'
import { WebSocket } from 'ws'

/** What ws does with a connection once its handshake is over. It has no public way to be given one. */
type Inner = WebSocket & {
  _isServer: boolean
  _protocol: string
  setSocket(socket: ClientHttp2Stream, head: Buffer, options: object): void
}

/** What a handshake asks for, but for path and host. */
export const HANDSHAKE = {
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  'sec-websocket-version': '13',
} as const

/** As of its own clients. */
const OPTIONS = { closeTimeout: 30_000, autoPong: true } as object

export interface H2WebSocket {
  readonly socket: WebSocket
  readonly stream: ClientHttp2Stream
  /** Of the answer. */
  readonly headers: IncomingHttpHeaders
}

/** Opens one; rejects where the answer is no 200. */
export async function h2WebSocket(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Promise<H2WebSocket> {
  if (session.connecting || session.remoteSettings.enableConnectProtocol === undefined) {
    await once(session, 'remoteSettings')
  }
  const stream = session.request({ ...HANDSHAKE, ...headers }, { endStream: false })
  stream.on('error', () => undefined)
  const [answer] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  if (Number(answer[':status']) !== 200) throw new Error(`answered with ${answer[':status']}`)
  const socket = new WebSocket(null as unknown as string, undefined, OPTIONS) as Inner
  socket._isServer = false
  socket._protocol = String(answer['sec-websocket-protocol'] ?? '')
  socket.setSocket(stream, Buffer.alloc(0), { maxPayload: 0 })
  return { socket, stream, headers: answer }
}
