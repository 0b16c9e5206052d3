/** What a route says once it is compiled. */

import { test } from 'tap'
import { type CompileOptions, compilePolicies } from '../../src/policy/compile.ts'
import type { Route } from '../../src/policy/route.ts'

const PEM = '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n'

function compile(text: string, options: Partial<CompileOptions> = {}): readonly Route[] {
  const { routes, problems } = compilePolicies([{ file: '/etc/gatehouse/policies/p.yaml', text }], {
    readText: (path) => `${PEM}${path}`,
    providers: undefined,
    allowHttp: false,
    ...options,
  })
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(JSON.stringify(errors))
  return routes
}

function only(text: string, options: Partial<CompileOptions> = {}): Route {
  const [route] = compile(`routes:\n  - ${text}\n`, options)
  if (route === undefined) throw new Error('no route')
  return route
}

test('a route has its defaults', async (t) => {
  const { policy, ...route } = only('from: https://app.example')
  t.strictSame(route, {
    name: 'app.example',
    isNamed: false,
    description: undefined,
    at: { file: '/etc/gatehouse/policies/p.yaml', line: 2, column: 5 },
    match: { host: { kind: 'exact', name: 'app.example' }, path: { kind: 'prefix', prefix: '/' } },
    origin: 'https://app.example',
    secure: true,
    to: undefined,
    ownAnswer: undefined,
    rewrite: undefined,
    hostRewrite: undefined,
    requestHeaders: undefined,
    responseHeaders: undefined,
    identityHeaders: undefined,
    reportOnly: false,
    websocketOrigins: undefined,
    contact: undefined,
    logoUrl: undefined,
    tls: { skipVerify: false, customCa: undefined, serverName: undefined, client: undefined },
    preserveHostHeader: false,
    passIdentityHeaders: true,
    allowWebsockets: false,
    timeoutMs: 30_000,
    idleTimeoutMs: 300_000,
    hstsMs: undefined,
    provider: undefined,
    bearer: undefined,
    session: undefined,
    keepEncodedSlashes: false,
  })
  t.strictSame(policy.rules, [])
})

test('a route says what is written', async (t) => {
  const route = only(
    '{ name: app, description: An app, from: "http://app.localhost:8080", to: "https://[::1]:8443/base/", path: /x, ' +
      'allow_websockets: true, preserve_host_header: true, timeout: 1m, idle_timeout: 0s, tls_skip_verify: true, ' +
      'tls_custom_ca_file: ../ca.pem, pass_identity_headers: false, provider: okta, encoded_slashes: keep }',
    { providers: new Map([['okta', {}]]) },
  )
  t.match(route, {
    name: 'app',
    isNamed: true,
    description: 'An app',
    match: { host: { kind: 'exact', name: 'app.localhost' }, path: { kind: 'path', path: '/x' } },
    origin: 'http://app.localhost:8080',
    secure: false,
    to: {
      urls: [
        {
          scheme: 'https',
          hostname: '::1',
          port: 8443,
          origin: 'https://[::1]:8443',
          basePath: '/base',
          weight: 1,
        },
      ],
      policy: 'ROUND_ROBIN',
    },
    tls: { skipVerify: true, customCa: `${PEM}/etc/gatehouse/ca.pem` },
    preserveHostHeader: true,
    passIdentityHeaders: false,
    allowWebsockets: true,
    timeoutMs: 60_000,
    idleTimeoutMs: 0,
    hstsMs: undefined,
    provider: 'okta',
    keepEncodedSlashes: true,
  })
})

const ORIGINS: Readonly<Record<string, string>> = {
  'https://App.Example.:8443/': 'app.example https://app.example:8443',
  'HTTPS://app.example:443': 'app.example https://app.example',
  'https://*.apps.example': '*.apps.example https://*.apps.example',
  'http://127.0.0.1:80': '127.0.0.1 http://127.0.0.1',
  'http://[::1]:3000': '[::1] http://[::1]:3000',
  'https://bücher.example:8443': 'xn--bcher-kva.example https://xn--bcher-kva.example:8443',
}

for (const [from, expected] of Object.entries(ORIGINS)) {
  test(`from ${from}`, async (t) => {
    const { name, origin } = only(`from: "${from}"`)
    t.equal(`${name} ${origin}`, expected)
  })
}

const UPSTREAMS: Readonly<Record<string, readonly [string, number, string]>> = {
  'http://app.internal': ['http://app.internal', 80, ''],
  'https://app.internal/': ['https://app.internal', 443, ''],
  'http://app.internal:3000/a/b//': ['http://app.internal:3000', 3000, '/a/b'],
  '[http://app.internal]': ['http://app.internal', 80, ''],
}

for (const [to, [origin, port, basePath]] of Object.entries(UPSTREAMS)) {
  test(`to ${to}`, async (t) => {
    const route = only(`{ from: https://app.example, to: ${to} }`)
    t.match(route.to, { urls: [{ origin, port, basePath }] })
  })
}

test('routes without a name are called by host and path, and may be called the same', async (t) => {
  const routes = compile(
    'routes:\n' +
      '  - { from: https://a.example }\n' +
      '  - { from: https://a.example, prefix: /adm }\n' +
      '  - { from: https://a.example, path: /adm }\n' +
      '  - { from: https://a.example, regex: "/v[0-9]+" }\n',
  )
  t.strictSame(
    routes.map(({ name }) => name),
    ['a.example', 'a.example/adm', 'a.example/adm', 'a.example/v[0-9]+'],
  )
})

test('plain http beyond loopback passes with its opt-out', async (t) => {
  t.equal(only('from: http://app.example', { allowHttp: true }).secure, false)
})

test('a file without anything has no routes', async (t) => {
  t.strictSame(compile(''), [])
  t.strictSame(compile('# nothing yet\n'), [])
  t.strictSame(compile('routes: []\n'), [])
})

test('definitions hold across files, in any order', async (t) => {
  const { routes, problems } = compilePolicies(
    [
      {
        file: 'a.yaml',
        text: 'routes: [{ name: app, from: https://a.example, policy: { use: base } }]',
      },
      { file: 'b.yaml', text: 'policies: { base: { allow: { or: [{ use: staff }] } } }' },
      { file: 'c.yaml', text: 'conditions: { staff: { domain: a.example } }' },
    ],
    { readText: () => '', providers: undefined, allowHttp: false },
  )
  t.strictSame(problems, [])
  const [rule] = routes[0]?.policy.rules ?? []
  t.match(rule, { name: 'base', effect: 'allow', at: { file: 'b.yaml', line: 1 } })
})
