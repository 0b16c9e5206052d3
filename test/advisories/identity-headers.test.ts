/** Class A: nobody but Gatehouse says who asks, in no spelling, on no route, by no kind of request. */

import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import type { ReceivedRequest } from './byte-upstream.ts'
import {
  aliases,
  forgedByNobody,
  forgedHeaders,
  forgedTrailers,
  forwardedInConnection,
  lineEnds,
  manyGroups,
  missingClaim,
  namedInConnection,
  otherScripts,
  ownCookie,
  upgrades,
} from './cases/identity.ts'
import { holds } from './holds.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'
import type { Target } from './target.ts'

/** What arrives upstream under any spelling of an identity header, as `name: value`. */
function identityOf(request: ReceivedRequest | undefined): string[] {
  const names = request?.names.filter((name) =>
    /^(x-(forwarded-(user|email|groups|preferred-username|access-token)|gatehouse-|pomerium-|auth-request-)|remote-)/.test(
      name.toLowerCase().replace(/[^a-z0-9]/g, '-'),
    ),
  )
  return (names ?? []).flatMap(
    (name) => request?.header(name).map((value) => `${name}: ${value}`) ?? [],
  )
}

/** Once each, and nothing else. */
function isOurs(request: ReceivedRequest | undefined): boolean {
  const [assertion, ...others] = identityOf(request).toReversed()
  return (
    `${others.toReversed().map((line) => line.toLowerCase())}` === `${OF_ADA}` &&
    /^X-Gatehouse-Jwt-Assertion: eyJ/i.test(assertion ?? '') &&
    request?.head.includes('root') === false
  )
}

const OF_ADA = [
  'x-forwarded-user: sub-ada',
  'x-forwarded-email: ada@example.com',
  'x-forwarded-preferred-username: ada',
  'x-forwarded-groups: admins',
]

test('A: identity headers', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream, port } = target
  const ada = cookieLine(await target.signedIn('ada'))
  const host = `Host: ${HOST}`

  for (const attack of [forgedHeaders, aliases, upgrades]) {
    await holds(t, target, attack, ({ arrived: [first] }, name) =>
      name.endsWith('by nobody') ? identityOf(first).length === 0 : isOurs(first),
    )
  }

  await holds(t, target, forgedTrailers)

  for (const attack of [forgedByNobody, missingClaim]) {
    await holds(
      t,
      target,
      attack,
      ({ arrived: [first] }) => first !== undefined && !first.head.includes('root'),
    )
  }

  await t.test('who is signed in is known on an open route too, and forges nothing', async (t) => {
    await ask(['GET /public/x HTTP/1.1', host, ada, 'X-Forwarded-User: root'])
    t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
  })

  await holds(t, target, namedInConnection, ({ arrived: [first] }) => isOurs(first))
  await holds(t, target, forwardedInConnection)

  await t.test(
    'a Connection header that names what else is set by us removes none of it',
    async (t) => {
      const lines = ['Connection: host, x-forwarded-for, x-request-id, close']
      await rawRequest(port, `${['GET /admin HTTP/1.1', host, ada, ...lines].join('\r\n')}\r\n\r\n`)
      t.ok(isOurs(upstream.last))
      t.equal(upstream.last.header('host').length, 1)
      t.same(upstream.last.header('x-forwarded-for'), ['127.0.0.1'])
      t.equal(upstream.last.header('x-request-id').length, 1)
    },
  )

  await t.test('a claim that is not there is a header that is not there', async (t) => {
    const dora = cookieLine(await target.signedIn('dora'))
    await ask([
      'GET /x HTTP/1.1',
      host,
      dora,
      'X-Forwarded-Groups: admins',
      'Remote-Groups: admins',
    ])
    t.same(upstream.last.header('x-forwarded-groups'), [])
    t.notMatch(upstream.last.head, /admins/)
  })

  await t.test('an assertion is signed for this route, whatever the client brings', async (t) => {
    await ask([
      'GET /admin HTTP/1.1',
      host,
      ada,
      'X-Gatehouse-Jwt-Assertion: eyJhbGciOiJub25lIn0.e30.',
    ])
    const [token = ''] = upstream.last.header('x-gatehouse-jwt-assertion')
    const keys = await target.gateway.get(`${APP}/.well-known/gatehouse/jwks.json`)
    const { payload } = await jwtVerify(
      token,
      createLocalJWKSet(keys.json() as unknown as JSONWebKeySet),
      { issuer: 'http://localhost:8080', audience: APP },
    )
    t.match(payload, { sub: 'sub-ada', email: 'ada@example.com', groups: ['admins'] })
  })

  await t.test('the audience of a wildcard route is the host that was asked for', async (t) => {
    const browser = target.browser()
    const tenant = 'http://one.tenants.localhost:8080'
    const way = await browser.follow(`${tenant}/`)
    const answer = await browser.post(way.url, { person: 'ada' })
    await browser.follow(answer.location ?? '')
    const [token = ''] = upstream.last.header('x-gatehouse-jwt-assertion')
    t.match(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()), {
      aud: tenant,
    })
    const other = cookieLine(browser, 'one.tenants.localhost')
    const refused = await ask(['GET / HTTP/1.1', 'Host: two.tenants.localhost', other])
    t.equal(refused.status, 401, 'and the cookie of one tenant opens no other')
  })

  await t.test('our cookies stay here, all others pass byte for byte', async (t) => {
    const [, ours = ''] = /^Cookie: (.*)$/.exec(ada) ?? []
    const kept = 'theme="dark; x"; a=gatehouse=1;  b = 2;\t__Host-app=1; gatehouse_theme=x'
    const signIn = '__Host-gatehouse-signin-AbC=1; gatehouse-signin=2; __Host-gatehouse=3'
    await ask(['GET /admin HTTP/1.1', host, `Cookie: ${kept}; ${ours}; ${signIn}; last=1`])
    t.same(upstream.last.header('cookie'), [`${kept}; last=1`])
    t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
  })

  await t.test('a session is found, and kept back, in a second Cookie line as well', async (t) => {
    const answer = await ask(['GET /admin HTTP/1.1', host, 'Cookie: a=1', ada])
    t.equal(answer.status, 200)
    t.same(upstream.last.header('cookie'), ['a=1'])
  })

  await t.test('a name that cannot be sent as it is can be read back', async (t) => {
    const mei = await target.signedIn('mei')
    await ask(['GET /admin HTTP/1.1', host, cookieLine(mei)])
    const [token = ''] = upstream.last.header('x-gatehouse-jwt-assertion')
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    t.equal(claims.name, '名前 100%')
  })

  await holds(t, target, ownCookie)

  await holds(
    t,
    target,
    manyGroups,
    ({ arrived: [first] }) => `${first?.header('x-forwarded-groups')}` === 'admins',
  )

  t.same(upstream.problems, [])
})

