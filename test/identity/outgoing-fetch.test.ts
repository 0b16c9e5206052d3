import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Test, test } from 'tap'
import {
  createOutgoingFetch,
  NO_PROXIES,
  type ProxySettings,
  proxySettings,
} from '../../src/identity/provider/outgoing-fetch.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startTunnelProxy } from '../support/start-tunnel-proxy.ts'

const pair = selfSigned(['localhost', '127.0.0.1'])

/** An https server whose certificate nobody knows. */
async function startHttps(t: Test): Promise<number> {
  const server = createServer(pair, (request, response) => {
    response.setHeader('x-path', request.url ?? '')
    request.pipe(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

function start(t: Test, proxies: ProxySettings, ca: string | undefined = pair.cert) {
  const outgoing = createOutgoingFetch(proxies, ca)
  t.teardown(() => outgoing.close())
  return outgoing.fetch
}

test('an authority that the system does not know is trusted where it is named', async (t) => {
  const port = await startHttps(t)
  const answer = await start(t, NO_PROXIES)(`https://localhost:${port}/a?b`, {
    method: 'POST',
    body: new URLSearchParams({ c: 'd' }),
    headers: new Headers({ accept: 'text/plain' }),
  })
  t.ok(answer instanceof Response)
  t.equal(answer.headers.get('x-path'), '/a?b')
  t.equal(await answer.text(), 'c=d')
})

test('without it, or with another, the connection is refused', async (t) => {
  const port = await startHttps(t)
  const other = selfSigned(['localhost']).cert
  const plain = createOutgoingFetch(NO_PROXIES, undefined)
  t.teardown(() => plain.close())
  for (const fetch of [plain.fetch, start(t, NO_PROXIES, other)]) {
    const error = await fetch(`https://localhost:${port}/`, {}).then(
      () => undefined,
      (thrown: unknown) => thrown as Error,
    )
    t.match(error?.cause, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  }
})

test('https goes by the proxy, its name resolved there, and the certificate is the provider’s', async (t) => {
  const port = await startHttps(t)
  const proxy = await startTunnelProxy(t)
  const fetch = start(t, { httpsProxy: `http://user:pass@127.0.0.1:${proxy.port}`, noProxy: '' })
  const answer = await fetch(`https://localhost:${port}/x`, {})
  t.equal(answer.status, 200)
  t.match(proxy.heads, [/^CONNECT localhost:\d+ HTTP\/1.1/])
  t.match(proxy.heads[0], /proxy-authorization: Basic dXNlcjpwYXNz/i)
  await t.rejects(fetch(`https://127.0.0.2:${port}/x`, {}), 'another name than the certificate’s')
})

const direct: Record<string, ProxySettings['noProxy']> = {
  'whose name is listed': 'other.example, localhost',
  'whose domain is listed': '.localhost',
  'with every host listed': '*',
}
for (const [name, noProxy] of Object.entries(direct)) {
  test(`a host ${name} in NO_PROXY is reached directly`, async (t) => {
    const port = await startHttps(t)
    const proxy = await startTunnelProxy(t)
    const fetch = start(t, { httpsProxy: `http://127.0.0.1:${proxy.port}`, noProxy })
    t.equal((await fetch(`https://localhost:${port}/`, {})).status, 200)
    t.same(proxy.heads, [])
  })
}

test('the environment says which proxy, lower case first', async (t) => {
  t.same(proxySettings({}), NO_PROXIES)
  t.same(proxySettings({ HTTPS_PROXY: '', NO_PROXY: '' }), NO_PROXIES)
  t.same(
    proxySettings({
      HTTPS_PROXY: 'http://a:1',
      https_proxy: 'http://b:2',
      NO_PROXY: 'x',
      HTTP_PROXY: 'http://c:3',
    }),
    { httpsProxy: 'http://b:2', noProxy: 'x' },
  )
  for (const bad of ['proxy:3128', 'socks5://proxy:1', 'proxy']) {
    t.throws(
      () => proxySettings({ HTTPS_PROXY: bad }),
      /environment variable `HTTPS_PROXY` must be a URL such as `http:\/\/proxy/,
    )
  }
})

test('a redirect is not followed, and an answer without content has none', async (t) => {
  const server = createServer(pair, (_request, response) =>
    response.writeHead(302, { location: '/elsewhere' }).end(),
  ).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const answer = await start(t, NO_PROXIES)(`https://localhost:${port}/`, { redirect: 'manual' })
  t.equal(answer.status, 302)
})
