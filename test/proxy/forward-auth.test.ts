/** Forward-auth: what each dialect's proxy is told, for every outcome and every mistake. */

import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { head, rawRequest } from '../support/raw-request.ts'
import { signIn } from '../support/sign-in.ts'
import { type RequestOptions, startGateway, type TestGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'

const APP = 'http://app.localhost:8080'
const DIALECTS = ['nginx', 'traefik', 'caddy', 'envoy'] as const
type Dialect = (typeof DIALECTS)[number]

const POLICIES = `
routes:
  - name: app
    from: "${APP}"
    allow_websockets: true
    policy:
      - allow: { or: [{ groups: platform-engineers }] }
      - deny: { or: [{ and: [{ http_path: { starts_with: /admin } }, { not: [{ email: ana@example.com }] }] }] }
  - { name: open, from: "${APP}", prefix: /public, allow_public_unauthenticated_access: true }
  - { name: near, from: "${APP}", prefix: /near, policy: { allow: { and: [{ source_ip: 203.0.113.9 }] } } }
  - { name: quiet, from: "http://quiet.localhost:8080", report_only: true }
`

interface Question {
  readonly method?: string
  readonly host?: string
  readonly target?: string
  readonly cookie?: string
  readonly headers?: Readonly<Record<string, string>>
  /** A browser that opens the page; default true. */
  readonly page?: boolean
}

/** Asks as the dialect's proxy does. */
function ask(gateway: TestGateway, dialect: Dialect, question: Question) {
  const {
    method = 'GET',
    host = 'app.localhost:8080',
    target = '/',
    cookie,
    page = true,
  } = question
  const headers: Record<string, string> = {
    ...(page ? { accept: 'text/html' } : {}),
    ...(cookie === undefined ? {} : { cookie }),
    ...question.headers,
  }
  const base = 'http://127.0.0.1/.gatehouse/auth'
  switch (dialect) {
    case 'nginx':
      headers['x-original-url'] ??= `http://${host}${target}`
      headers['x-original-method'] ??= method
      return gateway.get(`${base}/nginx`, { headers })
    case 'traefik':
    case 'caddy':
      headers['x-forwarded-method'] ??= method
      headers['x-forwarded-proto'] ??= 'http'
      headers['x-forwarded-host'] ??= host
      headers['x-forwarded-uri'] ??= target
      return gateway.get(`${base}/${dialect}`, { headers })
    case 'envoy':
      return gateway.get(`${base}/envoy`, {
        method,
        target: `/.gatehouse/auth/envoy${target}`,
        headers: { ...headers, host },
      })
  }
}

async function start(t: Test, config: Record<string, unknown> = {}) {
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    policies: POLICIES,
    config: { forward_auth: { trusted_proxies: ['127.0.0.1/32'] }, ...config },
  })
  return gateway
}

/** The Cookie header of somebody who has signed in. */
async function cookieOf(gateway: TestGateway, person: string): Promise<string> {
  const browser = createBrowserClient(gateway.port)
  await signIn(browser, `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/`)}`, person)
  return browser.cookieHeader('app.localhost')
}

const LOGIN = (target: string) =>
  `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}${target}`)}`

test('whoever the policy allows passes, with identity headers and without our cookie', async (t) => {
  const gateway = await start(t)
  const cookie = `theme=dark; ${await cookieOf(gateway, 'ana')}; lang=en`
  for (const dialect of DIALECTS) {
    const answer = await ask(gateway, dialect, { target: '/d/abc?x=1', cookie })
    t.equal(answer.status, 200, dialect)
    t.equal(answer.headers['x-forwarded-user'], 'demo-ana')
    t.equal(answer.headers['x-forwarded-email'], 'ana@example.com')
    t.equal(answer.headers['x-forwarded-groups'], 'platform-engineers')
    t.match(answer.headers['x-gatehouse-jwt-assertion'], /^[\w-]+\.[\w-]+\.[\w-]+$/)
    t.equal(answer.headers.cookie, 'theme=dark; lang=en')
    t.equal(answer.headers['cache-control'], 'no-store')
    t.equal(answer.body, '')
  }
  await gateway.gateway.stop()
  t.match(gateway.decisions().at(-1) ?? {}, {
    method: 'GET',
    host: 'app.localhost',
    path: '/d/abc',
    route: 'app',
    status: 200,
    outcome: 'allow',
    subject: 'demo-ana',
  })
})

