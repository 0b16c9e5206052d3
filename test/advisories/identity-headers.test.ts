/** Class A: nobody but Gatehouse says who asks, in no spelling, on no route, by no kind of request. */

import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Test, test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { APP, cookieLine, HOST, startTarget, type Target } from './start-target.ts'

/** Names under which apps believe an identity, in spellings that some server behind us folds into one. */
const forgeries = [
  'X-Forwarded-User',
  'x-forwarded-user',
  'X-FORWARDED-USER',
  'X_Forwarded_User',
  'X-Forwarded_User',
  'X.Forwarded.User',
  'X!Forwarded~User',
  "X'Forwarded|User",
  'X*Forwarded+User',
  'X-Forwarded-Email',
  'X_Forwarded_Groups',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
  'X-Gatehouse-Jwt-Assertion',
  'X_Gatehouse_Jwt_Assertion',
  'X-Gatehouse-Anything',
  'X.Gatehouse.Anything',
  'X-Pomerium-Jwt-Assertion',
  'x-pomerium-claim-email',
  'X^Pomerium^Claim^Email',
  'X-Auth-Request-User',
  'X_Auth_Request_Groups',
  'Remote-User',
  'REMOTE_USER',
  'Remote.Groups',
  'Remote-Email',
  'Remote-Name',
]

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

/** What arrives upstream under any spelling of an identity header, as `name: value`. */
function arrived({ upstream }: Target): string[] {
  return upstream.last.names
    .filter((name) =>
      /^(x-(forwarded-(user|email|groups|preferred-username|access-token)|gatehouse-|pomerium-|auth-request-)|remote-)/.test(
        name.toLowerCase().replace(/[^a-z0-9]/g, '-'),
      ),
    )
    .flatMap((name) => upstream.last.header(name).map((value) => `${name}: ${value}`))
}

async function isOurs(t: Test, target: Target, groups = 'admins'): Promise<void> {
  const [user, email, name, group, assertion, ...more] = arrived(target)
  t.equal(user, 'X-Forwarded-User: sub-ada')
  t.equal(email, 'X-Forwarded-Email: ada@example.com')
  t.equal(name, 'X-Forwarded-Preferred-Username: ada')
  t.equal(group, `X-Forwarded-Groups: ${groups}`)
  t.match(assertion, /^X-Gatehouse-Jwt-Assertion: eyJ/)
  t.same(more, [], 'once each, and nothing else')
  t.notMatch(target.upstream.last.head, /root/)
}

test('A: identity headers', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream, port } = target
  const ada = cookieLine(await target.signedIn('ada'))
  const host = `Host: ${HOST}`

  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS', 'PROPFIND']) {
    await t.test(`a client cannot say by ${method} who it is, in any spelling`, async (t) => {
      const forged = forgeries.flatMap((name) => [`${name}: root`, `${name}: root`])
      await ask([`${method} /admin HTTP/1.1`, host, ada, ...forged], '', { until: 'close' })
      t.equal(upstream.last.method, method)
      await isOurs(t, target)
    })
  }

  await t.test('a client that nobody knows cannot say who it is on an open route', async (t) => {
    await ask(['GET /public/x HTTP/1.1', host, ...forgeries.map((name) => `${name}: root`)])
    t.same(arrived(target), [])
    t.notMatch(upstream.last.head, /root/)
  })

  await t.test('who is signed in is known on an open route too, and forges nothing', async (t) => {
    await ask(['GET /public/x HTTP/1.1', host, ada, 'X-Forwarded-User: root'])
    t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
  })

  const connections: Record<string, readonly string[]> = {
    'names one of ours': ['Connection: close, X-Forwarded-User'],
    'names them in lower case, in several lines': [
      'Connection: x-forwarded-user',
      'Connection: x-gatehouse-jwt-assertion, X-Forwarded-Email',
      'connection: x-forwarded-groups,x-forwarded-preferred-username',
    ],
    'names them behind tabs and empty items': ['Connection: ,\tX-Forwarded-User\t, ,close'],
    'names what else is set by us': ['Connection: host, x-forwarded-for, x-request-id, close'],
  }
  for (const [name, lines] of Object.entries(connections)) {
    await t.test(`a Connection header that ${name} removes nothing of ours`, async (t) => {
      await rawRequest(
        port,
        `${['GET /admin HTTP/1.1', host, ada, 'X-Forwarded-User: root', ...lines].join('\r\n')}\r\n\r\n`,
      )
      await isOurs(t, target)
      t.equal(upstream.last.header('host').length, 1)
      t.same(upstream.last.header('x-forwarded-for'), ['127.0.0.1'])
      t.equal(upstream.last.header('x-request-id').length, 1)
    })
  }

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

  await t.test(
    'an upgrade gets the same headers as any request, and the client none of them',
    async (t) => {
      const forged = forgeries.map((name) => `${name}: root`)
      const request = ['GET /admin/ws HTTP/1.1', host, ada, ...upgrade, ...forged]
      await target.upgrade(`${request.join('\r\n')}\r\n\r\n`)
      t.equal(upstream.last.target, '/admin/ws')
      t.notMatch(upstream.last.head, /root/)
      t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
      t.equal(upstream.last.header('x-gatehouse-jwt-assertion').length, 1)
    },
  )

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

  await t.test('of five hundred groups those that the route names are sent', async (t) => {
    const many = await target.signedIn('many')
    const answer = await ask(['GET /admin HTTP/1.1', host, cookieLine(many)])
    t.equal(answer.status, 200)
    t.same(upstream.last.header('x-forwarded-groups'), ['admins'])
  })

  t.same(upstream.problems, [])
})

test('A: claims that operators send under names of their own', async (t) => {
  const headers = { 'X-Forwarded-User': 'sub', 'X-Name': 'name', 'X-Team': 'groups' }
  const target = await startTarget(t, {
    config: { identity_headers: { headers, groups: 'all' } },
  })
  const { ask, upstream } = target
  const host = `Host: ${HOST}`

  await t.test('a client cannot send those names either', async (t) => {
    const ada = cookieLine(await target.signedIn('ada'))
    await ask(['GET /x HTTP/1.1', host, ada, 'X-Name: root', 'x_name: root', 'X.Team: root'])
    t.same(upstream.last.header('x-name'), ['ada Example'])
    t.same(upstream.last.header('x-team'), ['admins,staff'])
    t.notMatch(upstream.last.head, /root/)
  })

  await t.test('a claim with line ends is refused and splits nothing', async (t) => {
    const before = upstream.requests.length
    const crlf = cookieLine(await target.signedIn('crlf'))
    const answer = await ask(['GET /admin HTTP/1.1', host, crlf])
    t.equal(answer.status, 403)
    t.match(JSON.parse(answer.body), { error: 'IDENTITY_UNSENDABLE' })
    t.equal(upstream.requests.length, before, 'nothing was forwarded')
  })

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
