/**
 * A real second provider: npm `oidc-provider` as it is published, with its own defaults: its pages for sign-in and consent,
 * `offline_access` dropped without a prompt for consent, `iss` in the callback, a question before sign-out.
 */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import { type Test, test } from 'tap'
import {
  type BrowserAnswer,
  type BrowserClient,
  createBrowserClient,
} from '../support/browser-client.ts'
import { PUBLIC_URL, startGateway } from '../support/start-gateway.ts'
import { startUpstream } from '../support/start-upstream.ts'

const APP = 'http://app.localhost:8080'
const SECRET = 'a secret of / odd % characters'

async function start(t: Test, provider: Readonly<Record<string, unknown>> = {}) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const op = new Provider(issuer, {
    clients: [
      {
        client_id: 'gatehouse',
        client_secret: SECRET,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${PUBLIC_URL}/oauth2/callback`],
        post_logout_redirect_uris: [`${PUBLIC_URL}/.gatehouse/signed_out`],
      },
    ],
  })
  server.on('request', op.callback())
  const upstream = await startUpstream(t)
  const gateway = await startGateway(t, {
    config: {
      providers: {
        plain: {
          issuer,
          client_id: 'gatehouse',
          client_secret: SECRET,
          scopes: ['openid', 'profile', 'email', 'offline_access'],
          post_logout_redirect_uri: `${PUBLIC_URL}/.gatehouse/signed_out`,
          ...provider,
        },
      },
    },
    policies: `routes: [{ name: app, from: "${APP}", to: "${upstream.origin}", allow_any_authenticated_user: true }]`,
  })
  return { gateway, upstream, browser: createBrowserClient(gateway.port) }
}

/** Sends the form of a page of the provider, with `fields` filled in. */
async function submit(browser: BrowserClient, page: BrowserAnswer, fields: Record<string, string>) {
  const action = /<form[^>]*action="([^"]*)"/.exec(page.body)?.[1] ?? ''
  const hidden = [...page.body.matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)]
  const form = Object.fromEntries(hidden.map(([, name = '', value = '']) => [name, value]))
  return browser.post(new URL(action, page.url).href, { ...form, ...fields })
}

/** Through its pages, to where it sends the browser back. */
async function callbackOf(browser: BrowserClient, url: string): Promise<string> {
  const until = ({ pathname }: URL) => pathname === '/oauth2/callback'
  const login = await browser.follow(url)
  expectPage(login.body, 'name="login"')
  const entered = await submit(browser, login, { prompt: 'login', login: 'ana', password: 'x' })
  const consent = await browser.follow(entered.location ?? '', { until })
  expectPage(consent.body, 'name="prompt" value="consent"')
  const agreed = await submit(browser, consent, {})
  return (await browser.follow(agreed.location ?? '', { until })).location ?? ''
}

function expectPage(body: string, text: string): void {
  if (!body.includes(text)) throw new Error(`not the page with ${text}: ${body.slice(0, 2_000)}`)
}

test('in through its own pages; offline_access that it drops does no harm', async (t) => {
  const { browser, upstream } = await start(t)
  const callback = await callbackOf(browser, `${APP}/page`)
  t.ok(new URL(callback).searchParams.get('iss'), 'it names itself in the callback')
  const page = await browser.follow(callback)
  t.equal(page.url, `${APP}/page`)
  t.equal(page.status, 200)
  t.same(upstream.requests.at(-1)?.header('x-forwarded-user'), ['ana'])
  t.same(upstream.requests.at(-1)?.header('x-forwarded-email'), [], 'it tells of no e-mail')
})

test('a callback without the issuer that it sends, or with another, is 400', async (t) => {
  const { browser } = await start(t)
  const callback = new URL(await callbackOf(browser, `${APP}/page`))
  callback.searchParams.delete('iss')
  t.equal((await browser.visit(callback.href)).status, 400)
  callback.searchParams.set('iss', 'https://evil.example')
  t.equal((await browser.visit(callback.href)).status, 400)
  t.notOk(browser.cookies('localhost').has('gatehouse'))
})

test('out through its question, and back to us', async (t) => {
  const { browser } = await start(t)
  await browser.follow(await callbackOf(browser, `${APP}/page`))
  const answer = await browser.post(`${APP}/.gatehouse/sign_out`, { rd: `${APP}/.gatehouse/` })
  const question = await browser.follow(answer.location ?? '')
  t.match(question.body, 'sign-out from')
  const yes = await submit(browser, question, { logout: 'yes' })
  const end = await browser.follow(yes.location ?? '')
  t.equal(end.url, `${APP}/.gatehouse/`, 'it brings the state back, which says where to go on')
  t.match(end.body, 'You are not signed in')
  t.match((await browser.follow(`${APP}/page`)).body, 'name="login"', 'it has forgotten who it was')
})

test('who refuses consent is refused', async (t) => {
  const { browser } = await start(t)
  const login = await browser.follow(`${APP}/page`)
  const entered = await submit(browser, login, { prompt: 'login', login: 'ana', password: 'x' })
  const consent = await browser.follow(entered.location ?? '')
  const abort = /href="([^"]*\/abort)"/.exec(consent.body)?.[1] ?? ''
  const page = await browser.follow(new URL(abort, consent.url).href)
  t.equal(page.status, 403)
  t.match(page.body, 'You cancelled the sign-in, or plain refused it.')
  t.match(page.body, 'Try again')
})

test('pushed requests work with its defaults', async (t) => {
  const { browser } = await start(t, { pushed_authorization_requests: true })
  const until = (url: URL) => url.searchParams.has('request_uri')
  const { location = '' } = await browser.follow(`${APP}/page`, { until })
  t.notOk(new URL(location).searchParams.has('state'))
  const page = await browser.follow(await callbackOf(browser, location))
  t.equal(page.url, `${APP}/page`)
})

test('a secret that is not the client’s is our mistake, and said so', async (t) => {
  const { browser } = await start(t, { client_secret: 'another' })
  const page = await browser.follow(await callbackOf(browser, `${APP}/page`))
  t.equal(page.status, 500)
  t.match(page.body, 'plain does not accept this gateway')
})
