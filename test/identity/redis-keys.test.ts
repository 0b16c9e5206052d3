/** What lies in Redis: everything ends by itself, nothing is large, and a replica has what was answered for. */

import { test } from 'tap'
import { createSessions } from '../../src/identity/live-sessions.ts'
import { startRedis, startSentinel, until } from '../support/start-redis.ts'
import { openRedis } from './open-redis.ts'
import { context, type Logged, recorder, secretA } from './session-fixture.ts'
import { storedSession } from './store-contract.ts'

const HOUR = 3_600_000
/** Redis forgets a minute after the end. */
const SLACK_MS = 60_000
const fresh = (id: string, indexKeys: readonly string[] = [], lives = HOUR) =>
  storedSession(id, { indexKeys, expiresAt: Date.now() + lives })

test('every key ends by itself, but for what is kept for good', async (t) => {
  const redis = await startRedis(t)
  const store = await openRedis(t, `redis://127.0.0.1:${redis.port}`)
  await store.create(fresh('a', ['k1', 'k2']))
  await store.putOnce('code', Buffer.of(1), Date.now() + HOUR)
  await store.keep('key', Buffer.of(1))
  for (const key of await redis.admin.keys('*')) {
    const left = await redis.admin.pttl(key)
    if (key === 'gatehouse:kept:key') t.equal(left, -1, key)
    else t.ok(left > HOUR && left <= HOUR + SLACK_MS, `${key} ends in ${left} ms`)
  }
  t.equal(await redis.admin.dbsize(), 7)
})

test('an index lives as long as the longest of its sessions, and forgets those that are over', async (t) => {
  const redis = await startRedis(t)
  const clock = { time: Date.now() }
  const store = await openRedis(t, `redis://127.0.0.1:${redis.port}`, { now: () => clock.time })
  await store.create(fresh('long', ['k'], 2 * HOUR))
  await store.create(fresh('short', ['k'], HOUR))
  t.ok((await redis.admin.pttl('gatehouse:index:k')) > 2 * HOUR)
  clock.time += HOUR + SLACK_MS + 1_000
  await store.create(fresh('new', ['k'], 3 * HOUR))
  t.strictSame(await redis.admin.zrange('gatehouse:index:k', 0, '-1'), ['long', 'new'])
  clock.time += HOUR / 2
  t.type(await store.touch(fresh('long'), Buffer.of(1), Date.now() + 4 * HOUR), 'string')
  t.ok((await redis.admin.pttl('gatehouse:index:k')) > 4 * HOUR, 'a longer life is theirs too')
})

test('nothing is left of a session that was deleted', async (t) => {
  const redis = await startRedis(t)
  const store = await openRedis(t, `redis://127.0.0.1:${redis.port}`)
  await store.create(fresh('a', ['k1', 'k2']))
  await store.delete('a')
  t.strictSame(await redis.admin.keys('*'), [])
})

test('a session without groups and tokens takes less than two kilobytes', async (t) => {
  const redis = await startRedis(t)
  const store = await openRedis(t, `redis://127.0.0.1:${redis.port}`)
  const secrets = [secretA]
  const lifetimes = { lifetimeMs: 14 * HOUR, idleMs: HOUR }
  const sessions = createSessions({
    store,
    secrets: () => secrets,
    now: Date.now,
    lifetimes: () => lifetimes,
    log: recorder([]),
  })
  t.teardown(() => sessions.close())
  const used = async () =>
    Number(/used_memory:(\d+)/.exec(await redis.admin.info('memory'))?.[1] ?? Number.NaN)
  const before = await used()
  const count = 1_000
  for (let i = 0; i < count; i++) await sessions.create(personOfOkta(i), visit)
  await redis.admin.del(await redis.admin.keys('gatehouse:parts:*'))
  const each = ((await used()) - before) / count
  t.comment(`${Math.round(each)} bytes a session`)
  t.ok(each < 2_000)
})

const visit = {
  ...context,
  userAgent:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
}

