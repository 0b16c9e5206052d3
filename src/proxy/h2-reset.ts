/** The end of a stream before its time, and of its connection where that cannot even be told. RFC 9113 §5.4.2 */

import type { Http2Session, Http2Stream } from 'node:http2'
import type { Socket } from 'node:net'

const CONNECTION: unique symbol = Symbol('connection')
type WithConnection = Http2Session & { [CONNECTION]?: Socket }

/** How long a reset may take to go out behind what is on its way. A client that takes nothing would keep its streams for ever. */
const RESET_MS = 60_000

/** Notes what `session` is spoken over: it does not give it away to be cut. */
export function rememberConnection(session: WithConnection, socket: Socket): void {
  session[CONNECTION] = socket
}

export function resetStream(stream: Http2Stream, code: number): void {
  if (stream.closed) return
  const { session }: { session?: WithConnection | undefined } = stream
  stream.close(code)
  const late = setTimeout(() => session?.[CONNECTION]?.destroy(), RESET_MS)
  stream.once('close', () => clearTimeout(late))
}
