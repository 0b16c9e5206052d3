/** Opens the socket of a listener, or says why it cannot be had. */

import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { ListenAddress } from '../config/snapshot.ts'

/** @throws Error that names the config's key and what to do */
export async function listen(
  server: FastifyInstance,
  { host, port }: ListenAddress,
  key: string,
): Promise<ListenAddress> {
  try {
    await server.listen({ host, port })
  } catch (cause) {
    throw new Error(whyNotListening(cause, host, port, key), { cause })
  }
  return addressOf(server.server)
}

/** As `listen`, for a server without Fastify. */
export async function listenPlain(
  server: Server,
  { host, port }: ListenAddress,
  key: string,
): Promise<ListenAddress> {
  try {
    server.listen({ host, port })
    await once(server, 'listening')
  } catch (cause) {
    throw new Error(whyNotListening(cause, host, port, key), { cause })
  }
  return addressOf(server)
}

function addressOf(server: Server): ListenAddress {
  const { address, port } = server.address() as AddressInfo
  return { host: address, port }
}

function whyNotListening(cause: unknown, host: string, port: number, key: string): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is taken: end the program that uses it or change \`${key}\``
    case 'EACCES':
      return `port ${port} on ${host} needs more rights: choose one from 1024 up in \`${key}\``
    case 'EADDRNOTAVAIL':
      return `this machine has no address ${host}: change \`${key}\``
    default:
      return `cannot listen on ${host}:${port} (\`${key}\`): ${cause instanceof Error ? cause.message : String(cause)}`
  }
}
