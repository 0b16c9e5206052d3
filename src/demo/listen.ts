/** Servers of the demo: on loopback, on a free port unless one is named, and gone at once when they are closed. */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface LoopbackServer {
  readonly port: number
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  close(): Promise<void>
}

/**
 * Listens on 127.0.0.1. An address rather than a name, because Node resolves no `*.localhost`.
 * @throws the system's error, such as EADDRINUSE
 */
export async function listenOnLoopback(
  listener: RequestListener,
  port = 0,
): Promise<LoopbackServer> {
  const server = createServer(listener)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  return {
    port: bound,
    origin: `http://127.0.0.1:${bound}`,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
