import { setTimeout as wait } from 'node:timers/promises'
import { type Test, test } from 'tap'
import { connectCluster } from '../../src/kubernetes/api.ts'
import { followCollection } from '../../src/kubernetes/collection.ts'
import { readIngress } from '../../src/kubernetes/objects.ts'
import type { Log } from '../../src/support/log.ts'
import { ingress } from '../support/cluster-objects.ts'
import { type Cluster, startCluster, writeKubeconfig } from '../support/start-cluster.ts'

/** The loop over a cluster, with the real client in between. */
async function follow(t: Test, cluster: Cluster, quietMs?: number) {
  const warnings: string[] = []
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (_, message) => void warnings.push(message),
    error: (_, message) => void warnings.push(message),
  }
  const env = { KUBECONFIG: cluster.kubeconfig }
  const api = await connectCluster({ env, ...(quietMs === undefined ? {} : { quietMs }) })
  const collection = followCollection({
    api,
    path: '/apis/networking.k8s.io/v1/ingresses',
    read: readIngress,
    onChange: () => undefined,
    log,
    rest: (ms, signal) => wait(Math.min(ms, 50), undefined, { signal }),
  })
  t.teardown(() => {
    collection.close()
    api.close()
  })
  const names = () => [...collection.items().values()].map(({ name }) => name).sort()
  return { collection, names, warnings }
}

/** Polls until it holds; fails after ten seconds. */
async function until(t: Test, holds: () => boolean, what: string): Promise<void> {
  const end = Date.now() + 10_000
  while (!holds() && Date.now() < end) await wait(5)
  t.ok(holds(), what)
}

function lists({ requests }: Cluster): number {
  return requests.filter((line) => line.startsWith('GET') && !line.includes('watch=true')).length
}

test('a collection is a list in pages and then what changes', async (t) => {
  const cluster = await startCluster(t)
  for (let i = 0; i < 1_203; i++) cluster.apply(ingress({ name: `app-${i}` }))
  const { collection, names } = await follow(t, cluster)
  await collection.synced
  t.equal(names().length, 1_203)
  t.equal(lists(cluster), 3, 'pages of 500')
  await until(t, () => cluster.watches() === 1, 'it watches')

  cluster.apply(ingress({ name: 'new' }))
  await until(t, () => names().includes('new'), 'an added one is seen')
  cluster.apply(ingress({ name: 'new', host: 'other.localhost' }))
  const host = () => collection.items().get('team/new')?.rules[0]?.host
  await until(t, () => host() === 'other.localhost', 'a changed one is seen')
  cluster.remove('Ingress', 'team', 'new')
  await until(t, () => !names().includes('new'), 'a removed one is gone')
  t.equal(lists(cluster), 3, 'and nothing was listed again')
})

const ENDS = ['reset', 'mid-line', 'orderly', 'error'] as const
for (const [how, http2] of ENDS.flatMap((end) => [[end, true] as const, [end, false] as const])) {
  const name = `${how}, HTTP/${http2 ? '2' : '1.1'}`
  test(`a watch that ends (${name}) goes on where it was, and misses nothing`, async (t) => {
    const cluster = await startCluster(t, http2)
    for (const name of ['stays', 'changes', 'goes']) cluster.apply(ingress({ name }))
    const { collection, names } = await follow(t, cluster)
    await collection.synced
    await until(t, () => cluster.watches() === 1, 'it watches')
    // What happens after the break and before the next watch.
    cluster.breakWatches(how)
    cluster.remove('Ingress', 'team', 'goes')
    cluster.apply(ingress({ name: 'changes', host: 'changed.localhost' }))
    cluster.apply(ingress({ name: 'comes' }))
    await until(t, () => names().join() === 'changes,comes,stays', 'all of it is seen')
    t.equal(collection.items().get('team/changes')?.rules[0]?.host, 'changed.localhost')
    t.equal(lists(cluster), 1, 'without another list')
  })
}

