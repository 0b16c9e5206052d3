/** A port that nobody listens on, for programs and settings that need its number beforehand. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** Another process could take it before its user does; who starts something on it tries again then. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const closed = once(server, 'close')
  server.close()
  await closed
  return port
}
