/** The one port of the demo that people type: whether it is free, and that both of loopback's addresses answer there. */

import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Somebody else listens where the demo should; `message` is what to tell the user. */
export class PortTakenError extends Error {
  constructor(port: number, cause?: unknown) {
    super(
      `port ${port} is taken: end the program that uses it or choose another with npm start -- --port ${port + 10}`,
      { cause },
    )
    this.name = 'PortTakenError'
  }
}

/**
 * Sees that nobody listens on `port` of 127.0.0.1 or ::1.
 * @param port 0: any free one
 * @returns the port
 * @throws PortTakenError
 */
export async function claimPort(port: number): Promise<number> {
  const server = await listen(createServer(), port, '127.0.0.1')
  const { port: bound } = server.address() as { port: number }
  try {
    await closeServer(await listen(createServer(), bound, '::1'))
  } catch (cause) {
    if (!isWithoutIpv6(cause)) throw cause
  } finally {
    await closeServer(server)
  }
  return bound
}

/**
 * Passes on what comes to `port` of ::1 to 127.0.0.1, because browsers try either for `*.localhost`.
 * Does nothing on a machine without IPv6.
 */
export async function forwardIpv6Loopback(port: number): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one)
      one.on('close', () => sockets.delete(one))
      one.on('error', () => other.destroy())
      one.pipe(other)
    }
  })
  try {
    await listen(server, port, '::1')
  } catch (cause) {
    if (isWithoutIpv6(cause)) return { close: async () => undefined }
    throw cause
  }
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await closeServer(server)
    },
  }
}

async function listen(server: Server, port: number, host: string): Promise<Server> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (cause) {
    if (codeOf(cause) === 'EADDRINUSE') throw new PortTakenError(port, cause)
    throw cause
  }
  return server
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}

function isWithoutIpv6(cause: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(cause))
}

/** Node's `EADDRINUSE` and the like, or an empty text. */
export function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}
