/** Simple requests go past Node's server; nobody outside can tell, but by what it costs. */

import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { type Test, test } from 'tap'
import { readRequestHead } from '../../src/proxy/fast-path/request-head.ts'
import { rawRequest } from '../support/raw-request.ts'
import { startGateway } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'
import { startRawUpstream, startUpstream } from '../support/start-upstream.ts'

const read = (text: string) => readRequestHead(Buffer.from(text, 'latin1'))

test('a whole head of GET or HEAD is read, each byte as one character', (t) => {
  t.strictSame(read('GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nX-Name:  \xe9 b \t\r\n\r\n'), {
    method: 'GET',
    target: '/a?b=c',
    rawHeaders: ['Host', 'x', 'X-Empty', '', 'X-Name', '\xe9 b'],
    keepsAlive: true,
  })
  t.match(read('HEAD / HTTP/1.1\r\nConnection: Close\r\n\r\n'), {
    method: 'HEAD',
    keepsAlive: false,
  })
  t.match(read('GET / HTTP/1.1\r\nConnection: keep-alive\r\n\r\n'), { keepsAlive: true })
  t.match(read('GET http://a/b HTTP/1.1\r\n\r\n'), { target: 'http://a/b', rawHeaders: [] })
  t.end()
})

const HOST = 'Host: x\r\n'
const NOT_SIMPLE: Readonly<Record<string, string>> = {
  'another method': `POST / HTTP/1.1\r\n${HOST}\r\n`,
  'a method in small letters': `get / HTTP/1.1\r\n${HOST}\r\n`,
  'a method that begins like GET': `GETS / HTTP/1.1\r\n${HOST}\r\n`,
  'HTTP/1.0': `GET / HTTP/1.0\r\n${HOST}\r\n`,
  'HTTP/1.2': `GET / HTTP/1.2\r\n${HOST}\r\n`,
  'no version': 'GET /\r\n\r\n',
  'an empty line before it': `\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  'two spaces': `GET  / HTTP/1.1\r\n${HOST}\r\n`,
  'a body by length': `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\na`,
  'a length of 0': `GET / HTTP/1.1\r\n${HOST}content-length: 0\r\n\r\n`,
  'a body in chunks': `GET / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'another coding': `GET / HTTP/1.1\r\n${HOST}Transfer-encoding: gzip\r\n\r\n`,
  Expect: `GET / HTTP/1.1\r\n${HOST}EXPECT: 100-continue\r\n\r\n`,
  Upgrade: `GET / HTTP/1.1\r\n${HOST}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`,
  'Upgrade alone': `GET / HTTP/1.1\r\n${HOST}Upgrade: h2c\r\n\r\n`,
  TE: `GET / HTTP/1.1\r\n${HOST}TE: trailers\r\n\r\n`,
  Trailer: `GET / HTTP/1.1\r\n${HOST}Trailer: a\r\n\r\n`,
  'another Connection': `GET / HTTP/1.1\r\n${HOST}Connection: keep-alive, x-user\r\n\r\n`,
  'a head cut short': `GET / HTTP/1.1\r\n${HOST}`,
  'two heads': `GET / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  'bytes behind it': `GET / HTTP/1.1\r\n${HOST}\r\nx`,
  'an empty line behind it': `GET / HTTP/1.1\r\n${HOST}\r\n\r\n`,
  'bare line feeds': `GET / HTTP/1.1\n${HOST}\n`,
  'a bare line feed in a value': `GET / HTTP/1.1\r\n${HOST}A: b\nC: d\r\n\r\n`,
  'a bare carriage return in a value': `GET / HTTP/1.1\r\n${HOST}A: b\rC: d\r\n\r\n`,
  'a folded line': `GET / HTTP/1.1\r\n${HOST}A: b\r\n c\r\n\r\n`,
  'a space before the colon': `GET / HTTP/1.1\r\n${HOST}A : b\r\n\r\n`,
  'no colon': `GET / HTTP/1.1\r\n${HOST}A\r\n\r\n`,
  'an empty name': `GET / HTTP/1.1\r\n${HOST}: a\r\n\r\n`,
  'NUL in a value': `GET / HTTP/1.1\r\n${HOST}A: \0\r\n\r\n`,
  'no HTTP': 'GET \r\n\r\n',
  CONNECT: 'CONNECT a:1 HTTP/1.1\r\n\r\n',
  'HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  nothing: '',
}

test('anything else is not, and what was read before leaves no trace', (t) => {
  for (const [name, text] of Object.entries(NOT_SIMPLE)) {
    t.equal(read(text), undefined, name)
    t.match(read(`GET /after HTTP/1.1\r\n${HOST}\r\n`), { target: '/after' }, `after: ${name}`)
  }
  t.equal(
    read(`GET /${'a'.repeat(70_000)} HTTP/1.1\r\n\r\n`),
    undefined,
    'more than is read at once',
  )
  t.end()
})

test('what is read is what Node reads', async (t) => {
  const server = createServer({ requireHostHeader: false })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const byNode = async (text: string): Promise<IncomingMessage | undefined> => {
    let seen: IncomingMessage | undefined
    server.once('request', (request, response) => {
      seen = request
      response.writeHead(204, { Connection: 'close' }).end()
    })
    await rawRequest(port, Buffer.from(text, 'latin1'), { until: 'close' })
    server.removeAllListeners('request')
    return seen
  }
  const character = fc.constantFrom(...'abAB-_/?#%:;=,.*"\\<>@!~ \t\r\n\0\x7f\x80\xff0')
  const piece = fc.string({ unit: character, maxLength: 8 })
  const known = fc.constantFrom('Host', 'Cookie', 'connection', 'X-A', 'Proxy-Connection', 'Via')
  const line = fc.tuple(fc.oneof(known, piece), fc.constantFrom(': ', ':', ' : '), piece)
  const heads = fc.tuple(
    fc.constantFrom('GET ', 'HEAD ', 'GET  ', 'gET '),
    piece.map((text) => `/${text}`),
    fc.constantFrom(
      ' HTTP/1.1\r\n',
      ' HTTP/1.1\r\n',
      ' HTTP/1.1\r\n',
      ' HTTP/1.1 \r\n',
      ' HTTP/1.1\n',
    ),
    fc.array(
      line.map((parts) => `${parts.join('')}\r\n`),
      { maxLength: 4 },
    ),
  )
  let taken = 0
  await fc.assert(
    fc.asyncProperty(heads, async ([method, target, version, lines]) => {
      const text = `${method}${target}${version}${lines.join('')}\r\n`
      const ours = read(text)
      if (ours === undefined) return
      taken++
      const nodes = await byNode(text)
      if (nodes === undefined) throw new Error(`Node refuses ${JSON.stringify(text)}`)
      const { method: m, url, rawHeaders } = nodes
      const [one, other] = [ours, { method: m, target: url, rawHeaders }].map((head) =>
        JSON.stringify([head.method, head.target, head.rawHeaders]),
      )
      if (one !== other) throw new Error(`${one} is ${other} to Node`)
    }),
    { numRuns: 1_500 },
  )
  t.ok(taken > 20, `${taken} were read by both`)
})

/** What comes over one connection, as it comes. */
function talk(t: Test, port: number) {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  const statuses = () =>
    [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  return {
    socket,
    text: () => text,
    statuses,
    async closed() {
      if (!socket.closed) await once(socket, 'close')
    },
    async ask(bytes: string, answers: number) {
      socket.write(bytes, 'latin1')
      await until(async () => statuses().length >= answers || socket.closed)
      return statuses()
    },
  }
}

const ROUTES = (origin: string) => `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${origin}", allow_public_unauthenticated_access: true, allow_websockets: true }
  - { name: closed, from: "http://closed.localhost:8080", to: "${origin}", allow_any_authenticated_user: true }
`
const get = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: open.localhost:8080\r\n${more}\r\n`

test('one connection carries simple requests and others, own endpoints and refusals, in turn', async (t) => {
  const upstream = await startUpstream(t, {
    handler: (request, response) => {
      request.resume()
      response.end(`${request.method} ${request.url}\n`)
    },
  })
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const client = talk(t, gateway.port)
  t.strictSame(await client.ask(get('/1'), 1), [200])
  t.strictSame(await client.ask(get('/2'), 2), [200, 200])
  t.strictSame(await client.ask(get('/3').replace('open', 'closed'), 3), [200, 200, 401])
  t.strictSame(await client.ask(get('/.gatehouse/nothing'), 4), [200, 200, 401, 404])
  const post = get('/4', 'Content-Length: 2\r\n').replace('GET', 'POST')
  t.strictSame((await client.ask(`${post}ab`, 5)).at(-1), 200)
  t.strictSame((await client.ask(get('/5'), 6)).at(-1), 200)
  t.strictSame(
    upstream.requests.map(({ url }) => url),
    ['/1', '/2', '/4', '/5'],
  )
  await gateway.gateway.stop()
  t.strictSame(
    gateway.decisions().map(({ path }) => path),
    ['/1', '/2', '/3', '/4', '/5'],
    'each has one line in the log',
  )
})

test('what is sent in a row is answered in its order, whatever it is cut into', async (t) => {
  const upstream = await startUpstream(t, {
    handler: (request, response) => response.end(`<${request.url}>`),
  })
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const bytes = [
    get('/1'),
    get('/2'),
    get('/.gatehouse/no'),
    get('/3'),
    get('/4', 'Connection: close\r\n'),
  ].join('')
  for (const size of [1, 7, 40, 60, 61, 100, bytes.length]) {
    const client = talk(t, gateway.port)
    for (let at = 0; at < bytes.length; at += size) {
      client.socket.write(bytes.slice(at, at + size))
      if (size > 1) await new Promise((resolve) => setImmediate(resolve))
    }
    await client.closed()
    t.strictSame(client.statuses(), [200, 200, 404, 200, 200], `pieces of ${size}`)
    t.strictSame(client.text().match(/<.\d>/g), ['</1>', '</2>', '</3>', '</4>'])
  }
})

const HEAD_OF = 'HTTP/1.1 200 Fine\r\nX-A: \xe9\r\n'
const ANSWERS: Readonly<
  Record<string, { readonly sent: string; readonly body: string; readonly has: RegExp }>
> = {
  'a length': {
    sent: `${HEAD_OF}Content-Length: 5\r\n\r\nhello`,
    body: 'hello',
    has: /Content-Length: 5/,
  },
  'no length': {
    sent: `${HEAD_OF}Connection: close\r\n\r\nhello`,
    body: '5\r\nhello\r\n0\r\n\r\n',
    has: /Transfer-Encoding: chunked/,
  },
  chunks: {
    sent: `${HEAD_OF}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-End: 1\r\n\r\n`,
    body: '5\r\nhello\r\n0\r\nX-End: 1\r\n\r\n',
    has: /Transfer-Encoding: chunked/,
  },
  'no chunk at all': {
    sent: `${HEAD_OF}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    body: '0\r\n\r\n',
    has: /Transfer-Encoding: chunked/,
  },
  'a body of nothing': {
    sent: `${HEAD_OF}Content-Length: 0\r\n\r\n`,
    body: '',
    has: /Content-Length: 0/,
  },
  '304': {
    sent: 'HTTP/1.1 304 Fine\r\nX-A: \xe9\r\nContent-Length: 9\r\n\r\n',
    body: '',
    has: /Content-Length: 9/,
  },
  '204': { sent: 'HTTP/1.1 204 Fine\r\nX-A: \xe9\r\n\r\n', body: '', has: /X-A/ },
}
for (const [name, { sent, body, has }] of Object.entries(ANSWERS)) {
  test(`an answer with ${name} goes to the client as a whole, and leaves the connection to the next`, async (t) => {
    const upstream = await startRawUpstream(t, (socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return
      socket.write(sent, 'latin1')
      if (sent.includes('Connection: close')) socket.end()
    })
    const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
    const client = talk(t, gateway.port)
    await client.ask(get('/1'), 1)
    await until(async () => client.text().endsWith(`\r\n\r\n${body}`))
    const [head = ''] = client.text().split('\r\n\r\n')
    t.match(head, has)
    t.match(head, /^HTTP\/1\.1 \d{3} Fine\r\nX-A: \xe9\r\n/)
    t.match(head, /\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/)
    t.match(head, /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=75$/)
    await client.ask(get('/2'), 2)
    t.equal(client.statuses().length, 2)
  })
}

test('what is sent behind the last answer reaches nobody', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const client = talk(t, gateway.port)
  client.socket.write(get('/1', 'Connection: close\r\n'))
  client.socket.write(get('/2'))
  await client.closed()
  const again = talk(t, gateway.port)
  await again.ask(get('/1', 'Connection: close\r\n'), 1)
  again.socket.write(get('/2'))
  await again.closed()
  await gateway.gateway.stop()
  t.strictSame(
    gateway.decisions().map(({ path }) => path),
    ['/1', '/1'],
  )
})

test('HEAD has a head and no body, and Connection: close ends the connection', async (t) => {
  const upstream = await startUpstream(t, {
    handler: (_request, response) =>
      response.writeHead(200, { 'Content-Length': 7 }).end('content'),
  })
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const client = talk(t, gateway.port)
  await client.ask(get('/').replace('GET', 'HEAD'), 1)
  await client.ask(get('/', 'Connection: close\r\n').replace('GET', 'HEAD'), 2)
  await client.closed()
  t.match(client.text(), /Content-Length: 7\r\n/)
  t.match(client.text(), /\r\nConnection: close\r\n\r\n$/)
  t.notMatch(client.text(), 'content')
})

test('early hints go before the answer, and those that are none do not', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as=style\r\n\r\n')
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: no link\r\n\r\n')
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const client = talk(t, gateway.port)
  await client.ask(get('/'), 2)
  t.strictSame(client.statuses(), [103, 200])
  t.match(
    client.text(),
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload; as=style\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  )
})

test('whoever asks nothing in time gets 408, and a connection has as many requests as it may', async (t) => {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    policies: ROUTES(upstream.origin),
    config: { server: { limits: { header_timeout: '1s', requests_per_connection: 3 } } },
  })
  const silent = talk(t, gateway.port)
  const client = talk(t, gateway.port)
  await client.ask(get('/1'), 1)
  await client.ask(get('/.gatehouse/nothing'), 2)
  await client.ask(get('/2'), 3)
  client.socket.write(get('/3'))
  await client.closed()
  t.strictSame(client.statuses(), [200, 404, 200])
  t.strictSame(
    client
      .text()
      .match(/Connection: \S+/gi)
      ?.map((line) => line.toLowerCase()),
    ['connection: keep-alive', 'connection: keep-alive', 'connection: close'],
  )
  await silent.closed()
  t.strictSame(silent.statuses(), [408])
})

test('a client that leaves takes its request along, and an upstream that breaks off ends the connection', async (t) => {
  const gone: Socket[] = []
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.includes('GET /breaks')) {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')
      socket.destroySoon()
    } else if (received.includes('GET /streams')) socket.write('HTTP/1.1 200 OK\r\n\r\nfirst')
    socket.on('close', () => gone.push(socket))
  })
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  for (const [path, answers] of [
    ['/waits', 0],
    ['/streams', 1],
  ] as const) {
    const client = talk(t, gateway.port)
    await client.ask(get(path), answers)
    await until(async () => upstream.connections.length > gone.length)
    const before = gone.length
    client.socket.destroy()
    await until(async () => gone.length > before)
  }
  const client = talk(t, gateway.port)
  await client.ask(get('/breaks'), 1)
  await client.closed()
  t.match(client.text(), /half$/)
  await gateway.gateway.stop()
  t.match(gateway.decisions(), [
    { path: '/waits', status: 499 },
    { path: '/streams', status: 200 },
    { path: '/breaks', status: 200 },
  ])
})

test('a client that leaves is noticed, whatever it has sent behind the request that waits', async (t) => {
  const upstream = await startRawUpstream(t, () => undefined)
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const client = talk(t, gateway.port)
  client.socket.write(get('/waits'))
  await until(async () => upstream.received().includes('/waits'))
  for (const piece of [get('/behind'), get('/further'), 'GET /half']) {
    client.socket.write(piece)
    await new Promise((resolve) => setImmediate(resolve))
  }
  client.socket.end()
  await until(async () => upstream.connections[0]?.closed === true)
  await gateway.gateway.stop()
  t.match(gateway.decisions(), [{ path: '/waits', status: 499 }])
  t.equal(gateway.decisions().length, 1)
})

test('while it drains a gateway ends connections that rest, and answers those that ask', async (t) => {
  const held: (() => void)[] = []
  const upstream = await startUpstream(t, {
    handler: (request, response) => {
      if (request.url === '/held') held.push(() => response.end('late'))
      else response.end('ok')
    },
  })
  const gateway = await startGateway(t, { policies: ROUTES(upstream.origin) })
  const [resting, busy] = [talk(t, gateway.port), talk(t, gateway.port)]
  await resting.ask(get('/'), 1)
  busy.socket.write(get('/held'))
  await until(async () => held.length === 1)
  const stopped = gateway.gateway.stop()
  await resting.closed()
  held[0]?.()
  await busy.closed()
  t.match(busy.text(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Connection: close\r\n\r\nlate$/)
  await stopped
})
