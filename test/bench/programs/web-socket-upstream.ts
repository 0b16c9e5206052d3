/** An upstream that accepts WebSockets and sends back what it gets. */

import { WebSocketServer } from 'ws'

const [, , port] = process.argv
if (port === undefined) throw new Error('usage: web-socket-upstream.ts PORT')

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(port),
  perMessageDeflate: false,
  backlog: 4_096,
})
server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
server.on('listening', () => process.stdout.write('ready\n'))
