import { type Test, test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { Route } from '../../src/policy/route.ts'
import { createUpstreams, type Upstreams } from '../../src/proxy/upstream/upstreams.ts'
import { startUpstream } from '../support/start-upstream.ts'

const ignore = () => undefined
const quiet = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function routeTo(url: string, keys = ''): Route {
  const text = `routes: [{ name: app, from: "http://app.localhost", to: "${url}"${keys} }]`
  const options = { readText: () => '', providers: undefined, allowHttp: true }
  const [route] = compilePolicies([{ file: 'a.yaml', text }], options).routes
  if (route === undefined) throw new Error('no route')
  return route
}

function startUpstreams(t: Test) {
  const upstreams = createUpstreams(quiet)
  t.teardown(() => upstreams.close())
  return upstreams
}

function endpointOf(upstreams: Upstreams, route: Route) {
  const target = upstreams.balancer(route).pick()
  if (target === undefined) throw new Error('no target')
  return target.endpoint
}

test('routes to one origin share its connections, unless their TLS differs', async (t) => {
  const upstreams = startUpstreams(t)
  const one = endpointOf(upstreams, routeTo('https://a.example:8443/x'))
  t.equal(endpointOf(upstreams, routeTo('https://a.example:8443/y')), one)
  t.not(endpointOf(upstreams, routeTo('https://a.example:8444')), one)
  t.not(endpointOf(upstreams, routeTo('https://a.example:8443', ', tls_skip_verify: true')), one)
  const plain = endpointOf(upstreams, routeTo('http://a.example:8443'))
  t.not(endpointOf(upstreams, routeTo('h2c://a.example:8443')), plain, 'another protocol')
})

test('connections outlive a reload that still needs them', async (t) => {
  const upstreams = startUpstreams(t)
  const before = endpointOf(upstreams, routeTo('http://127.0.0.1:9'))
  const after = routeTo('http://127.0.0.1:9')
  upstreams.retain([after])
  t.equal(endpointOf(upstreams, after), before)
})

test('a request that began before a reload still reaches an upstream that the reload let go', async (t) => {
  const upstream = await startUpstream(t)
  const upstreams = startUpstreams(t)
  const route = routeTo(upstream.origin)
  const before = endpointOf(upstreams, route)
  upstreams.retain([])
  const after = endpointOf(upstreams, route)
  t.not(after, before)
  const status = await new Promise((resolve, reject) => {
    const ignore = () => true
    const request = { path: '/', method: 'GET', headers: ['Host', 'app'], body: null }
    after.dispatch(
      { ...request, headersTimeout: 0, bodyTimeout: 0 },
      {
        onConnect: ignore,
        onData: ignore,
        onHeaders: resolve,
        onComplete: ignore,
        onError: reject,
      },
      false,
    )
  })
  t.equal(status, 200)
})
