/** The link to Redis is cut, slow or half-open, or Redis dies: sessions wait, nobody is signed out, and it mends at once. */

import { generateKeyPairSync } from 'node:crypto'
import { test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { head, rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { type Link, startLink } from '../support/start-link.ts'
import { startRedis, startSentinel, until } from '../support/start-redis.ts'
import { PRIVATE, PUBLIC, type Replicas, startReplicas } from '../support/start-replicas.ts'

interface Outage {
  readonly begin: (link: Link) => void
  /** The longest that a request waits for its 503 once the outage is known. */
  readonly answersWithinMs: number
}

const outages: Record<string, Outage> = {
  cut: { begin: (link) => link.cut(), answersWithinMs: 300 },
  'half-open': { begin: (link) => link.halfOpen(), answersWithinMs: 300 },
  'slower than anybody may wait': { begin: (link) => link.delay(3_000), answersWithinMs: 1_300 },
}
for (const [name, { begin, answersWithinMs }] of Object.entries(outages)) {
  test(`while the link to Redis is ${name}, sessions are answered with 503 and kept`, async (t) => {
    const redis = await startRedis(t)
    const link = await startLink(t, redis.port)
    const replicas = await startReplicas(t, [`redis://127.0.0.1:${link.port}`])
    const cookie = await replicas.signIn(0)
    begin(link)
    await untilStatus(replicas, cookie, 503)

    for (let i = 0; i < 5; i++) {
      const start = performance.now()
      const answer = await replicas.visit(0, cookie)
      const took = performance.now() - start
      t.equal(answer.status, 503)
      t.equal(answer.headers['set-cookie'], undefined, 'the cookie is kept')
      t.match(answer.json(), { error: 'STORE_UNAVAILABLE' })
      t.ok(answer.headers['retry-after'])
      t.ok(took < answersWithinMs, `answered after ${Math.round(took)} ms`)
      t.equal((await replicas.visitPublic(0)).status, 200)
    }
    t.equal((await replicas.visit(0, '')).status, 401, 'who has no cookie is nobody, as ever')

    link.heal()
    const took = await untilStatus(replicas, cookie, 200)
    t.comment(`back after ${Math.round(took)} ms`)
    t.ok(took < 1_500)
    t.equal((await replicas.signOut(0, cookie)).status, 303)
    t.equal((await replicas.visit(0, cookie)).status, 401)
  })
}

test('without the store a WebSocket, and a request that another proxy asks about, are judged as any other', async (t) => {
  const redis = await startRedis(t)
  const link = await startLink(t, redis.port)
  const replicas = await startReplicas(t, [`redis://127.0.0.1:${link.port}`], {
    forward_auth: { trusted_proxies: ['127.0.0.1/32'] },
  })
  const [gateway] = replicas.gateways
  if (gateway === undefined) throw new Error('no gateway')
  const browser = createBrowserClient(gateway.port)
  await signIn(browser, `${PRIVATE}/`, 'ana')
  await browser.follow(`${PUBLIC}/.gatehouse/sign_in?rd=${PUBLIC}/`)
  const cookieAt = (origin: string) => browser.cookieHeader(new URL(origin).hostname)
  const upgrade = (origin: string) =>
    rawRequest(
      gateway.port,
      head(
        ...['GET / HTTP/1.1', `Host: ${new URL(origin).host}`, `Cookie: ${cookieAt(origin)}`],
        ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      ),
    )
  const ask = (origin: string) =>
    gateway.get(`${PRIVATE}/.gatehouse/auth/nginx`, {
      headers: {
        'x-original-url': `${origin}/`,
        'x-original-method': 'GET',
        cookie: cookieAt(origin),
      },
    })
  const storeErrors = async () =>
    Number(
      /^gatehouse_store_errors_total (\d+)$/m.exec(
        await (await fetch(`${gateway.adminUrl}/metrics`)).text(),
      )?.[1],
    )
  t.match(cookieAt(PUBLIC), /gatehouse=/)
  for (const origin of [PUBLIC, PRIVATE]) t.equal((await upgrade(origin)).status, 101)
  link.cut()
  await untilStatus(replicas, cookieAt(PRIVATE), 503)

  const before = await storeErrors()
  t.equal((await upgrade(PUBLIC)).status, 101, 'a public route does not need to know who asks')
  const refused = await upgrade(PRIVATE)
  t.equal(refused.status, 503)
  t.equal(refused.header('set-cookie'), undefined, 'the cookie is kept')
  t.match(refused.body, 'STORE_UNAVAILABLE')
  t.ok((await storeErrors()) >= before + 2, 'and each is counted')
  t.equal((await ask(PUBLIC)).status, 200)
  const asked = await ask(PRIVATE)
  t.equal(asked.status, 500)
  t.equal(asked.headers['x-gatehouse-error'], 'STORE_UNAVAILABLE')
  const own = await gateway.get(`${PRIVATE}/.gatehouse/user`, {
    headers: { cookie: cookieAt(PRIVATE) },
  })
  t.equal(own.status, 503)
  t.equal(own.headers['set-cookie'], undefined)
  t.ok((await storeErrors()) >= before + 5)
  link.heal()
  await untilStatus(replicas, cookieAt(PRIVATE), 200)
  t.equal((await upgrade(PRIVATE)).status, 101)
})

test('whoever is to be out while Redis is away is out here at once, and everywhere when it is back', async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  const store = `redis://127.0.0.1:${redis.port}`
  const replicas = await startReplicas(t, [store, store])
  const { signIn, visit } = replicas
  const [stays, leaves, revoked, gone] = [
    await signIn(0),
    await signIn(0),
    await signIn(0, 'ben'),
    await signIn(0, 'chris'),
  ]
  const admin = `${replicas.gateways[0]?.adminUrl}/sessions`
  const list = (await (await fetch(admin)).json()) as { sessions: { id: string; email: string }[] }
  const ben = list.sessions.find(({ email }) => email.startsWith('ben'))
  const chris = list.sessions.find(({ email }) => email.startsWith('chris'))
  await redis.kill()
  await untilStatus(replicas, stays, 503)

  const signedOut = await replicas.signOut(0, leaves)
  t.equal(signedOut.status, 503)
  t.equal(signedOut.headers['set-cookie'], undefined, 'it can be tried again')
  t.match(signedOut.json(), {
    error: 'STORE_UNAVAILABLE',
    message: /not signed out everywhere yet/,
  })
  for (const query of [`user=${ben?.email}`, `id=${chris?.id}`]) {
    const answer = await fetch(`${admin}?${query}`, { method: 'DELETE' })
    t.equal(answer.status, 503)
    t.match(await answer.json(), {
      error: 'STORE_UNAVAILABLE',
      revoked: 0,
      message: /No session is known to have ended; the rest is tried again until it is done/,
    })
  }
  await redis.restart()
  const start = performance.now()
  for (const cookie of [leaves, revoked, gone]) {
    for (const at of [0, 1]) await until(async () => (await visit(at, cookie)).status === 401)
  }
  t.comment(`out everywhere ${Math.round(performance.now() - start)} ms after Redis was back`)
  for (const at of [0, 1]) await until(async () => (await visit(at, stays)).status === 200)
  t.equal((await visit(0, await signIn(0, 'ben'))).status, 200, 'who signs in after it is in')
})

test('a slow link is slow, and nothing else', async (t) => {
  const redis = await startRedis(t)
  const link = await startLink(t, redis.port)
  const replicas = await startReplicas(t, [`redis://127.0.0.1:${link.port}`])
  link.delay(100)
  const cookie = await replicas.signIn(0)
  t.equal((await replicas.visit(0, cookie)).status, 200)
})

test('Redis dies and comes back: nobody is signed out, and who was out stays out', async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  const store = `redis://127.0.0.1:${redis.port}`
  const replicas = await startReplicas(t, [store, store])
  const [stays, goes] = [await replicas.signIn(0), await replicas.signIn(0, 'ben')]
  await replicas.signOut(0, goes)
  await redis.kill()
  await untilStatus(replicas, stays, 503)
  await redis.restart()
  const took = await untilStatus(replicas, stays, 200)
  t.comment(`back after ${Math.round(took)} ms`)
  t.ok(took < 1_500)
  for (const at of [0, 1]) {
    // Each replica finds its own way back.
    await until(async () => (await replicas.visit(at, stays)).status === 200)
    t.equal((await replicas.visit(at, goes)).status, 401)
  }
})

