// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the policies are written with these

/**
 * No token, secret, code or cookie in anything that is written. A gateway as its own process signs people in by every way and
 * meets every failure, with secrets that are known to the test; then all that it wrote is searched for them.
 */

import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import type { Okta } from '../../src/demo/okta/okta.ts'
import { hashPassword } from '../../src/identity/passwords.ts'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  type FakeProvider,
  type Faults,
  newKey,
  startFakeProvider,
} from '../identity/fake-provider.ts'
import {
  type BrowserAnswer,
  type BrowserClient,
  createBrowserClient,
} from '../support/browser-client.ts'
import { signIn } from '../support/sign-in.ts'
import { startOkta } from '../support/start-okta.ts'
import { startUpstream } from '../support/start-upstream.ts'
import { tempFolder } from '../support/temp-folder.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const AUTH = 'http://localhost:8080'
const APP = 'http://app.localhost:8080'
const SESSION_SECRET = Buffer.alloc(32, 'canary').toString('base64')
const PASSWORD = 'correct horse battery'
const ADMIN_TOKEN = `admin-${randomUUID()}`
const PRIVATE_KEY = String(
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }),
)

/** Everything that must not be found, by what it is. */
function createSecrets() {
  const known = new Map<string, string>()
  const add = (what: string, value: string | null | undefined) => {
    // Short values could be found by accident.
    if (value !== undefined && value !== null && value.length >= 12) known.set(value, what)
  }
  return {
    add,
    /** What an answer gives the browser, and what its address holds. */
    note: ({ url, location, setCookies }: BrowserAnswer) => {
      for (const line of setCookies) add('a cookie', /^[^=]*=([^;]*)/.exec(line)?.[1])
      for (const address of [url, location ?? url]) {
        const { searchParams } = new URL(address)
        for (const name of ['code', 'nonce', 'code_challenge', 'id_token_hint']) {
          for (const value of searchParams.getAll(name)) add(`\`${name}\``, value)
        }
      }
    },
    foundIn: (text: string) => [
      ...new Set([...known].flatMap(([value, what]) => (text.includes(value) ? [what] : []))),
    ],
    count: () => known.size,
  }
}

async function start(t: Test) {
  const secrets = createSecrets()
  const op = await startFakeProvider(t, { refreshes: true })
  const okta = await startOkta(t, {
    app: { redirectUris: [`${AUTH}/oauth/callback/okta`], postLogoutRedirectUris: [AUTH] },
  })
  // It keeps to itself what it was sent, as apps do.
  const upstream = await startUpstream(t, {
    handler: (_request, response) => response.end('hello'),
  })
  const provider = { issuer: op.issuer, client_id: CLIENT_ID }
  const config = {
    server: {
      listen: '127.0.0.1:0',
      admin_listen: '127.0.0.1:0',
      admin_token: ADMIN_TOKEN,
      public_url: AUTH,
      rate_limits: { sign_in: '100000/m' },
    },
    providers: {
      op: { ...provider, client_secret: CLIENT_SECRET },
      keyed: {
        ...provider,
        client_auth: 'private_key_jwt',
        private_key: PRIVATE_KEY,
        redirect_path: '/oauth/callback/keyed',
        pushed_authorization_requests: true,
      },
      okta: {
        issuer: okta.issuer,
        client_id: okta.app.clientId,
        client_secret: okta.app.clientSecret,
        scopes: ['openid', 'profile', 'email', 'groups', 'offline_access'],
        redirect_path: '/oauth/callback/okta',
        post_logout_redirect_uri: AUTH,
        directory: { kind: 'okta', url: okta.org, api_token: okta.apiToken },
      },
    },
    local_admins: [{ name: 'root', password_hash: await hashPassword(PASSWORD) }],
    session: { secret: SESSION_SECRET },
    logging: { level: 'debug' },
    policies: ['policies/'],
  }
  const headers =
    'set_request_headers: { X-Access: "${access_token}", X-Id: "${id_token}", X-Jwt: "${jwt}" }'
  const folder = tempFolder(t, {
    'gatehouse.yaml': JSON.stringify(config),
    'policies/app.yaml': `
routes:
  - { name: app, from: "${APP}", to: "${upstream.origin}", ${headers}, allow_any_authenticated_user: true }
  - { name: pay, from: "${APP}", prefix: /pay, to: "${upstream.origin}", policy: [{ allow: { and: [{ acr: phr }] } }] }
  - { name: staff, from: "${APP}", prefix: /staff, to: "${upstream.origin}", allowed_groups: [nobody-is-in-it] }
  - { name: api, from: "${APP}", prefix: /api, to: "${upstream.origin}", bearer: { provider: op, audience: [${CLIENT_ID}] }, allow_any_authenticated_user: true }
`,
  })
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let written = ''
  const ready = new Promise<{ listen: { port: number }; admin: { port: number } }>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        written += text
        const line = /^.*"msg":"ready".*$/m.exec(written)?.[0]
        if (line !== undefined) resolve(JSON.parse(line))
      })
    }
  })
  const { listen, admin } = await ready
  for (const [what, value] of Object.entries({
    'the client secret': CLIENT_SECRET,
    'the session secret': SESSION_SECRET,
    'the admin token': ADMIN_TOKEN,
    'a password': PASSWORD,
    'the private key': PRIVATE_KEY.split('\n')[1],
    'Okta’s client secret': okta.app.clientSecret,
    'Okta’s API token': okta.apiToken,
  })) {
    secrets.add(what, value)
  }
  const pages: string[] = []
  const note = (answer: BrowserAnswer) => {
    secrets.note(answer)
    pages.push(answer.body)
    return answer
  }
  return {
    ...{ secrets, op, okta, upstream, note, pages },
    newBrowser: () => createBrowserClient(listen.port),
    adminUrl: `http://127.0.0.1:${admin.port}`,
    written: () => written,
    stop: async () => {
      child.kill('SIGTERM')
      await once(child, 'close')
    },
  }
}
type Started = Awaited<ReturnType<typeof start>>

