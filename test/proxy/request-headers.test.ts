import fc from 'fast-check'
import { test } from 'tap'
import { compileHeaderPlan } from '../../src/proxy/header-plan.ts'
import { isOwnCookie, withoutOwnCookies } from '../../src/proxy/own-cookies.ts'
import { readRequestHeaders, requestIdOf } from '../../src/proxy/request-headers.ts'
import { readHeadFields } from '../../src/routing/canonical.ts'

const plan = compileHeaderPlan({
  headers: { 'X-Forwarded-User': 'sub', 'X-Team': 'department' },
  groups: 'named',
  assertion: 'X-Gatehouse-Jwt-Assertion',
  preset: 'none',
})

const read = (...rawHeaders: string[]) => readRequestHeaders(rawHeaders, plan)

const removed = [
  'X-Forwarded-User',
  'x-forwarded-user',
  'X_Forwarded_User',
  'X-Forwarded_User',
  'X.Forwarded.User',
  'X-Forwarded-Email',
  'X-Forwarded-Groups',
  'X-Forwarded-Preferred-Username',
  'X-Forwarded-Access-Token',
  'X-Gatehouse-Jwt-Assertion',
  'x_gatehouse_anything',
  'X-Pomerium-Jwt-Assertion',
  'x-pomerium-claim-email',
  'X-Auth-Request-User',
  'X_AUTH_REQUEST_GROUPS',
  'Remote-User',
  'REMOTE_USER',
  'Remote-Groups',
  'X-Team',
  'x_team',
  'X-Forwarded-Proto',
  'X_Forwarded_For',
  'X-Forwarded-Host',
  'X-Forwarded-Port',
  'Forwarded',
  'Keep-Alive',
  'Proxy-Authorization',
  'Proxy-Connection',
  'TE',
  'Trailer',
  'Upgrade',
  'HTTP2-Settings',
  'Content_Length',
]
for (const name of removed) {
  test(`a client's \`${name}\` does not go upstream`, async (t) => {
    t.same(read(name, 'root', name, 'root').upstream, [])
  })
}

test('all other headers go upstream as they came, in order, also twice', async (t) => {
  const others = ['Accept', 'a', 'X-Custom', '1', 'x-custom', '2', 'Authorization', 'Basic eA==']
  t.same(read(...others).upstream, others)
})

test('headers named in Connection are dropped', async (t) => {
  const { upstream } = read('X-Secret', '1', 'Connection', 'close, X-Secret', 'Accept', 'a')
  t.same(upstream, ['Accept', 'a'])
})

test('several Connection lines are one list', async (t) => {
  t.same(
    read('Connection', 'a-header', 'Connection', 'B-Header', 'A-Header', '1', 'b-header', '2')
      .upstream,
    [],
  )
})

test('Content-Length cannot be removed by naming it in Connection', async (t) => {
  t.same(read('Connection', 'content-length', 'Content-Length', '3').upstream, [
    'Content-Length',
    '3',
  ])
})

const cookies: Record<string, { sent: string; kept: string | undefined }> = {
  'other cookies pass byte for byte': { sent: 'a=1;b="2";  c', kept: 'a=1;b="2";  c' },
  'the session cookie is taken out': { sent: 'a=1; gatehouse=secret; b=2', kept: 'a=1; b=2' },
  'the secure session cookie is taken out': { sent: '__Host-gatehouse=secret; b=2', kept: 'b=2' },
  'sign-in cookies are taken out': {
    sent: 'gatehouse-signin=x; gatehouse-signin-AbC=y; __Host-gatehouse-signin=z; c=3',
    kept: 'c=3',
  },
  'a Cookie header with nothing else is dropped': { sent: 'gatehouse=secret', kept: undefined },
  'a name that only begins alike is another cookie': {
    sent: 'gatehouse_theme=dark',
    kept: 'gatehouse_theme=dark',
  },
  'a value that looks like ours is not': { sent: 'a=gatehouse=1', kept: 'a=gatehouse=1' },
}
for (const [name, { sent, kept }] of Object.entries(cookies)) {
  test(name, async (t) => {
    const { upstream, cookie } = read('Cookie', sent)
    t.same(upstream, kept === undefined ? [] : ['Cookie', kept])
    t.equal(cookie, sent)
  })
}

test('a body is announced by a length or a coding', async (t) => {
  t.equal(read().hasBody, false)
  t.equal(read('Content-Length', '0').hasBody, false)
  t.equal(read('Content-Length', '7').hasBody, true)
  t.equal(read('Transfer-Encoding', 'chunked').hasBody, true)
})

test('a request id is taken from a trusted peer only, and only where it is fit for a header', async (t) => {
  t.equal(requestIdOf('abc-123', true), 'abc-123')
  t.not(requestIdOf('abc-123', false), 'abc-123')
  t.not(requestIdOf('"quoted"', true), '"quoted"')
  t.not(requestIdOf('x'.repeat(200), true), 'x'.repeat(200))
})

test('a flood of invented header names is not remembered without end', async (t) => {
  for (let i = 0; i < 5_000; i++) plan.use(`x-invented-${i}`)
  t.equal(plan.use('X_Forwarded_User'), 'drop', 'and the plan still holds')
})

test('of any headers the listener and the tools read one host, one length and one coding', async (t) => {
  const name = fc.constantFrom(
    ...[
      'Host',
      'HOST',
      'Content-Length',
      'content-length',
      'Transfer-Encoding',
      'X Y',
      '',
      'Accept',
    ],
    ...['Connection', 'Cookie', 'X_Host', 'content_length', 'Host\0'],
  )
  const value = fc.constantFrom('a.example', '5', '0', 'chunked', '', 'host, content-length')
  const lines = fc.array(fc.tuple(name, value), { maxLength: 8 })
  fc.assert(
    fc.property(lines, (headers) => {
      const { host, contentLength, transferEncoding, ambiguity } = read(...headers.flat())
      const fields = { host, contentLength, transferEncoding, ambiguity }
      t.same(fields, readHeadFields(headers.flat()))
    }),
  )
})

test('of any cookies ours are taken out, and the others stay as they were', async (t) => {
  const pair = fc.constantFrom(
    ...['gatehouse=x', '__Host-gatehouse=y', 'gatehouse-signin-1=z', 'a=1', 'b=gatehouse', ''],
    ...['gatehouse', ' gatehouse =x', 'gatehouses=1', 'xgatehouse=1', '=gatehouse', 'a=b=c'],
  )
  const pairs = fc.array(fc.tuple(pair, fc.constantFrom('', ' ')), { maxLength: 6 })
  fc.assert(
    fc.property(pairs, (cookies) => {
      const sent = cookies.map(([text, space]) => space + text)
      const kept = sent.filter((text) => !isOwnCookie((text.split('=')[0] ?? '').trim()))
      if (kept.length === sent.length) t.equal(withoutOwnCookies(sent.join(';')), sent.join(';'))
      else t.equal(withoutOwnCookies(sent.join(';')) ?? '', kept.join(';').replace(/^ /, ''))
    }),
  )
})
