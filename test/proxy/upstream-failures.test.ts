import { createServer } from 'node:net'
import { type Test, test } from 'tap'
import { freePort } from '../support/free-port.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

async function gatewayTo(t: Test, to: string, keys = '', files: Record<string, string> = {}) {
  return startGateway(t, {
    policies: {
      ...files,
      'routes.yaml': `
routes:
  - { name: app, from: "http://app.localhost:8080", to: "${to}", allow_public_unauthenticated_access: true${keys} }
`,
    },
  })
}

const APP = 'http://app.localhost:8080/'

/** An upstream that answers every connection with the same bytes. */
async function startRawUpstream(t: Test, bytes: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(bytes, 'latin1'))
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return `http://127.0.0.1:${port}`
}

test('an upstream that refuses connections is a 502 without internals', async (t) => {
  const port = await freePort()
  const gateway = await gatewayTo(t, `http://127.0.0.1:${port}`)
  const page = await gateway.visit(APP)
  t.equal(page.status, 502)
  t.match(page.headers['content-type'], 'text/html')
  t.notMatch(page.body, String(port), 'nothing of the inside is shown')
  t.notMatch(page.body, 'ECONNREFUSED')
  t.match((await gateway.get(APP)).json(), { error: 'UPSTREAM_FAILED', request_id: /./ })
})

test('a name that nobody knows is a 502', async (t) => {
  const gateway = await gatewayTo(t, 'http://nobody.invalid:80')
  t.equal((await gateway.get(APP)).status, 502)
})

test('an upstream that does not answer in time is a 504', async (t) => {
  const upstream = await startUpstream(t, { handler: () => undefined })
  const gateway = await gatewayTo(t, upstream.origin, ', timeout: 1s')
  t.match((await gateway.get(APP)).json(), { error: 'UPSTREAM_TIMEOUT' })
  const posted = await gateway.get(APP, { method: 'POST', body: 'x' })
  t.equal(posted.status, 504, 'a request with a body as well')
})

const broken: Record<string, string> = {
  'no HTTP': 'SSH-2.0-OpenSSH\r\n',
  'nothing at all': '',
  'an interim answer and no other': 'HTTP/1.1 100 Continue\r\n\r\n',
  'interim answers without end': 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(100),
  'a switch of protocols that nobody asked for':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  'length and chunks':
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
  'a control character in a header':
    'HTTP/1.1 200 OK\r\nX-A: a\u0001b\r\nContent-Length: 0\r\n\r\n',
  'headers without end': `HTTP/1.1 200 OK\r\n${`X-A: ${'a'.repeat(1000)}\r\n`.repeat(200)}`,
}
for (const [name, bytes] of Object.entries(broken)) {
  test(`an upstream that sends ${name} is a 502`, async (t) => {
    const gateway = await gatewayTo(t, await startRawUpstream(t, bytes))
    t.match((await gateway.get(APP)).json(), { error: 'UPSTREAM_FAILED' })
  })
}

test("an upstream's certificate must hold", async (t) => {
  const tls = selfSigned(['127.0.0.1'])
  const upstream = await startUpstream(t, { tls })
  const to = `https://127.0.0.1:${upstream.port}`
  const strict = await gatewayTo(t, to)
  t.equal((await strict.get(APP)).status, 502, 'a self-signed one does not')
  const named = await gatewayTo(t, to, ', tls_custom_ca_file: ca.pem', { 'ca.pem': tls.cert })
  t.equal((await named.get(APP)).status, 200, 'unless the route names its CA')
  const careless = await gatewayTo(t, to, ', tls_skip_verify: true')
  t.equal((await careless.get(APP)).status, 200, 'or says not to look')
})

test('a certificate for another name does not hold, even from the named CA', async (t) => {
  const tls = selfSigned(['other.example'])
  const upstream = await startUpstream(t, { tls })
  const gateway = await gatewayTo(
    t,
    `https://127.0.0.1:${upstream.port}`,
    ', tls_custom_ca_file: ca.pem',
    {
      'ca.pem': tls.cert,
    },
  )
  t.equal((await gateway.get(APP)).status, 502)
})
