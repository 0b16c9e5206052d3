/** `/sessions` of the admin listener: who is signed in, and ending that, everywhere and at once. */

import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { type Test, test } from 'tap'
import { startRedis } from '../support/start-redis.ts'
import { startReplicas } from '../support/start-replicas.ts'

type Json = Record<string, unknown>

async function startAll(t: Test, config: Json = {}) {
  const replicas = await startReplicas(t, ['memory:'], config)
  const admin = replicas.gateways[0]?.adminUrl ?? ''
  const ask = async (method: string, query = '', headers: Record<string, string> = {}) => {
    const response = await fetch(`${admin}/sessions${query}`, { method, headers })
    return { response, status: response.status, json: (await response.json()) as Json }
  }
  const list = async () => (await ask('GET')).json['sessions'] as Json[]
  return { ...replicas, admin, ask, list }
}

test('every session is listed with what operators may know and nothing else', async (t) => {
  const { signIn, ask } = await startAll(t)
  await signIn(0, 'ana')
  const { response, json } = await ask('GET')
  t.equal(response.headers.get('cache-control'), 'no-store')
  t.strictSame(Object.keys(json), ['sessions'])
  const [session, ...more] = json['sessions'] as Json[]
  t.strictSame(more, [])
  t.match(session, {
    id: /^[A-Za-z0-9_-]{43}$/,
    sub: 'demo-ana',
    email: 'ana@example.com',
    provider: 'demo',
    method: 'oidc',
    signed_in_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    last_seen_at: /Z$/,
    expires_at: /Z$/,
    address: '127.0.0.1',
    user_agent: /^Mozilla/,
  })
  t.equal(Object.keys(session ?? {}).length, 10)
})

test('a session, those of a person, or all are revoked, and told how many', async (t) => {
  const { signIn, visit, ask, list } = await startAll(t)
  const [ana, anaAgain, ben, chris] = [
    await signIn(0, 'ana'),
    await signIn(0, 'ana'),
    await signIn(0, 'ben'),
    await signIn(0, 'chris'),
  ]
  const status = async (cookie: string) => (await visit(0, cookie)).status
  const benId = (await list()).find(({ email }) => email === 'ben@example.com')?.['id']
  t.strictSame((await ask('DELETE', `?id=${benId}`)).json, { revoked: 1 })
  t.equal(await status(ben), 401)
  t.strictSame((await ask('DELETE', `?id=${benId}`)).json, { revoked: 0 }, 'gone already')
  t.strictSame((await ask('DELETE', '?user=ANA%40Example.com')).json, { revoked: 2 })
  t.strictSame([await status(ana), await status(anaAgain)], [401, 401])
  t.strictSame((await ask('DELETE', '?user=nobody@example.com')).json, { revoked: 0 })
  t.equal(await status(chris), 200)
  t.strictSame((await ask('DELETE', '?user=demo-chris')).json, { revoked: 1 }, 'by subject')
  await signIn(0, 'ben')
  t.strictSame((await ask('DELETE', '?all=true')).json, { revoked: 1 })
  t.strictSame(await list(), [])
})

test('a DELETE that does not name one thing changes nothing', async (t) => {
  const { signIn, ask, list } = await startAll(t)
  await signIn(0)
  const queries = ['', '?', '?all', '?all=yes', '?all=false', '?user=', '?id=', '?users=x']
  for (const query of [
    ...queries,
    '?user=a&user=b',
    '?all=true&user=ana@example.com',
    '?id=x&y=1',
  ]) {
    const { status, json } = await ask('DELETE', query)
    t.equal(status, 400, query)
    t.match(json, { error: 'MALFORMED_REQUEST' })
  }
  t.equal((await list()).length, 1)
})

test('a foreign page neither lists nor revokes', async (t) => {
  const { signIn, ask, list } = await startAll(t)
  await signIn(0)
  for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:1']) {
    t.equal((await ask('GET', '', { origin })).status, 403)
    t.equal((await ask('DELETE', '?all=true', { origin })).status, 403)
  }
  t.equal((await list()).length, 1)
})

test('beyond loopback the token decides, and without one there is nothing', async (t) => {
  const address = outsideAddress()
  for (const [token, statuses] of [
    ['s3cret', { none: 401, wrong: 401, right: 200 }],
    [undefined, { none: 404, wrong: 404, right: 404 }],
  ] as const) {
    const { gateways } = await startReplicas(t, ['memory:'], {
      server: {
        admin_listen: '0.0.0.0:0',
        ...(token === undefined ? {} : { admin_token: token }),
      },
    })
    const port = new URL(gateways[0]?.adminUrl ?? '').port
    const status = async (method: string, headers: Record<string, string> = {}) =>
      (await fetch(`http://${address}:${port}/sessions?all=true`, { method, headers })).status
    for (const method of ['DELETE', 'GET']) {
      t.equal(await status(method), statuses.none)
      t.equal(await status(method, { authorization: 'Bearer wrong' }), statuses.wrong)
      t.equal(await status(method, { authorization: 'Bearer s3cret' }), statuses.right)
    }
  }
})

/** Of this machine, and not its loopback where there is another. */
function outsideAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

test('what is revoked at one gateway is out at the other, WebSockets too', async (t) => {
  const redis = await startRedis(t)
  const store = `redis://127.0.0.1:${redis.port}`
  const { gateways, signIn, visit, openSocket } = await startReplicas(t, [store, store])
  const cookie = await signIn(0)
  const socket = await openSocket(0, cookie)
  const closed = once(socket, 'close')
  const start = performance.now()
  const response = await fetch(`${gateways[1]?.adminUrl}/sessions?user=ana@example.com`, {
    method: 'DELETE',
  })
  t.strictSame(await response.json(), { revoked: 1 })
  const [code] = await closed
  t.equal(code, 1008)
  t.ok(performance.now() - start < 1_200)
  t.equal((await visit(0, cookie)).status, 401)

  await redis.kill()
  const down = await fetch(`${gateways[1]?.adminUrl}/sessions?all=true`, { method: 'DELETE' })
  t.equal(down.status, 503)
  t.match(await down.json(), { error: 'STORE_UNAVAILABLE' })
  t.equal((await fetch(`${gateways[1]?.adminUrl}/sessions`)).status, 503)
  const page = await fetch(`${gateways[1]?.adminUrl}/operator/sessions`)
  t.equal(page.status, 503)
  t.match(await page.text(), 'The session store does not answer now')
  const overview = await fetch(gateways[1]?.adminUrl ?? '')
  t.equal(overview.status, 200, 'the overview is there when it is needed most')
  t.match(await overview.text(), 'redis (single): does not answer')
})