/** What an ID token and UserInfo of Okta say, with random texts where Okta's are. */
function personOfOkta(i: number) {
  const random = (bytes: number) =>
    Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('base64url')
  const sub = `00u${random(13)}`
  const sid = `idx${random(16)}`
  const email = `ana.example-${i}@corp.example.com`
  const name = `Ana Maria Example-${i}`
  const claims = {
    ...{ sub, sid, name, email, email_verified: true, preferred_username: email },
    ...{ given_name: 'Ana Maria', family_name: `Example-${i}`, locale: 'en-US' },
    ...{ zoneinfo: 'America/Los_Angeles', updated_at: 1_771_442_000 + i, department: 'Platform' },
    ...{ ver: 1, iss: 'https://acme.okta.com', aud: `0oa${random(13)}`, idp: `00o${random(13)}` },
    ...{ iat: 1_772_442_000 + i, exp: 1_772_445_600 + i, jti: `ID.${random(32)}` },
    ...{ auth_time: 1_772_441_990 + i, amr: ['pwd', 'mfa', 'otp'] },
  }
  return {
    ...{ sub, sid, name, email, claims, acr: undefined, amr: claims.amr, authTime: Date.now() },
    groups: { list: [], complete: true },
    tokens: {
      ...{ idToken: '', accessToken: undefined, refreshToken: undefined },
      accessTokenExpiresAt: undefined,
    },
  }
}

test('what was answered for is on the replica, and a replica that hangs holds nobody up for long', async (t) => {
  const { primary, replica } = await startSentinel(t)
  // A replica that has just come up is online before it confirms anything.
  await until(async () => {
    await primary.admin.set('gatehouse:probe', '1')
    return (await primary.admin.wait(1, 100)) === 1
  })
  const logged: Logged[] = []
  const store = await openRedis(t, `redis://127.0.0.1:${primary.port}`, { logged })
  for (let i = 0; i < 50; i++) {
    await store.create(fresh(`s${i}`))
    t.equal(await replica.admin.exists(`gatehouse:session:{s${i}}`), 1)
    await store.delete(`s${i}`)
    t.equal(await replica.admin.exists(`gatehouse:session:{s${i}}`), 0)
  }
  t.strictSame(logged, [])

  replica.pause()
  const start = Date.now()
  for (let i = 0; i < 20; i++) await store.create(fresh(`t${i}`))
  t.ok(Date.now() - start < 1_500, `20 sign-ins in ${Date.now() - start} ms`)
  t.match(logged, [{ level: 'warn', fields: { reason: /no replica has confirmed/ } }])
})

test('where Redis does not say whether it has replicas, sign-ins go on, and the log says so', async (t) => {
  const redis = await startRedis(t, {
    conf: ['user limited on >x ~gatehouse:* &gatehouse:* +@all -role -wait'],
  })
  const logged: Logged[] = []
  const url = `redis://limited:x@127.0.0.1:${redis.port}`
  const store = await openRedis(t, url, { logged })
  await store.create(fresh('a'))
  await store.create(fresh('b'))
  t.equal(await store.delete('a'), true)
  t.match(logged, [{ level: 'warn', fields: { reason: /NOPERM/ } }])
})

test('a deletion is told to everybody who uses the store', async (t) => {
  const redis = await startRedis(t)
  const url = `redis://127.0.0.1:${redis.port}`
  const [one, other] = [await openRedis(t, url), await openRedis(t, url)]
  const told: string[] = []
  const stop = one.onDeleted((id) => told.push(id))
  await until(async () => Number((await redis.admin.pubsub('NUMSUB', 'gatehouse:ended'))[1]) === 2)
  for (const id of ['a', 'b']) await one.create(fresh(id))
  await other.delete('a')
  await other.delete('unknown')
  await until(async () => told.length > 0)
  stop()
  await other.delete('b')
  await redis.admin.ping()
  t.strictSame(told, ['a'])
})

test('a replacement is told to everybody who uses the store', async (t) => {
  const redis = await startRedis(t)
  const url = `redis://127.0.0.1:${redis.port}`
  const [one, other] = [await openRedis(t, url), await openRedis(t, url)]
  const told: string[] = []
  one.onReplaced((id) => told.push(id))
  await until(
    async () => Number((await redis.admin.pubsub('NUMSUB', 'gatehouse:replaced'))[1]) === 2,
  )
  await one.create(fresh('a'))
  t.equal(await other.replace({ ...fresh('a'), revision: 'next' }, fresh('a')), 'replaced')
  t.equal(await other.replace({ ...fresh('a'), revision: 'lost' }, fresh('a')), 'changed')
  await until(async () => told.length > 0)
  await redis.admin.ping()
  t.strictSame(told, ['a'])
})
