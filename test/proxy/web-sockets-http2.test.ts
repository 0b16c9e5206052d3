/** WebSockets over HTTP/2 (RFC 8441): judged, ended and bounded as over HTTP/1.1, also where somebody means harm. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http2'
import { type AddressInfo, connect, createServer as createRelay } from 'node:net'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { WebSocketServer, type WebSocket as Ws } from 'ws'
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Field,
  frame,
  frames,
  HEADERS,
  RST_STREAM,
} from '../advisories/h2-frames.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { newVisitor, startChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { h2Client } from '../support/h2-client.ts'
import { HANDSHAKE, h2WebSocket } from '../support/h2-web-socket.ts'
import { selfSigned } from '../support/self-signed.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { until } from '../support/start-redis.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

const CHAT = 'chat.localhost'
const OPEN = 'open.localhost'
const ORIGIN = `http://${CHAT}:8080`

/** Echoes messages. */
async function startEcho(t: Test) {
  const upgrades: { url: string; rawHeaders: string[] }[] = []
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><title>chat</title>')
  })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, { url = '', rawHeaders }) => {
    upgrades.push({ url, rawHeaders })
    socket.on('error', () => undefined)
    socket.on('message', (data, binary) => {
      if (String(data) === 'close me') socket.close(4321, 'as you wish')
      else socket.send(data, { binary })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
  })
  return { upgrades, sockets, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function start(t: Test) {
  const echo = await startEcho(t)
  const provider = await startProvider(t)
  const nobody = await freePort()
  const common = 'allow_websockets: true, allow_public_unauthenticated_access: true'
  const gateway = await startGateway(t, {
    provider,
    config: { server: { h2c: true }, identity_headers: { groups: 'all' } },
    policies: `
routes:
  - { name: chat, from: "${ORIGIN}", to: "${echo.origin}", allow_websockets: true, allow_any_authenticated_user: true }
  - { name: some, from: "${ORIGIN}", prefix: /some, to: "${echo.origin}", allow_websockets: true, allowed_groups: [nobody-has-this] }
  - { name: open, from: "http://${OPEN}:8080", to: "${echo.origin}", ${common} }
  - { name: quick, from: "http://quick.localhost:8080", to: "${echo.origin}", idle_timeout: 1s, ${common} }
  - { name: down, from: "http://down.localhost:8080", to: "http://127.0.0.1:${nobody}", ${common} }
  - { name: plain, from: "http://plain.localhost:8080", to: "${echo.origin}", allow_public_unauthenticated_access: true }
`,
  })
  const webSockets = async () => {
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
    return Number(/^gatehouse_websockets (\d+)/m.exec(metrics)?.[1])
  }
  return { echo, gateway, port: gateway.port, webSockets }
}

const at = (host: string, path = '/room?x=1', more: OutgoingHttpHeaders = {}) => ({
  ':authority': host,
  ':path': path,
  ...more,
})

async function signedIn(port: number) {
  const browser = createBrowserClient(port)
  const back = encodeURIComponent(`${ORIGIN}/.gatehouse/user`)
  await signIn(browser, `${ORIGIN}/.gatehouse/sign_in?rd=${back}`, 'ana')
  return { browser, cookie: browser.cookieHeader(CHAT) }
}

const echoed = async (socket: Ws, message: string) => {
  const answer = once(socket, 'message')
  socket.send(message)
  return String((await answer)[0])
}

test('over HTTP/2 a WebSocket is judged, told of and ended as over HTTP/1.1', async (t) => {
  const { echo, gateway, port, webSockets } = await start(t)
  const client = h2Client(t, port)
  const { browser, cookie } = await signedIn(port)
  const forged = { 'x-forwarded-user': 'root', x_forwarded_user: 'root', 'x-custom': 'kept' }
  const mine = { cookie: [`theme=dark`, ...cookie.split('; ')], origin: ORIGIN }

  const { socket, headers } = await h2WebSocket(client.session, {
    ...at(`${CHAT}:8080`, '/room/%61?x=%61', { ...mine, ...forged }),
    'sec-websocket-protocol': 'chat.v1, chat.v2',
    'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  })
  t.same(
    Object.keys(headers).sort(),
    [':status', 'date', 'sec-websocket-protocol'],
    'the answer has nothing of a connection over HTTP/1.1, and no extension',
  )
  t.equal(headers['sec-websocket-protocol'], 'chat.v1')
  t.equal(await echoed(socket, 'hello'), 'hello')
  t.equal(await webSockets(), 1)
  const [upgrade] = echo.upgrades
  t.equal(upgrade?.url, '/room/a?x=%61')
  const raw = upgrade?.rawHeaders ?? []
  const sent = (name: string) =>
    raw.flatMap((value, i) => (i % 2 === 1 && raw[i - 1]?.toLowerCase() === name ? [value] : []))
  t.same(sent('x-forwarded-user'), ['demo-ana'])
  t.same(sent('x-custom'), ['kept'])
  t.same(sent('cookie'), ['theme=dark'])
  t.same(sent('origin'), [ORIGIN])
  t.same(sent('upgrade'), ['websocket'])
  t.same(sent('sec-websocket-protocol'), ['chat.v1'])
  t.same(sent('sec-websocket-extensions'), [])
  t.not(sent('sec-websocket-key')[0], 'dGhlIHNhbXBsZSBub25jZQ==')
  t.match(sent('x-gatehouse-jwt-assertion'), [/^ey/])
  t.notMatch(raw.join('\n'), /root|^:|^protocol$|chat\.v2|connect$/im)

  const signedOut = once(socket, 'close')
  await browser.post(`${ORIGIN}/.gatehouse/sign_out`)
  t.equal((await signedOut)[0], 1008, 'signing out closes it')
  t.notOk(client.session.closed, 'and not the connection')

  const open = (host: string) => h2WebSocket(client.session, at(host))
  const idle = (await open('quick.localhost')).socket
  const down = (await open('down.localhost')).socket
  t.equal((await once(down, 'close'))[0], 1011, 'of an upstream that is not there')
  const stopped = (await open(OPEN)).socket
  t.equal(await echoed(stopped, 'x'), 'x')
  const others = setInterval(() => void client.request(at(OPEN, '/')), 100)
  t.equal((await once(idle, 'close'))[0], 1001, 'a quiet one, also where others are not')
  clearInterval(others)
  const closed = once(stopped, 'close')
  await gateway.gateway.stop()
  t.equal((await closed)[0], 1001, 'when the gateway stops')
  const line = gateway.decisions().find(({ route, status }) => route === 'chat' && status === 101)
  t.match(line, { method: 'GET', path: '/room/a', outcome: 'allow', subject: 'demo-ana' })
})

test('who may not gets the answer that says so, and nothing reaches an upstream', async (t) => {
  const { echo, port, gateway } = await start(t)
  const client = h2Client(t, port)
  await once(client.session, 'remoteSettings')
  const { cookie } = await signedIn(port)
  const evil = { origin: 'https://evil.example' }
  const refused: Record<string, readonly [status: number, headers: OutgoingHttpHeaders]> = {
    'nobody in particular': [401, at(CHAT)],
    'a forged session': [401, at(CHAT, '/', { cookie: 'gatehouse=forged' })],
    'somebody in no group': [403, at(CHAT, '/some', { cookie })],
    'a page of another site': [403, at(CHAT, '/', { cookie, ...evil })],
    'a page of another site where everybody may': [403, at(OPEN, '/', evil)],
    'a page that is of two sites': [
      403,
      at(OPEN, '/', { origin: `http://${OPEN}:8080, https://evil.example` }),
    ],
    'a route that takes none': [403, at('plain.localhost')],
    'a host of nobody': [421, at('other.localhost')],
    'an endpoint of ours': [404, at(CHAT, '/.gatehouse/user')],
    'the place where upgrades meet inside': [404, at(OPEN, '/.gatehouse/upgrade')],
    'the place where proxies ask': [404, at(OPEN, '/.gatehouse/auth/nginx')],
    'dot segments': [400, at(OPEN, '/a/%2e%2e/b')],
    'an encoded slash': [400, at(OPEN, '/a%2fb')],
    'another version': [400, at(OPEN, '/', { 'sec-websocket-version': '8' })],
    'subprotocols without a name': [400, at(OPEN, '/', { 'sec-websocket-protocol': 'a,,b' })],
    'a subprotocol twice': [400, at(OPEN, '/', { 'sec-websocket-protocol': 'a, b, a' })],
    'a length': [400, at(OPEN, '/', { 'content-length': '5' })],
    'no length at all': [400, at(OPEN, '/', { 'content-length': '0' })],
    'another protocol': [400, at(OPEN, '/', { ':protocol': 'connect-udp' })],
    'a protocol that looks alike': [400, at(OPEN, '/', { ':protocol': 'WebSocket' })],
    'another scheme': [400, at(OPEN, '/', { ':scheme': 'ws' })],
    'too long a target': [414, at(OPEN, `/${'a'.repeat(17_000)}`)],
    'other hosts': [400, at(OPEN, '/', { host: CHAT })],
  }
  for (const [name, [status, headers]] of Object.entries(refused)) {
    const answer = await client.open({ ...HANDSHAKE, ...headers }).answer
    t.equal(answer.status, status, `${name}: ${answer.body}`)
    t.type(answer.json()['error'], 'string', 'in words for a program')
  }
  const tunnel = client.session.request({ ':method': 'CONNECT', ':authority': `${OPEN}:443` })
  const [head] = await once(tunnel, 'response')
  t.equal(head[':status'], 400, 'a tunnel')
  tunnel.close()
  t.same(echo.upgrades, [])
  t.notOk(client.goneAway(), 'the connection serves on')
  t.equal((await client.request(at(OPEN, '/'))).status, 200)
  const lines = () => gateway.decisions()
  await until(async () => lines().filter(({ path }) => path === '/room').length >= 2)
  t.equal(lines().filter(({ status }) => status === 101).length, 0)
  t.match(lines()[0], { method: 'GET', route: 'chat', status: 401, outcome: 'sign_in' })
})

const asked = (...more: readonly Field[]): readonly Field[] => [
  [':method', 'CONNECT'],
  [':protocol', 'websocket'],
  [':scheme', 'http'],
  [':path', '/room'],
  [':authority', OPEN],
  ['sec-websocket-version', '13'],
  ...more,
]
const without = (...names: readonly string[]) => asked().filter(([name]) => !names.includes(name))
const openFrame = (stream: number, fields = asked()) =>
  frame(HEADERS, END_HEADERS, stream, block(fields))
/** `hi` as a client sends it, its mask four zeros. */
const HI = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])

test('H over HTTP/2: handshakes that no client makes', async (t) => {
  const { echo, port } = await start(t)
  const refused: Record<string, readonly Field[]> = {
    'another method': [[':method', 'GET'], ...without(':method')],
    'a method of many capitals': [[':method', 'connect'], ...without(':method')],
    'two protocols': [[':protocol', 'websocket'], ...asked()],
    'an empty protocol': [[':protocol', ''], ...without(':protocol')],
    'a protocol behind a field': [...without(':protocol'), [':protocol', 'websocket']],
    'no scheme': without(':scheme'),
    'no path': without(':path'),
    'an empty path': [[':path', ''], ...without(':path')],
    'an asterisk': [[':path', '*'], ...without(':path')],
    'a target in absolute form': [[':path', `http://${OPEN}/`], ...without(':path')],
    'two paths': [[':path', '/other'], ...asked()],
    'no authority': without(':authority'),
    'no authority but a host': [...without(':authority'), ['host', OPEN]],
    'a path without a protocol': without(':protocol'),
    'upgrade and connection': asked(['connection', 'Upgrade'], ['upgrade', 'websocket']),
    upgrade: asked(['upgrade', 'websocket']),
    'transfer-encoding': asked(['transfer-encoding', 'chunked']),
    'two lengths': asked(['content-length', '1'], ['content-length', '1']),
    'no version': without('sec-websocket-version'),
    'two versions': asked(['sec-websocket-version', '13']),
  }
  for (const [name, fields] of Object.entries(refused)) {
    const connection = frames(port)
    connection.send(openFrame(1, fields), frame(DATA, 0, 1, HI))
    const outcome = await connection.outcome(1)
    connection.socket.destroy()
    t.ok([400, 'reset', 'goaway', 'closed'].includes(outcome), `${name}: ${outcome}`)
  }
  const ended = frames(port)
  ended.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(asked())))
  t.equal(await ended.outcome(1), 400, 'one that ends with its head')
  ended.socket.destroy()
  t.same(echo.upgrades, [])

  const early = frames(port)
  const message = once(echo.sockets, 'connection').then(([socket]) => once(socket, 'message'))
  early.send(openFrame(1), frame(DATA, 0, 1, HI))
  t.equal(await early.outcome(1), 200)
  t.equal(String((await message)[0]), 'hi', 'what is sent with the handshake waits for the answer')
  const get: readonly Field[] = [[':method', 'GET'], ...without(':method', ':protocol')]
  early.send(frame(HEADERS, END_HEADERS | END_STREAM, 3, block(get)))
  t.equal(await early.outcome(3), 200, 'a request beside it')
  early.socket.destroy()
})

