/** Requests for a part of something, or only for what has changed: between the client and the upstream, and never about a refusal. */

import { test } from 'tap'
import { h2Client } from '../support/h2-client.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

test('ranges, conditions and OPTIONS are the upstream’s to answer', async (t) => {
  const upstream = await startUpstream(t, {
    handler: (request, response) => {
      const { range, 'if-none-match': known } = request.headers
      if (known === '"1"') response.writeHead(304, { etag: '"1"' }).end()
      else if (range === 'bytes=1-2') {
        response.writeHead(206, { 'content-range': 'bytes 1-2/4', 'content-length': '2' }).end('bc')
      } else if (request.method === 'OPTIONS') {
        response.writeHead(204, { allow: 'GET, OPTIONS' }).end()
      } else response.end('abcd')
    },
  })
  const gateway = await startGateway(t, {
    config: { server: { h2c: true } },
    policies: `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
  - { name: closed, from: "http://closed.localhost:8080", to: "${upstream.origin}", allow_any_authenticated_user: true }
`,
  })
  const client = h2Client(t, gateway.port)
  const overBoth = async (
    host: string,
    method: string,
    headers: Readonly<Record<string, string>>,
  ) => {
    const one = await gateway.get(`http://${host}.localhost:8080/x`, { method, headers })
    const other = await client.request({
      ':method': method,
      ':path': '/x',
      ':authority': `${host}.localhost`,
      ...headers,
    })
    return [one, other]
  }
  for (const answer of await overBoth('open', 'GET', { range: 'bytes=1-2' })) {
    t.match(answer, { status: 206, body: 'bc', headers: { 'content-range': 'bytes 1-2/4' } })
  }
  for (const answer of await overBoth('open', 'GET', { 'if-none-match': '"1"' })) {
    t.match(answer, { status: 304, body: '', headers: { etag: '"1"' } })
  }
  for (const answer of await overBoth('open', 'OPTIONS', {})) {
    t.match(answer, { status: 204, headers: { allow: 'GET, OPTIONS' } })
  }
  const before = upstream.requests.length
  for (const headers of [{ range: 'bytes=1-2' }, { 'if-none-match': '"1"' }, { 'if-match': '*' }]) {
    for (const answer of await overBoth('closed', 'GET', headers)) {
      t.match(answer, { status: 401, headers: { 'cache-control': 'no-store' } })
      t.notOk(answer.headers.etag)
    }
    for (const answer of await overBoth('closed', 'GET', { ...headers, accept: 'text/html' })) {
      t.match(answer, { status: 302, headers: { 'cache-control': 'no-store' } })
    }
  }
  t.equal(upstream.requests.length, before)
})
