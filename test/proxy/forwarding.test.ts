import { request as httpRequest } from 'node:http'
import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream, type UpstreamOptions } from '../support/start-upstream.ts'

const OPEN = 'http://open.localhost:8080'
const STAFF = 'http://staff.localhost:8080'

async function startAll(t: Test, handler?: UpstreamOptions['handler'], keys = '', basePath = '') {
  const upstream = await startUpstream(t, handler === undefined ? {} : { handler })
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    policies: `
routes:
  - { name: open, from: "${OPEN}", to: "${upstream.origin}${basePath}", allow_public_unauthenticated_access: true${keys} }
  - { name: staff, from: "${STAFF}", to: "${upstream.origin}", allow_any_authenticated_user: true }
`,
  })
  return { upstream, gateway, browser: createBrowserClient(gateway.port) }
}

for (const method of [
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'REPORT',
  'QUERY',
]) {
  test(`${method} is forwarded with target, headers and answer`, async (t) => {
    const { upstream, gateway } = await startAll(t)
    const answer = await gateway.get(`${OPEN}/a/b?x=1&x=%2f`, {
      method,
      headers: { 'x-custom': ['1', '2'] },
    })
    t.equal(answer.status, 200)
    t.same(upstream.last.header('x-custom'), ['1', '2'])
    t.equal(upstream.last.requestLine, `${method} /a/b?x=1&x=%2f HTTP/1.1`)
  })
}

test('HEAD is answered without a body, with the length that the upstream says', async (t) => {
  const { gateway } = await startAll(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '1234' }).end()
  })
  const answer = await gateway.get(`${OPEN}/`, { method: 'HEAD' })
  t.equal(answer.headers['content-length'], '1234')
  t.equal(answer.body, '')
})

test('a body goes up as it was sent, with its length', async (t) => {
  const { upstream, gateway } = await startAll(t)
  const body = Buffer.from('binary \0\u00ff body')
  await gateway.get(`${OPEN}/`, {
    method: 'POST',
    body,
    headers: { 'content-length': String(body.length) },
  })
  t.same(upstream.last.body, body)
  t.same(upstream.last.header('content-length'), [String(body.length)])
})

test('a body of unknown length goes up whole', async (t) => {
  const { upstream, gateway } = await startAll(t)
  const head =
    'POST / HTTP/1.1\r\nHost: open.localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n'
  const answer = await rawRequest(gateway.port, `${head}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`)
  t.equal(answer.status, 200)
  t.equal(upstream.last.body.toString(), 'hello world')
})

test('a GET with a body is forwarded with it', async (t) => {
  const { upstream, gateway } = await startAll(t)
  await gateway.get(`${OPEN}/search`, { body: '{"q":1}', headers: { 'content-length': '7' } })
  t.equal(upstream.last.body.toString(), '{"q":1}')
})

test('the upstream learns the client, the scheme, the host and the request id', async (t) => {
  const { upstream, gateway } = await startAll(t)
  await gateway.get(`${OPEN}/`, {
    headers: {
      'x-forwarded-for': '10.1.1.1',
      'x-forwarded-proto': 'https',
      'x-request-id': 'mine',
    },
  })
  t.match(upstream.last.headers, {
    host: new URL(upstream.origin).host,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'open.localhost:8080',
    'x-forwarded-port': '8080',
    'x-request-id': /^[0-9a-f]{32}$/,
  })
})

test('with preserve_host_header the upstream gets the host that was asked for', async (t) => {
  const { upstream, gateway } = await startAll(t, undefined, ', preserve_host_header: true')
  await gateway.get(`${OPEN}/`)
  t.equal(upstream.last.headers.host, 'open.localhost:8080')
})

test("a path in `to` stands before the request's", async (t) => {
  const { upstream, gateway } = await startAll(t, undefined, '', '/base/')
  await gateway.get(`${OPEN}/x?y`)
  t.equal(upstream.last.url, '/base/x?y')
})

test('answers pass with status, reason, repeated headers and bytes as they are', async (t) => {
  const { gateway } = await startAll(t, (_request, response) => {
    response.writeHead(418, 'Short And Stout', [
      'X-Twice',
      '1',
      'X-Twice',
      '2',
      'X-Latin',
      '\u00e9',
      'ETag',
      'W/"1"',
    ])
    response.end(Buffer.from([0, 255, 10]))
  })
  const answer = await rawRequest(
    gateway.port,
    'GET / HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n',
  )
  t.match(answer.text, 'HTTP/1.1 418 Short And Stout\r\n')
  t.match(answer.text, 'X-Twice: 1\r\nX-Twice: 2\r\nX-Latin: \u00e9\r\nETag: W/"1"\r\n')
  t.match(answer.body, '\0\u00ff\n')
})

