/** HTTP/2 without TLS (`server.h2c`): clients that know of it begin with its preface. RFC 9113 §3.3, §3.4 */

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Http2Use } from './listener.ts'

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')
/** No method begins like this, so that these bytes decide. */
const TELLING_BYTES = 'PRI * '.length

/**
 * Looks at the first bytes of a connection before `server` has it, while `h2c` says so; else nothing changes for it. Returns
 * what ends the connections on which nothing has come.
 */
export function takePriorKnowledge(server: Server, { h2c, sessions }: Http2Use): () => void {
  const silent = new Set<Socket>()
  const [toHttp1] = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    if (!h2c()) return toHttp1?.call(server, socket)
    silent.add(socket)
    socket.once('readable', () => silent.delete(socket))
    socket.once('close', () => silent.delete(socket))
    tell(socket, server, (isHttp2) =>
      isHttp2 ? sessions.take(socket) : toHttp1?.call(server, socket),
    )
  })
  return () => {
    for (const socket of silent) socket.destroy()
  }
}

/** Calls `done` once it is known what is spoken; nothing is taken from the socket. */
function tell(socket: Socket, server: Server, done: (isHttp2: boolean) => void): void {
  let begun = Buffer.alloc(0)
  const deadline = setTimeout(() => socket.destroy(), server.headersTimeout)
  const stop = (): void => {
    clearTimeout(deadline)
    socket.removeListener('readable', look)
    socket.removeListener('close', stop)
    socket.removeListener('error', stop)
  }
  const look = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      begun = Buffer.concat([begun, chunk])
    }
    const length = Math.min(begun.length, TELLING_BYTES)
    const isLike = begun.subarray(0, length).equals(PREFACE.subarray(0, length))
    if (isLike && length < TELLING_BYTES && !socket.readableEnded) return
    stop()
    if (begun.length > 0) socket.unshift(begun)
    done(isLike && length === TELLING_BYTES)
  }
  socket.on('readable', look)
  socket.once('close', stop)
  socket.once('error', stop)
}