/** A sign-in at the scripted provider; the callback that came of it. */
async function signInAtOp({ op, note }: Started, browser: BrowserClient, provider = 'op') {
  const until = (url: URL) => url.origin === op.issuer
  const begin = `${APP}/.gatehouse/sign_in?provider=${provider}&switch=true&rd=${APP}/page`
  const { way, location = '' } = await browser.follow(begin, { until })
  way.forEach(note)
  if (location === '') return undefined
  const authorization = new URL(location)
  const path = provider === 'op' ? '/oauth2/callback' : '/oauth/callback/keyed'
  return `${AUTH}${path}${op.approve(authorization)}`
}

async function finish({ note, op }: Started, browser: BrowserClient, callback: string) {
  const until = (url: URL) => url.origin === op.issuer
  const answer = await browser.follow(callback, { until })
  answer.way.forEach(note)
  return answer
}

/** The last form that was posted to `path`, said back as a provider with loose manners does it. */
function echo({ requests }: FakeProvider, path: string): string {
  const seen = requests.findLast((request) => request.path === path)
  return `cannot accept ${seen?.form} of ${seen?.headers.authorization}`
}

const claim = (changes: object): Faults => ({ claims: (claims) => ({ ...claims, ...changes }) })
const thin: Faults = { claims: ({ groups: _, ...claims }) => claims }
const foreignKey = await newKey('key-1')

