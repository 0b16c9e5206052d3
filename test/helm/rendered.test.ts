/** What the chart renders is what Gatehouse takes: `check` has nothing to say, and `serve` serves. */

import { join } from 'node:path'
import { type Test, test } from 'tap'
import { runCommand } from '../cli/run-command.ts'
import { freePort } from '../support/free-port.ts'
import { spawnServe } from '../support/spawn-gateway.ts'
import { sendTo } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startRedis, until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'
import {
  type KubernetesObject,
  oneOf,
  type PodSpec,
  podOf,
  type RenderOptions,
  renderChart,
} from './chart.ts'
import { mistakesOf } from './kubernetes-schemas.ts'
import { MATRIX } from './matrix.ts'
import { environmentOf, gatehouseOf, type MountOptions, mountPod, renderApp } from './mount.ts'
import { podSecurityMistakes } from './pod-security.ts'

const POLICY = `
routes:
  - { name: from-git, from: "https://git.example.com", to: "http://127.0.0.1:9", policy: [{ allow: { and: [{ accept: true }] } }] }
`

async function checkPod(
  t: Test,
  pod: PodSpec,
  objects: readonly KubernetesObject[],
  options: MountOptions = {},
) {
  const git = { 'policies/app.yaml': POLICY, ...options.git }
  const folder = mountPod(t, pod, objects, { ...options, git })
  const env = environmentOf(pod)
  const config = join(folder, 'config/gatehouse.yaml')
  return runCommand(['check', '--config', config], { env, cwd: folder })
}

test('`gatehouse check` takes what every rendering has', async (t) => {
  for (const [name, rendering] of Object.entries(MATRIX)) {
    if (rendering.example === 'sidecar') continue
    const objects = renderChart(rendering)
    const { exitCode, stderr } = await checkPod(t, podOf(oneOf(objects, 'Deployment')), objects)
    t.equal(exitCode, 0, `${name}: ${stderr}`)
    t.notMatch(stderr, / error/)
  }
})

test('numbers come through as they are written', async (t) => {
  const limits = { header_bytes: 1_048_576, requests_per_connection: 1_000_000_000 }
  const objects = renderChart({
    example: 'gateway',
    values: { config: { server: { limits } } },
  })
  const { exitCode, stderr } = await checkPod(t, podOf(oneOf(objects, 'Deployment')), objects)
  t.equal(exitCode, 0, stderr)
})

test('an app’s chart puts Gatehouse into its pods by templates', async (t) => {
  const { objects } = renderApp(t)
  for (const object of objects) t.strictSame(await mistakesOf(object), [])
  const pod = podOf(oneOf(objects, 'Deployment'))
  t.strictSame(podSecurityMistakes(pod), [])
  t.strictSame(
    pod.containers.map(({ name }) => name),
    ['reports', 'gatehouse'],
  )
  const sessions = pod.volumes?.find((volume) => volume['name'] === 'gatehouse-sessions')
  t.match(sessions, { emptyDir: {} })
  t.ok((pod.terminationGracePeriodSeconds ?? 0) > 35)
  const { exitCode, stdout, stderr } = await checkPod(t, pod, objects)
  t.equal(exitCode, 0, stderr)
  t.match(`${stdout}${stderr}`, /1 route/)
  const policies = oneOf(objects, 'ConfigMap', '-policies').data?.['gatehouse-sidecar.yaml']
  t.match(policies, /to: http:\/\/127\.0\.0\.1:3000/)

  const git = { repository: 'git@example.com:p.git', ssh: { secret: 'key' } }
  const withGit = podOf(oneOf(renderApp(t, { policies: { git } }).objects, 'Deployment'))
  t.strictSame(
    withGit.containers.map(({ name }) => name),
    ['reports', 'gatehouse', 'git-sync'],
  )
  t.strictSame(podSecurityMistakes(withGit), [])
})

test('a rendered gateway serves, with a real Redis', { timeout: 60_000 }, async (t) => {
  const redis = await startRedis(t)
  const upstream = await startUpstream(t)
  const provider = await startProvider(t)
  const [http, admin] = [await freePort(), await freePort()]
  const values: RenderOptions['values'] = {
    ports: { http, admin },
    store: { redis: { url: `redis://127.0.0.1:${redis.port}`, secret: { name: '' } } },
    config: {
      server: { drain_delay: '1s' },
      providers: { okta: { issuer: provider.issuer, client_id: provider.clientId } },
    },
    policies: {
      inline: {
        'public.yaml': {
          routes: [
            {
              name: 'public',
              from: 'https://public.example.com',
              to: upstream.origin,
              allow_public_unauthenticated_access: true,
            },
          ],
        },
      },
    },
  }
  const objects = renderChart({ example: 'gateway', values })
  const pod = podOf(oneOf(objects, 'Deployment'))
  const edit = (config: string) => config.replaceAll('0.0.0.0:', '127.0.0.1:')
  const folder = mountPod(t, pod, objects, { edit })
  t.strictSame(gatehouseOf(pod).args, ['serve', '--config', '/etc/gatehouse/config/gatehouse.yaml'])
  const gateway = spawnServe(t, join(folder, 'config'), environmentOf(pod))
  gateway.stdout.resume()
  await gateway.untilLogged('ready')

  const ask = (url: string) => sendTo(http, url, { headers: { accept: 'text/html' } })
  t.equal((await ask('https://public.example.com/x')).status, 200)
  t.match(upstream.last.requestLine, 'GET /x ')
  const refused = await ask('https://grafana.example.com/')
  t.equal(refused.status, 302)
  t.match(refused.headers.location, /^https:\/\/grafana\.example\.com\/\.gatehouse\/sign_in/)

  const probe = async (path: string) => (await fetch(`http://127.0.0.1:${admin}${path}`)).status
  t.equal(await probe('/readyz'), 200)
  t.ok((await redis.admin.dbsize()) > 0, 'it keeps its signing key there')
  gateway.signal('SIGTERM')
  await until(async () => (await probe('/readyz')) === 503)
  t.equal(await probe('/healthz'), 200, 'alive while it drains')
  t.strictSame(await gateway.ended, [0, null])
})
