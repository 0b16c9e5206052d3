/** Many tabs may sign in at once: all land, and the cookies stay small. */

import { test } from 'tap'
import type { BrowserClient } from '../support/browser-client.ts'
import { APP, AUTH, startEndpoints } from './start-endpoints.ts'

const TABS = Array.from({ length: 30 }, (_, n) => n)
const tab = (n: number) => `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/tab/${n}`)}`
const untilTab = (url: URL) => url.pathname.startsWith('/tab/')
const expected = TABS.map((n) => `${APP}/tab/${n}`)

function cookieBytes(client: BrowserClient): number {
  const hosts = ['app.example.com', 'auth.example.com']
  return Math.max(...hosts.map((host) => `Cookie: ${client.cookieHeader(host)}`.length))
}

test('thirty tabs that begin one after the other all land', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  const atProvider = (url: URL) => url.origin === idp.origin
  const waiting: string[] = []
  for (const n of TABS) {
    waiting.push((await client.follow(tab(n), { until: atProvider })).location ?? '')
    t.ok(cookieBytes(client) < 1_000, 'one cookie for all tabs')
  }
  const landed: (string | undefined)[] = []
  for (const url of waiting) landed.push((await client.follow(url, { until: untilTab })).location)
  t.same(landed, expected)
})

test('thirty tabs that all begin before a cookie has come back all land', async (t) => {
  const { browser, idp, sessions } = await startEndpoints(t)
  const client = browser()
  const step = (url: string) => client.visit(url, { headers: { cookie: '' } })
  const atApp = await Promise.all(TABS.map((n) => step(tab(n))))
  const atPublic = await Promise.all(atApp.map(({ location = '' }) => step(location)))
  t.ok(cookieBytes(client) < 8_000, `${cookieBytes(client)}`)
  t.ok(atPublic.every(({ location }) => location?.startsWith(idp.origin)))
  const landed: (string | undefined)[] = []
  for (const { location = '' } of atPublic) {
    landed.push((await client.follow(location, { until: untilTab })).location)
  }
  t.same(landed, expected)
  t.equal(await sessions.count(), 1, 'one session for all of them')
  for (const host of ['app.example.com', 'auth.example.com']) {
    t.same([...client.cookies(host).keys()].sort(), ['__Host-gatehouse', '__Host-gatehouse-signin'])
  }
})

test('thirty tabs that are at the provider at the same moment all land', async (t) => {
  const { browser, idp } = await startEndpoints(t)
  const client = browser()
  const atProvider = (url: URL) => url.origin === idp.origin
  const waiting = await Promise.all(TABS.map((n) => client.follow(tab(n), { until: atProvider })))
  const landed = await Promise.all(
    waiting.map(({ location = '' }) => client.follow(location, { until: untilTab })),
  )
  t.same(
    landed.map(({ location }) => location),
    expected,
  )
  t.equal((await client.send(`${APP}/.gatehouse/user`)).status, 200)
})

test('of more than thirty single tabs the oldest are forgotten', async (t) => {
  const { browser, clock } = await startEndpoints(t)
  const client = browser()
  for (let n = 0; n < 35; n++) {
    clock.time += 1_000
    const headers = {
      cookie: client
        .cookieHeader('app.example.com')
        .split('; ')
        .filter((pair) => pair.startsWith('__Host-gatehouse-signin-'))
        .join('; '),
    }
    await client.send(tab(n), { headers })
  }
  const names = [...client.cookies('app.example.com').keys()]
  t.equal(names.filter((name) => name.startsWith('__Host-gatehouse-signin-')).length, 30)
  t.ok(cookieBytes(client) < 8_000)
})

test('a Cookie header full of broken cookies of ours costs a bounded answer', async (t) => {
  const { browser } = await startEndpoints(t)
  const client = browser()
  const cookie = Array.from({ length: 300 }, (_, n) => {
    const tag = String(n).padStart(10, '0')
    return `__Host-gatehouse-signin-${tag}=x`
  }).join('; ')
  const answer = await client.send(tab(1), { headers: { cookie } })
  t.equal(answer.status, 302)
  t.ok(answer.setCookies.length < 70, `${answer.setCookies.length}`)
})

test('a Cookie header of five thousand empty pairs is read in no time', async (t) => {
  const { browser } = await startEndpoints(t)
  const answer = await browser().send(`${AUTH}/.gatehouse/user`, {
    headers: { cookie: ';'.repeat(5_000) },
  })
  t.equal(answer.status, 401)
})