test('an anonymous page visit is sent to the sign-in, and comes back to what was asked', async (t) => {
  const gateway = await start(t)
  for (const dialect of ['traefik', 'caddy', 'envoy'] as const) {
    const answer = await ask(gateway, dialect, { target: '/d/abc?x=1' })
    t.equal(answer.status, 302, dialect)
    t.equal(answer.headers.location, LOGIN('/d/abc?x=1'))
  }
  const answer = await ask(gateway, 'nginx', { target: '/d/abc?x=1' })
  t.equal(answer.status, 401, 'nginx passes on no redirect')
  t.equal(answer.headers.location, LOGIN('/d/abc?x=1'))
  t.equal(answer.headers['x-gatehouse-login-url'], LOGIN('/d/abc?x=1'))
})

test('anything but a page visit is told with 401, and a POST returns to the front', async (t) => {
  const gateway = await start(t)
  for (const dialect of DIALECTS) {
    const answer = await ask(gateway, dialect, { method: 'POST', target: '/save' })
    t.equal(answer.status, 401, dialect)
    t.match(answer.json(), { error: 'SIGN_IN_REQUIRED', login_url: LOGIN('/') })
  }
})

/** As these proxies write it on the wire; the app's host is not in Traefik's Host. */
const ON_THE_WIRE: Readonly<Record<string, (cookie: string) => string>> = {
  traefik: (cookie) =>
    head(
      'GET /.gatehouse/auth/traefik HTTP/1.1',
      'Host: gatehouse.internal:8080',
      'User-Agent: curl/8.5.0',
      'Accept: */*',
      `Cookie: ${cookie}`,
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-Host: app.localhost:8080',
      'X-Forwarded-Method: PUT',
      'X-Forwarded-Port: 8080',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Server: 5d3f0d8bb3b0',
      'X-Forwarded-Uri: /d/abc?x=1',
      'X-Real-Ip: 203.0.113.9',
      'Accept-Encoding: gzip',
    ),
  envoy: (cookie) =>
    head(
      'PUT /.gatehouse/auth/envoy/d/abc?x=1 HTTP/1.1',
      'host: app.localhost:8080',
      'content-length: 0',
      'accept: */*',
      `cookie: ${cookie}`,
      'x-forwarded-for: 203.0.113.9',
      'x-forwarded-proto: http',
      'x-envoy-internal: true',
      'x-envoy-expected-rq-timeout-ms: 5000',
    ),
}

for (const [proxy, bytes] of Object.entries(ON_THE_WIRE)) {
  test(`what ${proxy} writes on the wire is understood`, async (t) => {
    const gateway = await start(t)
    const cookie = await cookieOf(gateway, 'ana')
    const answer = await rawRequest(gateway.port, bytes(cookie))
    t.equal(answer.status, 200)
    t.equal(answer.header('x-forwarded-email'), 'ana@example.com')
    await gateway.gateway.stop()
    t.match(gateway.decisions().at(-1) ?? {}, {
      method: 'PUT',
      host: 'app.localhost',
      path: '/d/abc',
      source_ip: '203.0.113.9',
    })
  })
}

test('whom the policy refuses gets a 403: a page, or JSON with rule and reason', async (t) => {
  const gateway = await start(t)
  const cookie = await cookieOf(gateway, 'chris')
  for (const dialect of DIALECTS) {
    const answer = await ask(gateway, dialect, { target: '/admin/x', cookie })
    t.equal(answer.status, 403, dialect)
    if (dialect === 'nginx') t.equal(answer.headers['x-gatehouse-error'], 'ACCESS_DENIED')
    else t.match(answer.body, '<html')
    const json = await ask(gateway, dialect, { target: '/admin/x', cookie, page: false })
    t.match(json.json(), { error: 'ACCESS_DENIED', rule: 'app[1]', reason: 'denied-by-rule' })
  }
})

