/** Break-glass: attack class G14, networks, rates, expiry, and that no provider is needed. */

import { scryptSync } from 'node:crypto'
import { type Test, test } from 'tap'
import { formatPasswordHash } from '../../src/support/password-hash.ts'
import { createBrowserClient } from '../support/browser-client.ts'
import { PUBLIC_URL, startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080'
const PASSWORD = 'correct horse: battery & staple ü'
const salt = Buffer.alloc(16, 3)

/** The cheapest that is taken: these tests guess a lot. */
function hashOf(password: string): string {
  const key = scryptSync(password, salt, 32, { N: 2 ** 14, r: 1, p: 1 })
  return formatPasswordHash({ logN: 14, r: 1, p: 1, salt, key })
}
const HASH = hashOf(PASSWORD)

interface Setting {
  readonly admins?: readonly Record<string, unknown>[]
  readonly rate?: string
  readonly trusted?: readonly string[]
  readonly providers?: Record<string, unknown>
}

async function startAll(t: Test, setting: Setting = {}) {
  const upstream = await startUpstream(t)
  const clock = { offset: 0 }
  const { admins = [{ name: 'root', password_hash: HASH, groups: ['break-glass'] }] } = setting
  const gateway = await startGateway(t, {
    config: {
      server: {
        rate_limits: { local_sign_in: setting.rate ?? '100/m' },
        trusted_proxies: setting.trusted ?? [],
      },
      logging: { level: 'error' },
      ...(setting.providers === undefined ? {} : { providers: setting.providers }),
      local_admins: admins,
    },
    policies: `
routes:
  - { name: app, from: "${APP}", to: "${upstream.origin}", policy: [{ allow: { and: [{ groups: break-glass }, { provider: local }] } }] }
`,
    now: () => Date.now() + clock.offset,
  })
  const post = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    gateway.get(`${PUBLIC_URL}/.gatehouse/local`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(form).toString(),
    })
  return { gateway, upstream, clock, post }
}

test('an administrator signs in while the provider is down, and comes to the app that was asked for', async (t) => {
  const { gateway, upstream } = await startAll(t)
  const browser = createBrowserClient(gateway.port)
  const page = await browser.visit(
    `${PUBLIC_URL}/.gatehouse/local?rd=${encodeURIComponent(`${APP}/x?y=1`)}`,
  )
  t.equal(page.status, 200)
  t.match(page.headers['content-security-policy'], /form-action 'self'/)
  t.match(page.body, 'type="password"')
  const rd = /name="rd" value="([^"]*)"/.exec(page.body)?.[1] ?? ''
  t.equal(rd, `${APP}/x?y=1`)
  const answer = await browser.post(page.url, { name: 'root', password: PASSWORD, rd })
  t.equal(answer.status, 303)
  const app = await browser.follow(answer.location ?? '')
  t.equal(app.status, 200)
  t.equal(app.url, `${APP}/x?y=1`)
  t.strictSame(upstream.last.header('x-forwarded-user'), ['local:root'])
  t.strictSame(upstream.last.header('x-forwarded-groups'), ['break-glass'])
  const user = await browser.send(`${APP}/.gatehouse/user`)
  t.match(user.json(), { subject: 'local:root', provider: 'local', groups: ['break-glass'] })
  const sessions = await fetch(`${gateway.adminUrl}/sessions`).then((one) => one.json())
  t.match(sessions, { sessions: [{ sub: 'local:root', provider: 'local', method: 'local' }] })
  t.equal((await browser.follow(`${APP}/.gatehouse/sign_out`)).status, 200)
})

test('name in any case, the password exactly; what is wrong is 401 and says no more', async (t) => {
  const { post } = await startAll(t, {
    admins: [
      { name: 'root', password_hash: HASH },
      { name: 'old', password_hash: HASH, expires: '2020-01-01' },
      { name: 'far', password_hash: HASH, networks: ['10.0.0.0/8', 'fd00::/8'] },
      {
        name: 'near',
        password_hash: HASH,
        networks: ['127.0.0.0/8'],
        expires: '2999-01-01T00:00:00Z',
      },
    ],
  })
  t.equal((await post({ name: ' ROOT ', password: PASSWORD })).status, 303)
  t.equal((await post({ name: 'near', password: PASSWORD })).status, 303)
  t.equal((await post({ name: 'near', password: PASSWORD.normalize('NFD') })).status, 303)
  const bodies = new Set<string>()
  for (const form of [
    { name: 'root', password: 'wrong' },
    { name: 'root', password: '' },
    { name: 'root', password: `${PASSWORD} ` },
    { name: 'root', password: PASSWORD.toUpperCase() },
    { name: 'root', password: 'x'.repeat(2_000) },
    { name: 'nobody', password: PASSWORD },
    { name: '', password: PASSWORD },
    { name: 'old', password: PASSWORD },
    { name: 'far', password: PASSWORD },
    { name: 'local:root', password: PASSWORD },
    { password: PASSWORD },
    {},
  ]) {
    const answer = await post(form as Record<string, string>)
    t.equal(answer.status, 401, JSON.stringify(form).slice(0, 60))
    t.equal(answer.headers['set-cookie'], undefined)
    t.equal(answer.headers['cache-control'], 'no-store')
    bodies.add(answer.body.replace(/<code>[^<]*/g, ''))
  }
  t.equal(bodies.size, 1, 'all are answered alike')
})

