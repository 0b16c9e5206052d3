/** `serve --kubernetes` with `server.workers`: the primary follows the cluster, and all workers serve what it knows. */

import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { INGRESS_CLASS, ingress, service } from '../support/cluster-objects.ts'
import { spawnGateway } from '../support/spawn-gateway.ts'
import { startCluster } from '../support/start-cluster.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080/'
const POLICIES = 'policies: { open: [{ allow: { and: [{ accept: true }] } }] }\n'

test('several workers serve what the primary knows of the cluster', async (t) => {
  const cluster = await startCluster(t)
  const upstream = await startUpstream(t)
  cluster.apply(INGRESS_CLASS)
  cluster.apply(service(upstream.port))
  cluster.apply(ingress({ annotations: { policy: 'open' } }))
  const gateway = await spawnGateway(t, {
    policies: POLICIES,
    kubeconfig: cluster.kubeconfig,
    config: { server: { workers: 2 }, session: { store: 'sqlite:sessions.db' } },
  })
  t.equal((await gateway.get(APP)).status, 200)
  cluster.apply(ingress({ annotations: {} }))
  const end = Date.now() + 20_000
  while ((await gateway.get(APP)).status !== 403 && Date.now() < end) await wait(20)
  // Connections are handed out in turn.
  const answers = [await gateway.get(APP), await gateway.get(APP), await gateway.get(APP)]
  t.strictSame(
    answers.map(({ status }) => status),
    [403, 403, 403],
  )
})
