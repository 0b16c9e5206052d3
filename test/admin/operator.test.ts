/** The operator's pages: who may see them, whose forms count, what a logged request tells when it is judged again. */

import { type IncomingHttpHeaders, request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { test } from 'tap'
import { decisions } from '../../src/admin/operator/decisions.ts'
import type { OperatorParts } from '../../src/admin/operator/operator-parts.ts'
import { why } from '../../src/admin/operator/why.ts'
import { brandOf } from '../../src/pages/brand.ts'
import { renderOperatorPage } from '../../src/pages/operator-page.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startReplicas } from '../support/start-replicas.ts'

const PAGES = ['/', '/operator/decisions', '/operator/sessions', '/operator/policies']
const TOKEN = 's3cret: with a colon'

const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`,
})

/** As a browser or anything else may send it: `fetch` keeps some headers to itself. */
function ask(
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: object; body?: string } = {},
): Promise<{ status: number; headers: IncomingHttpHeaders; body: string }> {
  const form = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
  return new Promise((resolve, reject) => {
    request(url, { method, headers: { ...form, ...headers } }, (response) => {
      const { statusCode: status = 0, headers } = response
      text(response).then((body) => resolve({ status, headers, body }), reject)
    })
      .on('error', reject)
      .end(body)
  })
}

const sessionsOf = async (admin: string) =>
  (JSON.parse((await ask(`${admin}/sessions`)).body) as { sessions: { id: string }[] }).sessions

test('on loopback pages are there for whoever asks by a loopback name', async (t) => {
  const { gateways } = await startReplicas(t, ['memory:'])
  const admin = gateways[0]?.adminUrl ?? ''
  for (const path of PAGES) {
    const { status, headers } = await ask(admin + path)
    t.equal(status, 200, path)
    t.match(headers, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    const policy = String(headers['content-security-policy'])
    t.match(policy, "default-src 'none'; style-src 'sha256-")
    t.match(policy, "form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
    t.notMatch(policy, 'script-src')
    const rebound = { host: 'admin.evil.example' }
    t.equal(
      (await ask(admin + path, { headers: rebound })).status,
      403,
      'a name made to point here',
    )
    const foreign = { origin: 'https://evil.example' }
    t.equal((await ask(admin + path, { headers: foreign })).status, 403, 'a page of another origin')
  }
  const rebound = { host: 'admin.evil.example' }
  t.equal((await ask(`${admin}/metrics`, { headers: rebound })).status, 403)
  t.equal((await ask(`${admin}/metrics`)).status, 200)
  t.equal((await ask(`${admin}/healthz`, { headers: rebound })).status, 200)
  t.match((await ask(admin)).body, 'To hand out: http://localhost:8080/.gatehouse/login/demo')
  t.equal((await ask(`${admin}/operator/`)).status, 404)
  t.equal((await ask(`${admin}/operator/decisions/nothing`)).status, 404)
  t.equal((await ask(`${admin}/operator/decisions/%3Cscript%3E`)).status, 404)
})

test('beyond loopback browsers give the token as a password; JSON takes it as before', async (t) => {
  const address = outsideAddress()
  const server = { admin_listen: '0.0.0.0:0', admin_token: TOKEN }
  const { gateways } = await startReplicas(t, ['memory:'], { server })
  const admin = `http://${address}:${new URL(gateways[0]?.adminUrl ?? '').port}`
  for (const path of PAGES) {
    const refused = await ask(admin + path)
    t.equal(refused.status, 401)
    t.equal(refused.headers['www-authenticate'], 'Basic realm="gatehouse admin", charset="UTF-8"')
    const wrong = [basic('wrong'), basic(''), basic(`${TOKEN} `), { authorization: 'Basic !' }]
    for (const headers of [...wrong, { authorization: `Digest ${TOKEN}` }]) {
      t.equal((await ask(admin + path, { headers })).status, 401)
    }
    t.equal((await ask(admin + path, { headers: basic(TOKEN) })).status, 200)
  }
  for (const path of ['/decisions', '/sessions', '/config']) {
    const { status, headers } = await ask(admin + path, { headers: basic(TOKEN) })
    t.equal(status, 401, 'what a browser sends by itself opens no JSON')
    t.equal(headers['www-authenticate'], undefined)
    const bearer = { authorization: `Bearer ${TOKEN}` }
    t.equal((await ask(admin + path, { headers: bearer })).status, 200)
  }
})

test('whoever guesses the token is made to wait, even with the right one', async (t) => {
  const server = { admin_listen: '0.0.0.0:0', admin_token: TOKEN }
  const { gateways } = await startReplicas(t, ['memory:'], { server })
  const { port } = new URL(gateways[0]?.adminUrl ?? '')
  const admin = `http://${outsideAddress()}:${port}`
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const status = async (path: string, headers: object) =>
    (await ask(admin + path, { headers })).status
  for (let guess = 0; guess < 15; guess++) {
    t.equal(await status('/', basic(`guess ${guess}`)), 401)
    t.equal(await status('/config', bearer(`guess-${guess}`)), 401)
    t.equal(await status('/', {}), 401, 'who brings none is asked for one, and guesses nothing')
  }
  const { status: late, headers, body } = await ask(`${admin}/`, { headers: basic(TOKEN) })
  t.equal(late, 429)
  const wait = Number(headers['retry-after'])
  t.ok(wait >= 1 && wait <= 60)
  t.equal((JSON.parse(body) as { error: string }).error, 'RATE_LIMITED')
  t.equal(await status('/sessions', bearer(TOKEN)), 429, 'the listings count with the pages')
  t.equal(await status('/metrics', {}), 200, 'what is open stays open')
  const other = await ask(`http://127.0.0.1:${port}/`, { headers: basic(TOKEN) })
  t.equal(other.status, 200, 'and so it does for other addresses')
})

