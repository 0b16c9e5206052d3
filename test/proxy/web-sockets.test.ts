import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { createBrowserClient } from '../support/browser-client.ts'
import { freePort } from '../support/free-port.ts'
import { rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'

const HOST = 'chat.localhost:8080'
const ORIGIN = `http://${HOST}`

/** Echoes messages; the upgrade's raw headers are in `upgrades`. */
async function startEcho(t: Test) {
  const upgrades: { url: string; headers: NodeJS.Dict<string | string[]>; rawHeaders: string[] }[] =
    []
  const server = createServer((_request, response) => response.end('plain'))
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => [...offered][0] ?? false,
  })
  sockets.on('connection', (socket, { url = '', headers, rawHeaders }) => {
    upgrades.push({ url, headers, rawHeaders })
    socket.on('error', () => undefined)
    socket.on('message', (data, binary) => {
      if (!binary && String(data) === 'close me') socket.close(4321, 'as you wish')
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

async function startAll(t: Test, keys = '', policy = 'allow_any_authenticated_user: true') {
  const echo = await startEcho(t)
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    config: { identity_headers: { groups: 'all' } },
    policies: `
routes:
  - { name: chat, from: "${ORIGIN}", to: "${echo.origin}", allow_websockets: true, ${policy}${keys} }
  - { name: plain, from: "http://plain.localhost:8080", to: "${echo.origin}", allow_public_unauthenticated_access: true }
`,
  })
  const browser = createBrowserClient(gateway.port)
  const open = (headers: Record<string, string> = {}, protocols: string[] = []) => {
    const cookie = browser.cookieHeader('chat.localhost')
    const all = { host: HOST, ...(cookie === '' ? {} : { cookie }), ...headers }
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/room?x=1`, protocols, {
      headers: all,
    })
    t.teardown(() => socket.terminate())
    socket.on('error', () => undefined)
    return socket
  }
  return { echo, gateway, browser, open }
}

/** The status of an upgrade that was refused. */
async function refusal(socket: WebSocket): Promise<number | undefined> {
  const [, response] = await once(socket, 'unexpected-response')
  response.resume()
  return response.statusCode
}

test('messages of both kinds pass both ways, and close codes too', async (t) => {
  const { browser, open } = await startAll(t)
  await signInAt(browser)
  const socket = open({ origin: ORIGIN })
  await once(socket, 'open')
  for (const message of ['text', Buffer.from([0, 255])]) {
    socket.send(message)
    const [data, binary] = await once(socket, 'message')
    t.equal(binary, message instanceof Buffer)
    t.equal(String(data), String(message))
  }
  socket.send('close me')
  const [code, reason] = await once(socket, 'close')
  t.equal(code, 4321)
  t.equal(String(reason), 'as you wish')
})

const signInAt = (browser: ReturnType<typeof createBrowserClient>) =>
  signIn(
    browser,
    `${ORIGIN}/.gatehouse/sign_in?rd=${encodeURIComponent(`${ORIGIN}/.gatehouse/user`)}`,
    'ana',
  )

test('the upstream gets target and identity, and nothing that the client forged', async (t) => {
  const { browser, echo, open } = await startAll(t)
  await signInAt(browser)
  const socket = open({
    origin: ORIGIN,
    'x-forwarded-user': 'root',
    x_forwarded_user: 'root',
    'x-gatehouse-jwt-assertion': 'forged',
    'x-custom': 'kept',
    cookie: `theme=dark; ${browser.cookieHeader('chat.localhost')}`,
  })
  await once(socket, 'open')
  socket.send('x')
  await once(socket, 'message')
  const [upgrade] = echo.upgrades
  t.equal(upgrade?.url, '/room?x=1')
  t.match(upgrade?.headers, {
    'x-forwarded-user': 'demo-ana',
    'x-forwarded-email': 'ana@example.com',
    'x-forwarded-host': HOST,
    'x-gatehouse-jwt-assertion': /^eyJ/,
    'x-custom': 'kept',
    origin: ORIGIN,
    cookie: 'theme=dark',
  })
  t.notMatch(upgrade?.rawHeaders.join('\n'), /root|forged/)
})

test('a subprotocol is agreed on', async (t) => {
  const { browser, open } = await startAll(t)
  await signInAt(browser)
  const socket = open({ origin: ORIGIN }, ['chat.v1'])
  await once(socket, 'open')
  t.equal(socket.protocol, 'chat.v1')
})

test('without a session the upgrade is 401, and nothing reaches the upstream', async (t) => {
  const { echo, open } = await startAll(t)
  t.equal(await refusal(open({ origin: ORIGIN })), 401)
  t.equal(await refusal(open({ origin: ORIGIN, cookie: 'gatehouse=forged' })), 401)
  t.same(echo.upgrades, [])
})

test('who may not is 403', async (t) => {
  const { browser, open } = await startAll(t, '', 'allowed_groups: [nobody-has-this]')
  await signInAt(browser)
  t.equal(await refusal(open({ origin: ORIGIN })), 403)
})

for (const origin of [
  'http://evil.example',
  'https://chat.localhost:8080',
  'http://chat.localhost',
  'null',
]) {
  test(`a page of ${origin} cannot open a socket with this session`, async (t) => {
    const { browser, open, echo } = await startAll(t)
    await signInAt(browser)
    t.equal(await refusal(open({ origin })), 403)
    t.same(echo.upgrades, [])
  })
}

test('a client without Origin is no browser and may', async (t) => {
  const { browser, open } = await startAll(t)
  await signInAt(browser)
  await once(open(), 'open')
  t.pass('opened')
})

test('a route without allow_websockets takes none', async (t) => {
  const { gateway, echo } = await startAll(t)
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
    headers: { host: 'plain.localhost' },
  })
  socket.on('error', () => undefined)
  t.equal(await refusal(socket), 403)
  t.same(echo.upgrades, [])
})

const targets: Record<string, string> = {
  'encoded dot segments': '/a/%2e%2e/b',
  'a backslash': '/a\\b',
  'an encoded slash': '/a%2fb',
}
for (const [name, target] of Object.entries(targets)) {
  test(`an upgrade with ${name} is refused like any request`, async (t) => {
    const { gateway, echo } = await startAll(t, '', 'allow_public_unauthenticated_access: true')
    const answer = await rawRequest(gateway.port, upgradeTo(target))
    t.equal(answer.status, 400)
    t.same(echo.upgrades, [])
  })
}

const upgradeTo = (target: string, protocol = 'websocket') =>
  `GET ${target} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'

test('our own endpoints take no WebSockets', async (t) => {
  const { gateway } = await startAll(t)
  t.equal((await rawRequest(gateway.port, upgradeTo('/.gatehouse/user'))).status, 404)
  t.equal((await rawRequest(gateway.port, upgradeTo('/.gatehouse/upgrade'))).status, 404)
})

test('the path that upgrades take inside cannot be asked for from outside', async (t) => {
  const { gateway } = await startAll(t)
  t.equal((await gateway.get(`${ORIGIN}/.gatehouse/upgrade`)).status, 404)
  t.equal((await gateway.get('http://plain.localhost:8080/.gatehouse/upgrade')).status, 404)
})

test('an upgrade to anything else is an ordinary request', async (t) => {
  const { gateway } = await startAll(t, '', 'allow_public_unauthenticated_access: true')
  const answer = await rawRequest(gateway.port, upgradeTo('/', 'h2c'))
  t.not(answer.status, 101)
})

test('a handshake whose subprotocols are no names is refused, and told of as that', async (t) => {
  const { gateway, echo } = await startAll(t, '', 'allow_public_unauthenticated_access: true')
  for (const list of ['', 'a,,b', 'a b', 'a, a']) {
    const asked = upgradeTo('/').replace('\r\n\r\n', `\r\nSec-WebSocket-Protocol: ${list}\r\n\r\n`)
    t.equal((await rawRequest(gateway.port, asked)).status, 400, JSON.stringify(list))
  }
  await gateway.gateway.stop()
  t.same(
    gateway.decisions().map(({ status }) => status),
    [400, 400, 400, 400],
  )
  t.same(echo.upgrades, [])
})

test('signing out closes the socket', async (t) => {
  const { browser, open } = await startAll(t)
  await signInAt(browser)
  const socket = open({ origin: ORIGIN })
  await once(socket, 'open')
  const closed = once(socket, 'close')
  socket.send('x')
  await once(socket, 'message')
  await browser.post(`${ORIGIN}/.gatehouse/sign_out`)
  const [code] = await closed
  t.equal(code, 1008)
})

test('a quiet socket is closed after idle_timeout', async (t) => {
  const { open } = await startAll(
    t,
    ', idle_timeout: 1s',
    'allow_public_unauthenticated_access: true',
  )
  const socket = open()
  await once(socket, 'open')
  const [code] = await once(socket, 'close')
  t.equal(code, 1001)
})

test('stopping closes sockets with 1001', async (t) => {
  const { gateway, open } = await startAll(t, '', 'allow_public_unauthenticated_access: true')
  const socket = open()
  await once(socket, 'open')
  socket.send('x')
  await once(socket, 'message')
  const closed = once(socket, 'close')
  await gateway.gateway.stop()
  t.equal((await closed)[0], 1001)
})

test('an upstream that is not there closes the socket', async (t) => {
  const port = await freePort()
  const gateway = await startGateway(t, {
    policies: `
routes:
  - { name: chat, from: "${ORIGIN}", to: "http://127.0.0.1:${port}", allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, { headers: { host: HOST } })
  socket.on('error', () => undefined)
  const [code] = await once(socket, 'close')
  t.equal(code, 1011)
})

const ORIGINS: Readonly<Record<string, readonly [string, string, boolean]>> = {
  'a listed origin': [
    '[https://Chat.Example, https://b.example:8443]',
    'https://chat.example',
    true,
  ],
  'a listed origin with its port': ['[https://b.example:8443]', 'https://b.example:8443', true],
  'another port of a listed origin': ['[https://b.example:8443]', 'https://b.example', false],
  'another scheme of a listed origin': ['https://b.example', 'http://b.example', false],
  'an origin that begins like a listed one': ['https://b.example', 'https://b.example.evil', false],
  'an origin of nobody, where some are listed': ['https://b.example', 'null', false],
  "the route's own, where others are listed": ['https://b.example', ORIGIN, true],
  'any origin': ['"*"', 'https://evil.example', true],
  'any origin, also of nobody': ['["*"]', 'null', true],
}

for (const [name, [written, origin, opens]] of Object.entries(ORIGINS)) {
  test(`websocket_origins: ${name} ${opens ? 'opens' : 'does not open'} a socket`, async (t) => {
    const policy = 'allow_public_unauthenticated_access: true'
    const { open } = await startAll(t, `, websocket_origins: ${written}`, policy)
    const socket = open({ origin })
    if (opens) await once(socket, 'open')
    else t.equal(await refusal(socket), 403)
  })
}

test('websocket_origins lets nobody in whom the policy refuses', async (t) => {
  const { open } = await startAll(t, ', websocket_origins: "*"')
  t.equal(await refusal(open({ origin: 'https://evil.example' })), 401)
})

test('rewrites and headers of the route hold for upgrades too', async (t) => {
  const keys =
    ', prefix_rewrite: /inner, host_rewrite: inner.example, set_request_headers: { X-Set: ours }, ' +
    'remove_request_headers: [X-Gone]'
  const { echo, open } = await startAll(t, keys, 'allow_public_unauthenticated_access: true')
  const socket = open({ 'x-set': 'theirs', 'x-gone': '1' })
  await once(socket, 'open')
  socket.send('x')
  await once(socket, 'message')
  const [upgrade] = echo.upgrades
  t.equal(upgrade?.url, '/inner/room?x=1')
  t.match(upgrade?.headers, { host: 'inner.example', 'x-set': 'ours', 'x-gone': undefined })
})

test('an upgrade whose path cannot be rewritten is refused', async (t) => {
  const keys = ', regex_rewrite_pattern: room, regex_rewrite_substitution: ".."'
  const { echo, open } = await startAll(t, keys, 'allow_public_unauthenticated_access: true')
  t.equal(await refusal(open()), 400)
  t.same(echo.upgrades, [])
})
