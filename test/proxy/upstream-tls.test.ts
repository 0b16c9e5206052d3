/** Which name an upstream's certificate must have, and the certificate that it is shown. */

import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Test, test } from 'tap'
import { type SelfSigned, selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'

const APP = 'http://app.localhost:8080'

/** An upstream that asks for certificates, and answers with the name that it was asked for and the client's. */
async function start(t: Test, server: SelfSigned, clientCa?: string): Promise<string> {
  const upstream = createServer(
    { ...server, ...(clientCa ? { ca: clientCa, requestCert: true } : {}) },
    (request, response) => {
      const socket = request.socket as TLSSocket & { readonly servername?: string }
      const { authorized, servername } = socket
      response.end(JSON.stringify({ authorized, servername }))
    },
  )
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const { port } = upstream.address() as AddressInfo
  return `https://127.0.0.1:${port}`
}

async function gatewayTo(t: Test, to: string, keys: string, files: Record<string, string>) {
  return startGateway(t, {
    policies: {
      'p.yaml': `routes: [{ from: "${APP}", to: "${to}", allow_public_unauthenticated_access: true, ${keys} }]`,
      ...files,
    },
  })
}

test('tls_server_name is asked for, and is what the certificate must have', async (t) => {
  const server = selfSigned(['inner.example'])
  const to = await start(t, server)
  const files = { 'ca.pem': server.cert }
  const named = await gatewayTo(
    t,
    to,
    'tls_custom_ca_file: ca.pem, tls_server_name: inner.example',
    files,
  )
  t.match((await named.get(`${APP}/`)).json(), { servername: 'inner.example' })
  const other = await gatewayTo(
    t,
    to,
    'tls_custom_ca_file: ca.pem, tls_server_name: other.example',
    files,
  )
  t.equal((await other.get(`${APP}/`)).status, 502)
  const none = await gatewayTo(t, to, 'tls_custom_ca_file: ca.pem', files)
  t.equal((await none.get(`${APP}/`)).status, 502, 'the address is not in the certificate')
})

test('the upstream is shown the certificate of the route, and of no other', async (t) => {
  const server = selfSigned(['127.0.0.1'])
  const client = selfSigned(['client.example'])
  const to = await start(t, server, client.cert)
  const gateway = await startGateway(t, {
    policies: {
      'p.yaml': `
routes:
  - { from: "${APP}", to: "${to}", allow_public_unauthenticated_access: true, tls_custom_ca_file: ca.pem,
      tls_client_cert_file: c.pem, tls_client_key_file: c.key }
  - { from: "http://bare.localhost:8080", to: "${to}", allow_public_unauthenticated_access: true, tls_custom_ca_file: ca.pem }
`,
      'ca.pem': server.cert,
      'c.pem': client.cert,
      'c.key': client.key,
    },
  })
  t.match((await gateway.get(`${APP}/`)).json(), { authorized: true })
  t.equal((await gateway.get('http://bare.localhost:8080/')).status, 502)
})
