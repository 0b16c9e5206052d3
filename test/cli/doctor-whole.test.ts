/** `gatehouse doctor` beyond providers: certificates, store, upstreams, the proxy in front, and apps that verify or do not. */

import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { type Test, test } from 'tap'
import { newSigningKeyPem } from '../../src/identity/signing-keys.ts'
import { freePort } from '../support/free-port.ts'
import { selfSigned } from '../support/self-signed.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startRedis } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

const runNow = (args: readonly string[], cwd: string) => runCommand(args, { cwd, now: Date.now })

interface Site {
  readonly server?: Readonly<Record<string, unknown>>
  readonly store?: string
  readonly routes?: string
  readonly files?: Readonly<Record<string, string>>
}

/** A config by which no provider answers: what is looked at here is all the rest. */
async function doctorOf(t: Test, { server, store = 'sqlite:s.db', routes, files = {} }: Site) {
  const folder = tempFolder(t, files)
  const config = {
    server: {
      public_url: 'http://localhost:8080',
      admin_listen: `127.0.0.1:${await freePort()}`,
      ...server,
    },
    providers: { op: { issuer: 'http://127.0.0.1:9', client_id: 'c', client_secret: 's' } },
    session: { secret: Buffer.alloc(32, 7).toString('base64'), store },
  }
  writeFiles(folder, {
    'gatehouse.yaml': JSON.stringify(config),
    'policies/app.yaml': `routes:\n${routes ?? '  []'}\n`,
  })
  return runNow(['doctor'], folder)
}

const route = (name: string, keys: string) =>
  `  - { name: ${name}, from: "https://${name}.example.com", allow_any_authenticated_user: true, ${keys} }`