test('what others have a part in is text, wherever a page shows it', async (t) => {
  const hostile = '"\'><img src=x onerror=alert(1)>{{1}}<%= 1 %>'
  const names = ['time', 'method', 'host', 'path', 'route', 'outcome', 'reason', 'rule', 'rule_at']
  const others = ['subject', 'email', 'provider', 'source_ip', 'status', 'would_be', 'request_id']
  const line = Object.fromEntries([...names, ...others].map((name) => [name, hostile]))
  const brand = brandOf({
    config: { brand: {}, server: { public_url: 'http://localhost' } },
    logo: undefined,
  })
  const parts = {
    recentDecisions: () => [JSON.stringify({ msg: 'request', groups: [hostile], ...line })],
  } as unknown as OperatorParts
  const query = new URLSearchParams({ q: '"><img' })
  for (const page of [
    decisions(parts, query),
    decisions(parts, new URLSearchParams()),
    why(parts, hostile),
  ]) {
    const { body } = renderOperatorPage({ ...page, requestId: hostile }, brand)
    t.notMatch(body, '<img')
    t.notMatch(body, `="${hostile}`)
    t.match(body, '&lt;img')
  }
})

test('beyond loopback there is nothing without a configured token', async (t) => {
  const server = { admin_listen: '0.0.0.0:0' }
  const { gateways } = await startReplicas(t, ['memory:'], { server })
  const admin = `http://${outsideAddress()}:${new URL(gateways[0]?.adminUrl ?? '').port}`
  for (const path of PAGES) {
    t.equal((await ask(admin + path)).status, 404)
    t.equal((await ask(admin + path, { headers: basic('') })).status, 404)
  }
})

test('a session ends by a form of the page itself, and by no other', async (t) => {
  const { gateways, signIn, visit } = await startReplicas(t, ['memory:'])
  const admin = gateways[0]?.adminUrl ?? ''
  const cookie = await signIn(0, 'ana')
  await signIn(0, 'ben')
  const [first] = await sessionsOf(admin)
  const url = `${admin}/operator/sessions`
  const post = (headers: object, body = `id=${first?.id}`) =>
    ask(url, { method: 'POST', headers, body })
  for (const headers of [
    {},
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site', origin: admin },
    { 'sec-fetch-site': 'none' },
    { origin: 'null' },
    { origin: 'https://evil.example' },
    { 'sec-fetch-site': 'same-origin', origin: 'https://evil.example' },
  ]) {
    t.equal((await post(headers)).status, 403, JSON.stringify(headers))
  }
  t.equal((await sessionsOf(admin)).length, 2)
  const own = { 'sec-fetch-site': 'same-origin' }
  t.equal((await post(own, 'x=y')).headers.location, '/operator/sessions?ended=0')
  t.equal((await post(own, 'id=')).headers.location, '/operator/sessions?ended=0')
  const many = await post({ origin: admin }, 'user=ANA@example.com&q=a%26b')
  t.equal(many.status, 303)
  t.equal(many.headers.location, '/operator/sessions?q=a%26b&ended=1')
  t.equal((await visit(0, cookie)).status, 401)
  t.equal((await sessionsOf(admin)).length, 1)
  t.equal((await ask(`${url}?ended=%3Cscript%3E`)).status, 200)
})

const APP = 'http://app.localhost:8080'
const POLICIES = `
policies:
  staff:
    - allow: { and: [{ header/X-Device: managed }, { http_path: { starts_with: /open } }] }
routes:
  - { name: app, from: "${APP}", to: "http://127.0.0.1:9", policy: [{ use: staff }] }
  - { name: fast, from: "${APP}", path: /fast, to: "http://127.0.0.1:9", policy: [{ use: staff }] }
`

test('a logged request is judged again, and what the log does not hold is said', async (t) => {
  const { get, adminUrl, gateway, writePolicies } = await startGateway(t, { policies: POLICIES })
  const why = async (path: string) => {
    const { headers } = await get(`${APP}${path}`, { headers: { accept: 'application/json' } })
    t.ok(headers)
    const { decisions } = JSON.parse((await ask(`${adminUrl}/decisions`)).body) as {
      decisions: { request_id: string }[]
    }
    const id = decisions.at(-1)?.request_id ?? ''
    return { id, body: plain((await ask(`${adminUrl}/operator/decisions/${id}`)).body) }
  }
  const depends = await why('/open/x')
  t.match(depends.body, /Config and policies are the same as then/)
  t.match(depends.body, /Outcome cannot be told/)
  t.match(depends.body, /unknown header\/X-Device: managed not in the log policies\/test.yaml:4/)
  t.match(depends.body, /true http_path: \{starts_with: \/open\}/)

  const sure = await why('/closed')
  t.match(sure.body, /now .* Outcome deny no-allow-rule Rule staff/, 'no header would have helped')
  t.match((await why('/fast')).body, /an exact path goes before the others.*take the path app/)
  t.match((await why('/a/..%2f')).body, /before any policy, so there is nothing to judge again/)

  writePolicies(POLICIES.replace('/open', '/closed'))
  await gateway.reload()
  const later = await ask(`${adminUrl}/operator/decisions/${sure.id}`)
  t.match(plain(later.body), /have changed since then.*Outcome cannot be told/)
})

/** The words of a page in their order. */
function plain(html: string): string {
  return html
    .replace(/^[\s\S]*<main/, '<main')
    .replace(/<[^>]*>/g, ' ')
    .replaceAll('&quot;', '"')
    .replace(/\s+/g, ' ')
}

/** Of this machine, and not its loopback where there is another. */
function outsideAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
