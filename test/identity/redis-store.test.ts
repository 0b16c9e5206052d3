/** The contract of session stores on each kind of Redis, by the URLs that people write. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { inspect } from 'node:util'
import { type Test, test } from 'tap'
import {
  type RedisServer,
  redisTls,
  startCluster,
  startRedis,
  startSentinel,
} from '../support/start-redis.ts'
import { openRedis } from './open-redis.ts'
import type { Logged } from './session-fixture.ts'
import { storeContract, storedSession } from './store-contract.ts'

/** The contract over `url`, on servers that are emptied for each rule. */
async function contract(t: Test, url: string, servers: readonly RedisServer[]): Promise<void> {
  const open = async (t: Test, now: () => number) => {
    for (const { admin } of servers) await admin.flushall()
    return openRedis(t, url, { now })
  }
  await storeContract(t, open, Date.now())
}

test('the contract of session stores on one server', async (t) => {
  const redis = await startRedis(t)
  await contract(t, `redis://127.0.0.1:${redis.port}`, [redis])
})

test('... on another database of it', async (t) => {
  const redis = await startRedis(t)
  await contract(t, `redis://localhost:${redis.port}/3`, [redis])
  t.match(await redis.admin.info('keyspace'), /db3/)
})

test('... over TLS, verified', async (t) => {
  const { cert, conf } = redisTls(t)
  const redis = await startRedis(t, { tls: true, admin: { tls: { ca: cert } }, conf })
  const url = `rediss://127.0.0.1:${redis.port}`
  const untrusted = await openRedis(t, url)
  await t.rejects(untrusted.revision('a'), { code: 'STORE_UNAVAILABLE', message: /self-signed/ })
  trust(t, cert)
  await contract(t, url, [redis])
})

/** Trusts `cert` as NODE_EXTRA_CA_CERTS does, until the test is over. */
function trust(t: Test, cert: string): void {
  const before = getCACertificates('default')
  t.teardown(() => setDefaultCACertificates(before))
  setDefaultCACertificates([...before, cert])
}

test('Sentinel and cluster are reached over TLS too', async (t) => {
  const tls = redisTls(t)
  const { sentinel, name } = await startSentinel(t, { tls })
  const [node] = await startCluster(t, [], tls)
  const urls = [
    `sentinel://127.0.0.1:${sentinel.port}/${name}`,
    `cluster://127.0.0.1:${node?.port}`,
  ]
  trust(t, tls.cert)
  for (const url of urls) {
    const store = await openRedis(t, `rediss-${url}`)
    for (const id of ['a', 'b', 'c']) {
      await store.create(storedSession(id, { expiresAt: Date.now() + 60_000 }))
      t.type(await store.revision(id), 'string')
    }
    t.equal(await store.count(), 3)
  }
})

test('... as a user who may do what the guide says and no more', async (t) => {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/sessions.md'), 'utf8')
  const rights = /^ACL SETUSER gatehouse on >PASSWORD (.+)$/m.exec(guide)?.[1]
  const redis = await startRedis(t, { conf: [`user gatehouse on >s%cret:@/ ${rights}`] })
  await contract(t, `redis://gatehouse:s%25cret%3A%40%2F@127.0.0.1:${redis.port}`, [redis])
  const denied = (await redis.admin.acl('LOG')) as unknown[]
  t.strictSame(denied, [], 'nothing was asked that this user may not')
})

test('a wrong password is told by Redis, and by nobody else', async (t) => {
  const redis = await startRedis(t)
  const logged: Logged[] = []
  const store = await openRedis(t, `redis://user:hunter2@127.0.0.1:${redis.port}`, { logged })
  await t.rejects(store.revision('a'), { code: 'STORE_UNAVAILABLE', message: /WRONGPASS/ })
  const error = await store.create(storedSession('a')).catch((cause: unknown) => cause)
  t.match(logged, [{ level: 'error', fields: { reason: /WRONGPASS/ } }])
  t.equal(logged.length, 1, 'once, however often it is tried')
  t.notMatch(inspect([error, logged], { depth: 9 }), 'hunter2')
})

test('... with a Sentinel that names the primary', async (t) => {
  const setUp = await startSentinel(t, { password: 'for-redis', sentinelPassword: 'for/sentinel' })
  const { sentinel, primary, name } = setUp
  await contract(
    t,
    `redis-sentinel://:for-redis@127.0.0.1:1,127.0.0.1:${sentinel.port}/${name}?sentinel_password=for%2Fsentinel`,
    [primary],
  )
})

test('... on a cluster of three nodes', async (t) => {
  const nodes = await startCluster(t)
  const [first, second] = nodes
  await contract(t, `redis-cluster://127.0.0.1:${first?.port},127.0.0.1:${second?.port}`, nodes)
})
