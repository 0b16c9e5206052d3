/** WebSockets through the gateway by the cases of RFC 6455, between an independent client and server, over HTTP/1.1 and HTTP/2 (RFC 8441). */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { h2Client } from '../support/h2-client.ts'
import { h2WebSocket } from '../support/h2-web-socket.ts'
import { startGateway } from '../support/start-gateway.ts'

const HOST = 'chat.localhost'

interface Pair {
  /** The client's end, and the upstream's. */
  readonly client: WebSocket
  readonly upstream: WebSocket
}

async function start(t: Test, server: ServerOptions = {}) {
  const sockets = new WebSocketServer({ ...server, port: 0, host: '127.0.0.1' })
  await once(sockets, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    sockets.close()
  })
  const gateway = await startGateway(t, {
    config: { server: { h2c: true } },
    policies: `
routes:
  - { name: chat, from: "http://${HOST}:8080", to: "http://127.0.0.1:${(sockets.address() as AddressInfo).port}", allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const h2 = h2Client(t, gateway.port)
  const overH1 = async (protocols: readonly string[], options: ClientOptions) => {
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/x`, [...protocols], {
      ...options,
      headers: { host: HOST },
    })
    client.on('error', () => undefined)
    await once(client, 'open')
    return client
  }
  const overH2 = async (protocols: readonly string[]) => {
    const offered = protocols.length === 0 ? {} : { 'sec-websocket-protocol': protocols.join(', ') }
    const { socket } = await h2WebSocket(h2.session, {
      ':path': '/x',
      ':authority': HOST,
      ...offered,
    })
    socket.on('error', () => undefined)
    return socket
  }
  const open = async (
    protocols: readonly string[] = [],
    options: ClientOptions = {},
    connect: typeof overH1 = overH1,
  ): Promise<Pair> => {
    const [[upstream], client] = await Promise.all([
      once(sockets, 'connection'),
      connect(protocols, options),
    ])
    t.teardown(() => client.terminate())
    upstream.on('error', () => undefined)
    return { client, upstream }
  }
  /** Each of both versions of HTTP in turn. */
  const each = async (use: (open: () => Promise<Pair>, http: string) => Promise<void>) => {
    await use(() => open(), 'HTTP/1.1')
    await use(() => open([], {}, overH2), 'HTTP/2')
  }
  return { open, overH2, each, sockets }
}

const both = ({ client, upstream }: Pair): readonly (readonly [WebSocket, WebSocket, string])[] => [
  [client, upstream, 'to the upstream'],
  [upstream, client, 'to the client'],
]

test('messages of every size and kind arrive as they were sent', async (t) => {
  await (await start(t)).each(async (open, http) => {
    for (const [from, to, way] of both(await open())) {
      for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000]) {
        for (const message of [Buffer.alloc(size, 7), 'ü'.repeat(size)]) {
          from.send(message)
          const [data, binary] = await once(to, 'message')
          t.equal(binary, typeof message !== 'string')
          t.ok(Buffer.from(message as string).equals(data), `${size} ${way} over ${http}`)
        }
      }
    }
  })
})

test('many messages in a row arrive in order, however slow the other side is', async (t) => {
  await (await start(t)).each(async (open, http) => {
    for (const [from, to, way] of both(await open())) {
      const COUNT = 256
      const received: number[] = []
      const all = new Promise<void>((resolve) => {
        to.on('message', (data: Buffer) => {
          if (received.push(data.readUInt16BE(0)) === COUNT) resolve()
          // As if it had more to do.
          if (received.length % 64 !== 1) return
          to.pause()
          setTimeout(() => to.resume(), 50)
        })
      })
      for (let n = 0; n < COUNT; n++) {
        const message = Buffer.alloc(64 * 1024)
        message.writeUInt16BE(n)
        from.send(message)
      }
      await all
      t.same(
        received,
        Array.from({ length: COUNT }, (_, n) => n),
        `${way} over ${http}`,
      )
    }
  })
})

test('a message in fragments is one, with pings between them', async (t) => {
  await (await start(t)).each(async (open) => {
    for (const [from, to] of both(await open())) {
      const pinged = once(to, 'ping')
      const arrived = once(to, 'message')
      from.send('one ', { fin: false })
      from.ping('between')
      from.send('two ', { fin: false })
      from.send(Buffer.from('three'), { fin: true })
      const [data, binary] = await arrived
      t.equal(String(data), 'one two three')
      t.equal(binary, false)
      t.equal(String((await pinged)[0]), 'between')
    }
  })
})

test('pings and pongs pass with what they carry', async (t) => {
  await (await start(t)).each(async (open) => {
    for (const [from, to] of both(await open())) {
      for (const payload of ['', 'x', 'y'.repeat(125)]) {
        const [pinged, ponged] = [once(to, 'ping'), once(from, 'pong')]
        from.ping(payload)
        t.equal(String((await pinged)[0]), payload)
        t.equal(String((await ponged)[0]), payload)
      }
      const unasked = once(to, 'pong')
      from.pong('unasked')
      t.equal(String((await unasked)[0]), 'unasked')
    }
  })
})

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 3999, 4000, 4999]