test('an unknown name takes as long as a known one', async (t) => {
  const { post } = await startAll(t, {
    rate: '1000/m',
    admins: [{ name: 'root', password_hash: hashOf('x') }],
  })
  const time = async (name: string) => {
    const start = process.cpuUsage()
    await post({ name, password: 'guess' })
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  await time('root')
  const times: Record<string, number[]> = { root: [], nobody: [] }
  for (let i = 0; i < 15; i++)
    for (const name of ['root', 'nobody']) times[name]?.push(await time(name))
  const middle = (list: number[] = []) => list.sort((a, b) => a - b)[7] ?? 0
  const ratio = middle(times['root']) / middle(times['nobody'])
  t.ok(
    ratio > 0.6 && ratio < 1.7,
    `CPU time of a known name by that of an unknown one: ${ratio.toFixed(2)}`,
  )
})

test('guesses are throttled by name in any spelling and by address, known or not', async (t) => {
  const { post } = await startAll(t, { rate: '5/m', trusted: ['127.0.0.1/32'] })
  const from = (address: string) => ({ 'x-forwarded-for': address })
  const statuses: number[] = []
  for (let i = 0; i < 12; i++) {
    const name = ['root', 'ROOT', ' Root', 'ｒｏｏｔ'][i % 4] ?? ''
    statuses.push((await post({ name, password: `guess ${i}` }, from(`192.0.2.${i}`))).status)
  }
  t.strictSame(statuses, [401, 401, 401, 401, 401, 429, 429, 429, 429, 429, 429, 429])
  const refused = await post({ name: 'root', password: PASSWORD }, from('192.0.2.99'))
  t.equal(refused.status, 429, 'the right password waits too')
  t.ok(Number(refused.headers['retry-after']) > 0)
  const byAddress: number[] = []
  for (let i = 0; i < 7; i++) {
    byAddress.push((await post({ name: `nobody${i}`, password: 'x' }, from('198.51.100.7'))).status)
  }
  t.strictSame(byAddress, [401, 401, 401, 401, 401, 429, 429])
})

test('addresses from which nobody may sign in cannot lock an administrator out', async (t) => {
  const { post } = await startAll(t, {
    rate: '3/m',
    trusted: ['127.0.0.1/32'],
    admins: [{ name: 'root', password_hash: HASH, networks: ['10.0.0.0/8'] }],
  })
  for (let i = 0; i < 10; i++) {
    await post({ name: 'root', password: 'x' }, { 'x-forwarded-for': `192.0.2.${i}` })
  }
  const form = { name: 'root', password: PASSWORD }
  t.equal((await post(form, { 'x-forwarded-for': '10.1.2.3' })).status, 303)
})

test('off by default, on `public_url` only, and never for a page of another site', async (t) => {
  const off = await startAll(t, { admins: [] })
  t.equal((await off.gateway.get(`${PUBLIC_URL}/.gatehouse/local`)).status, 404)
  t.equal((await off.post({ name: 'root', password: PASSWORD })).status, 404)
  const { gateway, post } = await startAll(t)
  t.equal((await gateway.get(`${APP}/.gatehouse/local`)).status, 404)
  const form = { name: 'root', password: PASSWORD }
  for (const [headers, status] of [
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ 'sec-fetch-site': 'same-origin', origin: PUBLIC_URL }, 303],
    [{ origin: PUBLIC_URL }, 303],
  ] as const) {
    t.equal(
      (await post(form, headers as Record<string, string>)).status,
      status,
      JSON.stringify(headers),
    )
  }
  const away = await post({ ...form, rd: 'https://evil.example/' })
  t.equal(away.headers.location, '/')
})

test('a session ends when the account expires, and when it is taken out of the config', async (t) => {
  const expires = new Date(Date.now() + 60_000).toISOString()
  const { gateway, clock, post } = await startAll(t, {
    admins: [{ name: 'root', password_hash: HASH, expires }],
  })
  const answer = await post({ name: 'root', password: PASSWORD })
  const [line = ''] = answer.headers['set-cookie'] ?? []
  t.ok(Number(/Max-Age=(\d+)/.exec(line)?.[1]) <= 60, line.replace(/=[^;]*/, '=...'))
  const cookie = line.split(';')[0] ?? ''
  const user = async () =>
    (await gateway.get(`${PUBLIC_URL}/.gatehouse/user`, { headers: { cookie } })).status
  t.equal(await user(), 200)
  clock.offset = 61_000
  t.equal(await user(), 401)
})

test('where several providers are offered, so is the password, with a way back to the app', async (t) => {
  const provider = { issuer: 'http://127.0.0.1:9', client_id: 'x', client_secret: 'x' }
  const { gateway } = await startAll(t, {
    providers: { demo: provider, other: { ...provider, redirect_path: '/other' } },
  })
  const browser = createBrowserClient(gateway.port)
  const chooser = await browser.follow(`${APP}/x`)
  const link = /href="(\/\.gatehouse\/local\?[^"]*)"/
    .exec(chooser.body)?.[1]
    ?.replaceAll('&amp;', '&')
  t.ok(link, chooser.body)
  const page = await browser.visit(`${PUBLIC_URL}${link}`)
  t.match(page.headers['content-security-policy'], APP, 'the form may lead to the app')
  const rd = /name="rd" value="([^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const answer = await browser.post(page.url, { name: 'root', password: PASSWORD, rd })
  const app = await browser.follow(answer.location ?? '')
  t.equal(app.url, `${APP}/x`)
  t.equal(app.status, 200)
})
