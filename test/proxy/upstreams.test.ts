import { type Test, test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { Route } from '../../src/policy/route.ts'
import { createUpstreams } from '../../src/proxy/upstreams.ts'
import { startUpstream } from '../support/start-upstream.ts'

function routeTo(url: string, keys = ''): Route {
  const text = `routes: [{ name: app, from: "http://app.localhost", to: "${url}"${keys} }]`
  const options = { readText: () => '', providers: undefined, allowHttp: true }
  const [route] = compilePolicies([{ file: 'a.yaml', text }], options).routes
  if (route === undefined) throw new Error('no route')
  return route
}

function startUpstreams(t: Test) {
  const upstreams = createUpstreams()
  t.teardown(() => upstreams.close())
  return upstreams
}

test('routes to one origin share its connections, unless their TLS differs', async (t) => {
  const upstreams = startUpstreams(t)
  const one = upstreams.pool(routeTo('https://a.example:8443/x'))
  t.equal(upstreams.pool(routeTo('https://a.example:8443/y')), one)
  t.not(upstreams.pool(routeTo('https://a.example:8444')), one)
  t.not(upstreams.pool(routeTo('https://a.example:8443', ', tls_skip_verify: true')), one)
})

test('connections outlive a reload that still needs them', async (t) => {
  const upstreams = startUpstreams(t)
  const before = upstreams.pool(routeTo('http://127.0.0.1:9'))
  const after = routeTo('http://127.0.0.1:9')
  upstreams.retain([after])
  t.equal(upstreams.pool(after), before)
})

test('a request that began before a reload still reaches an upstream that the reload let go', async (t) => {
  const upstream = await startUpstream(t)
  const upstreams = startUpstreams(t)
  const route = routeTo(upstream.origin)
  const before = upstreams.pool(route)
  upstreams.retain([])
  t.ok(before.closed)
  const { statusCode, body } = await upstreams.pool(route).request({ path: '/', method: 'GET' })
  await body.dump()
  t.equal(statusCode, 200)
})
