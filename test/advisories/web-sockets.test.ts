/** WebSockets as a way to hold more than one is given: memory, connections, and the messages of others. */

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { h2Client } from '../support/h2-client.ts'
import { h2WebSocket } from '../support/h2-web-socket.ts'
import { startGateway } from '../support/start-gateway.ts'

const HOST = 'chat.localhost:8080'

/** Accepts an upgrade when the test says so. */
async function startLate(t: Test) {
  const waiting: (() => void)[] = []
  const connections = new Set<Duplex>()
  const sockets = new WebSocketServer({ noServer: true, autoPong: false })
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    connections.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => connections.delete(socket))
    waiting.push(() =>
      sockets.handleUpgrade(request, socket, head, (client) =>
        sockets.emit('connection', client, request),
      ),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of connections) socket.destroy()
    server.close()
  })
  const gateway = await startGateway(t, {
    config: { server: { h2c: true } },
    policies: `
routes:
  - { name: chat, from: "http://${HOST}", to: "http://127.0.0.1:${(server.address() as AddressInfo).port}", allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const overH2 = async () =>
    (await h2WebSocket(h2Client(t, gateway.port).session, { ':path': '/', ':authority': HOST }))
      .socket
  const overH1 = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
      headers: { host: HOST },
      autoPong: false,
    })
    socket.on('error', () => undefined)
    await once(socket, 'open')
    return socket
  }
  const open = async (http: 'HTTP/1.1' | 'HTTP/2' = 'HTTP/1.1') => {
    const socket = await (http === 'HTTP/2' ? overH2 : overH1)()
    t.teardown(() => socket.terminate())
    socket.on('error', () => undefined)
    while (waiting.length === 0) await new Promise(setImmediate)
    return { socket, accept: waiting.shift() ?? (() => undefined) }
  }
  return { open, connections, sockets }
}

for (const http of ['HTTP/1.1', 'HTTP/2'] as const) {
  test(`a client that leaves before its upstream has answered leaves nothing open over ${http}`, async (t) => {
    const { open, connections, sockets } = await startLate(t)
    const { socket, accept } = await open(http)
    const closed = once(sockets, 'connection').then(([upstream]) => once(upstream, 'close'))
    socket.terminate()
    await once(socket, 'close')
    accept()
    await closed
    t.equal(connections.size, 0)
  })

  test(`what is sent before the upstream has answered waits with the client over ${http}`, async (t) => {
    const { open, sockets } = await startLate(t)
    const { socket, accept } = await open(http)
    const sent = 64
    for (let n = 0; n < sent; n++) socket.send(Buffer.alloc(1 << 20))
    let held = socket.bufferedAmount
    // It sinks into the buffers of the system and comes to rest.
    for (let before = 0; before !== held; held = socket.bufferedAmount) {
      before = held
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    t.ok(held > (sent << 20) / 2, `${held >> 20} of ${sent} MB have stayed with the client`)
    const received = once(sockets, 'connection').then(async ([upstream]) => {
      let bytes = 0
      for (let n = 0; n < sent; n++) bytes += (await once(upstream, 'message'))[0].length
      return bytes
    })
    accept()
    t.equal(await received, sent << 20, 'and arrives in the end')
  })
}

test('pings pass from end to end, and one is answered once', async (t) => {
  const { open, sockets } = await startLate(t)
  const { socket, accept } = await open()
  const connection = once(sockets, 'connection')
  accept()
  const [upstream] = await connection
  const pinged = once(upstream, 'ping')
  const pongs: string[] = []
  socket.on('pong', (data) => pongs.push(String(data)))
  socket.ping('are you there')
  t.equal(String((await pinged)[0]), 'are you there')
  upstream.pong('I am')
  upstream.send('last')
  await once(socket, 'message')
  t.same(pongs, ['I am'])
})