test('A: claims that operators send under names of their own', async (t) => {
  const headers = { 'X-Forwarded-User': 'sub', 'X-Name': 'name', 'X-Team': 'groups' }
  const target = await startTarget(t, {
    config: { identity_headers: { headers, groups: 'all' } },
  })
  const named: Target = { ...target, identity: { 'X-Forwarded-User': 'sub', 'X-Name': 'name' } }
  const { ask, upstream } = target
  const host = `Host: ${HOST}`

  await t.test('a client cannot send those names either', async (t) => {
    const ada = cookieLine(await target.signedIn('ada'))
    await ask(['GET /x HTTP/1.1', host, ada, 'X-Name: root', 'x_name: root', 'X.Team: root'])
    t.same(upstream.last.header('x-name'), ['ada Example'])
    t.same(upstream.last.header('x-team'), ['admins,staff'])
    t.notMatch(upstream.last.head, /root/)
  })

  await holds(
    t,
    named,
    lineEnds,
    ({ answer, arrived }) =>
      answer.status === 403 &&
      JSON.parse(answer.body).error === 'IDENTITY_UNSENDABLE' &&
      arrived.length === 0,
  )
  await holds(t, named, otherScripts)

  await t.test('other scripts and percent signs are encoded', async (t) => {
    const mei = cookieLine(await target.signedIn('mei'))
    await ask(['GET /x HTTP/1.1', host, mei])
    const [name = ''] = upstream.last.header('x-name')
    t.equal(name, '%E5%90%8D%E5%89%8D 100%25')
    t.equal(decodeURIComponent(name), '名前 100%')
  })

  await t.test('more groups than fit are a clear answer, not the upstream’s 431', async (t) => {
    const before = upstream.requests.length
    const many = cookieLine(await target.signedIn('many'))
    const answer = await ask(['GET /x HTTP/1.1', host, many])
    t.equal(answer.status, 500)
    t.match(JSON.parse(answer.body), { error: 'IDENTITY_TOO_LARGE' })
    t.equal(upstream.requests.length, before)
  })

  t.same(upstream.problems, [])
})
