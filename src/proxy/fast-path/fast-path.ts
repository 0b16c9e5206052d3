/**
 * Simple requests past Node's own server, which costs as much for each as all stages together. It takes only what cannot be
 * read in two ways; a connection on which anything else is sent is Node's from then on, with all bytes as they came.
 */

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { Deadlines } from '../upstream/deadlines.ts'
import { FastConnection, type FastPathOptions } from './fast-connection.ts'

export type { FastRequest } from './fast-request.ts'
export { FastResponse, KEEP_ALIVE_MS } from './fast-response.ts'

export interface FastPath {
  readonly take: (socket: Socket) => void
  /** Those on which nothing is asked. */
  closeIdle(): void
  closeAll(): void
}

export function createFastPath(
  server: Pick<Server, 'headersTimeout'>,
  options: Pick<FastPathOptions, 'onRequest' | 'toNode' | 'maxHeadBytes' | 'onSilent'>,
): FastPath {
  const connections = new Set<FastConnection>()
  const all: FastPathOptions = {
    ...options,
    deadlines: new Deadlines(),
    headerTimeoutMs: () => server.headersTimeout,
    onLeft: (connection) => connections.delete(connection),
  }
  return {
    take: (socket) => {
      connections.add(new FastConnection(socket, all))
    },
    closeIdle: () => {
      for (const connection of connections) if (connection.isIdle) connection.socket.destroy()
    },
    closeAll: () => {
      for (const { socket } of connections) socket.destroy()
    },
  }
}