test('a close arrives with its code and its reason, and ends both sides', async (t) => {
  await (await start(t)).each(async (open, http) => {
    for (const code of CODES) {
      for (const end of [0, 1] as const) {
        const [from, to] = both(await open())[end] ?? []
        if (from === undefined || to === undefined) throw new Error('no such side')
        const [closed, own] = [once(to, 'close'), once(from, 'close')]
        from.close(code, 'why ü')
        for (const [given, reason] of [await closed, await own]) {
          t.equal(given, code, `${code} over ${http}`)
          t.equal(String(reason), 'why ü')
        }
      }
    }
  })
})

test('a close without a code arrives as one, a connection that breaks does not pass for it', async (t) => {
  await (await start(t)).each(async (open) => {
    for (const end of [0, 1] as const) {
      const [from, to] = both(await open())[end] ?? []
      if (from === undefined || to === undefined) throw new Error('no such side')
      const closed = once(to, 'close')
      from.close()
      t.equal((await closed)[0], 1005)

      const [broken, other] = both(await open())[end] ?? []
      const lost = once(other as WebSocket, 'close')
      broken?.terminate()
      t.ok([1006, 1001, 1011].includes((await lost)[0]), 'no orderly end')
    }
  })
})

test('of the subprotocols that are offered the upstream’s choice is agreed on', async (t) => {
  const { open, overH2 } = await start(t, {
    handleProtocols: (offered) => (offered.has('v2.chat') ? 'v2.chat' : false),
  })
  for (const connect of [undefined, overH2]) {
    const { client, upstream } = await open(['v2.chat', 'v1.chat'], {}, connect)
    t.equal(upstream.protocol, 'v2.chat')
    t.equal(client.protocol, 'v2.chat')
  }
})

test('compression is agreed on with neither side, whatever both offer', async (t) => {
  const { open } = await start(t, { perMessageDeflate: { threshold: 0 } })
  const pair = await open([], { perMessageDeflate: true })
  t.same([pair.client.extensions, pair.upstream.extensions], ['', ''])
  for (const [from, to] of both(pair)) {
    from.send('z'.repeat(100_000))
    t.equal(String((await once(to, 'message'))[0]).length, 100_000)
  }
})

/** Frames that break a rule, and the code that whoever sends them hears. Their masks are four zeros. */
const BAD: Readonly<Record<string, readonly [code: number, ofClient: Buffer, ofServer?: Buffer]>> =
  {
    'the bit of a compression that nobody agreed on': [
      1002,
      Buffer.from([0xc1, 0x82, 0, 0, 0, 0, 0x4b, 0]),
      Buffer.from([0xc1, 0x02, 0x4b, 0]),
    ],
    'that bit on a ping': [1002, Buffer.from([0xc9, 0x80, 0, 0, 0, 0]), Buffer.from([0xc9, 0])],
    'another reserved bit': [1002, Buffer.from([0xa1, 0x80, 0, 0, 0, 0]), Buffer.from([0xa1, 0])],
    'an unknown opcode': [1002, Buffer.from([0x83, 0x80, 0, 0, 0, 0]), Buffer.from([0x83, 0])],
    'a mask of the wrong side': [
      1002,
      Buffer.from([0x81, 0x01, 0x61]),
      Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x61]),
    ],
    'a fragmented ping': [1002, Buffer.from([0x09, 0x80, 0, 0, 0, 0])],
    'a long ping': [1002, Buffer.from([0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...Buffer.alloc(126)])],
    'a continuation of nothing': [1002, Buffer.from([0x80, 0x80, 0, 0, 0, 0])],
    'a text that is not UTF-8': [1007, Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28])],
    'a close of one byte': [1002, Buffer.from([0x88, 0x81, 0, 0, 0, 0, 0x03])],
    'a close with a code that is none': [1002, Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed])],
    'a message of more than 100 MB': [
      1009,
      Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0x06, 0x40, 0, 0x01, 0, 0, 0, 0]),
      Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0x06, 0x40, 0, 0x01]),
    ],
  }

test('a side that breaks the protocol is told so and cut off, and the other hears of it', async (t) => {
  await (await start(t)).each(async (open, http) => {
    for (const [name, [code, ofClient, ofServer]] of Object.entries(BAD)) {
      for (const [end, bytes] of [ofClient, ofServer].entries()) {
        if (bytes === undefined) continue
        const [from, to, way] = both(await open())[end] ?? []
        const closed = Promise.all([
          once(from as WebSocket, 'close'),
          once(to as WebSocket, 'close'),
        ])
        ;(from as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(bytes)
        const [[heard]] = await closed
        t.equal(heard, code, `${name} ${way} over ${http}`)
      }
    }
  })
})

test('an upstream that answers with what it was not offered is none', async (t) => {
  for (const line of ['Extensions: permessage-deflate', 'Protocol: chat.v1']) {
    const { each, sockets } = await start(t)
    sockets.on('headers', (headers) => headers.push(`Sec-WebSocket-${line}`))
    await each(async (open, http) => {
      const { client } = await open()
      t.equal((await once(client, 'close'))[0], 1011, `${line} over ${http}`)
    })
  }
})
