import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { type Test, test } from 'tap'
import { BadConfig, startGateway as startApp } from '../../src/app.ts'
import { rawRequest } from '../support/raw-request.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream, type UpstreamOptions } from '../support/start-upstream.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'

const HEAD = 'GET / HTTP/1.1\r\nHost: open.localhost\r\n\r\n'

async function startOpen(
  t: Test,
  handler?: UpstreamOptions['handler'],
  server: Record<string, unknown> = {},
) {
  const upstream = await startUpstream(t, handler === undefined ? {} : { handler })
  const policies = (keys = '') => `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true${keys} }
`
  const gateway = await startGateway(t, { policies: policies(), config: { server } })
  return { upstream, gateway, policies }
}

/** Until nobody listens there any more. */
async function refused(port: number): Promise<void> {
  const tryOnce = () =>
    new Promise<string | undefined>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.destroy())
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      socket.on('close', () => resolve(undefined))
    })
  while ((await tryOnce()) !== 'ECONNREFUSED');
}

test('what is in flight finishes while the gateway stops; nothing new is taken', async (t) => {
  const arrived = Promise.withResolvers<() => void>()
  const { gateway } = await startOpen(t, (_request, response) => {
    arrived.resolve(() => response.end('finished'))
  })
  const answer = gateway.get('http://open.localhost:8080/')
  const finish = await arrived.promise
  const stopped = gateway.gateway.stop()
  await refused(gateway.port)
  finish()
  t.equal((await answer).body, 'finished')
  await stopped
})

test('what does not finish within drain_timeout is cut off', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { gateway } = await startOpen(t, () => arrived.resolve(), { drain_timeout: '100ms' })
  const outgoing = request({
    host: '127.0.0.1',
    port: gateway.port,
    headers: { host: 'open.localhost' },
  }).end()
  const broken = once(outgoing, 'error')
  await arrived.promise
  await gateway.gateway.stop()
  await broken
  t.pass('stopped')
})

test('for drain_delay connections are accepted and told to close, and readiness is gone', async (t) => {
  const { gateway } = await startOpen(t, undefined, { drain_delay: '1s' })
  const stopped = gateway.gateway.stop({ delay: true })
  t.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 503)
  t.equal((await fetch(`${gateway.adminUrl}/healthz`)).status, 200)
  const answer = await rawRequest(gateway.port, HEAD)
  t.equal(answer.status, 200)
  t.equal(answer.header('connection'), 'close')
  await stopped
})

for (const h2c of [true, false]) {
  test(`connections on which nothing came keep no gateway from stopping, ${h2c ? 'with' : 'without'} h2c`, async (t) => {
    const { gateway } = await startOpen(t, undefined, { drain_timeout: '30s', h2c })
    const silent = connect(gateway.port, '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    const ended = once(silent, 'close')
    silent.resume()
    // Behind the silent one: by then the gateway has that too.
    t.equal((await rawRequest(gateway.port, HEAD)).status, 200)
    const start = Date.now()
    await gateway.gateway.stop()
    t.ok(Date.now() - start < 5_000, `stopped after ${Date.now() - start} ms`)
    await ended
  })
}

test('stopping twice is stopping once', async (t) => {
  const { gateway } = await startOpen(t)
  await Promise.all([gateway.gateway.stop(), gateway.gateway.stop()])
  t.pass('stopped')
})

test('a changed policy is in force after a reload, a bad one never', async (t) => {
  const { gateway, policies } = await startOpen(t)
  const config = async () =>
    (await fetch(`${gateway.adminUrl}/config`)).json() as Promise<Record<string, unknown>>
  const before = await config()
  gateway.writePolicies(
    `${policies()}  - { name: second, from: "http://second.localhost:8080", to: "http://127.0.0.1:9" }\n`,
  )
  await gateway.gateway.reload()
  t.equal(
    (await gateway.get('http://second.localhost:8080/')).status,
    403,
    'the new route refuses all',
  )
  t.not((await config())['revision'], before['revision'])

  gateway.writePolicies(policies(', prefx: /x'))
  await gateway.gateway.reload()
  t.equal(
    (await gateway.get('http://second.localhost:8080/')).status,
    403,
    'the last good one serves',
  )
  t.match(await config(), {
    last_error: { message: /prefix/, file: /test\.yaml$/, line: 3, at: /^\d{4}-/ },
  })
  const ready = await fetch(`${gateway.adminUrl}/readyz`)
  t.equal(ready.status, 200)
  t.match(await ready.json(), { last_reload: /prefix/ })
  t.match(
    await (await fetch(`${gateway.adminUrl}/metrics`)).text(),
    'gatehouse_config_last_reload_successful 0',
  )

  gateway.writePolicies(policies())
  await gateway.gateway.reload()
  t.match(await config(), { last_error: null })
  t.equal(
    (await gateway.get('http://second.localhost:8080/')).status,
    421,
    'a removed route is gone',
  )
})

test('an edit is live within two seconds, without being asked for', async (t) => {
  const { gateway, policies } = await startOpen(t)
  gateway.writePolicies(
    `${policies()}  - { name: second, from: "http://second.localhost:8080", to: "http://127.0.0.1:9" }\n`,
  )
  const deadline = Date.now() + 2_000
  let status = 421
  while (status === 421 && Date.now() < deadline) {
    status = (await gateway.get('http://second.localhost:8080/')).status
  }
  t.equal(status, 403)
})

test('requests in flight finish under the policy that they began with', async (t) => {
  const arrived = Promise.withResolvers<() => void>()
  const { gateway, policies } = await startOpen(t, (_request, response) => {
    arrived.resolve(() => response.end('finished'))
  })
  const answer = gateway.get('http://open.localhost:8080/')
  const finish = await arrived.promise
  gateway.writePolicies(
    policies().replace('allow_public_unauthenticated_access', 'allow_any_authenticated_user'),
  )
  await gateway.gateway.reload()
  t.equal((await gateway.get('http://open.localhost:8080/')).status, 401)
  finish()
  t.equal((await answer).status, 200)
})

test('a config with errors starts nothing and says every one of them', async (t) => {
  const folder = tempFolder(t)
  writeFiles(folder, {
    'gatehouse.yaml': 'server: { public_url: 7, listn: x }\n',
    'policies/a.yaml': 'routes: 7\n',
  })
  const start = startApp({ configFile: `${folder}/gatehouse.yaml`, env: {}, now: Date.now })
  const error = await start.catch((cause: unknown) => cause)
  t.ok(error instanceof BadConfig)
  t.match(String(error), /gatehouse\.yaml:1:\d+: .*listen/)
  t.match(String(error), /a\.yaml:1:\d+: /)
})

test('a port that is taken is one sentence, and nothing is left half-started', async (t) => {
  const { gateway } = await startOpen(t)
  const folder = tempFolder(t)
  writeFiles(folder, {
    'gatehouse.yaml': JSON.stringify({
      server: {
        listen: `127.0.0.1:${gateway.port}`,
        admin_listen: '127.0.0.1:0',
        public_url: 'http://localhost:8080',
      },
      providers: { demo: { issuer: 'http://127.0.0.1:9', client_id: 'x' } },
      logging: { level: 'error', decisions: 'decisions.log' },
    }),
    'policies/a.yaml': 'routes: [{ from: "http://a.localhost", to: "http://127.0.0.1:9" }]\n',
  })
  await t.rejects(startApp({ configFile: `${folder}/gatehouse.yaml`, env: {}, now: Date.now }), {
    message: `port ${gateway.port} on 127.0.0.1 is taken: end the program that uses it or change \`server.listen\``,
  })
})
