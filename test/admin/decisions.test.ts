/** `/decisions` of the admin listener: the last lines of the decision log. */

import { test } from 'tap'
import { startGateway } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'

const POLICIES = `routes:
  - { name: app, from: "http://app.localhost:8080", response: { body: hi }, allow_public_unauthenticated_access: true }
`

async function decisionsOf(adminUrl: string): Promise<readonly Record<string, unknown>[]> {
  const answer = await fetch(`${adminUrl}/decisions`)
  return ((await answer.json()) as { decisions: Record<string, unknown>[] }).decisions
}

test('the last decisions are shown, oldest first, and no more than a thousand', async (t) => {
  const gateway = await startGateway(t, { policies: POLICIES })
  t.same(await decisionsOf(gateway.adminUrl), [])
  await gateway.get('http://app.localhost:8080/first?secret=1')
  await gateway.get('http://elsewhere.localhost:8080/second')
  await until(async () => (await decisionsOf(gateway.adminUrl)).length === 2)
  t.match(await decisionsOf(gateway.adminUrl), [
    { msg: 'request', route: 'app', path: '/first', outcome: 'allow', status: 200 },
    { host: 'elsewhere.localhost', outcome: 'rejected', status: 421 },
  ])
  const answer = await fetch(`${gateway.adminUrl}/decisions`)
  t.notMatch(await answer.text(), 'secret', 'queries are in no line')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  for (let i = 0; i < 1_010; i++) await gateway.get(`http://app.localhost:8080/${i}`)
  await until(async () => (await decisionsOf(gateway.adminUrl)).at(-1)?.['path'] === '/1009')
  t.equal((await decisionsOf(gateway.adminUrl)).length, 1_000)
})
