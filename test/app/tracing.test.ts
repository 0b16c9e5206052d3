/** Traces of a real gateway at a receiver of OTLP: stages, parents, what is told of whom, and what a dead collector does. */

import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { freePort } from '../support/free-port.ts'
import { signIn } from '../support/sign-in.ts'
import { spawnGateway } from '../support/spawn-gateway.ts'
import { startCollector } from '../support/start-collector.ts'
import { startProvider } from '../support/start-provider.ts'
import { until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
const OPEN = 'http://open.localhost:8080'

async function start(t: Test, env: Readonly<Record<string, string>>, workers = 1) {
  const upstream = await startUpstream(t)
  const provider = await startProvider(t)
  const gateway = await spawnGateway(t, {
    provider,
    env: { OTEL_BSP_SCHEDULE_DELAY: '50', ...env },
    config: { server: { workers }, session: { store: 'sqlite:s.db' } },
    policies: `
routes:
  - { name: open, from: "${OPEN}", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
  - { name: private, from: "http://private.localhost:8080", to: "${upstream.origin}", allow_any_authenticated_user: true }
`,
  })
  return { upstream, gateway }
}

for (const workers of [1, 2]) {
  test(`with ${workers} of them: a request is a trace with its stages, continued upstream; who it is stays here`, async (t) => {
    const collector = await startCollector(t)
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=test',
    }
    const { upstream, gateway } = await start(t, env, workers)
    const headers = { traceparent: PARENT, tracestate: 'vendor=1' }
    const { status } = await gateway.get(`${OPEN}/secret-path?secret-query=1`, { headers })
    t.equal(status, 200)
    const spans = (name: string) => collector.spans.filter((span) => span.name === name)
    await until(async () => spans('GET open').length === 1)
    const [root] = spans('GET open')
    t.match(root, {
      traceId: PARENT.slice(3, 35),
      parentId: PARENT.slice(36, 52),
      attributes: {
        'http.response.status_code': '200',
        'gatehouse.route': 'open',
        'gatehouse.outcome': 'allow',
        'gatehouse.reason': 'allowed',
      },
    })
    await until(async () => spans('upstream').length === 1)
    for (const stage of ['match', 'session', 'decide', 'upstream']) {
      t.match(spans(stage), [{ traceId: root?.traceId, parentId: root?.spanId }], stage)
    }
    t.strictSame(upstream.last.header('traceparent'), [
      `00-${root?.traceId}-${spans('upstream')[0]?.spanId}-01`,
    ])
    t.strictSame(upstream.last.header('tracestate'), ['vendor=1'])
    t.equal(collector.resource()['service.name'], 'gatehouse')
    t.equal(collector.resource()['deployment.environment'], 'test')

    const browser = createBrowserClient(gateway.port)
    t.equal((await signIn(browser, 'http://private.localhost:8080/', 'ana')).status, 200)
    await until(async () => spans('POST provider demo').length >= 1)
    const [token] = spans('POST provider demo')
    await until(async () =>
      collector.spans.some(
        ({ traceId, parentId }) => parentId === '' && traceId === token?.traceId,
      ),
    )
    t.notSame(token?.parentId, '', 'the call of the token endpoint belongs to the callback')
    gateway.signal('SIGTERM')
    t.strictSame(await gateway.ended, [0, null])
    await until(async () => spans('GET private').length >= 2)
    const written = collector.bytes().toString('latin1')
    for (const secret of [
      'secret-path',
      'secret-query',
      'ana@',
      'demo-ana',
      'code=',
      'state=',
      'eyJ',
    ]) {
      t.notOk(written.includes(secret), secret)
    }
  })
}

test('sampling by the environment; without an endpoint what clients send passes as it is', async (t) => {
  const collector = await startCollector(t)
  const { upstream, gateway } = await start(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_TRACES_SAMPLER: 'always_off',
  })
  await gateway.get(`${OPEN}/`, { headers: { traceparent: PARENT } })
  t.match(upstream.last.header('traceparent')[0], /^00-4bf92f3577b34da6a3ce929d0e0e4736-.*-00$/)
  gateway.signal('SIGTERM')
  await gateway.ended
  t.strictSame(collector.spans, [])

  const off = await start(t, {})
  await off.gateway.get(`${OPEN}/`, { headers: { traceparent: PARENT } })
  t.strictSame(off.upstream.last.header('traceparent'), [PARENT])
})

test('a collector that is away is told once, and harms neither requests nor the end', async (t) => {
  const { gateway } = await start(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  })
  for (let i = 0; i < 20; i++) t.equal((await gateway.get(`${OPEN}/`)).status, 200)
  const told = () => gateway.log().filter(({ msg }) => msg === 'traces cannot be delivered')
  await until(async () => told().length > 0)
  await gateway.get(`${OPEN}/`)
  gateway.signal('SIGTERM')
  t.strictSame(await gateway.ended, [0, null])
  t.equal(told().length, 1)
})
