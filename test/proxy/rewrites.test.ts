/** What reaches the upstream of a route that rewrites: judged is the path that was asked for, sent is a canonical one. */

import { type Test, test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080'

async function startAll(t: Test, keys: string, to = '') {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    policies: `
routes:
  - name: app
    from: "${APP}"
    to: "${upstream.origin}${to}"
    policy:
      - allow: { or: [{ accept: true }] }
      - deny: { or: [{ http_path: { starts_with: /api/secret } }] }
${keys
  .split('\n')
  .map((line) => `    ${line}`)
  .join('\n')}
`,
  })
  return { upstream, gateway }
}

test('prefix_rewrite: the policy and the log see the path that was asked for', async (t) => {
  const { upstream, gateway } = await startAll(t, 'prefix: /api\nprefix_rewrite: /v2')
  t.equal((await gateway.get(`${APP}/api/a%20b?q=/api&x=%2f`)).status, 200)
  t.equal(upstream.last.url, '/v2/a%20b?q=/api&x=%2f')
  t.equal((await gateway.get(`${APP}/api/secret`)).status, 403)
  t.equal((await gateway.get(`${APP}/v2/secret`)).status, 404)
  t.equal(upstream.requests.length, 1)
  await gateway.gateway.stop()
  t.match(gateway.decisions()[0], { path: '/api/a%20b', status: 200 })
})

test('prefix_rewrite stands behind the path of `to`', async (t) => {
  const { upstream, gateway } = await startAll(t, 'prefix: /api\nprefix_rewrite: /', '/base')
  await gateway.get(`${APP}/api/x`)
  t.equal(upstream.last.url, '/base/x')
})

test('regex_rewrite: groups by number, the query untouched', async (t) => {
  const { upstream, gateway } = await startAll(
    t,
    `regex_rewrite_pattern: '^/service/([^/]+)(/.*)$'\nregex_rewrite_substitution: '\\2/instance/\\1'`,
  )
  await gateway.get(`${APP}/service/foo/v1/%C3%A9?a=/service/b/c`)
  t.equal(upstream.last.url, '/v1/%C3%A9/instance/foo?a=/service/b/c')
})

test('a rewrite that would make another kind of path refuses the request', async (t) => {
  const { upstream, gateway } = await startAll(
    t,
    `regex_rewrite_pattern: 'x'\nregex_rewrite_substitution: ''`,
  )
  for (const target of ['/a/.x./b', '/a/x/b', '/a/..x', '/x/evil.example']) {
    const answer = await rawRequest(
      gateway.port,
      `GET ${target} HTTP/1.1\r\nHost: app.localhost\r\nConnection: close\r\n\r\n`,
    )
    t.equal(answer.status, 400, target)
    t.match(answer.body, 'MALFORMED_REQUEST')
  }
  t.equal(upstream.requests.length, 0)
  await gateway.gateway.stop()
  t.match(gateway.decisions()[0], {
    status: 400,
    outcome: 'allow',
    detail: /^rewritten: dot segment/,
  })
})

test('an encoded line break stays encoded through a rewrite', async (t) => {
  const { upstream, gateway } = await startAll(t, 'prefix: /api\nprefix_rewrite: /v2')
  const answer = await gateway.get(`${APP}/api/x?a=%0d%0aX-Evil:%201`)
  t.equal(answer.status, 200)
  t.equal(upstream.last.url, '/v2/x?a=%0d%0aX-Evil:%201')
  t.equal((await gateway.get(`${APP}/api/%0d%0aX`)).status, 400)
})

test('host_rewrite is the Host of the upstream; X-Forwarded-Host stays what was asked for', async (t) => {
  const { upstream, gateway } = await startAll(t, 'host_rewrite: inner.example:8443')
  await gateway.get(`${APP}/`)
  t.same(upstream.last.header('host'), ['inner.example:8443'])
  t.same(upstream.last.header('x-forwarded-host'), ['app.localhost:8080'])
})
