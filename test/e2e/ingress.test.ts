/** `gatehouse serve --kubernetes`: a real gateway between the API server of a cluster, a provider, browsers and upstreams. */

import { request } from 'node:https'
import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { INGRESS_CLASS, ingress, service, tlsSecret } from '../support/cluster-objects.ts'
import { selfSigned } from '../support/self-signed.ts'
import { signIn } from '../support/sign-in.ts'
import { type Cluster, type Json, startCluster } from '../support/start-cluster.ts'
import { type GatewayOptions, startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { writeFiles } from '../support/temp-folder.ts'

const APP = 'http://app.localhost:8080/'

const POLICIES = `
policies:
  staff: [{ allow: { or: [{ groups: platform-engineers }] } }]
  science: [{ allow: { or: [{ groups: data-science }] } }]
  open: [{ allow: { and: [{ accept: true }] } }]
  not-admin: [{ deny: { and: [{ http_path: { starts_with: /admin } }] } }]
routes:
  - { name: file, from: "http://file.localhost:8080", response: { body: of a file }, allow_public_unauthenticated_access: true }
`

/** A gateway on `cluster` that is ready. */
async function startOn(t: Test, cluster: Cluster, options: Partial<GatewayOptions> = {}) {
  const gateway = await startGateway(t, {
    policies: POLICIES,
    kubernetes: true,
    env: { KUBECONFIG: cluster.kubeconfig },
    ...options,
  })
  t.ok(await within(20_000, () => isReady(gateway)), 'the gateway is ready')
  return gateway
}

async function isReady({ adminUrl }: Pick<TestGateway, 'adminUrl'>): Promise<boolean> {
  return (await fetch(`${adminUrl}/readyz`)).status === 200
}

/** Each by itself may have waited for a processor that others had. */
function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

/** Whether `holds` within so many milliseconds; how many it took. */
async function within(ms: number, holds: () => unknown): Promise<number | false> {
  const begun = performance.now()
  for (;;) {
    if (await holds()) return Math.max(1, Math.round(performance.now() - begun))
    if (performance.now() - begun > ms) return false
    await wait(10)
  }
}

async function startSurroundings(t: Test) {
  const cluster = await startCluster(t)
  const upstream = await startUpstream(t)
  cluster.apply(INGRESS_CLASS)
  cluster.apply(service(upstream.port))
  return { cluster, upstream }
}

function eventsOf(cluster: Cluster, name: string): readonly string[] {
  return cluster
    .list('Event')
    .filter((event) => (event['involvedObject'] as Json)['name'] === name)
    .map((event) => `${event['reason']}: ${event['message']}`)
}

test('an Ingress is served to whom the policy lets in that it picks', async (t) => {
  const { cluster, upstream } = await startSurroundings(t)
  const provider = await startProvider(t)
  cluster.apply(ingress({ annotations: { policy: 'staff, not-admin' } }))
  cluster.apply(ingress({ name: 'nobody', host: 'nobody.localhost', annotations: {} }))
  const gateway = await startOn(t, cluster, { provider })
  const browser = createBrowserClient(gateway.port)
  const ana = await signIn(browser, `${APP}d/1?q=2`, 'ana')
  t.equal(ana.status, 200, 'whom it lets in')
  t.equal(upstream.last.url, '/d/1?q=2')
  t.equal(upstream.last.headers.host, `app.team.svc:${upstream.port}`)
  t.equal(upstream.last.headers['x-forwarded-email'], 'ana@example.com')
  t.equal((await browser.send(`${APP}admin/x`)).status, 403, 'a second policy denies')
  t.equal((await signIn(createBrowserClient(gateway.port), APP, 'ben')).status, 403, 'others')
  t.equal((await gateway.get('http://nobody.localhost:8080/')).status, 403, 'no policy: nobody')
  t.equal((await gateway.get('http://other.localhost:8080/')).status, 421, 'no Ingress, no host')
  t.ok(await within(5_000, async () => gateway.decisions().length > 0))
  t.match(gateway.decisions().at(0), { route: 'app.localhost' })
  const told = () => eventsOf(cluster, 'nobody').length
  t.ok(await within(5_000, told))
  t.match(eventsOf(cluster, 'nobody'), [/^NoPolicy: nobody is let in: name a policy/])

  await t.test('a change is live within a second', async (t) => {
    const times: number[] = []
    const live = async (change: () => unknown, path: string, status: number) => {
      change()
      const ms = await within(10_000, async () => {
        return (await browser.send(new URL(path, APP).href)).status === status
      })
      t.ok(ms, `${path} is answered ${status} after ${ms} ms`)
      times.push(Number(ms))
    }
    const set = (words: object) => () => cluster.apply(ingress(words))
    await live(set({ annotations: { policy: 'science' } }), '/', 403)
    await live(set({ annotations: { policy: 'staff' } }), '/', 200)
    await live(set({ annotations: { policy: 'misspelt' } }), '/', 403)
    await live(set({}), '/', 200)
    await live(set({ annotations: { policy: 'staff', tls_skip_verify: 'true' } }), '/', 403)
    await live(set({ paths: [['/a', 'Prefix', 'app:http']] }), '/b', 404)
    await live(set({ paths: [['/', 'Prefix', 'none:80']] }), '/', 503)
    await live(() => cluster.apply(service(80, { ports: [{ port: 80 }] }, 'none')), '/', 502)
    await live(set({}), '/', 200)
    await live(() => cluster.remove('Ingress', 'team', 'app'), '/', 421)
    t.ok(median(times) < 1_000, `live after (ms): ${times.join(', ')}`)
  })

  await t.test('the owners are told what is wrong', async (t) => {
    const all = () => eventsOf(cluster, 'app').join('\n')
    t.ok(await within(5_000, () => /BackendUnavailable/.test(all())))
    t.match(all(), /^Refused: there is no policy `misspelt`/m)
    t.match(all(), /^Refused: `gatehouse.dev\/tls_skip_verify` cannot be set on an Ingress/m)
    t.match(all(), /^BackendUnavailable: there is no Service `none` in the namespace `team`/m)
  })

  await t.test(
    'the API server away: what is known is served, and policies still change',
    async (t) => {
      cluster.apply(ingress({ annotations: { policy: 'open' } }))
      t.ok(await within(10_000, async () => (await gateway.get(APP)).status === 200))
      await cluster.down()
      gateway.writePolicies(POLICIES.replace('accept: true', 'groups: nobody'))
      await gateway.gateway.reload()
      t.equal((await gateway.get(APP)).status, 401)
      t.ok(await isReady(gateway), 'and it stays ready')
      await cluster.up()
      cluster.remove('Ingress', 'team', 'app')
      t.ok(await within(20_000, async () => (await gateway.get(APP)).status === 421))
    },
  )
})

test('before the first list there is nothing to be ready for', async (t) => {
  const { cluster } = await startSurroundings(t)
  cluster.apply(ingress({ annotations: { policy: 'open' } }))
  cluster.hang(true)
  const options = { kubernetes: true, env: { KUBECONFIG: cluster.kubeconfig } }
  const gateway = await startGateway(t, { policies: POLICIES, ...options })
  t.equal((await fetch(`${gateway.adminUrl}/healthz`)).status, 200, 'it lives')
  t.notOk(await isReady(gateway), 'and is not ready')
  t.equal((await gateway.get('http://file.localhost:8080/')).body, 'of a file')
  cluster.hang(false)
  await cluster.down()
  await cluster.up()
  t.ok(await within(20_000, () => isReady(gateway)))
  t.equal((await gateway.get(APP)).status, 200)
})

test('a host goes to nobody before all who might have it are known', async (t) => {
  const { cluster, upstream } = await startSurroundings(t)
  const open = { annotations: { policy: 'open' } }
  cluster.apply(ingress({ ...open, createdAt: '2026-01-01T00:00:00Z' }))
  cluster.apply(
    ingress({ ...open, namespace: 'thieves', name: 'thief', createdAt: '2026-02-01T00:00:00Z' }),
  )
  cluster.apply(service(upstream.port, {}, 'app', 'thieves'))
  cluster.forbid(/namespaces\/team\/ingresses/)
  const gateway = await startGateway(t, {
    policies: POLICIES,
    config: { kubernetes: { namespaces: ['team', 'thieves'] } },
    kubernetes: true,
    env: { KUBECONFIG: cluster.kubeconfig },
  })
  t.ok(await within(10_000, () => cluster.watches() >= 4), 'all others are followed')
  gateway.writePolicies(`${POLICIES}\n`)
  await gateway.gateway.reload()
  t.equal((await gateway.get(APP)).status, 421, 'a change of the files brings in nobody')
  cluster.forbid(undefined)
  t.ok(await within(20_000, () => isReady(gateway)))
  t.equal((await gateway.get(APP)).status, 200)
  t.equal(upstream.last.headers.host, `app.team.svc:${upstream.port}`)
})

test('an Ingress never takes what the files, the gateway or an older one have', async (t) => {
  const { cluster } = await startSurroundings(t)
  const open = { annotations: { policy: 'open' } }
  const names = {
    file: ingress({ ...open, name: 'file', host: 'file.localhost' }),
    auth: ingress({ ...open, name: 'auth', host: 'localhost' }),
    own: ingress({ ...open, name: 'own', paths: [['/.gatehouse/', 'Prefix', 'app:http']] }),
    thief: ingress({
      ...open,
      namespace: 'thieves',
      name: 'thief',
      paths: [['/pay', 'Prefix', 'app:http']],
      createdAt: '2026-02-01T00:00:00Z',
    }),
    younger: ingress({ ...open, name: 'younger', createdAt: '2026-03-01T00:00:00Z' }),
  }
  cluster.apply(ingress(open))
  for (const object of Object.values(names)) cluster.apply(object)
  const gateway = await startOn(t, cluster)
  t.equal((await gateway.get('http://file.localhost:8080/')).body, 'of a file')
  t.equal((await gateway.visit('http://localhost:8080/.gatehouse/')).status, 200)
  t.equal((await gateway.get('http://localhost:8080/x')).status, 404)
  const why = {
    file: /`file.localhost` is a host of the policy files \(.*test.yaml:8\)/,
    auth: /`localhost` is the host of `server.public_url`/,
    own: /what is below `\/.gatehouse\/` is answered by Gatehouse/,
    thief: /Conflict: the host `app.localhost` belongs to the older Ingress `team\/app`/,
    younger: /Conflict: the path `\/` of `app.localhost` belongs to the older Ingress `team\/app`/,
  }
  for (const [name, message] of Object.entries(why)) {
    t.ok(await within(5_000, () => message.test(eventsOf(cluster, name).join('\n'))), name)
  }
  t.strictSame(eventsOf(cluster, 'app'), [], 'and the older one is served as before')
})

test('addresses and events are written once, whatever else is written and by however many', async (t) => {
  const { cluster } = await startSurroundings(t)
  cluster.apply(ingress({ annotations: {} }))
  cluster.apply(service(80, { type: 'LoadBalancer', clusterIP: '127.0.0.9' }, 'front', 'gatehouse'))
  cluster.conflict(2)
  const config = { kubernetes: { publish_service: 'gatehouse/front' } }
  await startOn(t, cluster, { config })
  await startOn(t, cluster, { config })
  const front = cluster.get('Service', 'gatehouse', 'front') ?? {}
  cluster.apply({ ...front, status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } } })
  const addresses = () => cluster.get('Ingress', 'team', 'app')?.['status']
  const expected = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } }
  t.ok(await within(5_000, () => JSON.stringify(addresses()) === JSON.stringify(expected)))
  t.ok(await within(5_000, () => eventsOf(cluster, 'app').length > 0))
  await wait(300)
  t.equal(eventsOf(cluster, 'app').length, 1, 'one event of two replicas')
  const writes = () => cluster.requests.filter((line) => !line.startsWith('GET')).length
  const before = writes()
  cluster.apply(service(81, {}, 'another'))
  await wait(500)
  t.equal(writes(), before, 'and nothing more is written where nothing changes')
})