test('a primary under Sentinel dies: its replica takes over with everybody signed in', async (t) => {
  const { primary, replica, sentinel, name } = await startSentinel(t)
  const store = `redis-sentinel://127.0.0.1:${sentinel.port}/${name}`
  const replicas = await startReplicas(t, [store])
  const [stays, goes] = [await replicas.signIn(0), await replicas.signIn(0, 'ben')]
  await replicas.signOut(0, goes)
  await primary.kill()
  const start = performance.now()
  await until(async () => {
    const address = await sentinel.admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
    return Array.isArray(address) && Number(address[1]) === replica.port
  })
  await until(() =>
    replicas.signIn(0).then(
      () => true,
      () => false,
    ),
  )
  t.comment(`signing in again ${Math.round(performance.now() - start)} ms after`)
  await untilStatus(replicas, stays, 200)
  t.equal((await replicas.visit(0, goes)).status, 401)
})

test('without Redis a gateway starts where its signing key is its own, and has sessions when Redis comes', async (t) => {
  const redis = await startRedis(t, { conf: ['appendonly yes'] })
  await redis.kill()
  const store = `redis://:hunter2@127.0.0.1:${redis.port}`
  const refused = await startReplicas(t, [store]).catch(String)
  t.match(refused, /session store `redis:\/\/127\.0\.0\.1:\d+`: connect ECONNREFUSED/)
  t.notMatch(refused, 'hunter2')

  const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
  const replicas = await startReplicas(t, [store.replace(':hunter2@', '')], {
    identity_headers: { signing_key: key.export({ type: 'pkcs8', format: 'pem' }) },
  })
  t.equal((await replicas.visitPublic(0)).status, 200)
  t.equal((await replicas.visit(0, '')).status, 401)
  await redis.restart()
  await until(() =>
    replicas.signIn(0).then(
      () => true,
      () => false,
    ),
  )
  t.equal((await replicas.visit(0, await replicas.signIn(0))).status, 200)
})

/** Milliseconds until whoever has `cookie` meets `status`. Meanwhile nobody may be told to sign in. */
async function untilStatus(replicas: Replicas, cookie: string, status: number): Promise<number> {
  const start = performance.now()
  for (;;) {
    const answer = await replicas.visit(0, cookie)
    if (answer.status === status) return performance.now() - start
    if (answer.status !== 200 && answer.status !== 503) throw new Error(`a ${answer.status}`)
    if (performance.now() - start > 20_000) throw new Error(`still ${answer.status}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
