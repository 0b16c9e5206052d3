/** `server.workers`: several processes that are one gateway. */

import { once } from 'node:events'
import { Agent } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Test, test } from 'tap'
import { type SpawnOptions, spawnGateway, spawnServe } from '../support/spawn-gateway.ts'
import { writeGateway } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'
import { PRIVATE, PUBLIC, startSurroundings, visitorsOf } from '../support/start-replicas.ts'

const WORKERS = 2

async function startWorkers(t: Test, config: Readonly<Record<string, object>> = {}) {
  const { provider, policies } = await startSurroundings(t)
  const options: SpawnOptions = {
    provider,
    policies,
    config: {
      ...config,
      server: { workers: WORKERS, ...config['server'] },
      session: { store: 'sqlite:sessions.db', ...config['session'] },
    },
  }
  const gateway = await spawnGateway(t, options)
  return { gateway, policies, options, ...visitorsOf(t, [gateway]) }
}

/** Connections that stay open, as many to each worker as to any other: they are handed out in turn. */
function openConnections(t: Test, count: number): readonly Agent[] {
  return Array.from({ length: count }, () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => agent.destroy())
    return agent
  })
}

test('several workers are one gateway', async (t) => {
  // All that the parts need of the machine is one start; each leaves the gateway as it found it, the last one ends it.
  const started = await startWorkers(t, {
    server: { drain_delay: '1s' },
    logging: { decisions: 'stdout' },
  })
  const { gateway, policies, signIn, signOut, openSocket, visit } = started
  const logged = text(gateway.stdout)

  await t.test('all workers serve, as one gateway with one set of figures', async (t) => {
    t.equal(gateway.workers().size, WORKERS)
    const cookie = await signIn(0)
    const before = await gateway.metric('gatehouse_requests_total', 'route="private"')
    for (let i = 0; i < 10; i++) t.equal((await visit(0, cookie)).status, 200)
    await until(async () => {
      const count = await gateway.metric('gatehouse_requests_total', 'route="private"')
      return count === before + 10
    })
    t.equal(await gateway.metric('gatehouse_sessions'), 1, 'not once for each worker')
    t.equal(await gateway.metric('gatehouse_config_last_reload_successful'), 1)
    const sessions = await (await fetch(`${gateway.adminUrl}/sessions`)).json()
    t.match(sessions, { sessions: [{ email: 'ana@example.com' }] })
    const page = await (await fetch(gateway.adminUrl)).text()
    t.match(page, `<dt>Processes</dt><dd>${WORKERS}</dd>`, 'the operator’s page hears of all')
    t.match(page, /<th scope="row">demo<\/th>[\s\S]*<span class="mark good">good<\/span>/)
    const keys = await Promise.all(
      openConnections(t, 4).map((agent) =>
        gateway.get('http://localhost:8080/.gatehouse/jwks.json', { agent }),
      ),
    )
    for (const { body } of keys) t.equal(body, keys[0]?.body, 'one signing key')
  })

  await t.test('a worker that is killed is replaced, and the others serve on', async (t) => {
    const cookie = await signIn(0)
    for (let i = 0; i < 10; i++) await visit(0, cookie)
    const counted = await gateway.metric('gatehouse_requests_total')
    const killed = gateway.workers().get(1)
    process.kill(killed ?? 0, 'SIGKILL')
    await until(async () => gateway.workers().get(1) !== killed)
    for (let i = 0; i < 10; i++) t.equal((await visit(0, cookie)).status, 200)
    t.match(
      gateway.log().find(({ msg }) => msg === 'a worker has ended and is replaced'),
      { level: 'error', worker: 1, pid: killed, signal: 'SIGKILL' },
    )
    t.ok((await gateway.metric('gatehouse_requests_total')) >= counted, 'counters do not fall')
    t.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200)
  })

  await t.test('whoever is out is out in all workers at once, WebSockets too', async (t) => {
    for (const end of ['sign-out', 'revocation']) {
      const cookie = await signIn(0)
      const sockets = await Promise.all([0, 1, 2, 3].map(() => openSocket(0, cookie)))
      const closed = Promise.all(sockets.map((socket) => once(socket, 'close')))
      const start = performance.now()
      if (end === 'sign-out') t.equal((await signOut(0, cookie)).status, 303)
      else await fetch(`${gateway.adminUrl}/sessions?all=true`, { method: 'DELETE' })
      const codes = (await closed).map(([code]) => code)
      const took = Math.round(performance.now() - start)
      t.comment(`${end}: four WebSockets closed after ${took} ms`)
      t.strictSame(codes, [1008, 1008, 1008, 1008])
      t.ok(took < 1_000)
      for (let i = 0; i < 4; i++) t.equal((await visit(0, cookie)).status, 401)
    }
  })

  await t.test('lines of the decision log are whole, however long they are', async (t) => {
    // The pipe takes 64 KB at once, and promises not to mix what is written by several only up to 4 KB.
    const ask = async (agent: Agent, at: number) => {
      for (let i = 0; i < 25; i++) {
        const path = `/${at}/${i}/${'x'.repeat(12_000)}`
        const { status } = await gateway.get(`${PUBLIC}${path}`, { agent })
        if (status !== 200) t.equal(status, 200)
      }
    }
    await Promise.all(openConnections(t, 8).map(ask))
  })

  await t.test(
    'a reload reaches all workers or none, and one that starts later has what is in force',
    async (t) => {
      const agents = openConnections(t, 4)
      const statuses = async (host: string) => {
        const asked = agents.map((agent) =>
          gateway.get(`http://${host}.localhost:8080/`, { agent }),
        )
        return (await Promise.all(asked)).map(({ status }) => status)
      }
      const config = async () =>
        (await (await fetch(`${gateway.adminUrl}/config`)).json()) as Record<string, unknown>
      const own = 'allow_public_unauthenticated_access: true, response: { body: x }'
      const second = `  - { name: second, from: "http://second.localhost:8080", ${own} }\n`
      t.strictSame(await statuses('second'), [421, 421, 421, 421])
      gateway.writePolicies(policies + second)
      gateway.signal('SIGHUP')
      await until(async () => !(await statuses('second')).includes(421))
      t.strictSame(await statuses('second'), [200, 200, 200, 200])

      gateway.writePolicies(policies.replace('allow_websockets', 'allow_websokets'))
      gateway.signal('SIGHUP')
      await until(async () => (await config())['last_error'] !== null)
      t.strictSame(await statuses('second'), [200, 200, 200, 200], 'a bad file changes nothing')
      t.equal(await gateway.metric('gatehouse_config_last_reload_successful'), 0)

      const killed = gateway.workers().get(2)
      process.kill(killed ?? 0, 'SIGKILL')
      await until(async () => gateway.workers().get(2) !== killed)
      for (const agent of openConnections(t, 4)) {
        const answer = await gateway.get('http://second.localhost:8080/', { agent })
        t.equal(answer.status, 200, 'with the last good one, whatever the files are')
      }
    },
  )

  await t.test(
    'SIGTERM drains all workers: what is in flight finishes, sockets get 1001, the exit code is 0',
    async (t) => {
      const cookie = await signIn(0)
      const sockets = await Promise.all([0, 1, 2, 3].map(() => openSocket(0, cookie)))
      const closed = Promise.all(sockets.map((socket) => once(socket, 'close')))
      gateway.signal('SIGTERM')
      await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 503)
      const late = await Promise.all([1, 2, 3, 4].map(() => gateway.get(`${PUBLIC}/`)))
      t.match(
        late.map(({ status, headers }) => [status, headers['connection']]),
        [...Array(4)].map(() => [200, 'close']),
        'still served, and told to go',
      )
      t.strictSame(
        (await closed).map(([code]) => code),
        [1001, 1001, 1001, 1001],
      )
      t.strictSame(await gateway.ended, [0, null])
      await t.rejects(gateway.get(`${PUBLIC}/`))

      const lines = (await logged).trimEnd().split('\n')
      const paths = lines.map((line) => String(JSON.parse(line).path).split('/'))
      for (let at = 0; at < 8; at++) {
        const seen = paths.filter(
          ([, one, , rest]) => one === String(at) && rest?.length === 12_000,
        )
        const order = seen.map(([, , i]) => Number(i))
        t.strictSame(order, [...Array(25).keys()], 'whole, all of them, and in order')
      }
      t.ok(paths.length > 8 * 25)
    },
  )
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a start that fails ends the whole, with one copy of the reason; without a primary no worker stays', async (t) => {
  const server = { workers: WORKERS }
  const inMemory = writeGateway(t, { policies: 'routes: []', config: { server } })
  const refused = spawnServe(t, inMemory.folder)
  t.strictSame(await refused.ended, [2, null])
  t.match(refused.stderr(), /^gatehouse\.yaml:\d+:\d+: `workers: 2` cannot share `store: memory:`/)
  t.equal(refused.stderr().split('`workers: 2`').length, 2)

  const { gateway } = await startWorkers(t)
  const taken = writeGateway(t, {
    policies: `routes: [{ from: "${PRIVATE}", to: "http://127.0.0.1:9" }]`,
    config: {
      server: { ...server, listen: `127.0.0.1:${gateway.port}` },
      session: { store: 'sqlite:sessions.db' },
    },
  })
  const failed = spawnServe(t, taken.folder)
  t.strictSame(await failed.ended, [1, null])
  const said = failed
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('gatehouse: '))
  t.match(said, [/^gatehouse: port \d+ on 127\.0\.0\.1 is taken: .*`server\.listen`$/])

  const pids = [...gateway.workers().values()]
  gateway.signal('SIGKILL')
  await gateway.ended
  await until(async () => pids.every((pid) => !isAlive(pid)))
})