test('H over HTTP/2: nothing is kept of streams that end before, while and after they are answered', async (t) => {
  const { echo, port, webSockets } = await start(t)
  const reset = (stream: number, code = 8) =>
    frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, code]))
  const gone = () =>
    until(async () => (await webSockets()) === 0 && echo.sockets.clients.size === 0)

  const hasty = frames(port)
  for (let n = 0; n < 60; n++) hasty.send(Buffer.concat([openFrame(2 * n + 1), reset(2 * n + 1)]))
  await gone()
  t.pass('reset with the head')
  hasty.socket.destroy()

  for (const [name, bytes] of Object.entries({
    'a reset': reset(1),
    'a reset in good order': reset(1, 0),
    'an end': frame(DATA, END_STREAM, 1),
    'an end behind half a frame': frame(DATA, END_STREAM, 1, HI.subarray(0, 4)),
    'fields behind it': frame(HEADERS, END_HEADERS | END_STREAM, 1, block([['x-a', 'b']])),
  })) {
    const connection = frames(port)
    connection.send(openFrame(1), frame(DATA, 0, 1, HI))
    t.equal(await connection.outcome(1), 200)
    await until(async () => echo.sockets.clients.size === 1)
    const [upstream] = echo.sockets.clients
    const closed = once(upstream as Ws, 'close')
    connection.send(bytes)
    t.equal((await closed)[0], 1006, `${name} is no orderly close`)
    await gone()
    connection.send(openFrame(3))
    t.equal(await connection.outcome(3), 200, 'the connection serves on')
    connection.socket.end()
    await gone()
    t.pass('and none outlives it')
    connection.socket.destroy()
  }

  for (const count of [100, 300]) {
    const before = echo.upgrades.length
    const flood = frames(port)
    for (let n = 0; n < count; n++) flood.send(openFrame(2 * n + 1))
    if (count === 100) t.equal(await flood.outcome(1), 200)
    else await flood.closed
    t.ok(echo.upgrades.length - before <= 100, 'no more than a connection may have at once')
    flood.socket.destroy()
    await gone()
  }
})

