/** A provider that is reached by the proxy of the environment alone, with a certificate of an authority of one's own. */

import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Test, test } from 'tap'
import { CLIENT_ID, CLIENT_SECRET, startFakeProvider } from '../identity/fake-provider.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startTunnelProxy } from '../support/start-tunnel-proxy.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'

const APP = 'http://app.localhost:8080'

/** The scripted provider behind TLS, as `https://idp.example:PORT`, a name that only the proxy finds. */
async function startAll(t: Test, keys: Readonly<Record<string, unknown>>, noProxy = '') {
  const pair = selfSigned(['idp.example'])
  const op = await startFakeProvider(t)
  const server = createServer(pair, (request, response) => {
    text(request)
      .then((body) =>
        fetch(op.issuer + request.url, {
          method: request.method ?? 'GET',
          headers: Object.entries(request.headers).flatMap(([name, value]) =>
            name === 'host' || name === 'connection' ? [] : [[name, String(value)] as const],
          ) as [string, string][],
          ...(body === '' ? {} : { body }),
        }),
      )
      .then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': 'application/json' })
        response.end(await answer.text())
      })
      .catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const issuer = `https://idp.example:${(server.address() as AddressInfo).port}`
  op.faults.metadata = (metadata) =>
    JSON.parse(JSON.stringify(metadata).replaceAll(op.issuer, issuer))
  op.faults.claims = (claims) => ({ ...claims, iss: issuer })
  const proxy = await startTunnelProxy(t)
  const upstream = await startUpstream(t)
  const caFile = join(tempFolder(t, { 'ca.pem': pair.cert }), 'ca.pem')
  const gateway = await startGateway(t, {
    env: { HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: noProxy },
    config: {
      providers: {
        op: {
          issuer,
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          ...(keys['ca'] === true ? { ca_file: caFile } : {}),
        },
      },
    },
    policies: `routes: [{ name: app, from: "${APP}", to: "${upstream.origin}", allow_any_authenticated_user: true }]`,
  })
  return { op, issuer, proxy, browser: createBrowserClient(gateway.port) }
}

test('a sign-in goes by the proxy, and trusts the authority of `ca_file`', async (t) => {
  const { op, issuer, proxy, browser } = await startAll(t, { ca: true })
  const until = (url: URL) => url.origin === issuer
  const { location = '' } = await browser.follow(`${APP}/x`, { until })
  const authorization = new URL(location)
  const callback = authorization.searchParams.get('redirect_uri') + op.approve(authorization)
  const page = await browser.follow(callback)
  t.equal(page.url, `${APP}/x`)
  t.equal(page.status, 200)
  t.match(proxy.heads[0], /^CONNECT idp\.example:\d+ /)
})

test('without `ca_file` the provider is not trusted', async (t) => {
  const { proxy, browser } = await startAll(t, {})
  const page = await browser.follow(`${APP}/x`)
  t.equal(page.status, 503)
  t.match(page.body, 'op cannot be reached or has trouble right now')
  t.ok(proxy.heads.length > 0)
})

test('a name in NO_PROXY is not looked for by the proxy', async (t) => {
  const { proxy, browser } = await startAll(t, { ca: true }, 'example')
  t.equal((await browser.follow(`${APP}/x`)).status, 503)
  t.same(proxy.heads, [])
})
