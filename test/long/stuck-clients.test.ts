/** Clients over HTTP/2 that take nothing off their connection, and keep it alive with frames that need no answer. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'tap'
import { WebSocketServer } from 'ws'
import {
  block,
  END_HEADERS,
  END_STREAM,
  type Field,
  frame,
  frames,
  HEADERS,
  SETTINGS,
} from '../advisories/h2-frames.ts'
import { startGateway } from '../support/start-gateway.ts'

const WINDOW_UPDATE = 8
const HOST = 'open.localhost'

test('a stream that is over, of a client that takes not even that, takes its connection with it', async (t) => {
  const megabyte = Buffer.alloc(1 << 20)
  const server = createServer((_request, response) => response.end(Buffer.alloc(64 << 20)))
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('error', () => undefined)
    for (let n = 0; n < 64; n++) socket.send(megabyte)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
  })
  const gateway = await startGateway(t, {
    config: { server: { h2c: true, limits: { body_timeout: '1s' } } },
    policies: `
routes:
  - { name: open, from: "http://${HOST}:8080", to: "http://127.0.0.1:${(server.address() as AddressInfo).port}", idle_timeout: 1s, allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const plain: readonly Field[] = [
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', HOST],
  ]
  const asked: Record<string, Buffer> = {
    'an answer': frame(HEADERS, END_HEADERS | END_STREAM, 1, block([[':method', 'GET'], ...plain])),
    'a WebSocket': frame(
      HEADERS,
      END_HEADERS,
      1,
      block([
        [':method', 'CONNECT'],
        [':protocol', 'websocket'],
        ...plain,
        ['sec-websocket-version', '13'],
      ]),
    ),
  }
  await Promise.all(
    Object.entries(asked).map(async ([name, request]) => {
      const connection = frames(gateway.port)
      connection.socket.pause()
      connection.send(
        frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])),
        frame(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0, 0, 0])),
        request,
      )
      const alive = setInterval(() => {
        connection.send(frame(WINDOW_UPDATE, 0, 0, Buffer.from([0, 0, 0, 1])))
      }, 500)
      const start = Date.now()
      await connection.closed
      clearInterval(alive)
      t.pass(`${name}: cut after ${Math.round((Date.now() - start) / 1_000)} s`)
    }),
  )
})