test('H over HTTP/2: a client that takes nothing holds its upstream back, and is not kept', async (t) => {
  const { echo, port } = await start(t)
  const client = h2Client(t, port)
  const { socket, stream } = await h2WebSocket(client.session, at('quick.localhost'))
  await until(async () => echo.sockets.clients.size === 1)
  const [upstream] = echo.sockets.clients
  socket.pause()
  stream.pause()
  const closed = once(upstream as Ws, 'close')
  for (let n = 0; n < 64; n++) upstream?.send(Buffer.alloc(1 << 20))
  const others = setInterval(() => void client.request(at(OPEN, '/')), 100)
  let least = Number.POSITIVE_INFINITY
  const watch = setInterval(() => {
    least = Math.min(least, upstream?.bufferedAmount ?? 0)
  }, 50)
  await closed
  clearInterval(others)
  clearInterval(watch)
  t.ok(least > 32 << 20, `${least >> 20} of 64 MB have stayed with the upstream`)
  stream.destroy()
})

test('with fifty WebSockets a client is told to open another connection', async (t) => {
  const { port } = await start(t)
  const client = h2Client(t, port)
  const open = (n: number) => h2WebSocket(client.session, at(OPEN, `/${n}`))
  const sockets = [await open(0)]
  for (let n = 1; n < 49; n++) sockets.push(await open(n))
  t.notOk(client.goneAway())
  sockets.push(await open(49))
  await until(async () => client.goneAway())
  for (const { socket } of sockets) t.equal(await echoed(socket, 'still'), 'still')
  const other = h2Client(t, port)
  t.equal((await other.request(at(OPEN, '/'))).status, 200)
})