for (const as of ['status', 'event'] as const) {
  test(`410 Gone as ${as}: a new list also says what has gone`, async (t) => {
    const cluster = await startCluster(t)
    for (const name of ['stays', 'goes']) cluster.apply(ingress({ name }))
    const { collection, names } = await follow(t, cluster)
    await collection.synced
    await until(t, () => cluster.watches() === 1, 'it watches')
    cluster.breakWatches('reset')
    cluster.remove('Ingress', 'team', 'goes')
    cluster.apply(ingress({ name: 'comes' }))
    cluster.compact(as)
    await until(t, () => names().join() === 'comes,stays', 'the list replaces what was held')
    t.equal(lists(cluster), 2)
    await until(t, () => cluster.watches() === 1, 'and it watches on')
    cluster.apply(ingress({ name: 'later' }))
    await until(t, () => names().includes('later'), 'from there')
  })
}

test('a bookmark moves the place from which a watch goes on', async (t) => {
  const cluster = await startCluster(t)
  const { collection, names } = await follow(t, cluster)
  await collection.synced
  await until(t, () => cluster.watches() === 1, 'it watches')
  // Changes of other kinds leave the list's version behind.
  cluster.compact('event')
  cluster.bookmark()
  await wait(50)
  cluster.breakWatches('orderly')
  cluster.apply(ingress({ name: 'comes' }))
  await until(t, () => names().join() === 'comes', 'the change is seen')
  t.equal(lists(cluster), 1, 'without another list')
})

test('pages that expire while they are read are read anew, in one', async (t) => {
  const cluster = await startCluster(t)
  for (let i = 0; i < 700; i++) cluster.apply(ingress({ name: `app-${i}` }))
  cluster.slow(30)
  const expire = setInterval(() => {
    if (cluster.requests.length === 1) cluster.compact('status')
  }, 1)
  t.teardown(() => clearInterval(expire))
  const { collection, names } = await follow(t, cluster)
  await collection.synced
  clearInterval(expire)
  t.equal(names().length, 700)
})

test('a connection that says nothing any more is given up', async (t) => {
  const cluster = await startCluster(t)
  const { collection, names } = await follow(t, cluster, 150)
  await collection.synced
  await until(t, () => cluster.watches() === 1, 'it watches')
  // Taken and not answered, as behind a firewall that has forgotten the connection.
  cluster.hang(true)
  cluster.breakWatches('orderly')
  const before = cluster.requests.length
  await until(t, () => cluster.requests.length > before + 1, 'it asks again though nobody answers')
  cluster.apply(ingress({ name: 'comes' }))
  cluster.hang(false)
  await until(t, () => names().join() === 'comes', 'and sees what it has missed')
})

test('a server that is away is asked again, and told about once', async (t) => {
  const cluster = await startCluster(t)
  cluster.apply(ingress({ name: 'goes' }))
  const { collection, names, warnings } = await follow(t, cluster)
  await collection.synced
  await cluster.down()
  await wait(300)
  t.strictSame(names(), ['goes'], 'the last known state is kept')
  cluster.remove('Ingress', 'team', 'goes')
  cluster.apply(ingress({ name: 'comes' }))
  await cluster.up()
  await until(t, () => names().join() === 'comes', 'what has changed meanwhile is seen')
  t.ok(warnings.length <= 2, `said once for each reason: ${warnings.join('; ')}`)
})

test('credentials: a wrong token and a missing right are told apart', async (t) => {
  const cluster = await startCluster(t)
  cluster.forbid(/ingresses/)
  const { collection, warnings } = await follow(t, cluster)
  await collection.tried
  t.match(warnings[0], /refuses this to our service account: give it the rights/)
  cluster.forbid(undefined)
  await collection.synced
  t.pass('and it goes on once the right is there')

  const port = Number(/127\.0\.0\.1:(\d+)/.exec(await kubeconfigOf(cluster))?.[1])
  const kubeconfig = writeKubeconfig(t, port, caOf(await kubeconfigOf(cluster)), 'another')
  const other = await follow(t, { ...cluster, kubeconfig })
  await other.collection.tried
  t.match(other.warnings[0], /does not know our credentials/)
  t.equal(other.names().length, 0)
})

async function kubeconfigOf({ kubeconfig }: Cluster): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(kubeconfig, 'utf8')
}

function caOf(kubeconfig: string): string {
  const data = /"certificate-authority-data":"([^"]+)"/.exec(kubeconfig)?.[1] ?? ''
  return Buffer.from(data, 'base64').toString('utf8')
}
