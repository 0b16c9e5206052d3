/** An HTTP proxy that only tunnels (RFC 9110 §9.3.6), for tests of connections that go by one. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

/** A proxy that only tunnels, to this machine whatever the name; it keeps what it was asked for. */
export async function startTunnelProxy(t: Test) {
  const heads: string[] = []
  const open = new Set<Socket>()
  const server = createServer((client) => {
    open.add(client)
    client.on('error', () => undefined)
    client.once('data', (head) => {
      const text = head.toString('latin1')
      heads.push(text)
      const port = Number(/^CONNECT [^:]+:(\d+) /.exec(text)?.[1])
      const upstream = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 OK\r\n\r\n')
        client.pipe(upstream).pipe(client)
      })
      upstream.on('error', () => client.destroy())
      client.on('close', () => upstream.destroy())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  return { heads, port: (server.address() as AddressInfo).port }
}
