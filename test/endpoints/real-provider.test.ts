/** Sign-ins at a real issuer that do not go well, through the whole gateway. */

import { type Test, test } from 'tap'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { PUBLIC_URL, startGateway } from '../support/start-gateway.ts'
import { startProvider } from '../support/start-provider.ts'

const APP = 'http://app.localhost:8080'
const PAGE = `${APP}/.gatehouse/`
const POLICIES = `
routes:
  - { name: app, from: "${APP}", to: "http://127.0.0.1:9", allow_any_authenticated_user: true }
`

async function start(t: Test) {
  const provider = await startProvider(t)
  const gateway = await startGateway(t, { provider, policies: POLICIES })
  return { provider, gateway, browser: createBrowserClient(gateway.port) }
}

const START = `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(PAGE)}`
const atCallback = (url: URL) => url.pathname === '/oauth2/callback'

/** The callback's address with which the provider sends `client` back after `answer` was picked. */
async function pick(
  client: BrowserClient,
  answer: Readonly<Record<string, string>>,
  start = START,
) {
  const picker = await client.follow(start)
  const { location = '' } = await client.post(picker.url, answer)
  return (await client.follow(location, { until: atCallback })).location ?? ''
}

test('who signs in sees name, groups and sites', async (t) => {
  const { browser } = await start(t)
  const page = await browser.follow(await pick(browser, { person: 'ana' }))
  t.equal(page.url, PAGE)
  for (const text of ['Ana Ferreira', 'ana@example.com', 'platform-engineers', `${APP}/`]) {
    t.ok(page.body.includes(text), text)
  }
})

test('who cancels at the provider sees why, and may try another account', async (t) => {
  const { browser } = await start(t)
  const page = await browser.follow(await pick(browser, { cancel: 'yes' }))
  t.equal(page.status, 403)
  t.notMatch(page.body, 'the sign-in was cancelled')
  const link = /href="([^"]*switch=true[^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const next = await browser.follow(await pick(browser, { person: 'ben' }, link))
  t.match(next.body, 'Ben Okafor')
})

test('a code that was spent begins a fresh sign-in, which the provider answers by itself', async (t) => {
  const { browser } = await start(t)
  const callback = await pick(browser, { person: 'ana' })
  await browser.visit(callback)
  const page = await browser.follow(callback)
  t.equal(page.url, PAGE)
  t.match(page.body, 'Ana Ferreira')
})

test('an answer that names another issuer is 400', async (t) => {
  const { browser, provider } = await start(t)
  const url = new URL(await pick(browser, { person: 'ana' }))
  t.equal(url.searchParams.get('iss'), provider.issuer)
  url.searchParams.set('iss', 'https://evil.example')
  t.equal((await browser.visit(url.href)).status, 400)
  t.notOk(browser.cookies('localhost').has('gatehouse'))
})

test('a code from another sign-in does not fit', async (t) => {
  const { browser, gateway } = await start(t)
  const mallory = createBrowserClient(gateway.port)
  const injected = new URL(await pick(mallory, { person: 'dora' })).searchParams.get('code') ?? ''
  const url = new URL(await pick(browser, { person: 'ana' }))
  url.searchParams.set('code', injected)
  // PKCE fails at the provider, which calls that an invalid grant: the person signs in afresh, as who they are.
  const page = await browser.follow(url.href)
  t.match(page.body, 'Ana Ferreira')
  t.notMatch(page.body, 'Dóra')
})

test('switch account asks the provider, though it knows somebody', async (t) => {
  const { browser } = await start(t)
  await browser.follow(await pick(browser, { person: 'ana' }))
  const picker = await browser.follow(`${START}&switch=true`)
  t.match(picker.body, 'Whom do you want to be?')
})

test('signing out ends the provider’s session too, and leads back to us', async (t) => {
  const { browser, gateway } = await start(t)
  await browser.follow(await pick(browser, { person: 'ana' }))
  const answer = await browser.post(`${APP}/.gatehouse/sign_out`)
  t.equal(answer.status, 303)
  await browser.follow(answer.location ?? '')
  t.match((await browser.follow(START)).body, 'Whom do you want to be?')
  t.equal((await browser.visit(`${PUBLIC_URL}/`)).status, 200)
  t.ok(gateway.port)
})

test('a provider that has gone is a 503 page', async (t) => {
  const { browser, provider } = await start(t)
  const callback = await pick(browser, { person: 'ana' })
  await provider.close()
  const page = await browser.follow(callback)
  t.equal(page.status, 503)
  t.match(page.body, 'Try again')
})
