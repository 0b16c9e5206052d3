/** A cluster that changes while everything that can break breaks: what is held is in the end what there is. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { connectCluster } from '../../src/kubernetes/api.ts'
import { followCollection } from '../../src/kubernetes/collection.ts'
import { readIngress } from '../../src/kubernetes/objects.ts'
import { ingress } from '../support/cluster-objects.ts'
import { type Cluster, type Json, startCluster } from '../support/start-cluster.ts'

const ROUNDS = 150
const NAMES = 40

/** mulberry32: the same numbers for the same seed. */
function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const FAULTS: readonly ((cluster: Cluster) => unknown)[] = [
  (cluster) => cluster.breakWatches('reset'),
  (cluster) => cluster.breakWatches('mid-line'),
  (cluster) => cluster.breakWatches('orderly'),
  (cluster) => cluster.breakWatches('error'),
  (cluster) => cluster.compact('status'),
  (cluster) => cluster.compact('event'),
  (cluster) => cluster.bookmark(),
  (cluster) => cluster.forbid(/ingresses/),
  (cluster) => cluster.slow(20),
  async (cluster) => {
    await cluster.down()
    await cluster.up()
  },
  () => undefined,
]

function change(cluster: Cluster, random: (below: number) => number, round: number): void {
  const name = `app-${random(NAMES)}`
  const isThere = cluster.get('Ingress', 'team', name) !== undefined
  if (isThere && random(3) === 0) cluster.remove('Ingress', 'team', name)
  else cluster.apply(ingress({ name, host: `h${round}-${random(1_000)}.localhost` }))
}

const versionOf = (object: Json) => (object['metadata'] as Json)['resourceVersion']

test('whatever breaks, nothing is missed and nothing is kept', async (t) => {
  const seed = Date.now() % 1_000_000
  t.comment(`seed ${seed}`)
  const random = createRandom(seed)
  const cluster = await startCluster(t)
  const api = await connectCluster({ env: { KUBECONFIG: cluster.kubeconfig }, quietMs: 500 })
  const quiet = () => undefined
  const collection = followCollection({
    api,
    path: '/apis/networking.k8s.io/v1/ingresses',
    read: readIngress,
    onChange: quiet,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    rest: (ms, signal) => wait(Math.min(ms, 50), undefined, { signal }),
  })
  t.teardown(() => {
    collection.close()
    api.close()
  })
  await collection.synced
  const held = () =>
    [...collection.items().values()].map((one) => `${one.name}@${one.resourceVersion}`).sort()
  const there = () =>
    cluster
      .list('Ingress')
      .map((one) => `${(one['metadata'] as Json)['name']}@${versionOf(one)}`)
      .sort()
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = random(6); i > 0; i--) change(cluster, random, round)
    await FAULTS[random(FAULTS.length)]?.(cluster)
    for (let i = random(6); i > 0; i--) change(cluster, random, round)
    if (random(2) === 0) await wait(random(60))
    cluster.forbid(undefined)
    cluster.slow(0)
    if (round % 5 !== 4) continue
    const end = Date.now() + 20_000
    while (held().join() !== there().join() && Date.now() < end) await wait(10)
    t.strictSame(held(), there(), `after round ${round}`)
  }
})