function failures(op: FakeProvider): Record<string, Faults> {
  const at = (path: string, answer: () => object): Faults => ({
    answer: (asked) => (asked === path ? answer() : undefined),
  })
  const leak = () => `{"access_token":"${op.issued.at(-1)}","id_token":"${op.issued.at(-2)}"`
  return {
    'a nonce of another': claim({ nonce: 'of-another' }),
    'an audience of another': claim({ aud: 'another' }),
    'a token that ran out': claim({ exp: 1_000 }),
    'a header that names no key': { header: { kid: 'nobody' } },
    'a foreign key': { header: { jwk: foreignKey.jwk } as never, ...claim({ sub: '' }) },
    'a token that is no token': { sign: () => `no.${randomUUID()}.token` },
    'a grant that it refuses': at('/token', () => ({
      status: 400,
      body: { error: 'invalid_grant', error_description: echo(op, '/token') },
    })),
    'a client that it refuses': at('/token', () => ({
      status: 401,
      body: { error: 'invalid_client', error_description: echo(op, '/token') },
    })),
    'a challenge': at('/token', () => ({
      status: 401,
      headers: { 'www-authenticate': `Basic realm="${echo(op, '/token').replaceAll('"', '')}"` },
    })),
    'broken JSON': at('/token', () => ({
      headers: { 'content-type': 'application/json' },
      body: leak(),
    })),
    'a web page': at('/token', () => ({ body: `<html>${leak()}` })),
    'a redirect': at('/token', () => ({
      status: 302,
      headers: { location: `http://127.0.0.1:1/?token=${op.issued.at(-1)}` },
    })),
    trouble: at('/token', () => ({ status: 500, body: echo(op, '/token') })),
    'keys that are none': at('/keys', () => ({ body: leak() })),
    'UserInfo of another': { ...thin, userInfo: { sub: 'another' } },
    'UserInfo with trouble': {
      ...thin,
      ...at('/userinfo', () => ({ status: 400, body: echo(op, '/userinfo') })),
    },
    'UserInfo that refuses': {
      ...thin,
      ...at('/userinfo', () => ({
        status: 401,
        headers: { 'www-authenticate': `Bearer error="invalid_token", error_description="x"` },
      })),
    },
    'a pushed request that it refuses': at('/par', () => ({
      status: 400,
      body: { error: 'invalid_request', error_description: echo(op, '/par') },
    })),
  }
}

async function failEveryWay(started: Started): Promise<void> {
  const { op, newBrowser, note } = started
  const good = { ...op.faults }
  for (const faults of Object.values(failures(op))) {
    for (const provider of ['op', 'keyed']) {
      for (const name of Object.keys(op.faults)) delete (op.faults as Record<string, unknown>)[name]
      Object.assign(op.faults, good, faults)
      const browser = newBrowser()
      const callback = await signInAtOp(started, browser, provider)
      if (callback !== undefined) await finish(started, browser, callback)
    }
  }
  for (const name of Object.keys(op.faults)) delete (op.faults as Record<string, unknown>)[name]
  Object.assign(op.faults, good)
  // Callbacks that are not what they should be.
  const browser = newBrowser()
  const callback = (await signInAtOp(started, browser)) ?? ''
  const code = new URL(callback).searchParams.get('code') ?? ''
  const spoilt = [
    callback.replace(/state=[^&]*/, 'state=x'),
    `${callback}&code=${code}`,
    callback.replace(
      /code=([^&]*)/,
      `error=server_error&error_description=the+code+$1+is+bad&x=$1`,
    ),
    callback.replace(/code=([^&]*)/, 'error=$1'),
    `${callback}&iss=https://evil.example`,
  ]
  for (const url of spoilt) note(await browser.visit(url))
  note(await newBrowser().visit(callback))
  await finish(started, browser, callback)
  await finish(started, browser, callback)
}

async function useEverything(started: Started, browser: BrowserClient): Promise<void> {
  const { note, secrets, op, upstream, adminUrl } = started
  const [idToken = '', accessToken = ''] = [op.issued.at(-2), op.issued.at(-3)]
  for (const path of ['/page?secret=x', '/staff', '/pay', '/.gatehouse/', '/.gatehouse/user']) {
    note(await browser.visit(APP + path))
    note(await browser.send(APP + path, { headers: { accept: 'application/json' } }))
  }
  for (const bearer of [idToken, `${idToken}x`, accessToken, 'x'.repeat(40)]) {
    secrets.add('a bearer token', bearer)
    note(await browser.send(`${APP}/api`, { headers: { authorization: `Bearer ${bearer}` } }))
  }
  const cookie = browser.cookies('app.localhost').get('gatehouse') ?? ''
  for (const spoilt of [`${cookie}x`, cookie.slice(5), cookie.toUpperCase()]) {
    secrets.add('a spoilt cookie', spoilt)
    note(
      await browser.send(`${APP}/page`, {
        cookies: false,
        headers: { cookie: `gatehouse=${spoilt}` },
      }),
    )
  }
  for (const password of [`not ${PASSWORD}`, PASSWORD]) {
    for (const name of [PASSWORD, 'root']) {
      note(await started.newBrowser().post(`${AUTH}/.gatehouse/local`, { name, password }))
    }
  }
  for (const token of [ADMIN_TOKEN, `wrong-${ADMIN_TOKEN}`]) {
    const headers = { authorization: `Bearer ${token}` }
    for (const path of ['/sessions', '/config', '/decisions', '/metrics']) {
      const answer = await fetch(adminUrl + path, { headers })
      started.pages.push(await answer.text())
    }
  }
  for (const { headers } of upstream.requests) {
    for (const name of ['x-access', 'x-id', 'x-jwt', 'x-gatehouse-jwt-assertion']) {
      secrets.add(name, [headers[name]].flat()[0])
    }
  }
}

