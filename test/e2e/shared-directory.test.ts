/** What one gateway has asked Okta, or was told by it, the others know: replicas by Redis, workers from each other. */

import { Agent } from 'node:http'
import { type Test, test } from 'tap'
import type { Signal } from '../../src/demo/okta/signals.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { type SpawnedGateway, spawnGateway } from '../support/spawn-gateway.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startOkta } from '../support/start-okta.ts'
import { startRedis, until } from '../support/start-redis.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080/'
const HOOK = 'http://localhost:8080/.gatehouse/event_hook/okta'
const SECRET = 'a-secret-that-okta-sends-along'
const WITHIN_MS = 1_000

type Reachable = Pick<SpawnedGateway, 'get' | 'port'>

/** Okta, and the options of gateways that take their groups from its directory alone. */
async function startSurroundings(t: Test, config: Readonly<Record<string, object>>) {
  const upstream = await startUpstream(t)
  let target: Reachable | undefined
  const okta = await startOkta(t, {
    send: async ({ url, method, headers, body }: Signal) => {
      if (target === undefined) throw new Error('nobody listens to Okta')
      return target.get(url, { method, headers, ...(body === undefined ? {} : { body }) })
    },
  })
  const { app, defaultIssuer: issuer, org: url, apiToken: api_token } = okta
  const options = {
    policies: `
routes:
  - name: engineers
    from: http://app.localhost:8080
    to: ${upstream.origin}
    policy: [{ allow: { or: [{ groups: platform-engineers }] } }]
`,
    config: {
      ...config,
      providers: {
        okta: {
          ...{ issuer, client_id: app.clientId, client_secret: app.clientSecret },
          ...{ event_hook_secret: SECRET, directory: { kind: 'okta', url, api_token } },
        },
      },
    },
  }
  /** Takes somebody out of the group and lets Okta tell `gateway` so. */
  const removeFromGroup = async (person: string, gateway: Reachable) => {
    target = gateway
    okta.world.removeFromGroup(person, 'platform-engineers')
    const event = okta.signals.membershipEvent(person, 'platform-engineers', 'remove')
    return okta.signals.sendEventHook(HOOK, SECRET, [event])
  }
  return { okta, options, removeFromGroup }
}

async function cookieOf(t: Test, { port }: Reachable, person: string): Promise<string> {
  const browser = createBrowserClient(port)
  t.equal((await signIn(browser, APP, person)).status, 200)
  return browser.cookieHeader('app.localhost')
}

test('replicas with one Redis', async (t) => {
  const redis = await startRedis(t)
  const { okta, options, removeFromGroup } = await startSurroundings(t, {
    session: { store: `redis://127.0.0.1:${redis.port}` },
  })
  const [one, other] = await Promise.all([startGateway(t, options), startGateway(t, options)])
  const headers = { cookie: await cookieOf(t, one, 'ana') }
  const asked = okta.apiCalls.length
  t.ok(asked > 0)

  t.equal((await other.get(APP, { headers })).status, 200)
  t.equal(okta.apiCalls.length, asked, 'what one has asked the other does not ask again')

  const written: string[] = []
  for (const key of await redis.admin.keys('*')) {
    const value = (await redis.admin.type(key)) === 'string' ? await redis.admin.get(key) : ''
    written.push(key, value ?? '')
  }
  t.ok(written.some((text) => text.startsWith('gatehouse:directory:')))
  for (const secret of ['platform-engineers', okta.apiToken, 'ana@example.com']) {
    t.notOk(
      written.some((text) => text.includes(secret)),
      `Redis does not tell ${secret}`,
    )
  }

  t.equal((await removeFromGroup('ana', one)).status, 204)
  const start = performance.now()
  t.equal((await one.get(APP, { headers })).status, 403, 'known where it was told')
  await until(async () => (await other.get(APP, { headers })).status === 403)
  const took = performance.now() - start
  t.comment(`known at the other after ${took.toFixed(0)} ms`)
  t.ok(took < WITHIN_MS, 'and within a second at the other')
})

test('workers of one gateway', async (t) => {
  const { options, removeFromGroup } = await startSurroundings(t, {
    server: { workers: 2 },
    session: { store: 'sqlite:sessions.db' },
  })
  const gateway = await spawnGateway(t, options)
  const headers = { cookie: await cookieOf(t, gateway, 'ana') }
  // Connections that stay open are handed out in turn: each worker has some of them.
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  t.teardown(() => {
    for (const agent of agents) agent.destroy()
  })
  const statuses = () =>
    Promise.all(agents.map(async (agent) => (await gateway.get(APP, { headers, agent })).status))
  t.strictSame(await statuses(), [200, 200, 200, 200])

  t.equal((await removeFromGroup('ana', gateway)).status, 204)
  const start = performance.now()
  await until(async () => (await statuses()).every((status) => status === 403))
  const took = performance.now() - start
  t.comment(`known at all after ${took.toFixed(0)} ms`)
  t.ok(took < WITHIN_MS, 'within a second')
})
