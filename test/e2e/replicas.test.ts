/** Two gateways and one Redis: one sign-in for both, and whoever is out is out at both within a second. */

import { once } from 'node:events'
import { test } from 'tap'
import { startRedis, until } from '../support/start-redis.ts'
import { startReplicas } from '../support/start-replicas.ts'

test('a session of one gateway is one at the other, until it ends at either', async (t) => {
  const redis = await startRedis(t)
  const store = `redis://127.0.0.1:${redis.port}`
  const { signIn, visit, signOut, openSocket } = await startReplicas(t, [store, store])
  const cookie = await signIn(0)
  for (const at of [0, 1]) t.equal((await visit(at, cookie)).status, 200)
  const socket = await openSocket(0, cookie)
  await until(async () => Number((await redis.admin.pubsub('NUMSUB', 'gatehouse:ended'))[1]) === 2)

  const closed = once(socket, 'close')
  const start = performance.now()
  t.equal((await signOut(1, cookie)).status, 303)
  const [code] = await closed
  const took = performance.now() - start
  t.equal(code, 1008)
  t.comment(`the WebSocket closed after ${Math.round(took)} ms`)
  t.ok(took < 1_000)
  t.equal((await visit(0, cookie)).status, 401)
  t.equal((await visit(1, cookie)).status, 401)
})

test('a gateway that hears nothing asks: whoever is out is out within a second there too', async (t) => {
  const redis = await startRedis(t, {
    conf: ['user deaf on >x ~gatehouse:* resetchannels +@all'],
  })
  const all = `redis://127.0.0.1:${redis.port}`
  const deaf = `redis://deaf:x@127.0.0.1:${redis.port}`
  const { signIn, visit, signOut, openSocket } = await startReplicas(t, [deaf, all])
  const cookie = await signIn(0)
  const socket = await openSocket(0, cookie)
  const closed = once(socket, 'close')
  await visit(0, cookie)
  const start = performance.now()
  await signOut(1, cookie)
  const [code] = await closed
  t.equal(code, 1008)
  await until(async () => (await visit(0, cookie)).status === 401)
  const took = performance.now() - start
  t.comment(`refused after ${Math.round(took)} ms`)
  t.ok(took < 1_200, 'a second, and what a request takes')
})

test('the keys of the assertion are the same at all gateways: those of the first', async (t) => {
  const redis = await startRedis(t)
  const store = `redis://127.0.0.1:${redis.port}`
  const { gateways } = await startReplicas(t, [store, store])
  const keys = await Promise.all(
    gateways.map(async (gateway) =>
      (await gateway.get('http://localhost:8080/.gatehouse/jwks.json')).json(),
    ),
  )
  t.strictSame(keys[0], keys[1])
})
