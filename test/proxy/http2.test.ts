/** HTTP/2 to clients: the same stages, the same reading, the same answers as over HTTP/1.1. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { constants, type OutgoingHttpHeaders } from 'node:http2'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Test, test } from 'tap'
import { h2Client } from '../support/h2-client.ts'
import { head, rawRequest } from '../support/raw-request.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream, type UpstreamOptions } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

const HOST = 'open.localhost'
const at = (path: string, more: Readonly<Record<string, string | string[]>> = {}) => ({
  ':path': path,
  ':authority': HOST,
  ...more,
})

interface Options {
  readonly server?: Readonly<Record<string, unknown>>
  readonly handler?: UpstreamOptions['handler']
}

async function start(t: Test, { server = {}, handler }: Options = {}) {
  const upstream = await startUpstream(t, handler === undefined ? {} : { handler })
  const gateway = await startGateway(t, {
    config: { server: { h2c: true, ...server } },
    policies: `
routes:
  - { name: open, from: "http://${HOST}:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
  - { name: slow, from: "http://slow.localhost:8080", to: "${upstream.origin}", idle_timeout: 2s, allow_public_unauthenticated_access: true }
  - { name: closed, from: "http://closed.localhost:8080", to: "${upstream.origin}", allow_any_authenticated_user: true }
  - { name: own, from: "http://own.localhost:8080", response: { status: 200, body: ok }, allow_public_unauthenticated_access: true }
  - { name: none, from: "http://none.localhost:8080", response: { status: 204 }, allow_public_unauthenticated_access: true }
`,
  })
  return { upstream, gateway, port: gateway.port }
}

test('requests over HTTP/2 are read, judged and sent as over HTTP/1.1', async (t) => {
  const { upstream, gateway, port } = await start(t)
  const client = h2Client(t, port)

  const answer = await client.request(
    at('/a//%61?b=%61', {
      cookie: ['a=1', 'gatehouse=x', 'b=2'],
      'x-forwarded-user': 'root',
      te: 'trailers',
    }),
  )
  t.equal(answer.status, 200)
  t.equal(upstream.last.requestLine, 'GET /a/a?b=%61 HTTP/1.1')
  t.same(upstream.last.header('cookie'), ['a=1; b=2'])
  t.same(upstream.last.header('x-forwarded-user'), [])
  t.same(upstream.last.header('x-forwarded-host'), [HOST])
  t.notOk(upstream.last.rawHeaders.some((name) => name.startsWith(':')))

  const posted = await client.request(at('/p', { ':method': 'POST' }), 'x'.repeat(300_000))
  t.equal(posted.status, 200)
  t.equal(upstream.last.body.length, 300_000)
  await client.request(at('/p', { ':method': 'PUT', 'content-length': '5' }), 'hello')
  t.same(upstream.last.header('content-length'), ['5'])
  t.equal(String(upstream.last.body), 'hello')

  const emptied = await client.request(at('/', { ':method': 'HEAD' }))
  t.equal(emptied.status, 200)
  t.equal(emptied.body, '')
  for (const [host, status, body] of [
    ['own', 200, 'ok'],
    ['none', 204, ''],
  ] as const) {
    for (const method of ['GET', 'HEAD']) {
      const own = await client.request({
        ...at('/'),
        ':authority': `${host}.localhost`,
        ':method': method,
      })
      t.match(own, { status, body: method === 'HEAD' ? '' : body, code: 0 })
    }
  }

  const closed = { ...at('/x?y'), ':authority': 'closed.localhost' }
  const page = await client.request({ ...closed, accept: 'text/html' })
  t.equal(page.status, 302)
  t.match(page.headers.location, /sign_in\?rd=http%3A%2F%2Fclosed.localhost%3A8080%2Fx%3Fy$/)
  const refused = await client.request(closed)
  t.equal(refused.status, 401)
  t.match(refused.json(), { error: 'SIGN_IN_REQUIRED' })
  const user = await client.request({ ...at('/.gatehouse/user'), ':authority': 'closed.localhost' })
  t.equal(user.status, 401)
  const form = {
    ...at('/.gatehouse/sign_out', { ':method': 'POST' }),
    ':authority': 'closed.localhost',
  }
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  t.equal((await client.request({ ...form, ...type }, 'a=b')).status, 403)

  await gateway.gateway.stop()
  t.match(gateway.decisions()[0], { method: 'GET', path: '/a/a', status: 200, outcome: 'allow' })
  t.equal(gateway.decisions().filter(({ outcome }) => outcome === 'sign_in').length, 2)
})

test('a hundred requests at once on one connection', async (t) => {
  const { port } = await start(t)
  const client = h2Client(t, port)
  const paths = Array.from({ length: 300 }, (_, n) => `/${n}`)
  const answers = await Promise.all(paths.map((path) => client.request(at(path))))
  t.same(
    answers
      .filter(({ status }) => status !== 200)
      .map(({ status, code, body }) => ({ status, code, body })),
    [],
  )
  t.same(
    answers.map((answer) => answer.json()['url']),
    paths,
  )
})

test('other clients of HTTP/2 get on with it: nghttp and h2load', async (t) => {
  const { port } = await start(t)
  const run = promisify(execFile)
  const url = `http://127.0.0.1:${port}/x`
  const authority = ['-H', `:authority: ${HOST}`]
  const { stdout: heads } = await run('nghttp', ['-nv', '--no-dep', ...authority, url])
  t.match(heads, /:status: 200/)
  t.match(heads, /SETTINGS_MAX_CONCURRENT_STREAMS\(0x03\):100/)
  const { stdout: load } = await run('h2load', [
    '-n',
    '400',
    '-c',
    '4',
    '-m',
    '20',
    ...authority,
    url,
  ])
  t.match(load, /400 succeeded, 0 failed, 0 errored, 0 timeout/)
})

test('what HTTP/2 says otherwise than HTTP/1.1 is refused', async (t) => {
  const { upstream, port } = await start(t)
  const ask = async (headers: OutgoingHttpHeaders) => {
    const client = h2Client(t, port)
    const { status, code } = await client.request(headers)
    client.session.destroy()
    return { status, code }
  }
  const refused: Record<string, OutgoingHttpHeaders> = {
    'a path without a slash': at('admin'),
    'a target in absolute form': at('http://open.localhost/'),
    'an asterisk': at('*'),
    'an asterisk with OPTIONS': at('*', { ':method': 'OPTIONS' }),
    'another Host than :authority': at('/', { host: 'closed.localhost' }),
    'no host at all': { ':path': '/', ':authority': '' },
    'userinfo in :authority': { ':path': '/', ':authority': `evil@${HOST}` },
    'another scheme': at('/', { ':scheme': 'ftp' }),
    'a dot segment': at('/a/../b'),
    'an encoded slash': at('/a%2fb'),
    'a number sign': at('/a#b'),
    'a method in small letters': at('/', { ':method': 'get' }),
    TRACE: at('/', { ':method': 'TRACE' }),
    CONNECT: { ':method': 'CONNECT', ':authority': HOST },
  }
  for (const [name, headers] of Object.entries(refused)) {
    const { status, code } = await ask(headers)
    t.ok(status === 400 || code === constants.NGHTTP2_PROTOCOL_ERROR, `${name}: ${status}, ${code}`)
  }
  t.same(upstream.requests, [])
  t.equal((await ask(at('/', { host: 'OPEN.localhost.' }))).status, 200, 'one host twice is one')
  t.equal((await ask({ ':path': '/', host: HOST })).status, 200, 'Host alone is enough')
  t.equal((await ask({ ...at('/'), ':authority': 'nobody.localhost' })).status, 421)
})

test('limits are those of HTTP/1.1', async (t) => {
  const { port, upstream } = await start(t, {
    server: {
      limits: {
        headers: 20,
        header_bytes: 4_000,
        url_bytes: 500,
        body_timeout: '1s',
        requests_per_connection: 12,
      },
    },
  })
  const client = h2Client(t, port)
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`x-${n}`, '1']))
  t.equal((await client.request(at('/', many(15)))).status, 200)
  t.equal((await client.request(at('/', many(30)))).status, 431)
  t.equal((await client.request(at('/', { 'x-a': 'a'.repeat(5_000) }))).status, 431)
  t.equal((await client.request(at(`/${'a'.repeat(600)}`))).status, 414)
  t.equal(
    (await client.request(at('/', { cookie: Array.from({ length: 80 }, (_, n) => `c${n}=1`) })))
      .status,
    200,
    'cookies in pieces are one',
  )
  t.match(
    await client.request(at('/', many(2_000))),
    { status: 0 },
    'far past them the stream ends',
  )

  const { stream, answer } = client.open(at('/slow', { ':method': 'POST' }))
  stream.write('half')
  t.equal((await answer).status, 408)
  t.equal((await client.request(at('/'))).status, 200, 'and others on the connection go on')
  t.notOk(client.goneAway())
  for (let i = 0; i < 5; i++) await client.request(at('/'))
  t.ok(client.goneAway(), 'after as many requests as a connection may have')
  t.equal(upstream.requests.filter(({ url }) => url === '/slow').length, 1)
})

test('a body is streamed both ways, and waits for who is slower', async (t) => {
  const size = 20 * 1024 * 1024
  const { port } = await start(t, {
    handler: async (request, response) => {
      if (request.url === '/up') {
        let length = 0
        for await (const chunk of request) length += chunk.length
        response.end(String(length))
      } else response.end(Buffer.alloc(size, 'x'))
    },
  })
  const client = h2Client(t, port)
  t.equal(
    (await client.request(at('/up', { ':method': 'POST' }), Buffer.alloc(size))).body,
    String(size),
  )
  const down = await client.request(at('/down'))
  t.equal(down.body.length, size)

  const { stream, answer } = client.open({ ...at('/down'), ':authority': 'slow.localhost' })
  stream.end()
  await once(stream, 'response')
  stream.pause()
  t.equal((await client.request(at('/up', { ':method': 'POST' }), 'abc')).body, '3', 'meanwhile')
  t.not((await answer).code, 0, 'who takes nothing for `idle_timeout` is cut off')
})

test('trailers, interim answers and aborts pass', async (t) => {
  let closed = 0
  const { port, upstream } = await start(t, {
    handler: (request, response) => {
      response.on('close', () => closed++)
      if (request.url === '/trailers') {
        response.writeHead(200, { Trailer: 'Grpc-Status' })
        response.write('body')
        response.addTrailers({
          'Grpc-Status': '0',
          'X-Gatehouse-Jwt-Assertion': 'x',
          'Set-Cookie': 'a=b',
        })
        response.end()
      } else if (request.url === '/hints') {
        response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style', 'x-other': '1' })
        response.end('done')
      } else if (request.url === '/broken') {
        response.write('half')
        setImmediate(() => response.destroy())
      } else response.write('first')
    },
  })
  const client = h2Client(t, port)
  const trailed = await client.request(at('/trailers'))
  t.equal(trailed.body, 'body')
  t.strictSame(Object.entries(trailed.trailers), [['grpc-status', '0']])
  const hinted = await client.request(at('/hints'))
  t.match(hinted.informational, [{ ':status': 103, link: '</a.css>; rel=preload; as=style' }])
  t.notOk(hinted.informational[0]?.['x-other'])
  t.equal((await client.request(at('/broken'))).code, constants.NGHTTP2_INTERNAL_ERROR)

  const before = closed
  const { stream } = client.open(at('/endless', { ':method': 'POST' }))
  stream.write('begun')
  await once(stream, 'data')
  stream.close(constants.NGHTTP2_CANCEL)
  while (closed === before) await new Promise(setImmediate)
  t.equal(upstream.last.url, '/endless')
  t.equal((await client.request(at('/hints'))).status, 200)

  const raw = await rawRequest(port, head('GET /trailers HTTP/1.1', `Host: ${HOST}`), {
    until: 'answer',
  })
  t.match(raw.body, /0\r\nGrpc-Status: 0\r\n\r\n$/, 'over HTTP/1.1 too')
  const early = await rawRequest(port, head('GET /hints HTTP/1.1', `Host: ${HOST}`))
  t.match(
    early.text,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload; as=style\r\n\r\nHTTP\/1\.1 200/,
  )
})

test('a go-ahead is given once the request has been judged', async (t) => {
  const { port, upstream } = await start(t)
  const client = h2Client(t, port)
  const waiting = (authority: string) => ({
    ...at('/', { ':method': 'POST', expect: '100-continue', 'content-length': '5' }),
    ':authority': authority,
  })
  const allowed = client.open(waiting(HOST))
  await once(allowed.stream, 'continue')
  allowed.stream.end('hello')
  t.equal((await allowed.answer).status, 200)
  const refused = client.open(waiting('closed.localhost'))
  refused.stream.on('continue', () => t.fail('told to go on'))
  t.equal((await refused.answer).status, 401)
  t.equal(upstream.requests.length, 1)
})

test('gRPC clients are refused by a status of their own', async (t) => {
  const { port, upstream, gateway } = await start(t)
  const client = h2Client(t, port)
  const call = (authority: string) =>
    client.request(
      {
        ...at('/package.Service/Method', {
          ':method': 'POST',
          'content-type': 'application/grpc+proto',
          te: 'trailers',
        }),
        ':authority': authority,
      },
      'message',
    )
  t.match(await call('closed.localhost'), {
    status: 200,
    body: '',
    headers: { 'grpc-status': '16', 'content-type': 'application/grpc' },
  })
  await upstream.close()
  t.match(await call(HOST), { status: 200, headers: { 'grpc-status': '14' } })
  gateway.writePolicies(
    'routes:\n  - { name: closed, from: "http://closed.localhost:8080", to: "http://127.0.0.1:9" }\n',
  )
  await gateway.gateway.reload()
  t.match(await call('closed.localhost'), { status: 200, headers: { 'grpc-status': '7' } })
})

test('a gateway that stops lets requests finish and says that it takes no more', async (t) => {
  const { port, gateway, upstream } = await start(t, {
    server: { drain_timeout: '5s' },
    handler: (_request, response) => void setTimeout(() => response.end('done'), 300),
  })
  const client = h2Client(t, port)
  const slow = client.request(at('/slow'))
  while (upstream.requests.length === 0) await new Promise(setImmediate)
  const stopped = gateway.gateway.stop()
  t.match(await slow, { status: 200, body: 'done' })
  await stopped
  t.ok(client.goneAway())
})

async function startTls(t: Test, server: Readonly<Record<string, unknown>> = {}) {
  const folder = tempFolder(t)
  const { cert, key } = selfSigned(['*.example.com', 'auth.example.com'])
  writeFiles(folder, { 'tls.crt': cert, 'tls.key': key })
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: {
      server: {
        public_url: 'https://auth.example.com',
        tls: [{ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }],
        ...server,
      },
    },
    policies: `
routes:
  - { name: app, from: "https://app.example.com", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
`,
  })
  return { gateway, port: gateway.port, upstream }
}

test('over TLS HTTP/2 is offered by ALPN, unless it is off, also after a reload', async (t) => {
  const { gateway, port } = await startTls(t)
  const curl = async (...more: readonly string[]) => {
    const { stdout } = await promisify(execFile)('curl', [
      '-sk',
      '-o',
      '/dev/null',
      '-w',
      '%{http_version} %{http_code}',
      '--connect-to',
      `::127.0.0.1:${port}`,
      'https://app.example.com/',
      ...more,
    ])
    return stdout
  }
  t.equal(await curl(), '2 200')
  t.equal(await curl('--http1.1'), '1.1 200')
  t.equal(await curl('--no-alpn'), '1.1 200')
  const client = h2Client(t, port, { servername: 'app.example.com' })
  const here = { ':path': '/', ':authority': 'app.example.com' }
  t.match(await client.request(here), {
    status: 200,
    headers: { 'strict-transport-security': /max-age/ },
  })
  t.equal((await client.request({ ...here, ':authority': 'other.example.org' })).status, 421)

  const file = join(gateway.folder, 'gatehouse.yaml')
  const config = await readFile(file, 'utf8')
  await writeFile(file, config.replace('"server": {', '"server": { "http2": false,'))
  await gateway.gateway.reload()
  t.equal(await curl(), '1.1 200')
})

test('`Upgrade: h2c` is not heeded, and what begins otherwise than HTTP/2 is HTTP/1.1', async (t) => {
  const { port } = await start(t)
  const upgrade = [
    'Connection: Upgrade, HTTP2-Settings',
    'Upgrade: h2c',
    'HTTP2-Settings: AAMAAABkAAQAAP__',
  ]
  const answer = await rawRequest(port, head('GET / HTTP/1.1', `Host: ${HOST}`, ...upgrade))
  t.equal(answer.status, 200)
  for (const start of ['P', 'PR', 'PRI', 'PUT ']) {
    const halves = await rawRequest(port, `${start}${'X'.repeat(3)} / HTTP/1.1\r\n\r\n`, {
      until: 'close',
    })
    t.equal(halves.status, 400, start)
  }
  t.equal(
    (
      await rawRequest(
        port,
        `${head('POST /x HTTP/1.1', `Host: ${HOST}`, 'Content-Length: 5')}hello`,
      )
    ).status,
    200,
  )
})