for (const status of [204, 304]) {
  test(`${status} passes without a body`, async (t) => {
    const { gateway } = await startAll(t, (_request, response) => {
      response.writeHead(status).end()
    })
    const answer = await gateway.get(`${OPEN}/`)
    t.equal(answer.status, status)
    t.equal(answer.body, '')
  })
}

test('hop-by-hop headers of an answer, those named in Connection, and our assertion stay behind', async (t) => {
  const { gateway } = await startAll(t, (_request, response) => {
    response.writeHead(200, [
      ...[
        'Connection',
        'X-Secret, keep-alive',
        'X-Secret',
        '1',
        'Proxy-Authenticate',
        'Basic',
        'Trailer',
        'X-T',
      ],
      ...['X-Gatehouse-Jwt-Assertion', 'eyJ', 'X-Pomerium-Jwt-Assertion', 'eyJ', 'X-Kept', '1'],
    ])
    response.end('ok')
  })
  const { headers } = await gateway.get(`${OPEN}/`)
  t.equal(headers['x-kept'], '1')
  for (const name of [
    'x-secret',
    'proxy-authenticate',
    'trailer',
    'x-gatehouse-jwt-assertion',
    'x-pomerium-jwt-assertion',
  ]) {
    t.notOk(name in headers, name)
  }
})

test('an upstream can set its own cookies, but none of ours', async (t) => {
  const { gateway } = await startAll(t, (_request, response) => {
    const ours = ['gatehouse=x; Path=/', '__Host-gatehouse=x; Secure; Path=/', 'gatehouse-signin=x']
    response.writeHead(200, { 'set-cookie': ['app=1; HttpOnly', ...ours, 'b=gatehouse'] }).end()
  })
  t.same((await gateway.get(`${OPEN}/`)).headers['set-cookie'], ['app=1; HttpOnly', 'b=gatehouse'])
})

test('an answer to a signed-in person is private unless the upstream says how it may be cached', async (t) => {
  const { browser } = await startAll(t, (request, response) => {
    if (request.url === '/cached') response.setHeader('cache-control', 'public, max-age=60')
    response.end('ok')
  })
  await signIn(browser, `${STAFF}/`, 'ana')
  t.equal((await browser.send(`${STAFF}/`)).headers['cache-control'], 'private')
  t.equal((await browser.send(`${STAFF}/cached`)).headers['cache-control'], 'public, max-age=60')
  t.equal((await browser.send(`${OPEN}/`, { cookies: false })).headers['cache-control'], undefined)
})

test('a 503 of the upstream is passed on, and asked for once', async (t) => {
  const { upstream, gateway } = await startAll(t, (_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end('busy')
  })
  const answer = await gateway.get(`${OPEN}/`)
  t.equal(answer.status, 503)
  t.equal(answer.body, 'busy')
  t.equal(upstream.requests.length, 1)
})

test('one connection carries many requests', async (t) => {
  const { upstream, gateway } = await startAll(t)
  const one = 'GET /1 HTTP/1.1\r\nHost: open.localhost\r\n\r\n'
  const last = 'GET /2 HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n'
  const answer = await rawRequest(gateway.port, one + last, { until: 'close' })
  t.equal(answer.answers, 2)
  t.same(
    upstream.requests.map(({ url }) => url),
    ['/1', '/2'],
  )
})

test('Expect: 100-continue is answered when the request may go on, and not before', async (t) => {
  const { upstream, gateway } = await startAll(t)
  const post = (host: string): Promise<{ continued: boolean; status: number | undefined }> =>
    new Promise((resolve, reject) => {
      let continued = false
      const outgoing = httpRequest({
        host: '127.0.0.1',
        port: gateway.port,
        method: 'POST',
        headers: { host, expect: '100-continue', 'content-length': '5' },
        agent: false,
      })
      outgoing.on('continue', () => {
        continued = true
        outgoing.end('hello')
      })
      outgoing.on('response', (response) => {
        response.resume()
        outgoing.destroy()
        resolve({ continued, status: response.statusCode })
      })
      outgoing.on('error', reject)
      outgoing.flushHeaders()
    })
  t.same(await post('open.localhost'), { continued: true, status: 200 })
  t.equal(upstream.last.body.toString(), 'hello')
  t.same(await post('staff.localhost'), { continued: false, status: 401 })
})
