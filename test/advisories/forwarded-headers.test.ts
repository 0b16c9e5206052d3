/** Class B: what a client says about where it comes from and what it asked for changes no decision. */

import { test } from 'tap'
import { MISLEADING, misleadingHeaders, spoofedHost, spoofedOrigin } from './cases/forwarded.ts'
import { proxyLine } from './cases/hosts-and-methods.ts'
import { holds } from './holds.ts'
import { APP, cookieLine, HOST, startTarget } from './start-target.ts'

test('B: forwarded headers from a peer that nobody trusts', async (t) => {
  const target = await startTarget(t, {
    routes: (to) => `
  - name: inside
    from: http://inside.localhost:8080
    to: "${to}"
    policy: [{ allow: { and: [{ source_ip: 10.0.0.0/8 }] } }]
`,
  })

  const { ask, upstream, browser, logged } = target

  await holds(
    t,
    target,
    misleadingHeaders,
    ({ answer, arrived }) => answer.status === 401 && arrived.length === 0,
  )

  await holds(t, target, spoofedOrigin)

  await t.test(
    'an app is not told of another path or method than the one that was judged',
    async (t) => {
      const lines = [
        'X-Original-URL',
        'X-Rewrite-URL',
        'X-Forwarded-Uri',
        'x_original_url',
        'X.Rewrite.Url',
      ]
      await ask([
        'GET /public/x HTTP/1.1',
        `Host: ${HOST}`,
        ...lines.map((name) => `${name}: /admin`),
      ])
      t.equal(upstream.last.line, 'GET /public/x HTTP/1.1')
      t.notMatch(upstream.last.head, '/admin')
    },
  )

  await t.test('a client cannot choose the address that it is judged or shown by', async (t) => {
    for (const line of [
      'X-Forwarded-For: 10.1.1.1',
      'Forwarded: for=10.1.1.1',
      'X-Real-IP: 10.1.1.1',
    ]) {
      const answer = await ask(['GET / HTTP/1.1', 'Host: inside.localhost', line])
      t.equal(answer.status, 403, line)
    }
    await ask([
      'GET /public/x HTTP/1.1',
      `Host: ${HOST}`,
      'X-Forwarded-For: 10.1.1.1, 10.2.2.2',
      'X_Forwarded_For: 10.3.3.3',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Port: 443',
      'Forwarded: for=10.4.4.4;host=evil.example',
      'X-Request-Id: chosen',
    ])
    t.same(upstream.last.header('x-forwarded-for'), ['127.0.0.1'])
    t.same(upstream.last.header('x-forwarded-host'), [HOST])
    t.same(upstream.last.header('x-forwarded-proto'), ['http'])
    t.same(upstream.last.header('x-forwarded-port'), ['8080'])
    t.notMatch(upstream.last.head, /10\.[1-4]\.|evil|chosen/)
  })

  await t.test(
    'redirects lead to configured hosts, whatever the client says of hosts',
    async (t) => {
      const spoof = {
        'x-forwarded-host': 'evil.example',
        'x-forwarded-proto': 'https',
        'x-forwarded-port': '444',
        'x-host': 'evil.example',
        forwarded: 'host=evil.example;proto=https',
      }
      const visitor = browser()
      const begun = await visitor.visit(`${APP}/admin`, { headers: spoof })
      const way = await visitor.follow(begun.location ?? '', {
        headers: spoof,
        max: 3,
        until: (url) => url.hostname === '127.0.0.1',
      })
      for (const { location } of [begun, ...way.way]) t.notMatch(location, 'evil')
      const provider = new URL(way.location ?? '')
      t.equal(provider.searchParams.get('redirect_uri'), 'http://localhost:8080/oauth2/callback')
    },
  )

  await holds(t, target, spoofedHost)

  await holds(t, target, proxyLine, ({ answer }) => answer.status === 400)

  await t.test('the log names the address of the connection', async (t) => {
    const lines = await logged('POST', 10)
    t.same([...new Set(lines.map((line) => line['source_ip']))], ['127.0.0.1'])
  })
})

