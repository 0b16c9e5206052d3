/** Clients that bring an access token, on routes with `bearer`: attack classes D, G13, H15 and what apps are told. */

import { sign as signBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { SignJWT, UnsecuredJWT } from 'jose'
import { type Test, test } from 'tap'
import { WebSocket, WebSocketServer } from 'ws'
import type { Provider } from '../../src/identity/provider/provider.ts'
import { createBearer } from '../../src/proxy/bearer.ts'
import {
  CLIENT_ID,
  type FakeKey,
  type FakeProvider,
  type Json,
  newKey,
  startFakeProvider,
} from '../identity/fake-provider.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

const HOST = 'http://api.localhost:8080'
const AUDIENCE = 'api://default'

const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const POLICIES = (to: string) => `
routes:
  - name: api
    from: "${HOST}"
    to: "${to}"
    bearer: { provider: demo, audience: ["${AUDIENCE}", "api://other"] }
    allow_websockets: true
    policy:
      - allow: { or: [{ groups: { has: engineers } }, { claim/scp: { has: read } }, { user: { is: 00u9 } }] }
      - deny: { or: [{ email: { is: mallory@example.com } }] }
  - name: forwarding
    from: "http://forwarding.localhost:8080"
    to: "${to}"
    bearer: { provider: demo, audience: "${AUDIENCE}", forward: true }
    allow_any_authenticated_user: true
  - name: plain
    from: "http://plain.localhost:8080"
    to: "${to}"
    allow_public_unauthenticated_access: true
  - name: open
    from: "http://open.localhost:8080"
    to: "${to}"
    bearer: { provider: demo, audience: "${AUDIENCE}" }
    allow_public_unauthenticated_access: true
  - name: strong
    from: "http://strong.localhost:8080"
    to: "${to}"
    bearer: { provider: demo, audience: "${AUDIENCE}" }
    policy: [{ allow: { and: [{ authenticated_user: true }, { acr: phr }] } }]
`

interface Setting {
  readonly config?: Readonly<Record<string, unknown>>
  readonly to?: string
}

async function startAll(t: Test, { config = {}, to }: Setting = {}) {
  const idp = await startFakeProvider(t)
  const upstream = await startUpstream(t)
  const clock = { offset: 0 }
  const provider = { issuer: idp.issuer, client_id: CLIENT_ID, client_secret: 'x' }
  const gateway = await startGateway(t, {
    config: { providers: { demo: provider }, ...config },
    policies: POLICIES(to ?? upstream.origin),
    now: () => Date.now() + clock.offset,
  })
  const call = (token: string, url = `${HOST}/x`, headers: Record<string, string> = {}) =>
    gateway.get(url, { headers: { authorization: `Bearer ${token}`, ...headers } })
  return { idp, upstream, gateway, clock, call }
}

const seconds = () => Math.floor(Date.now() / 1_000)

function claimsOf(idp: FakeProvider, changes: Json = {}): Json {
  const now = seconds()
  const claims: Json = {
    iss: idp.issuer,
    aud: AUDIENCE,
    sub: 'ana@example.com',
    uid: '00u1',
    cid: '0oa1',
    scp: ['openid', 'read'],
    ver: 1,
    jti: `AT.${Math.random()}`,
    iat: now,
    exp: now + 3_600,
    ...changes,
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

function sign(key: FakeKey, claims: Json, header: Json = {}): Promise<string> {
  const { alg = 'ES256', kid } = key.jwk
  return new SignJWT(claims)
    .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
    .sign(key.privateKey)
}

const tokenOf = (idp: FakeProvider, changes: Json = {}, header: Json = {}) =>
  sign(idp.keys.signing, claimsOf(idp, changes), header)

test('an access token in the shape of Okta is admitted, and the app is told who it is', async (t) => {
  const { idp, upstream, gateway, call } = await startAll(t)
  const answer = await call(await tokenOf(idp, { groups: ['engineers', 'others'] }))
  t.equal(answer.status, 200)
  const { last } = upstream
  t.strictSame(last.header('x-forwarded-user'), ['00u1'], '`uid`, as ID tokens have it in `sub`')
  t.strictSame(last.header('x-forwarded-groups'), ['engineers'])
  t.strictSame(last.header('authorization'), [], 'the token goes no further')
  const [assertion = ''] = last.header('x-gatehouse-jwt-assertion')
  const told = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
  t.match(told, { sub: '00u1', groups: ['engineers'], aud: HOST })
  t.equal(answer.headers['cache-control'], 'private')
  await poll(t, () => gateway.decisions().length > 0)
  t.match(gateway.decisions()[0], {
    route: 'api',
    outcome: 'allow',
    subject: '00u1',
    provider: 'demo',
    groups: ['engineers'],
  })
})

test('RFC 9068 tokens, plain ones and those of a machine are admitted', async (t) => {
  const { idp, upstream, call } = await startAll(t)
  for (const [header, changes, sub] of [
    [{ typ: 'at+jwt' }, { uid: undefined, cid: undefined, sub: '00u9', scp: undefined }, '00u9'],
    [{ typ: 'application/at+jwt' }, {}, '00u1'],
    [{ typ: 'JWT' }, { aud: ['x', 'api://other'] }, '00u1'],
    [{}, { uid: undefined, sub: '0oa1' }, '0oa1'],
    [{}, { uid: 'spoof', cid: undefined, sub: 'machine' }, 'machine'],
    [{ typ: 'at+jwt' }, { auth_time: 5, nonce: 'x' }, '00u1'],
    [{}, { nbf: seconds() + 10, iat: seconds() + 10 }, '00u1'],
  ] as const) {
    const answer = await call(await tokenOf(idp, changes, header))
    t.equal(answer.status, 200, JSON.stringify([header, changes]))
    t.strictSame(upstream.last.header('x-forwarded-user'), [sub])
  }
})

test('a token that does not hold is 401, whatever cookie comes with it, and nothing goes upstream', async (t) => {
  const { idp, upstream, gateway, call } = await startAll(t)
  const stranger = await newKey('key-1')
  const unknown = await newKey('key-9')
  const good = await tokenOf(idp)
  const hour = 3_600
  const bad: Record<string, string> = {
    'another audience (G13)': await tokenOf(idp, { aud: 'api://elsewhere' }),
    'no audience': await tokenOf(idp, { aud: undefined }),
    'an empty list of audiences': await tokenOf(idp, { aud: [] }),
    'another issuer': await tokenOf(idp, { iss: 'https://evil.example' }),
    'no issuer': await tokenOf(idp, { iss: undefined }),
    'an end that is over': await tokenOf(idp, { exp: seconds() - 1 }),
    'no end': await tokenOf(idp, { exp: undefined }),
    'an end that is no number': await tokenOf(idp, { exp: 'never' }),
    'a beginning in an hour': await tokenOf(idp, { nbf: seconds() + hour }),
    'an issue in an hour': await tokenOf(idp, { iat: seconds() + hour }),
    'no subject': await tokenOf(idp, { sub: undefined, uid: undefined }),
    'an empty subject': await tokenOf(idp, { sub: '', uid: '' }),
    'a subject that is a number': await tokenOf(idp, { sub: 5, uid: undefined }),
    'the signature of another key of that name': await sign(stranger, claimsOf(idp)),
    'a key that nobody published': await sign(unknown, claimsOf(idp)),
    'a key of its own': await sign(stranger, claimsOf(idp), { jwk: stranger.jwk }),
    'no signature': `${good.split('.').slice(0, 2).join('.')}.`,
    'alg none': new UnsecuredJWT(claimsOf(idp)).encode(),
    'an HMAC made with the public key': await hmac(idp),
    'a critical extension': rawToken(idp, { crit: ['x'], x: 1 }),
    'a changed claim': good.replace(
      /\.[^.]+\./,
      `.${Buffer.from(JSON.stringify(claimsOf(idp, { sub: 'root' }))).toString('base64url')}.`,
    ),
    'the form of an encrypted token': 'a.b.c.d.e',
    'no JWT': 'opaque',
    'two parts': 'a.b',
    nothing: '',
    'characters that no token has': `${good}%00`,
    'a space in it': `${good} x`,
    'more than sixteen kilobytes (H15)': await tokenOf(idp, { pad: 'x'.repeat(14_000) }),
    'the type of a logout token': await tokenOf(idp, {}, { typ: 'logout+jwt' }),
    'the type of a security event': await tokenOf(idp, {}, { typ: 'secevent+jwt' }),
    'the type of a DPoP proof': await tokenOf(idp, {}, { typ: 'dpop+jwt' }),
    'the claims of a logout token': await tokenOf(idp, { events: { x: {} } }, { typ: 'at+jwt' }),
    'the nonce of an ID token': await tokenOf(idp, { nonce: 'n' }),
    'the hash of an ID token': await tokenOf(idp, { at_hash: 'h' }),
    'the kind of an ID token (Keycloak)': await tokenOf(idp, { typ: 'ID' }),
    'the kind of a refresh token (Keycloak)': await tokenOf(idp, { typ: 'Refresh' }),
  }
  const before = upstream.requests.length
  for (const [what, token] of Object.entries(bad)) {
    for (const url of [`${HOST}/x`, 'http://open.localhost:8080/']) {
      const answer = await call(token, url, { accept: 'text/html', cookie: 'gatehouse=x' })
      t.equal(answer.status, 401, `${what} at ${url}: ${answer.body}`)
      t.equal(answer.headers['www-authenticate'], 'Bearer realm="gatehouse", error="invalid_token"')
      t.equal(answer.json()['error'], 'BAD_TOKEN')
      t.equal(answer.headers['cache-control'], 'no-store')
      if (token.length > 20) t.notOk(answer.body.includes(token.slice(0, 20)))
    }
  }
  t.equal(upstream.requests.length, before)
  await poll(t, () => gateway.decisions().length >= 2 * Object.keys(bad).length)
  const log = JSON.stringify(gateway.decisions())
  t.notOk(log.includes(good.split('.')[2] ?? 'x'), 'no token in the log')
  t.match(gateway.decisions()[0], {
    outcome: 'rejected',
    status: 401,
    detail: /audience is "api:\/\/elsewhere"/,
  })
})

/** As a signer writes it that does not know what it may not write. */
function rawToken(idp: FakeProvider, header: Json): string {
  const encode = (value: Json) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${encode({ alg: 'ES256', kid: 'key-1', ...header })}.${encode(claimsOf(idp))}`
  const key = { key: idp.keys.signing.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return `${text}.${signBytes('sha256', Buffer.from(text), key).toString('base64url')}`
}

async function hmac(idp: FakeProvider): Promise<string> {
  const secret = Buffer.from(JSON.stringify(idp.keys.signing.jwk))
  return new SignJWT(claimsOf(idp)).setProtectedHeader({ alg: 'HS256', kid: 'key-1' }).sign(secret)
}

test('an ID token for the gateway itself is no access token, even where its audience is named', async (t) => {
  const idp = await startFakeProvider(t)
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: {
      providers: { demo: { issuer: idp.issuer, client_id: CLIENT_ID, client_secret: 'x' } },
    },
    policies: `
routes:
  - { from: "${HOST}", to: "${upstream.origin}", bearer: { provider: demo, audience: ["${CLIENT_ID}"] }, allow_any_authenticated_user: true }
`,
  })
  const call = async (changes: Json, header: Json = {}) =>
    gateway.get(HOST, {
      headers: {
        authorization: `Bearer ${await tokenOf(idp, { aud: CLIENT_ID, ...changes }, header)}`,
      },
    })
  const idToken = { uid: undefined, cid: undefined, scp: undefined, email: 'a@b.example' }
  t.equal((await call(idToken)).status, 401)
  t.equal((await call({ ...idToken, azp: CLIENT_ID })).status, 401)
  t.equal((await call(idToken, { typ: 'at+jwt' })).status, 200)
  t.equal((await call({ ...idToken, scope: 'read' })).status, 200)
})

test('other schemes are the app’s own; of two headers neither is believed', async (t) => {
  const { idp, upstream, gateway, call } = await startAll(t)
  const basic = await gateway.get(`${HOST}/x`, { headers: { authorization: 'Basic abc' } })
  t.equal(basic.status, 401)
  t.equal(basic.json()['error'], 'SIGN_IN_REQUIRED')
  const open = await gateway.get('http://open.localhost:8080/', {
    headers: { authorization: 'Basic abc' },
  })
  t.equal(open.status, 200)
  t.strictSame(upstream.last.header('authorization'), ['Basic abc'])
  const token = await tokenOf(idp)
  t.equal((await gateway.get(HOST, { headers: { authorization: `bEARER  ${token}` } })).status, 200)
  for (const authorization of [
    ['Basic abc', `Bearer ${token}`],
    [`Bearer ${token}`, `Bearer ${token}`],
    [`Bearer ${token}`, 'Basic abc'],
    ['Bearer'],
    ['Bearer,'],
    [`Bearer ${token}, Basic abc`],
  ]) {
    t.equal(
      (await gateway.get(HOST, { headers: { authorization } })).status,
      401,
      authorization.join(),
    )
  }
  // Without `bearer` the header means nothing here.
  t.equal((await call('anything', 'http://plain.localhost:8080/')).status, 200)
  t.strictSame(upstream.last.header('authorization'), ['Bearer anything'])
  t.equal((await call(token, 'http://forwarding.localhost:8080/')).status, 200)
  t.strictSame(upstream.last.header('authorization'), [`Bearer ${token}`])
})

test('policies see claims, groups and the verified e-mail of a token', async (t) => {
  const { idp, call } = await startAll(t)
  const refused = await call(await tokenOf(idp, { scp: ['openid'] }))
  t.equal(refused.status, 403)
  t.match(refused.json(), { error: 'ACCESS_DENIED', reason: 'no-allow-rule' })
  const mallory = { email: 'Mallory@example.com' }
  t.equal((await call(await tokenOf(idp, { ...mallory, email_verified: true }))).status, 403)
  t.equal((await call(await tokenOf(idp, mallory))).status, 200, 'not verified: not known')
  t.equal((await call(await tokenOf(idp, { scp: [], groups: 'engineers' }))).status, 200)
  const gap = { scp: [], groups: { no: 'list' } }
  t.match((await call(await tokenOf(idp, gap))).json(), { error: 'GROUPS_UNAVAILABLE' })
})

test('a step-up is asked of a token by 401, never by a redirect', async (t) => {
  const { idp, call } = await startAll(t)
  const url = 'http://strong.localhost:8080/'
  const answer = await call(await tokenOf(idp), url, { accept: 'text/html' })
  t.equal(answer.status, 401)
  t.match(answer.json(), { error: 'STEP_UP_REQUIRED', login_url: /sign_in/ })
  t.equal((await call(await tokenOf(idp, { acr: 'phr' }), url)).status, 200)
})

test('keys: a new one is asked for once, a flood of unknown ones costs one question, a known one none', async (t) => {
  const { idp, clock, call } = await startAll(t)
  const asked = () => idp.requests.filter(({ path }) => path === '/keys').length
  t.equal((await call(await tokenOf(idp))).status, 200)
  t.equal(asked(), 1)
  const rotated = await newKey('key-2')
  idp.keys.published.push(rotated.jwk)
  const flood = await Promise.all(
    Array.from({ length: 20 }, async (_, i) =>
      call(await sign(await newKey(`kid-${i}`), claimsOf(idp))),
    ),
  )
  t.ok(flood.every(({ status }) => status === 401))
  t.equal(asked(), 1, 'asked a moment ago')
  clock.offset += 11_000
  t.equal((await call(await sign(rotated, claimsOf(idp)))).status, 200)
  t.equal(asked(), 2)
  for (let i = 0; i < 3; i++) t.equal((await call(await tokenOf(idp))).status, 200)
  t.equal(asked(), 2)
  // The same name, another key.
  clock.offset += 11_000
  const renewed = await newKey('key-1')
  idp.keys.published.splice(0, 2, renewed.jwk)
  t.equal((await call(await sign(renewed, claimsOf(idp)))).status, 200)
  t.equal((await call(await tokenOf(idp))).status, 401, 'the old key is gone')
  t.equal(asked(), 3)
})

test('while the provider is down known keys serve; what it alone could tell is 503, and fails fast', async (t) => {
  const { idp, clock, call } = await startAll(t)
  t.equal((await call(await tokenOf(idp))).status, 200)
  const rotated = await newKey('key-2')
  let asked = 0
  idp.faults.answer = () => {
    asked++
    return { status: 500 }
  }
  clock.offset += 16 * 60_000
  t.equal((await call(await tokenOf(idp))).status, 200)
  for (let i = 0; i < 5; i++) {
    const answer = await call(await sign(rotated, claimsOf(idp)))
    t.equal(answer.status, 503, answer.body)
    t.ok(Number(answer.headers['retry-after']) > 0)
  }
  t.equal(asked, 1)
  t.equal(
    (await call(await tokenOf(idp, { aud: 'x' }))).status,
    401,
    'a bad one is bad all the same',
  )
})

test('a provider that was never reached is 503, not 401', async (t) => {
  const { idp, call } = await startAll(t, {})
  const token = await tokenOf(idp)
  idp.close()
  const down = await startGateway(t, {
    policies: `
routes:
  - { from: "${HOST}", to: "http://127.0.0.1:9", bearer: { provider: demo, audience: "${AUDIENCE}" }, allow_any_authenticated_user: true }
`,
    config: { providers: { demo: { issuer: idp.issuer, client_id: 'x', client_secret: 'x' } } },
  })
  const answer = await down.get(HOST, { headers: { authorization: `Bearer ${token}` } })
  t.equal(answer.status, 503)
  t.not(answer.json()['error'], 'BAD_TOKEN')
  t.ok(call)
})

test('too many tokens that do not hold from one address are 429', async (t) => {
  const { idp, call } = await startAll(t, {
    config: { server: { rate_limits: { bearer_failures: '3/m' } } },
  })
  const good = await tokenOf(idp)
  t.equal((await call(good)).status, 200)
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await call('bad')).status)
  t.strictSame(statuses, [401, 401, 401, 429, 429])
  const answer = await call('bad')
  t.ok(Number(answer.headers['retry-after']) > 0)
  t.equal(answer.json()['error'], 'RATE_LIMITED')
  t.equal((await call(good)).status, 200, 'who is known already goes on')
})

test('what is kept of a token ends with it, and is not believed on another route', async (t) => {
  const { idp, clock, call } = await startAll(t)
  const token = await tokenOf(idp, { aud: 'api://other', exp: seconds() + 20 })
  t.equal((await call(token)).status, 200)
  t.equal((await call(token, 'http://forwarding.localhost:8080/')).status, 401)
  clock.offset += 21_000
  t.equal((await call(token)).status, 401)
})

test('what is kept of tokens is bounded for all routes together, and told apart by what a route asks for', async (t) => {
  let asked = 0
  const provider = {
    admit: async () => {
      asked++
      return { ended: false }
    },
  } as unknown as Provider
  const admit = createBearer({
    providers: new Map([
      ['okta', provider],
      ['other', provider],
    ]),
    rateLimits: { count: async () => undefined, waitSeconds: () => undefined },
    now: () => 0,
    maxKnown: 4,
  })
  const route = (audience: string, name = 'okta') => ({
    provider: name,
    audiences: [audience],
    forward: false,
  })
  const routes = Array.from({ length: 4 }, (_, i) => route(`api-${i}`))
  for (const one of [...routes, ...routes]) await admit('token', one, '192.0.2.1')
  t.equal(asked, 4, 'each asks for another audience')
  await admit('token', route('api-3'), '192.0.2.1')
  t.equal(asked, 4, 'a route that asks for the same shares what is known')
  await admit('token', route('api-3', 'other'), '192.0.2.1')
  t.equal(asked, 5, 'another provider does not')
  const [oldest] = routes
  if (oldest !== undefined) await admit('token', oldest, '192.0.2.1')
  t.equal(asked, 6, 'past the bound the one that was used longest ago is forgotten')
})

test('nothing is begun for a client that leaves while its token is looked at', async (t) => {
  for (const more of ['', HANDSHAKE]) {
    const { idp, upstream, gateway } = await startAll(t)
    const asked = Promise.withResolvers<void>()
    const left = Promise.withResolvers<undefined>()
    idp.faults.answer = (path) => {
      if (!path.includes('keys')) return undefined
      asked.resolve()
      return left.promise
    }
    const client = connect(gateway.port, '127.0.0.1')
    client.write(
      `GET / HTTP/1.1\r\nHost: api.localhost\r\nAuthorization: Bearer ${await tokenOf(idp)}\r\n${more}\r\n`,
    )
    await asked.promise
    client.resetAndDestroy()
    await once(client, 'close')
    await delay(50)
    left.resolve(undefined)
    await poll(t, () => gateway.decisions().length > 0)
    t.match(gateway.decisions(), [{ status: 499 }])
    await delay(50)
    t.equal(upstream.requests.length, 0)
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
    t.match(metrics, /^gatehouse_websockets 0$/m, 'or the gateway would wait for its end for ever')
  }
})

test('a WebSocket that a token opened closes when the token ends', async (t) => {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  t.teardown(() => sockets.close())
  await once(sockets, 'listening')
  const { port } = sockets.address() as { port: number }
  const { idp, gateway } = await startAll(t, { to: `http://127.0.0.1:${port}` })
  const token = await tokenOf(idp, { exp: seconds() + 2 })
  const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/`, {
    headers: { host: 'api.localhost:8080', authorization: `Bearer ${token}` },
  })
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  const [code, reason] = await once(socket, 'close')
  t.equal(code, 1008)
  t.equal(String(reason), 'the session has ended')
})

test('a proxy that asks by forward-auth is told of tokens too', async (t) => {
  const trusted = { forward_auth: { trusted_proxies: ['127.0.0.1/32'] } }
  const { idp, gateway } = await startAll(t, { config: trusted })
  const ask = async (authorization: string) =>
    gateway.get(`${HOST}/.gatehouse/auth/traefik`, {
      headers: {
        authorization,
        'x-forwarded-method': 'GET',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'api.localhost:8080',
        'x-forwarded-uri': '/x',
        'x-forwarded-for': '192.0.2.7',
      },
    })
  const good = await ask(`Bearer ${await tokenOf(idp)}`)
  t.equal(good.status, 200)
  t.equal(good.headers['x-forwarded-user'], '00u1')
  const bad = await ask('Bearer bad')
  t.equal(bad.status, 401)
  t.equal(bad.headers['www-authenticate'], 'Bearer realm="gatehouse", error="invalid_token"')
})

async function poll(t: Test, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 50))
  t.ok(holds())
}