test('certificates come from the Secrets that Ingresses name, by SNI', async (t) => {
  const { cluster } = await startSurroundings(t)
  const ofConfig = selfSigned(['auth.localhost'])
  const ofApp = selfSigned(['app.localhost', 'auth.localhost', 'other.localhost'])
  const renewed = selfSigned(['app.localhost'])
  cluster.apply(tlsSecret('app-tls', ofApp))
  cluster.apply(tlsSecret('unnamed', selfSigned(['app.localhost'])))
  const tls = [{ hosts: ['app.localhost'], secretName: 'app-tls' }]
  const spec = { tls }
  cluster.apply(ingress({ annotations: { policy: 'open' }, spec }))
  const plain = await startGateway(t, { policies: POLICIES })
  writeFiles(plain.folder, { 'tls.crt': ofConfig.cert, 'tls.key': ofConfig.key })
  const server = {
    public_url: 'https://auth.localhost',
    tls: [{ cert: `${plain.folder}/tls.crt`, key: `${plain.folder}/tls.key` }],
  }
  const policies = POLICIES.replace('http://file.localhost:8080', 'https://file.localhost')
  const { port } = await startOn(t, cluster, { policies, config: { server } })
  const shown = (host: string) => shownTo(port, host)
  const isShown = (host: string, { cert }: { readonly cert: string }) =>
    within(10_000, async () => (await shown(host)).cert === withoutFrame(cert))
  t.ok(await isShown('app.localhost', ofApp), 'its own')
  t.equal((await shown('app.localhost')).status, 200)
  t.ok(await isShown('auth.localhost', ofConfig), 'the config’s for what that names')
  t.ok(await isShown('other.localhost', ofConfig), 'and for hosts that the Ingress does not have')
  cluster.apply(tlsSecret('app-tls', renewed))
  t.ok(await isShown('app.localhost', renewed), 'a renewed one, without a restart')
  const read = cluster.requests.filter((line) => line.includes('/secrets'))
  t.ok(
    read.every((line) => line.includes('namespaces/team/secrets?') && line.includes('app-tls')),
    'and no other Secret is ever asked for',
  )
  cluster.apply(tlsSecret('app-tls', { cert: ofApp.cert, key: renewed.key }))
  t.ok(await within(5_000, () => /key is not that/.test(eventsOf(cluster, 'app').join())))
  t.ok(await isShown('app.localhost', ofConfig), 'one that does not fit is not shown')
})

