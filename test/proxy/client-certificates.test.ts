/** `server.client_ca`: who a client is by a certificate, over real TLS. */

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { connect as connectH2 } from 'node:http2'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import { h2WebSocket } from '../support/h2-web-socket.ts'
import { type SelfSigned, selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

const authority = (name: string) => ({ ...selfSigned([name]), name })
const CA = authority('Example CA')
const OTHER_CA = authority('Other CA')
const SERVER = selfSigned(['*.example.com', 'auth.example.com'])
const ANA = selfSigned(['ana', 'Ana@Example.com', 'laptop.example.net'], { issuer: CA })
const fingerprint = ({ cert }: SelfSigned) => new X509Certificate(cert).fingerprint256

const POLICIES = (to: string) => `
routes:
  - { name: mail, from: "https://mail.example.com", to: "${to}", allow_websockets: true, policy: { allow: { and: [{ client_certificate: { san_email: ana@example.com } }] } } }
  - { name: dns, from: "https://dns.example.com", to: "${to}", policy: { allow: { and: [{ client_certificate: { san_dns: { ends_with: .example.net } } }] } } }
  - { name: print, from: "https://print.example.com", to: "${to}", policy: { allow: { and: [{ client_certificate: { fingerprint: "${fingerprint(ANA)}" } }] } } }
  - { name: open, from: "https://open.example.com", to: "${to}", allow_websockets: true, allow_public_unauthenticated_access: true }
`

async function start(t: Test, more: Readonly<Record<string, unknown>> = {}) {
  const folder = tempFolder(t)
  writeFiles(folder, { 'tls.crt': SERVER.cert, 'tls.key': SERVER.key, 'clients.pem': CA.cert })
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: {
      server: {
        public_url: 'https://auth.example.com',
        tls: [{ cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') }],
        client_ca: join(folder, 'clients.pem'),
        ...more,
      },
    },
    policies: POLICIES(upstream.origin),
  })
  const open = async (host: string, options: ConnectionOptions = {}) => {
    const socket = connect({
      host: '127.0.0.1',
      port: gateway.port,
      servername: host,
      rejectUnauthorized: false,
      ...options,
    })
    await once(socket, 'secureConnect')
    t.teardown(() => socket.destroy())
    return socket
  }
  const status = async (host: string, options?: ConnectionOptions) =>
    ask(await open(host, options), host)
  return { folder, gateway, upstream, open, status }
}

/** Sends one request over an open connection. */
async function ask(socket: TLSSocket, host: string): Promise<number> {
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  for (let text = ''; ; ) {
    const [chunk] = await once(socket, 'data')
    text += chunk
    if (text.includes('\r\n\r\n')) return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])
  }
}

