/** Headers that a route sets, removes and takes from the session, against clients and claims that would like a say in it. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as policy files write them

import { decodeJwt } from 'jose'
import { type Test, test } from 'tap'
import { createBrowserClient } from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { type GatewayOptions, startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream, type UpstreamOptions } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080'
const OPEN = 'http://open.localhost:8080'

interface Setting {
  readonly keys: string
  readonly handler?: UpstreamOptions['handler']
  readonly config?: GatewayOptions['config']
}

async function startAll(t: Test, { keys, handler, config = {} }: Setting) {
  const upstream = await startUpstream(t, handler === undefined ? {} : { handler })
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    config,
    policies: `
routes:
  - { name: app, from: "${APP}", to: "${upstream.origin}", allow_any_authenticated_user: true, ${keys} }
  - { name: open, from: "${OPEN}", to: "${upstream.origin}", allow_public_unauthenticated_access: true, ${keys} }
  - { name: plain, from: "http://plain.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
`,
  })
  return { upstream, gateway, browser: createBrowserClient(gateway.port) }
}

test('set_request_headers: text for everybody, claims and tokens for whom they are known', async (t) => {
  const { upstream, gateway, browser } = await startAll(t, {
    keys:
      'set_request_headers: { X-Text: "a $${b}", X-Name: "name=${claim.preferred_username};", ' +
      'X-Mail: "${claim.email}", X-None: "${claim.nothing}", X-Jwt: "Bearer ${jwt}", X-Id: "${id_token}", ' +
      'Authorization: "Bearer ${access_token}" }',
  })
  await signIn(browser, `${APP}/`, 'ana')
  const { last } = upstream
  t.match(last.headers, { 'x-text': 'a ${b}', 'x-name': 'name=ana;', 'x-mail': 'ana@example.com' })
  t.same(last.header('x-none'), [])
  t.same(last.header('x-jwt'), [`Bearer ${last.headers['x-gatehouse-jwt-assertion']}`])
  t.match(decodeJwt(String(last.headers['x-id'])), { aud: 'gatehouse', email: 'ana@example.com' })
  t.match(last.headers.authorization, /^Bearer \S+$/)
  await gateway.get(`${OPEN}/`)
  t.same(
    ['x-text', 'x-name', 'x-mail', 'x-jwt', 'x-id', 'authorization'].filter(
      (name) => name in upstream.last.headers,
    ),
    ['x-text'],
  )
})

test('what a client sends under a name that the route sets goes no further, with or without a session', async (t) => {
  const { upstream, gateway, browser } = await startAll(t, {
    keys: 'set_request_headers: { X-Role: "${claim.role}", X-Fixed: ours }',
  })
  const headers = { 'X-Role': 'admin', x_role: 'admin', 'X.ROLE': 'admin', 'x-fixed': 'theirs' }
  await gateway.get(`${OPEN}/`, { headers })
  const forged = () => upstream.last.rawHeaders.filter((text) => /admin|theirs/.test(text))
  t.same(forged(), [])
  t.same(upstream.last.header('x-fixed'), ['ours'])
  await signIn(browser, `${APP}/`, 'ana')
  await browser.send(`${APP}/`, { headers })
  t.same(forged(), [])
  await gateway.get('http://plain.localhost:8080/', { headers: { 'x-role': 'admin' } })
  t.same(upstream.last.header('x-role'), ['admin'], 'elsewhere it is the app’s own')
})

test('remove_request_headers: gone in every spelling', async (t) => {
  const { upstream, gateway } = await startAll(t, {
    keys: 'remove_request_headers: [Authorization, Cookie, X-Internal]',
  })
  await gateway.get(`${OPEN}/`, {
    headers: { authorization: 'Basic x', cookie: 'a=b', x_internal: '1', 'x-other': '1' },
  })
  t.same(upstream.last.header('x-other'), ['1'])
  for (const name of ['authorization', 'cookie', 'x_internal']) {
    t.same(upstream.last.header(name), [], name)
  }
})

test('identity headers win over headers that the route sets, also where they have no value', async (t) => {
  const { upstream, gateway, browser } = await startAll(t, {
    keys: 'set_request_headers: { X-Forwarded-User: root, x-who: root, Remote-User: "${claim.sub}" }',
    config: { identity_headers: { headers: { 'X-Forwarded-User': 'nothing', 'X-Who': 'email' } } },
  })
  await signIn(browser, `${APP}/`, 'ana')
  t.same(upstream.last.header('x-forwarded-user'), [])
  t.same(upstream.last.header('x-who'), ['ana@example.com'])
  t.same(upstream.last.header('remote-user'), ['demo-ana'], 'a name that no identity header has')
  await gateway.get(`${OPEN}/`, { headers: { 'remote-user': 'root' } })
  for (const name of ['x-forwarded-user', 'x-who', 'remote-user']) {
    t.same(upstream.last.header(name), [], name)
  }
})

test('pass_identity_headers: false leaves what the route sets', async (t) => {
  const { upstream, browser } = await startAll(t, {
    keys: 'pass_identity_headers: false, set_request_headers: { X-Assertion: "${pomerium.jwt}" }',
  })
  await signIn(browser, `${APP}/`, 'ana')
  t.same(upstream.last.header('x-forwarded-user'), [])
  t.same(upstream.last.header('x-gatehouse-jwt-assertion'), [])
  t.match(decodeJwt(String(upstream.last.headers['x-assertion'])), { sub: 'demo-ana', aud: APP })
})

test('set_response_headers: in place of what the upstream says, nothing else of it changes', async (t) => {
  const { gateway } = await startAll(t, {
    keys: 'set_response_headers: { X-Frame-Options: DENY, cache-control: no-cache }',
    handler: (_request, response) => {
      response.writeHead(200, [
        ...['x-frame-options', 'ALLOW', 'X-FRAME-OPTIONS', 'ALLOW', 'Cache-Control', 'public'],
        ...['X-Kept', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Content-Length', '2'],
      ])
      response.end('ok')
    },
  })
  const answer = await gateway.get(`${OPEN}/`)
  t.match(answer.headers, {
    'x-frame-options': 'DENY',
    'cache-control': 'no-cache',
    'x-kept': '1',
    'set-cookie': ['a=1', 'b=2'],
    'content-length': '2',
  })
  t.equal(answer.body, 'ok')
  const other = await gateway.get('http://plain.localhost:8080/')
  t.equal(other.headers['x-frame-options'], 'ALLOW, ALLOW')
})

test('identity_headers of a route: other names, other groups, and scrubbed everywhere', async (t) => {
  const { upstream, gateway, browser } = await startAll(t, {
    keys: 'identity_headers: { headers: { X-Remote-Name: preferred_username, X-Groups: groups }, groups: all }',
  })
  await signIn(browser, `${APP}/`, 'ana')
  const { last } = upstream
  t.same(last.header('x-remote-name'), ['ana'])
  t.ok(String(last.headers['x-groups']).length > 0)
  t.same(last.header('x-forwarded-user'), [], 'in place of the config’s')
  t.same(
    decodeJwt(String(last.headers['x-gatehouse-jwt-assertion']))['groups'],
    String(last.headers['x-groups']).split(','),
  )
  await gateway.get('http://plain.localhost:8080/', {
    headers: { 'X-Remote-Name': 'root', x_groups: 'admins', 'x-forwarded-user': 'root' },
  })
  t.same(
    upstream.last.rawHeaders.filter((text) => /root|admins/.test(text)),
    [],
  )
})