test('public routes pass without an identity; nobody has another forwarded under our names', async (t) => {
  const gateway = await start(t)
  for (const dialect of DIALECTS) {
    const headers = { 'x-forwarded-user': 'root', 'x-gatehouse-jwt-assertion': 'a.b.c' }
    const answer = await ask(gateway, dialect, { target: '/public/x', headers })
    t.equal(answer.status, 200, dialect)
    // Caddy would copy an absent header as the text of its placeholder, an empty one as nothing.
    const nothing = dialect === 'caddy' ? '' : undefined
    t.equal(answer.headers['x-forwarded-user'], nothing)
    t.equal(answer.headers['x-gatehouse-jwt-assertion'], nothing)
  }
})

const UNREADABLE: Readonly<Record<string, readonly [Question, number, string]>> = {
  'a dot segment': [{ target: '/public/%2e%2e/admin' }, 400, 'MALFORMED_REQUEST'],
  'an encoded slash': [{ target: '/public%2fadmin' }, 400, 'MALFORMED_REQUEST'],
  'an unknown host': [{ host: 'evil.example' }, 421, 'UNKNOWN_HOST'],
  'a path of ours': [{ target: '/.gatehouse/user' }, 404, 'NO_ROUTE'],
  'a method that is never forwarded': [{ method: 'TRACE' }, 400, 'MALFORMED_REQUEST'],
}

for (const [name, [question, status, code]] of Object.entries(UNREADABLE)) {
  test(`refused by every dialect: ${name}`, async (t) => {
    const gateway = await start(t)
    for (const dialect of DIALECTS) {
      const answer = await ask(gateway, dialect, { ...question, page: false })
      t.equal(answer.status, dialect === 'nginx' ? 403 : status, dialect)
      t.equal(answer.json()['error'], code)
      if (dialect === 'nginx') t.equal(answer.headers['x-gatehouse-error'], code)
    }
    await gateway.gateway.stop()
    t.match(gateway.decisions().at(-1) ?? {}, { outcome: 'rejected', status })
  })
}

const INCOMPLETE: Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>> = {
  'nginx without a URL': ['nginx', { 'x-original-method': 'GET' }],
  'nginx without a method': ['nginx', { 'x-original-url': `${APP}/` }],
  'nginx with a path alone': ['nginx', { 'x-original-method': 'GET', 'x-original-url': '/admin' }],
  'nginx with another scheme': [
    'nginx',
    { 'x-original-method': 'GET', 'x-original-url': 'ftp://app.localhost/' },
  ],
  'traefik without a method': [
    'traefik',
    { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'app.localhost', 'x-forwarded-uri': '/' },
  ],
  'traefik without a host': [
    'traefik',
    { 'x-forwarded-method': 'GET', 'x-forwarded-proto': 'http', 'x-forwarded-uri': '/' },
  ],
  'caddy without a path': [
    'caddy',
    {
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.localhost',
    },
  ],
  'caddy without a scheme': [
    'caddy',
    { 'x-forwarded-method': 'GET', 'x-forwarded-host': 'app.localhost', 'x-forwarded-uri': '/' },
  ],
}

for (const [name, [dialect, headers]] of Object.entries(INCOMPLETE)) {
  test(`a question that does not say what it is about is a 400: ${name}`, async (t) => {
    const gateway = await start(t)
    const answer = await gateway.get(`http://127.0.0.1/.gatehouse/auth/${dialect}`, { headers })
    t.equal(answer.status, 400)
    t.match(answer.json(), {
      error: 'MALFORMED_REQUEST',
      message: /does not say what it asks about/,
    })
  })
}

test('a header that says it twice says nothing', async (t) => {
  const gateway = await start(t)
  const options: RequestOptions = {
    headers: {
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'app.localhost',
      'x-forwarded-uri': ['/public/', '/admin'],
    },
  }
  t.equal((await gateway.get('http://127.0.0.1/.gatehouse/auth/traefik', options)).status, 400)
})

