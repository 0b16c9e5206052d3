/** The chart over a matrix of values: what comes out, what is refused, and that Kubernetes would take it. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import {
  EXAMPLES,
  type KubernetesObject,
  ofKind,
  oneOf,
  type PodSpec,
  podOf,
  renderChart,
  renderText,
  runHelm,
} from './chart.ts'
import { mistakesOf } from './kubernetes-schemas.ts'
import { MATRIX, REFUSALS } from './matrix.ts'
import { podSecurityMistakes } from './pod-security.ts'

test('helm lint has nothing to say of the examples', async (t) => {
  for (const example of EXAMPLES) {
    const command = ['lint', '--strict', '--kube-version', '1.32.0']
    const { ok, stdout, stderr } = runHelm({ example, command })
    t.ok(ok, `${example}: ${stdout}${stderr}`)
    t.notMatch(stdout, /\[(WARNING|ERROR)\]/)
  }
})

test('what is rendered fits the schemas of Kubernetes, and its pods the restricted standard', async (t) => {
  for (const [name, rendering] of Object.entries(MATRIX)) {
    const objects = renderChart(rendering)
    t.ok(objects.length > 0, name)
    for (const object of objects) t.strictSame(await mistakesOf(object), [], name)
    for (const deployment of ofKind(objects, 'Deployment')) checkPod(t, podOf(deployment), name)
    const names = objects.map(
      ({ kind, metadata }) => `${metadata.namespace}/${kind}/${metadata.name}`,
    )
    t.equal(new Set(names).size, names.length, `${name}: no object comes twice`)
  }
})

function checkPod(t: Test, pod: PodSpec, name: string) {
  t.strictSame(podSecurityMistakes(pod), [], `${name}: restricted`)
  const isController = pod.containers.some(({ args }) => args.includes('--kubernetes'))
  t.equal(pod.automountServiceAccountToken, isController, `${name}: no token unless needed`)
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
    t.equal(container.securityContext?.['readOnlyRootFilesystem'], true, `${name}: read-only root`)
    t.ok(container.resources?.requests && container.resources.limits, `${name}: resources`)
    for (const { name: variable, value, valueFrom } of (container.env ?? []) as readonly {
      name: string
      value?: string
      valueFrom?: object
    }[]) {
      const isOwn = variable !== 'HTTPS_PROXY'
      if (isOwn) t.ok(value === undefined && valueFrom !== undefined, `${name}: ${variable}`)
    }
  }
  const gatehouse = pod.containers.find((container) => container.name === 'gatehouse')
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    t.match(gatehouse?.[probe], { httpGet: { port: 'admin' } }, `${name}: ${probe}`)
  }
}

test('the checks see what they are for', async (t) => {
  const [deployment] = ofKind(renderChart({ example: 'gateway' }), 'Deployment')
  const wrong = JSON.parse(JSON.stringify(deployment)) as KubernetesObject
  const pod = podOf(wrong) as unknown as Record<string, unknown>
  pod['hostNetwork'] = true
  pod['tolerance'] = []
  const container = (pod['containers'] as Record<string, unknown>[])[0] ?? {}
  container['securityContext'] = { runAsUser: 0, capabilities: { add: ['NET_ADMIN'] } }
  container['args'] = 'serve'
  t.match(await mistakesOf(wrong), [/args must be array/])
  container['args'] = ['serve']
  t.match(await mistakesOf(wrong), [/tolerance: there is no such field/])
  t.strictSame(podSecurityMistakes(pod as unknown as PodSpec), [
    'hostNetwork',
    'container gatehouse: runs as root',
    'container gatehouse: allowPrivilegeEscalation is not false',
    'container gatehouse: does not drop ALL',
    'container gatehouse: adds capabilities',
  ])
})

test('what cannot work is refused, with the reason', async (t) => {
  for (const [name, { because, ...rendering }] of Object.entries(REFUSALS)) {
    const { ok, stderr } = runHelm(rendering)
    t.notOk(ok, name)
    t.match(stderr, because, name)
  }
  const { ok, stderr } = runHelm({})
  t.notOk(ok)
  t.match(stderr, /config\.server\.public_url is missing/, 'the bare chart says what to begin with')
})

test('the golden files are what comes out; --snapshot writes them anew', async (t) => {
  for (const example of EXAMPLES) {
    const file = join(import.meta.dirname, 'golden', `${example}.yaml`)
    // These two are files of their own, word for word.
    const values = { dashboard: { enabled: false }, prometheusRule: { enabled: false } }
    const rendered = renderText({ example, values })
    if (process.env['TAP_SNAPSHOT'] === '1') writeFileSync(file, rendered)
    t.equal(rendered, readFileSync(file, 'utf8'), `${example}: npm run test:helm -- --snapshot`)
  }
})

test('a pod may take longer to end than it drains', async (t) => {
  const periodWith = (server: object) =>
    podOf(oneOf(renderChart({ example: 'gateway', values: { config: { server } } }), 'Deployment'))
      .terminationGracePeriodSeconds
  t.equal(periodWith({}), 5 + 30 + 10)
  t.equal(periodWith({ drain_delay: '1500ms', drain_timeout: '2m' }), 2 + 120 + 10)
  t.equal(periodWith({ drain_delay: '0s', drain_timeout: '1h' }), 3_600 + 10)
})

test('pods start anew for what only a start can change, and for nothing else', async (t) => {
  const stampWith = (values: object) => {
    const deployment = oneOf(renderChart({ example: 'gateway', values }), 'Deployment')
    const { template } = deployment.spec as {
      template: { metadata: { annotations: Record<string, string> } }
    }
    return template.metadata.annotations['gatehouse.dev/restart']
  }
  const before = stampWith({})
  t.equal(stampWith({ config: { logging: { level: 'debug' } } }), before)
  t.equal(stampWith({ policies: { inline: { 'other.yaml': 'routes: []' } } }), before)
  t.not(stampWith({ config: { server: { workers: 2 } } }), before)
  t.not(stampWith({ ports: { http: 8081 } }), before)
  t.not(stampWith({ tls: ['example-com'] }), before)
})

interface Rule {
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

test('an ingress controller has the rights that its guide names, and no others', async (t) => {
  const rightsOf = (kind: string, values: object) => {
    const controller = { ingressController: { enabled: true }, ...values }
    const rules = ofKind(renderChart({ example: 'gateway', values: controller }), kind).map(
      (object) => (object as unknown as { rules: Rule[] }).rules,
    )
    return rules.map((all) => all.map(({ resources, verbs }) => [...resources, ...verbs].join(' ')))
  }
  const ofNamespace = [
    'ingresses get list watch',
    'ingresses/status patch',
    'services list watch',
    'events create',
  ]
  const classes = 'ingressclasses list watch'
  t.strictSame(rightsOf('ClusterRole', {}), [[classes, ...ofNamespace]])
  t.strictSame(rightsOf('ClusterRole', { tls: ['x'] }), [
    [classes, ...ofNamespace, 'secrets list watch'],
  ])
  const config = { kubernetes: { namespaces: ['team-a'], publish_service: 'front/gatehouse' } }
  t.strictSame(rightsOf('ClusterRole', { config }), [[classes]])
  t.strictSame(rightsOf('Role', { config }).sort(), [ofNamespace, ['services list watch']])
  t.strictSame(ofKind(renderChart({ example: 'gateway' }), 'ClusterRole'), [])
})

test('sessions of one pod are not left behind by a second one', async (t) => {
  const values = { replicas: 1, store: { kind: 'sqlite' } }
  const deployment = oneOf(renderChart({ example: 'gateway', values }), 'Deployment')
  t.match(deployment.spec, { strategy: { type: 'Recreate' } })
})

test('beside an app the network policy lets others reach Gatehouse alone', async (t) => {
  const objects = renderChart({ example: 'sidecar' })
  const policy = oneOf(objects, 'NetworkPolicy')
  t.strictSame(policy.spec, {
    podSelector: { matchLabels: { app: 'reports' } },
    policyTypes: ['Ingress'],
    ingress: [{ ports: [{ port: 'http', protocol: 'TCP' }] }],
  })
  t.match(oneOf(objects, 'Service').spec, {
    selector: { app: 'reports' },
    ports: [{ targetPort: 'http' }],
  })
  t.strictSame(ofKind(objects, 'Deployment'), [])
})

test('another release has other names', async (t) => {
  const command = ['template', 'staging', '--namespace', 'x', '--kube-version', '1.32.0']
  for (const { metadata } of renderChart({ example: 'gateway', command })) {
    t.match(metadata, { name: /^staging-gatehouse/, namespace: 'x' })
  }
})
