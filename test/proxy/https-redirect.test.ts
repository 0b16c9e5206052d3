/** `server.redirect_listen`: plain http is sent to https, and nobody anywhere else. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { freePort } from '../support/free-port.ts'
import { head, rawRequest } from '../support/raw-request.ts'
import { startGateway } from '../support/start-gateway.ts'

const POLICIES = `
routes:
  - { name: app, from: "https://app.example.com:8443", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: tenants, from: "https://*.tenants.example.com", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
  - { name: keep, from: "https://keep.example.com", to: "http://127.0.0.1:9", encoded_slashes: keep, allow_any_authenticated_user: true }
  - { name: plain, from: "http://plain.localhost", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`

async function startRedirecting(t: Test, server: Readonly<Record<string, unknown>> = {}) {
  const gateway = await startGateway(t, {
    config: {
      server: {
        public_url: 'https://auth.example.com',
        redirect_listen: '127.0.0.1:0',
        ...server,
      },
    },
    policies: POLICIES,
  })
  const port = () => gateway.gateway.redirectAddress()?.port ?? 0
  const ask = (line: string, ...lines: readonly string[]) =>
    rawRequest(port(), head(`${line} HTTP/1.1`, ...lines, 'Connection: close'), { until: 'close' })
  return { gateway, port, ask }
}

const sent: Record<string, readonly [target: string, host: string, location: string]> = {
  'a page': ['/a?b=c', 'app.example.com', 'https://app.example.com:8443/a?b=c'],
  'another spelling of the host': ['/', 'APP.example.com.:80', 'https://app.example.com:8443/'],
  'an absolute target': [
    'http://app.example.com/x',
    'app.example.com',
    'https://app.example.com:8443/x',
  ],
  'a host of a wildcard': ['/x', 'one.tenants.example.com', 'https://one.tenants.example.com/x'],
  public_url: ['/', 'auth.example.com', 'https://auth.example.com/'],
  'a path that no route takes': [
    '//evil.example/',
    'auth.example.com',
    'https://auth.example.com/evil.example/',
  ],
  'a query that looks like a host': [
    '/?//evil.example',
    'app.example.com',
    'https://app.example.com:8443/?//evil.example',
  ],
  'kept slashes': ['/a%2fb', 'keep.example.com', 'https://keep.example.com/a%2Fb'],
}

const refused: Record<string, readonly [target: string, status: number, ...lines: string[]]> = {
  'another host': ['/', 421, 'Host: evil.example'],
  'a host that only ends alike': ['/', 421, 'Host: app.example.com.evil.example'],
  'two labels of a wildcard': ['/', 421, 'Host: a.b.tenants.example.com'],
  'a site that has no https': ['/', 421, 'Host: plain.localhost'],
  'no host': ['/', 400],
  'two hosts': ['/', 400, 'Host: app.example.com', 'Host: app.example.com'],
  'userinfo in the host': ['/', 400, 'Host: app.example.com@evil.example'],
  'another host in the target': ['http://evil.example/', 400, 'Host: app.example.com'],
  'a backslash': ['/\\evil.example', 400, 'Host: app.example.com'],
  'dot segments': ['/../x', 400, 'Host: app.example.com'],
  'a target of 17 KB': [`/${'a'.repeat(17_000)}`, 414, 'Host: app.example.com'],
}

test('plain http is answered 308 to https for hosts that are served', async (t) => {
  const { ask, gateway } = await startRedirecting(t)
  for (const [name, [target, host, location]] of Object.entries(sent)) {
    const answer = await ask(`GET ${target}`, `Host: ${host}`)
    t.equal(answer.status, 308, name)
    t.equal(answer.header('location'), location, name)
    t.equal(answer.header('strict-transport-security'), undefined, 'not over plain http')
  }
  for (const [name, [target, status, ...lines]] of Object.entries(refused)) {
    const answer = await ask(`GET ${target}`, ...lines)
    t.equal(answer.status, status, name)
    t.equal(answer.header('location'), undefined, name)
  }
  for (const method of ['POST', 'PUT', 'HEAD', 'OPTIONS']) {
    const answer = await ask(`${method} /x`, 'Host: app.example.com', 'Content-Length: 100000000')
    t.equal(answer.status, 308, `${method}, without its body`)
  }
  t.equal((await ask('CONNECT app.example.com:443', 'Host: app.example.com')).status, 400)
  t.equal((await ask('TRACE /', 'Host: app.example.com')).status, 400)
  const upgrade = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13']
  t.equal((await ask('GET /ws', 'Host: app.example.com', ...upgrade)).status, 308)
  t.equal(
    (await gateway.get('https://app.example.com/', {})).status,
    401,
    'the site itself answers',
  )
})

test('a reload opens, moves and closes the listener', async (t) => {
  const [first, second] = [await freePort(), await freePort()]
  const { gateway, port } = await startRedirecting(t, { redirect_listen: `127.0.0.1:${first}` })
  const file = join(gateway.folder, 'gatehouse.yaml')
  const config = await readFile(file, 'utf8')
  const listens = async (asked: number) => {
    const bytes = head('GET / HTTP/1.1', 'Host: app.example.com', 'Connection: close')
    return rawRequest(asked, bytes).then(
      ({ status }) => status === 308,
      () => false,
    )
  }
  t.ok(await listens(first))
  await writeFile(file, config.replace(`:${first}`, `:${second}`))
  await gateway.gateway.reload()
  t.equal(port(), second)
  t.ok(await listens(second))
  t.notOk(await listens(first))

  await writeFile(file, config.replace(`:${first}`, `:${gateway.port}`))
  await gateway.gateway.reload()
  t.ok(await listens(second), 'a port that is taken changes nothing')

  await writeFile(file, config.replace(/.*redirect_listen.*\n/, ''))
  await gateway.gateway.reload()
  t.equal(gateway.gateway.redirectAddress(), undefined)
  t.notOk(await listens(second))
})
