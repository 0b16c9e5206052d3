/** Routes that lead to no upstream: `redirect` and `response`, for those whom the policy lets in. */

import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'

const OLD = 'http://old.localhost:8080'

async function start(t: Test, keys: string, access = 'allow_public_unauthenticated_access: true') {
  return startGateway(t, {
    policies: `routes:\n  - { name: old, from: "${OLD}", ${access}, ${keys} }\n`,
  })
}

const REDIRECTS: Readonly<Record<string, readonly [string, string, string]>> = {
  'to https, without the port of http': ['https: true', '/a?b=1', 'https://old.localhost/a?b=1'],
  'to a host': ['host: new.example', '/a%20b?b=1', 'http://new.example/a%20b?b=1'],
  'to a scheme and a port': ['scheme: https, port: 8443', '/', 'https://old.localhost:8443/'],
  'to a port that goes without saying': ['https: true, port: 443', '/', 'https://old.localhost/'],
  'to another port': ['port: 9090', '/', 'http://old.localhost:9090/'],
  'to one path': ['path: /new é', '/a?b=1', 'http://old.localhost:8080/new%20%C3%A9?b=1'],
  'without the query': ['path: /new, strip_query: true', '/a?b=1', 'http://old.localhost:8080/new'],
  'to an address of its own kind': ['host: "[::1]", port: 81', '/', 'http://[::1]:81/'],
}

for (const [name, [redirect, target, location]] of Object.entries(REDIRECTS)) {
  test(`a redirect ${name}`, async (t) => {
    const gateway = await start(t, `redirect: { ${redirect} }`)
    const answer = await gateway.get(`${OLD}${target}`)
    t.equal(answer.status, 302)
    t.equal(answer.headers.location, location)
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal(answer.body, '')
  })
}

test('a redirect of a prefix, by segment', async (t) => {
  const gateway = await start(
    t,
    'prefix: /docs, redirect: { host: docs.example, prefix_rewrite: / }',
  )
  t.equal((await gateway.get(`${OLD}/docs/a/b`)).headers.location, 'http://docs.example/a/b')
  t.equal((await gateway.get(`${OLD}/docs`)).headers.location, 'http://docs.example/')
  t.equal((await gateway.get(`${OLD}/docsx`)).status, 404)
})

for (const code of [301, 302, 303, 307, 308]) {
  test(`a redirect with code ${code}, whatever the method`, async (t) => {
    const gateway = await start(t, `redirect: { host: new.example, code: ${code} }`)
    for (const method of ['GET', 'HEAD', 'POST']) {
      t.equal((await gateway.get(`${OLD}/`, { method })).status, code, method)
    }
  })
}

test('nobody chooses where a redirect leads', async (t) => {
  const gateway = await start(t, 'redirect: { https: true }')
  const targets = [
    '//evil.example/x',
    '/?rd=//evil.example',
    '/%0d%0aX-Evil:1',
    '/?%0d%0aX-Evil:%201',
  ]
  for (const target of targets) {
    const answer = await rawRequest(
      gateway.port,
      `GET ${target} HTTP/1.1\r\nHost: old.localhost\r\nConnection: close\r\n\r\n`,
    )
    const location = answer.header('location')
    if (answer.status === 302) t.match(location, /^https:\/\/old\.localhost\//, target)
    else t.equal(answer.status, 400, target)
    t.equal(answer.header('x-evil'), undefined)
  }
})

test('each host of a wildcard is redirected by its own name', async (t) => {
  const gateway = await startGateway(t, {
    policies: `routes:
  - { from: "http://*.apps.localhost:8080", allow_public_unauthenticated_access: true, redirect: { https: true } }
`,
  })
  const { headers } = await gateway.get('http://one.apps.localhost:8080/x')
  t.equal(headers.location, 'https://one.apps.localhost/x')
})

test('a response has its status, type and body, and HEAD has no body', async (t) => {
  const keys = `response: { status: 418, body: "<b>é & \\r\\n</b>", content_type: text/html; charset=utf-8 }`
  const gateway = await start(
    t,
    keys.replace('text/html; charset=utf-8', '"text/html; charset=utf-8"'),
  )
  const answer = await gateway.get(`${OLD}/any?x`)
  t.equal(answer.status, 418)
  t.equal(answer.body, '<b>é & \r\n</b>', 'the body is the operator’s own, and goes as it is')
  t.match(answer.headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-length': '14',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  const head = await gateway.get(`${OLD}/any`, { method: 'HEAD' })
  t.equal(head.headers['content-length'], '14')
  t.equal(head.body, '')
})

test('a response is plain text with status 200 unless it says otherwise', async (t) => {
  const gateway = await start(t, 'response: { body: ok }')
  const answer = await gateway.get(`${OLD}/`)
  t.equal(`${answer.status} ${answer.headers['content-type']}`, '200 text/plain; charset=utf-8')
  t.equal(answer.body, 'ok')
})

test('a response of 204 has neither body nor length', async (t) => {
  const gateway = await start(t, 'response: { status: 204 }, set_response_headers: { X-Own: "1" }')
  const answer = await gateway.get(`${OLD}/`)
  t.equal(answer.status, 204)
  t.notOk('content-length' in answer.headers)
  t.equal(answer.headers['x-own'], '1')
})

test('a response to a body that nobody reads ends the connection', async (t) => {
  const gateway = await start(t, 'response: { body: ok }')
  const answer = await rawRequest(
    gateway.port,
    'POST / HTTP/1.1\r\nHost: old.localhost\r\nContent-Length: 100000\r\n\r\nabc',
  )
  t.equal(answer.status, 200)
  t.equal(answer.header('connection'), 'close')
})

test('the policy comes first, for redirects and responses alike', async (t) => {
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    policies: `routes:
  - { name: a, from: "http://a.localhost:8080", allowed_users: [ana@example.com], response: { body: secret } }
  - { name: b, from: "http://b.localhost:8080", allowed_users: [ana@example.com], redirect: { path: /secret } }
`,
  })
  for (const host of ['a', 'b']) {
    const url = `http://${host}.localhost:8080/`
    t.match(await gateway.get(url), { status: 401, body: /SIGN_IN_REQUIRED/ })
    const ben = createBrowserClient(gateway.port)
    t.equal((await signIn(ben, url, 'ben')).status, 403)
  }
  const ana = createBrowserClient(gateway.port)
  t.match(await signIn(ana, 'http://a.localhost:8080/', 'ana'), { status: 200, body: 'secret' })
  await gateway.gateway.stop()
  const last = gateway.decisions().at(-1)
  t.match(last, { route: 'a', status: 200, outcome: 'allow', email: 'ana@example.com' })
  t.notOk(last && 'upstream_ms' in last)
})

test('a route that answers by itself takes no WebSockets', async (t) => {
  const gateway = await start(t, 'response: { body: ok }, allow_websockets: true')
  const answer = await rawRequest(
    gateway.port,
    'GET / HTTP/1.1\r\nHost: old.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  )
  t.equal(answer.status, 403)
})