test('B: forwarded headers from a proxy that is trusted', async (t) => {
  const target = await startTarget(t, {
    config: { server: { trusted_proxies: ['127.0.0.1', '10.0.0.0/8'] } },
    routes: (to) => `
  - name: office
    from: http://office.localhost:8080
    to: "${to}"
    policy: [{ allow: { and: [{ source_ip: [198.51.100.0/24, "2001:db8::/32"] }] } }]
  - name: outside
    from: http://outside.localhost:8080
    to: "${to}"
    policy:
      - allow: { and: [{ accept: true }] }
      - deny: { or: [{ source_ip: 192.168.0.0/16 }] }
`,
  })
  const { ask, upstream } = target
  const chains: Record<string, readonly [lines: string, client: string, chain: string]> = {
    'one address': ['198.51.100.7', '198.51.100.7', '198.51.100.7, 127.0.0.1'],
    'a forged beginning': ['198.51.100.7, 203.0.113.9', '203.0.113.9', '203.0.113.9, 127.0.0.1'],
    'twenty addresses': [
      `198.51.100.7, ${'203.0.113.9, '.repeat(18)}10.0.0.3`,
      '203.0.113.9',
      '203.0.113.9, 10.0.0.3, 127.0.0.1',
    ],
    'a forged beginning behind a name': [
      '198.51.100.7, unknown, 10.0.0.3',
      '10.0.0.3',
      '10.0.0.3, 127.0.0.1',
    ],
    'a port': ['198.51.100.7:4711', '127.0.0.1', '127.0.0.1'],
    brackets: ['[2001:db8::1]', '127.0.0.1', '127.0.0.1'],
    'an octal address': ['0306.51.100.7', '127.0.0.1', '127.0.0.1'],
    'a hexadecimal address': ['0xc6.51.100.7', '127.0.0.1', '127.0.0.1'],
    'a short address': ['198.51.7', '127.0.0.1', '127.0.0.1'],
    'an IPv6 address in capitals': ['2001:DB8:0::1', '2001:db8::1', '2001:db8::1, 127.0.0.1'],
    nothing: ['', '127.0.0.1', '127.0.0.1'],
  }
  for (const [name, [sent, client, chain]] of Object.entries(chains)) {
    await t.test(`X-Forwarded-For with ${name} means ${client}`, async (t) => {
      const answer = await ask([
        'GET / HTTP/1.1',
        'Host: office.localhost',
        `X-Forwarded-For: ${sent}`,
      ])
      const isOffice = client.startsWith('198.51.100.') || client.startsWith('2001:db8:')
      t.equal(answer.status, isOffice ? 200 : 403)
      await ask(['GET /public/x HTTP/1.1', `Host: ${HOST}`, `X-Forwarded-For: ${sent}`])
      t.same(upstream.last.header('x-forwarded-for'), [chain])
    })
  }

  for (const spelling of [
    '192.168.1.1',
    '::ffff:192.168.1.1',
    '::FFFF:192.168.1.1',
    '::ffff:c0a8:101',
    '0:0:0:0:0:ffff:192.168.1.1',
  ]) {
    await t.test(`an address that is kept out is kept out as ${spelling}`, async (t) => {
      const lines = ['GET / HTTP/1.1', 'Host: outside.localhost']
      t.equal((await ask([...lines, `X-Forwarded-For: ${spelling}`])).status, 403)
      t.equal((await ask([...lines, 'X-Forwarded-For: 192.0.2.1'])).status, 200)
    })
  }

  await t.test('even a trusted proxy cannot say what was asked for', async (t) => {
    upstream.forget()
    const lines = Object.entries(MISLEADING)
      .filter(([name]) => name !== 'X-Forwarded-For')
      .map(([name, value]) => `${name}: ${value}`)
    t.equal((await ask(['GET /admin HTTP/1.1', `Host: ${HOST}`, ...lines])).status, 401)
    t.same(upstream.requests, [])
  })

  await t.test(
    'a request id that would not be safe in a header or a log is not taken',
    async (t) => {
      const lines = ['GET /public/x HTTP/1.1', `Host: ${HOST}`]
      await ask([...lines, 'X-Request-Id: trace-1'])
      t.same(upstream.last.header('x-request-id'), ['trace-1'])
      for (const id of ['"', 'a b', 'a\tb', '<script>', 'x'.repeat(129), '\xe9']) {
        await ask([...lines, `X-Request-Id: ${id}`])
        t.match(upstream.last.header('x-request-id'), [/^[0-9a-f]{32}$/])
      }
    },
  )

  await t.test('who is signed in stays who they are behind any address', async (t) => {
    const ada = cookieLine(await target.signedIn('ada'))
    await ask(['GET /admin HTTP/1.1', `Host: ${HOST}`, ada, 'X-Forwarded-For: 198.51.100.7'])
    t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
  })

  t.same(upstream.problems, [])
})
