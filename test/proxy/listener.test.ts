import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Test, test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

async function startOpen(t: Test) {
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    policies: `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
`,
  })
  return { upstream, gateway }
}

const HEAD = 'GET / HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n'

const overLimits: Record<string, { readonly bytes: string; readonly status: number }> = {
  'more than 100 headers': { bytes: `${HEAD}${'X-A: 1\r\n'.repeat(101)}\r\n`, status: 431 },
  'headers of 33 KB': { bytes: `${HEAD}X-A: ${'a'.repeat(33_000)}\r\n\r\n`, status: 431 },
  'headers of 100 KB': { bytes: `${HEAD}X-A: ${'a'.repeat(100_000)}\r\n\r\n`, status: 431 },
  'a target of 17 KB': {
    bytes: `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: open.localhost\r\nConnection: close\r\n\r\n`,
    status: 414,
  },
}
for (const [name, { bytes, status }] of Object.entries(overLimits)) {
  test(`${name} are answered ${status}, and nothing is forwarded`, async (t) => {
    const { upstream, gateway } = await startOpen(t)
    t.equal((await rawRequest(gateway.port, bytes)).status, status)
    t.same(upstream.requests, [])
  })
}

test('what the parser refuses is a line in the log as well', async (t) => {
  const { gateway } = await startOpen(t)
  await rawRequest(gateway.port, 'GET / HTTP/1.1\r\nHost: a\r\nbroken header\r\n\r\n')
  await rawRequest(
    gateway.port,
    'CONNECT open.localhost:443 HTTP/1.1\r\nHost: open.localhost\r\n\r\n',
  )
  await gateway.gateway.stop()
  t.match(gateway.decisions(), [
    { outcome: 'rejected', status: 400 },
    { outcome: 'rejected', status: 400 },
  ])
})

test('nonsense behind a request that waits for its answer is never answered in its place', async (t) => {
  const { gateway } = await startOpen(t)
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write(`${HEAD.replace('close', 'keep-alive')}\r\nnonsense\r\n\r\n`)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'close')
  t.equal(text, '')
})

async function startTls(t: Test) {
  const upstream = await startUpstream(t)
  const folder = tempFolder(t)
  const certificates = {
    app: selfSigned(['app.example.com']),
    auth: selfSigned(['auth.example.com']),
  }
  for (const [name, { cert, key }] of Object.entries(certificates)) {
    writeFiles(folder, { [`${name}.crt`]: cert, [`${name}.key`]: key })
  }
  const gateway = await startGateway(t, {
    config: {
      server: {
        public_url: 'https://auth.example.com',
        tls: ['app', 'auth'].map((name) => ({
          cert: `${folder}/${name}.crt`,
          key: `${folder}/${name}.key`,
        })),
      },
    },
    policies: `
routes:
  - { name: app, from: "https://app.example.com", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
`,
  })
  const get = async (servername: string, host: string) => {
    const outgoing = httpsRequest({
      host: '127.0.0.1',
      port: gateway.port,
      servername,
      headers: { host },
      rejectUnauthorized: false,
      agent: false,
    }).end()
    const [response] = await once(outgoing, 'response')
    response.resume()
    await once(response, 'end')
    return response.statusCode as number
  }
  return { upstream, folder, gateway, certificates, get }
}

const shownTo = async (port: number, servername?: string): Promise<string | undefined> => {
  const socket = connectTls({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
  })
  await once(socket, 'secureConnect')
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return Array.isArray(name) ? name[0] : name
}

test('certificates are chosen by SNI; without a name the first is shown', async (t) => {
  const { gateway } = await startTls(t)
  t.equal(await shownTo(gateway.port, 'auth.example.com'), 'auth.example.com')
  t.equal(await shownTo(gateway.port, 'app.example.com'), 'app.example.com')
  t.equal(await shownTo(gateway.port, 'other.example'), 'app.example.com')
  t.equal(await shownTo(gateway.port), 'app.example.com')
})

test('a Host that the certificate of the connection does not cover is 421', async (t) => {
  const { get, upstream } = await startTls(t)
  t.equal(await get('app.example.com', 'app.example.com'), 200)
  t.equal(await get('auth.example.com', 'app.example.com'), 421)
  t.equal(upstream.requests.length, 1)
})

test('over TLS the upstream learns https, port 443 and no more', async (t) => {
  const { get, upstream } = await startTls(t)
  await get('app.example.com', 'APP.example.com.')
  t.match(upstream.last.headers, {
    'x-forwarded-proto': 'https',
    'x-forwarded-port': '443',
    'x-forwarded-host': 'app.example.com',
  })
})

test('new connections see a certificate that was replaced; a broken one changes nothing', async (t) => {
  const { folder, gateway } = await startTls(t)
  const renewed = selfSigned(['new.example.com', 'app.example.com'])
  writeFiles(folder, { 'app.crt': renewed.cert, 'app.key': renewed.key })
  await gateway.gateway.reload()
  t.equal(await shownTo(gateway.port, 'app.example.com'), 'new.example.com')
  t.equal(await shownTo(gateway.port), 'new.example.com')
  writeFiles(folder, { 'app.crt': 'no certificate' })
  await gateway.gateway.reload()
  t.equal(await shownTo(gateway.port, 'app.example.com'), 'new.example.com')
})