test('upstreams: each way in which one is not there, or not who it should be, with what to do', async (t) => {
  const [plain, ours] = [await startUpstream(t), await startUpstream(t, { handler: likeOurs })]
  const certificate = selfSigned(['app.internal'])
  const secure = await startUpstream(t, { tls: certificate })
  const old = selfSigned(['localhost'], { notAfter: new Date(Date.now() - 1_000) })
  const expired = await startUpstream(t, { tls: old })
  const soon = selfSigned(['localhost'], { notAfter: new Date(Date.now() + 3 * 86_400_000) })
  const ending = await startUpstream(t, { tls: soon })
  const port = await freePort()
  const listen = await freePort()
  const at = (url: string) => `to: "${url}"`
  const https = (server: { readonly port: number }) => at(`https://localhost:${server.port}`)
  const { stdout, exitCode } = await doctorOf(t, {
    server: { listen: `0.0.0.0:${listen}` },
    files: { 'ca.pem': certificate.cert, 'old.pem': old.cert, 'soon.pem': soon.cert },
    routes: [
      route('plain', at(plain.origin)),
      route('again', at(plain.origin)),
      route('nobody', at(`http://127.0.0.1:${port}`)),
      route('socket', at('unix:///run/none.sock')),
      route('name', `${https(secure)}, tls_custom_ca_file: ../ca.pem`),
      route(
        'named',
        `${https(secure)}, tls_custom_ca_file: ../ca.pem, tls_server_name: app.internal`,
      ),
      route('unknown', https(secure)),
      route('blind', `${https(secure)}, tls_skip_verify: true`),
      route('expired', `${https(expired)}, tls_custom_ca_file: ../old.pem`),
      route('ending', `${https(ending)}, tls_custom_ca_file: ../soon.pem`),
      route('self', at(`http://localhost:${listen}`)),
      route('circle', at(ours.origin)),
    ].join('\n'),
  })
  t.equal(exitCode, 1)
  const says = (text: string | RegExp) => t.match(stdout, text)
  t.equal(stdout.split(`upstream ${plain.origin}: it answers`).length, 2, 'once for both routes')
  says(`error    upstream http://127.0.0.1:${port}: it cannot be reached: connect ECONNREFUSED`)
  says(
    /do: start the app, or mend host and port in `to`; nobody listens there\n +in: policies\/app\.yaml:4/,
  )
  says(/error {4}upstream unix:\/run\/none\.sock: .*ENOENT.*\n.*mend the path of the socket/)
  says(/upstream https:\/\/localhost:\d+: .*altnames.*\n.*tls_server_name.*\n.*app\.yaml:6\n/)
  says(
    `ok       upstream https://localhost:${secure.port}: it answers, by a certificate that holds`,
  )
  says(/self-signed certificate.*\n.*tls_custom_ca_file.*\n.*app\.yaml:8\n/)
  says(/warning {2}.*its certificate is not verified, whoever stands between can read along/)
  says(/certificate has expired\n.*renew the app's certificate\n.*app\.yaml:10\n/)
  says(/warning {2}upstream .*its certificate runs out in 2 days/)
  says(/error {4}upstream http:\/\/localhost:\d+: that is this gateway's own `server\.listen`/)
  says(/error {4}upstream .*: a Gatehouse answers there, so that requests may go in a circle/)
})

function likeOurs(_request: unknown, response: { end(text: string): void }): void {
  response.end(JSON.stringify({ error: 'SIGN_IN_REQUIRED', message: 'm', request_id: 'r' }))
}

test('certificates: those that end, broken chains, and hosts that none covers', async (t) => {
  const root = { ...selfSigned(['Root']), name: 'Root' }
  const good = selfSigned(['auth.example.com', '*.apps.example.com'], { issuer: root })
  const short = { issuer: root, notAfter: new Date(Date.now() + 5 * 86_400_000) }
  const ending = selfSigned(['ending.example.com'], short)
  const alone = selfSigned(['alone.example.com'])
  const files = {
    'good.pem': good.cert + root.cert,
    'good.key': good.key,
    'ending.pem': ending.cert,
    'ending.key': ending.key,
    'broken.pem': alone.cert + good.cert,
    'alone.key': alone.key,
  }
  const tls = [
    { cert: 'good.pem', key: 'good.key' },
    { cert: 'ending.pem', key: 'ending.key' },
    { cert: 'broken.pem', key: 'alone.key' },
  ]
  const upstream = await startUpstream(t)
  const { stdout, exitCode } = await doctorOf(t, {
    server: { public_url: 'https://auth.example.com', tls },
    files,
    routes: [
      route('one.apps', `to: "${upstream.origin}"`),
      route('bare', `to: "${upstream.origin}"`),
    ].join('\n'),
  })
  t.equal(exitCode, 1)
  t.match(stdout, /runs out in 4 days/)
  t.match(stdout, /warning {2}server\.tls: the file for ending\.example\.com has no chain/)
  t.match(stdout, /for alone\.example\.com certificate 1 is not signed by the one after it/)
  t.match(stdout, 'error    server.tls: no certificate covers bare.example.com')
  t.notMatch(stdout, 'covers one.apps.example.com')
  t.notMatch(stdout, 'covers auth.example.com')
})

test('stores: one that drops sessions, one that is away, a file that is none', async (t) => {
  const redis = await startRedis(t, { conf: ['maxmemory 100mb', 'maxmemory-policy allkeys-lru'] })
  const careless = await doctorOf(t, { store: `redis://127.0.0.1:${redis.port}` })
  t.equal(careless.exitCode, 1)
  t.match(careless.stdout, /ok {7}store: `redis:\/\/127\.0\.0\.1:\d+` answers, version \d/)
  t.match(careless.stdout, /error {4}store: .*`maxmemory-policy` is allkeys-lru/)
  t.match(careless.stdout, /do: set `maxmemory-policy noeviction`/)
  t.match(careless.stdout, /warning {2}store: .*there is no append-only file/)
  t.match(careless.stdout, /warning {2}store: .*it has no replica/)
  await redis.admin.config('SET', 'maxmemory-policy', 'noeviction')
  await redis.admin.config('SET', 'appendonly', 'yes')
  const careful = await doctorOf(t, { store: `redis://127.0.0.1:${redis.port}` })
  t.notMatch(careful.stdout, /maxmemory-policy|append-only/)

  const secret = 'hush-hush'
  const away = await doctorOf(t, { store: `redis://:${secret}@127.0.0.1:${await freePort()}` })
  t.match(away.stdout, /error {4}store: session store `redis:\/\/127.*ECONNREFUSED/)
  t.notMatch(away.stdout, secret)

  const broken = await doctorOf(t, { files: { 's.db': 'no database' } })
  t.match(broken.stdout, /error {4}store: .*s\.db: file is not a database\n.*restore it/)
  const nowhere = await doctorOf(t, { store: 'sqlite:none/s.db' })
  t.match(nowhere.stdout, /error {4}store: .*none cannot be written \(ENOENT\)/)
  t.match((await doctorOf(t, { store: 'memory:' })).stdout, 'a restart signs everybody out')
})

/** A proxy in front of `port`, as nginx is with the usual headers. */
async function startFront(t: Test, port: () => number): Promise<number> {
  const server = createServer((incoming, response) => {
    const headers = { ...incoming.headers, 'x-forwarded-for': '192.0.2.7' }
    const outgoing = request({ port: port(), path: incoming.url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outgoing.on('error', () => response.writeHead(502).end())
    outgoing.end()
  })
  const own = await freePort()
  server.listen(own, '127.0.0.1')
  t.teardown(() => server.close())
  return own
}

test('the proxy in front: believed or not, as the running gateway has seen it; and who else answers', async (t) => {
  let target = 0
  const front = await startFront(t, () => target)
  const start = async (trusted: readonly string[]) => {
    const gateway = await startGateway(t, {
      policies:
        'routes: [{ from: "http://app.localhost:8080", allow_any_authenticated_user: true, response: { body: x } }]',
      config: {
        server: {
          public_url: `http://localhost:${front}`,
          admin_listen: `127.0.0.1:${await freePort()}`,
          trusted_proxies: trusted,
        },
      },
    })
    target = gateway.port
    return gateway
  }
  const believed = await start(['127.0.0.1'])
  const good = await runNow(['doctor'], believed.folder)
  t.match(good.stdout, `ok       public_url: http://localhost:${front} leads to a Gatehouse`)
  t.match(good.stdout, 'ok       proxy: nobody sends X-Forwarded-For who is not believed')

  const doubted = await start([])
  const bad = await runNow(['doctor'], doubted.folder)
  t.match(bad.stdout, /error {4}proxy: the one in front sends X-Forwarded-For .* is not believed/)
  t.match(bad.stdout, /do: add the address of the proxy to `server\.trusted_proxies`/)
  t.match(
    await (await fetch(`${doubted.adminUrl}/metrics`)).text(),
    'gatehouse_untrusted_proxy_requests_total 1',
  )
  const other = await startUpstream(t, { handler: (_request, response) => response.end('hello') })
  target = other.port
  const elsewhere = await runNow(['doctor'], doubted.folder)
  t.match(elsewhere.stdout, /error {4}public_url: something else than Gatehouse answers/)
})