test('over TLS: Chromium opens WebSockets on the connection that its page came by', async (t) => {
  const echo = await startEcho(t)
  const folder = tempFolder(t)
  const { cert, key } = selfSigned([CHAT])
  writeFiles(folder, { 'tls.crt': cert, 'tls.key': key })
  // Counts connections.
  let connections = 0
  const relay = createRelay((socket) => {
    connections++
    const on = connect(gateway.port, '127.0.0.1')
    for (const end of [socket, on]) end.on('error', () => undefined)
    socket.pipe(on).pipe(socket)
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  t.teardown(() => relay.close())
  const origin = `https://${CHAT}:${(relay.address() as AddressInfo).port}`
  const tls = [{ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }]
  const gateway = await startGateway(t, {
    config: { server: { public_url: origin, tls } },
    policies: `
routes:
  - { name: chat, from: "${origin}", to: "${echo.origin}", prefix: /room, allow_websockets: true, allow_public_unauthenticated_access: true }
  - { name: other, from: "https://other.localhost:8443", to: "${echo.origin}", allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const page = await newVisitor(await startChromium(t), { ignoreHTTPSErrors: true })
  await page.goto(`${origin}/room`)
  const before = connections
  const talk = (url: string) =>
    page.evaluate(
      (to) =>
        new Promise<unknown[]>((resolve) => {
          const heard: unknown[] = []
          const socket = new WebSocket(to, ['chat.v1'])
          socket.binaryType = 'arraybuffer'
          socket.onopen = () => {
            heard.push(socket.protocol, socket.extensions)
            socket.send('text ü')
            socket.send(new Uint8Array(300_000).fill(7))
            socket.send('close me')
          }
          socket.onmessage = ({ data }) =>
            heard.push(typeof data === 'string' ? data : data.byteLength)
          socket.onclose = ({ code, reason, wasClean }) =>
            resolve([...heard, code, reason, wasClean])
        }),
      url,
    )
  const url = `${origin.replace('https', 'wss')}/room`
  const expected = ['chat.v1', '', 'text ü', 300_000, 4321, 'as you wish', true]
  for (let n = 0; n < 3; n++) t.same(await talk(url), expected)
  t.equal(connections, before, 'no connection more')
  t.equal(echo.upgrades.length, 3)

  const client = h2Client(t, gateway.port, { servername: CHAT })
  await once(client.session, 'remoteSettings')
  const elsewhere = client.open({ ...HANDSHAKE, ...at('other.localhost:8443') })
  t.equal((await elsewhere.answer).status, 421, 'a host that the certificate is not for')
  const { socket } = await h2WebSocket(client.session, at(CHAT, '/room'))
  await until(async () => echo.sockets.clients.size === 1)
  const [upstream] = echo.sockets.clients
  const lost = once(upstream as Ws, 'close')
  socket.on('error', () => undefined)
  client.session.destroy()
  t.equal((await lost)[0], 1006, 'with its connection a WebSocket ends')
})