/** With the refresh failing as badly as it can. */
async function stayLonger(started: Started, browser: BrowserClient): Promise<void> {
  const { op, note } = started
  op.faults.expiresIn = 1
  await finish(started, browser, (await signInAtOp(started, browser)) ?? '')
  op.faults.answer = (path) =>
    path === '/token'
      ? { status: 400, body: { error: 'invalid_grant', error_description: echo(op, '/token') } }
      : undefined
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  note(await browser.visit(`${APP}/page`))
  delete op.faults.answer
  delete op.faults.expiresIn
}

async function signInAtOkta({ okta, newBrowser, note }: Started, change: (okta: Okta) => void) {
  okta.faults.clear()
  const browser = newBrowser()
  change(okta)
  const url = `${APP}/.gatehouse/sign_in?provider=okta&switch=true&rd=${APP}/page`
  const answer = await signIn(browser, url, 'ana').catch(() => undefined)
  if (answer !== undefined) note(answer)
  for (const host of ['localhost', 'app.localhost']) {
    for (const [name, value] of browser.cookies(host)) {
      note({ ...emptyAnswer, setCookies: [`${name}=${value}`] })
    }
  }
  note(await browser.visit(`${APP}/staff`))
  note(await browser.post(`${APP}/.gatehouse/sign_out`))
}
const emptyAnswer: BrowserAnswer = {
  url: APP,
  status: 200,
  headers: {},
  body: '',
  setCookies: [],
  location: undefined,
  json: () => ({}),
}

test('nothing that is secret is written anywhere', async (t) => {
  const started = await start(t)
  const { op, secrets } = started
  const browser = started.newBrowser()
  await finish(started, browser, (await signInAtOp(started, browser)) ?? '')
  await useEverything(started, browser)
  await failEveryWay(started)
  await stayLonger(started, browser)
  for (const change of [
    () => undefined,
    (okta: Okta) => okta.world.setAssigned('ana', true),
    (okta: Okta) => Object.assign(okta.faults, { idToken: { kind: 'signature' } }),
    (okta: Okta) => Object.assign(okta.faults, { idToken: { kind: 'hs256' } }),
    (okta: Okta) => Object.assign(okta.faults, { codesExpired: true }),
    (okta: Okta) => okta.faults.fail('token', { kind: 'rate-limited' }),
    (okta: Okta) => okta.faults.fail('token', { kind: 'cut' }),
    (okta: Okta) => okta.faults.fail('api', { kind: 'status', status: 401, body: '{}' }),
    (okta: Okta) => okta.world.setAssigned('ana', false),
  ]) {
    await signInAtOkta(started, change)
  }
  await started.stop()

  for (const token of op.issued) if (token !== 'an-access-token') secrets.add('a token', token)
  for (const { form, headers } of op.requests) {
    for (const name of ['code', 'code_verifier', 'refresh_token', 'client_assertion']) {
      secrets.add(`\`${name}\``, form.get(name))
    }
    secrets.add('an Authorization header', headers.authorization)
  }
  t.ok(secrets.count() > 200, `${secrets.count()} secrets are looked for`)
  const written = started.written()
  t.match(written, /"event":"sign_in"/)
  t.match(written, /"msg":"request"/)
  t.ok(written.split('\n').length > 80, `${written.split('\n').length} lines were written`)
  const lines = written.split('\n').filter((line) => secrets.foundIn(line).length > 0)
  t.same(
    lines.map((line) => [secrets.foundIn(line), line.slice(0, 500)]),
    [],
    'lines of stdout, stderr and the decision log',
  )
  t.same(
    started.pages
      .filter((page) => secrets.foundIn(page).length > 0)
      .map((page) => [secrets.foundIn(page), page.slice(0, 2_000)]),
    [],
    `${started.pages.length} pages and JSON answers`,
  )
  t.notMatch(written, 'an-access-token')
})