function shownTo(port: number, host: string): Promise<{ status: number; cert: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        servername: host,
        headers: { host },
        rejectUnauthorized: false,
        agent: false,
      },
      (answer) => {
        const { socket } = answer
        const cert = 'getPeerCertificate' in socket ? peerOf(socket) : ''
        answer.resume().on('end', () => resolve({ status: answer.statusCode ?? 0, cert }))
      },
    )
    outgoing.on('error', reject).end()
  })
}

function peerOf(socket: object): string {
  const { getPeerCertificate } = socket as { getPeerCertificate(): { raw: Buffer } }
  return getPeerCertificate.call(socket).raw.toString('base64')
}

function withoutFrame(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\n/g, '')
}

test('a thousand Ingresses', async (t) => {
  const { cluster } = await startSurroundings(t)
  const one = (i: number, policy = 'open') =>
    ingress({ name: `app-${i}`, host: `app-${i}.localhost`, annotations: { policy } })
  for (let i = 0; i < 1_000; i++) cluster.apply(one(i))
  const starts: number[] = []
  const start = async () => {
    const begun = performance.now()
    const gateway = await startOn(t, cluster)
    starts.push(Math.round(performance.now() - begun))
    return gateway
  }
  let gateway = await start()
  // Once more where others had the processors.
  if (Math.min(...starts) >= 5_000) gateway = await start()
  t.ok(Math.min(...starts) < 5_000, `are served after (ms): ${starts.join(', ')}`)
  const status = async (i: number) => (await gateway.get(`http://app-${i}.localhost:8080/`)).status
  t.equal(await status(0), 200)
  t.equal(await status(999), 200)

  const times: number[] = []
  for (const [policy, expected] of Object.entries({ staff: 401, open: 200, science: 401 })) {
    cluster.apply(one(500, policy))
    times.push(Number(await within(10_000, async () => (await status(500)) === expected)))
  }
  t.ok(times.every(Boolean) && Math.min(...times) < 1_000, `a change is live after (ms): ${times}`)

  const revisions = new Set<string>()
  for (let i = 0; i < 1_000; i++) cluster.apply(one(i, 'staff'))
  const all = await within(20_000, async () => {
    const config = await (await fetch(`${gateway.adminUrl}/config`)).json()
    revisions.add((config as { revision: string }).revision)
    return (await status(0)) === 401 && (await status(999)) === 401
  })
  t.ok(all, `a thousand changes are live after ${all} ms`)
  t.ok(revisions.size <= 6, `in ${revisions.size} reloads at the most`)
})