test('nobody may ask but the proxies that are named', async (t) => {
  const gateway = await start(t, { forward_auth: { trusted_proxies: ['10.0.0.0/8'] } })
  for (const dialect of DIALECTS) {
    const answer = await ask(gateway, dialect, { target: '/public/', page: false })
    t.equal(answer.status, 403, dialect)
    t.match(answer.json(), { error: 'ACCESS_DENIED', message: /Only proxies/ })
  }
  await gateway.gateway.stop()
  t.match(gateway.decisions().at(-1) ?? {}, {
    outcome: 'rejected',
    detail: '127.0.0.1 is not in `forward_auth.trusted_proxies`',
  })
})

test('by default nobody may ask, and unknown dialects are nothing', async (t) => {
  const gateway = await startGateway(t, { policies: POLICIES })
  t.equal((await ask(gateway, 'nginx', { target: '/public/' })).status, 403)
  t.equal((await gateway.get('http://127.0.0.1/.gatehouse/auth/apache')).status, 404)
  t.equal((await gateway.get('http://127.0.0.1/.gatehouse/auth/')).status, 404)
  t.equal((await gateway.get('http://127.0.0.1/.gatehouse/auth/nginx/x')).status, 404)
})

test('in proxy mode the headers of a dialect decide nothing', async (t) => {
  const gateway = await start(t)
  const headers = {
    'x-forwarded-uri': '/public/',
    'x-original-url': `${APP}/public/`,
    'x-forwarded-method': 'OPTIONS',
  }
  t.equal((await gateway.get(`${APP}/`, { headers })).status, 401)
})

test('the proxy that asks is believed about the client, and only about the last hop', async (t) => {
  const gateway = await start(t)
  for (const dialect of DIALECTS) {
    const near = { 'x-forwarded-for': '198.51.100.1, 203.0.113.9' }
    t.equal((await ask(gateway, dialect, { target: '/near/', headers: near })).status, 200, dialect)
    const far = { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' }
    t.not((await ask(gateway, dialect, { target: '/near/', headers: far })).status, 200, dialect)
  }
  await gateway.gateway.stop()
  t.equal(gateway.decisions().at(-1)?.['source_ip'], '198.51.100.1')
})

test('a WebSocket from a foreign page is refused here too', async (t) => {
  const gateway = await start(t)
  const cookie = await cookieOf(gateway, 'ana')
  for (const dialect of DIALECTS) {
    const ours = { 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', origin: APP }
    t.equal((await ask(gateway, dialect, { cookie, headers: ours })).status, 200, dialect)
    const foreign = { ...ours, origin: 'https://evil.example' }
    t.equal((await ask(gateway, dialect, { cookie, headers: foreign })).status, 403, dialect)
  }
})

test('a proxy that asks about an upgrade gets an answer, no socket', async (t) => {
  const gateway = await start(t)
  const headers = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-version': '13',
  }
  const cookie = await cookieOf(gateway, 'ana')
  t.equal((await ask(gateway, 'caddy', { cookie, headers })).status, 200)
  t.equal((await ask(gateway, 'caddy', { headers })).status, 401)
})

test('a gRPC refusal is no HTTP 200, which would say yes', async (t) => {
  const gateway = await start(t)
  for (const dialect of DIALECTS) {
    const headers = { 'content-type': 'application/grpc' }
    const answer = await ask(gateway, dialect, { method: 'POST', headers, page: false })
    t.equal(answer.status, 401, dialect)
  }
})

test('a route that only reports lets through, and the log says what would have been', async (t) => {
  const gateway = await start(t)
  for (const dialect of DIALECTS) {
    t.equal((await ask(gateway, dialect, { host: 'quiet.localhost' })).status, 200, dialect)
  }
  await gateway.gateway.stop()
  t.match(gateway.decisions().at(-1) ?? {}, { outcome: 'allow', would_be: 'deny' })
})