test('a certificate is asked for, believed where it is vouched for, and needed by nobody', async (t) => {
  const { status } = await start(t)
  for (const host of ['mail.example.com', 'dns.example.com', 'print.example.com']) {
    t.equal(await status(host, ANA), 200, host)
    t.equal(await status(host), 403, `${host} without one`)
    t.equal(await status(host, selfSigned(['ana@example.com'])), 403, 'one that signs itself')
  }
  const expired = { issuer: CA, notAfter: new Date(Date.now() - 1_000) }
  const early = { issuer: CA, notBefore: new Date(Date.now() + 3_600_000) }
  const wrong: Record<string, SelfSigned> = {
    'of another authority': selfSigned(['x', 'ana@example.com'], { issuer: OTHER_CA }),
    'of an authority that only has the name': selfSigned(['x', 'ana@example.com'], {
      issuer: authority('Example CA'),
    }),
    'that has run out': selfSigned(['x', 'ana@example.com'], expired),
    'that is not valid yet': selfSigned(['x', 'ana@example.com'], early),
    'of somebody else': selfSigned(['x', 'ben@example.com'], { issuer: CA }),
    'with the e-mail as a DNS name': selfSigned(['ana', 'ana.example.com'], { issuer: CA }),
    'with two e-mails in one': selfSigned(['x', 'ben@example.com, email:ana@example.com'], {
      issuer: CA,
    }),
  }
  for (const [name, certificate] of Object.entries(wrong)) {
    t.equal(await status('mail.example.com', certificate), 403, `one ${name}`)
    t.equal(await status('open.example.com', certificate), 200, 'does no harm elsewhere')
  }
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session of ${version} that is resumed is known by the certificate it began with`, async (t) => {
    const { folder, gateway, open } = await start(t)
    const versions = { minVersion: version, maxVersion: version }
    const withSession = async (options: ConnectionOptions) => {
      const socket = await open('mail.example.com', { ...versions, ...options })
      const sessions: Buffer[] = []
      socket.on('session', (session) => sessions.push(session))
      const answered = await ask(socket, 'mail.example.com')
      return { socket, answered, session: sessions.at(-1) ?? socket.getSession() }
    }
    const first = await withSession(ANA)
    t.equal(first.answered, 200)
    const again = await withSession({ session: first.session })
    t.equal(again.socket.isSessionReused(), true)
    t.equal(again.answered, 200)

    const nobody = await withSession({})
    const stillNobody = await withSession({ session: nobody.session })
    t.equal(stillNobody.socket.isSessionReused(), true)
    t.equal(stillNobody.answered, 403, 'and nobody stays nobody')

    writeFiles(folder, { 'clients.pem': OTHER_CA.cert })
    await gateway.gateway.reload()
    const later = await withSession({ session: first.session })
    t.equal(later.socket.isSessionReused(), false)
    t.equal(later.answered, 403, 'a session under an authority that is gone')
    t.equal(await ask(first.socket, 'mail.example.com'), 403, 'nor a connection')

    writeFiles(folder, { 'clients.pem': OTHER_CA.cert + CA.cert })
    await gateway.gateway.reload()
    t.equal(await ask(first.socket, 'mail.example.com'), 200, 'once it is there again')
    t.equal((await withSession(ANA)).answered, 200)
  })
}

test('a reload begins and ends to ask for certificates; a broken file changes nothing', async (t) => {
  const { folder, gateway, status } = await start(t)
  const file = join(gateway.folder, 'gatehouse.yaml')
  const config = await readFile(file, 'utf8')
  await writeFile(file, config.replace(/,\n *"client_ca": ".*"/, ''))
  await gateway.gateway.reload()
  t.equal(await status('mail.example.com', ANA), 403)
  t.equal(await status('open.example.com'), 200)
  await writeFile(file, config)
  await gateway.gateway.reload()
  t.equal(await status('mail.example.com', ANA), 200)
  writeFiles(folder, { 'clients.pem': 'no certificate' })
  await gateway.gateway.reload()
  t.equal(await status('mail.example.com', ANA), 200)
})

test('a WebSocket that a certificate opened closes once nobody vouches for that any more', async (t) => {
  const { gateway, upstream } = await start(t)
  const sockets = new WebSocketServer({ server: upstream.server })
  t.teardown(() => sockets.close())
  const options = (host: string): object => ({
    ...ANA,
    servername: host,
    rejectUnauthorized: false,
  })
  const overH1 = async (host: string) => {
    const url = `wss://127.0.0.1:${gateway.port}/`
    const socket = new WebSocket(url, { ...options(host), headers: { host } })
    await once(socket, 'open')
    return socket
  }
  const overH2 = async (host: string) => {
    const session = connectH2(`https://127.0.0.1:${gateway.port}`, options(host))
    t.teardown(() => session.destroy())
    return (await h2WebSocket(session, { ':authority': host, ':path': '/' })).socket
  }
  const mine = [await overH1('mail.example.com'), await overH2('mail.example.com')]
  const other = await overH1('open.example.com')
  for (const socket of [...mine, other]) t.teardown(() => socket.terminate())

  const otherClosed = once(other, 'close')
  gateway.writePolicies(
    POLICIES(upstream.origin).replace('allow_websockets: true, allow_public', 'allow_public'),
  )
  await gateway.gateway.reload()
  t.equal((await otherClosed)[0], 1008, 'all have been judged again by now')
  t.same(
    mine.map(({ readyState }) => readyState),
    [WebSocket.OPEN, WebSocket.OPEN],
    'and the certificate holds',
  )
  const closed = mine.map((socket) => once(socket, 'close'))
  const file = join(gateway.folder, 'gatehouse.yaml')
  await writeFile(file, (await readFile(file, 'utf8')).replace(/,\n *"client_ca": ".*"/, ''))
  await gateway.gateway.reload()
  for (const end of closed) t.equal((await end)[0], 1008)
})

test('a connection is for the hosts that its certificate covers', async (t) => {
  const { open } = await start(t)
  const socket = await open('open.example.com', ANA)
  t.equal(await ask(socket, 'open.example.com'), 200)
  t.equal(await ask(socket, 'mail.example.com'), 200, 'a wildcard covers one label')
  t.equal(await ask(socket, 'a.b.example.com'), 421)
  t.equal(await ask(socket, 'example.com'), 421)
  t.equal(await ask(socket, 'open.example.com.evil.example'), 421)
  const unnamed = await open('', ANA)
  t.equal(await ask(unnamed, 'mail.example.com'), 200)
})