test('--probe-assertion: an app that verifies all, one that verifies nothing, one that looks at the signature alone', async (t) => {
  const HEADER = 'x-gatehouse-jwt-assertion'
  const jwks = { url: '' }
  const keys = () => createRemoteJWKSet(new URL(jwks.url))
  const verifying = (verify: (assertion: string) => Promise<unknown>) =>
    startUpstream(t, {
      handler: (incoming, response) => {
        const assertion = incoming.headers[HEADER]
        return verify(String(assertion ?? '')).then(
          () => response.end('hello'),
          () => response.writeHead(401).end(),
        )
      },
    })
  const from = 'http://all.localhost:8080'
  const all = await verifying((assertion) =>
    jwtVerify(assertion, keys(), {
      issuer: 'http://localhost:8080',
      audience: from,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'exp'],
    }),
  )
  const nothing = await startUpstream(t)
  // Whatever the token says of itself, as long as the signature holds.
  const signature = await verifying(async (assertion) =>
    jwtVerify(assertion, keys(), {
      currentDate: new Date(Number(decodeJwt(assertion).iat) * 1_000),
    }),
  )
  const hostile = await startUpstream(t, {
    handler: (_request, response) => response.writeHead(403).end(),
  })
  const paths = (name: string, to: string) =>
    `  - { name: ${name}, from: "http://${name}.localhost:8080", to: "${to}", prefix: /app, allow_any_authenticated_user: true }`
  const gateway = await startGateway(t, {
    policies: `routes:\n${[
      paths('all', all.origin),
      paths('nothing', nothing.origin),
      paths('signature', signature.origin),
      paths('hostile', hostile.origin),
      '  - { name: own, from: "http://own.localhost:8080", allow_any_authenticated_user: true, response: { body: x } }',
    ].join('\n')}\n`,
    config: { session: { store: 'sqlite:s.db' } },
  })
  jwks.url = `http://127.0.0.1:${await startJwks(t, gateway.get)}`
  const probe = (name: string, ...more: readonly string[]) =>
    runNow(['doctor', '--probe-assertion', name, ...more], gateway.folder)

  const careful = await probe('all')
  t.equal(careful.exitCode, 0, careful.stdout)
  t.match(careful.stdout, 'route all: /app accepts an assertion that is good (HTTP 200)')
  t.equal(careful.stdout.match(/it refuses/g)?.length, 8)
  t.match(careful.stdout, 'it refuses an assertion for another app (audience) (HTTP 401)')
  t.notMatch(careful.stdout, 'ACCEPTS')
  t.match(all.last.headers, { 'x-forwarded-user': 'gatehouse-doctor' })

  const careless = await probe('nothing')
  t.equal(careless.exitCode, 1)
  t.equal(careless.stdout.match(/it ACCEPTS/g)?.length, 8)
  t.match(
    careless.stdout,
    /error {4}route nothing: it ACCEPTS a request whose assertion is missing/,
  )
  t.match(careless.stdout, /do: verify signature, algorithm, issuer, audience and expiry/)

  const half = await probe('signature')
  t.equal(half.exitCode, 1)
  const accepted = [...half.stdout.matchAll(/it ACCEPTS an assertion (.*) \(HTTP/g)]
  t.strictSame(
    accepted.map(([, what]) => what),
    ['that ran out an hour ago', 'of another issuer', 'for another app (audience)'],
  )

  const closed = await probe('hostile', '--probe-path', '/app/x')
  t.equal(closed.exitCode, 1)
  t.match(closed.stdout, '/app/x refuses even an assertion that is good (HTTP 403)')
  t.match(await probe('none'), { exitCode: 2, stderr: 'gatehouse: there is no route `none`\n' })
  t.match(await probe('own'), { exitCode: 2, stderr: /has no upstream/ })

  // Where the key is in the config nobody needs the store.
  const folder = tempFolder(t, { 'signing.pem': newSigningKeyPem() })
  const config = {
    server: { public_url: 'http://localhost:8080' },
    providers: { op: { issuer: 'http://127.0.0.1:9', client_id: 'c' } },
    policies: [join(gateway.folder, 'policies')],
  }
  const written = (more: object) =>
    writeFiles(folder, { 'gatehouse.yaml': JSON.stringify({ ...config, ...more }) })
  written({ identity_headers: { signing_key: `\${file:signing.pem}` } })
  const another = await runNow(['doctor', '--probe-assertion', 'all'], folder)
  t.match(another.stdout, 'refuses even an assertion that is good', 'it knows another key')
  written({})
  const keyless = await runNow(['doctor', '--probe-assertion', 'all'], folder)
  t.match(keyless, { exitCode: 1, stdout: /the key that the gateway signs with is not kept/ })
})

/** The gateway's keys at an address that resolves: names below localhost do not everywhere. */
async function startJwks(
  t: Test,
  get: (url: string) => Promise<{ readonly body: string }>,
): Promise<number> {
  const { port } = await startUpstream(t, {
    handler: async (_request, response) => {
      const { body } = await get('http://all.localhost:8080/.gatehouse/jwks.json')
      response.writeHead(200, { 'content-type': 'application/json' }).end(body)
    },
  })
  return port
}
