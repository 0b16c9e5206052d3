/** Class D: nobody is signed in as somebody else, and no request is turned into another one on the way. */

import { test } from 'tap'
import type { BrowserClient } from '../support/browser-client.ts'
import { APP, HOST, startTarget } from './start-target.ts'

const PUBLIC = 'http://localhost:8080'
const SIGN_IN = `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/.gatehouse/user`)}`
const atProvider = (url: URL) => url.hostname === '127.0.0.1'
const atCallback = (url: URL) => url.href.startsWith(`${PUBLIC}/oauth2/callback`)
const atAppCallback = (url: URL) => url.href.startsWith(`${APP}/.gatehouse/callback`)

/** The callback that the provider sends `browser` to, not opened yet. */
async function callbackFor(browser: BrowserClient, who: string): Promise<string> {
  const picker = await browser.follow(SIGN_IN)
  const picked = await browser.post(picker.url, { person: who })
  return (await browser.follow(picked.location ?? '', { until: atCallback })).location ?? ''
}

const nobodyIn = (browser: BrowserClient) =>
  !browser.cookies('localhost').has('gatehouse') && !browser.cookies(HOST).has('gatehouse')

test('D: requests without a session', async (t) => {
  const { ask, upstream, browser } = await startTarget(t)

  const others: Record<string, readonly string[]> = {
    'a fetch': ['Sec-Fetch-Mode: cors', 'Accept: text/html'],
    'a fetch from another of our hosts': ['Sec-Fetch-Mode: cors', `Origin: ${PUBLIC}`],
    'an event stream': ['Accept: text/event-stream'],
    'an XMLHttpRequest': ['Accept: application/json', 'X-Requested-With: XMLHttpRequest'],
    'an image': ['Sec-Fetch-Mode: no-cors', 'Accept: image/*,*/*'],
    'a prefetch': ['Sec-Fetch-Mode: navigate', 'Sec-Purpose: prefetch;prerender'],
    'no Accept at all': [],
    'a question for conditions': ['If-None-Match: *', 'Range: bytes=0-1'],
  }
  for (const [name, headers] of Object.entries(others)) {
    await t.test(`${name} is told where to sign in, and not sent there`, async (t) => {
      const answer = await ask(['GET /admin?x=1 HTTP/1.1', `Host: ${HOST}`, ...headers])
      t.equal(answer.status, 401)
      t.equal(answer.header('location'), undefined)
      t.equal(answer.header('cache-control'), 'no-store')
      t.match(JSON.parse(answer.body), {
        error: 'SIGN_IN_REQUIRED',
        login_url: `${APP}/.gatehouse/sign_in?rd=${encodeURIComponent(`${APP}/admin?x=1`)}`,
      })
    })
  }

  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY']) {
    await t.test(`${method} never becomes a GET`, async (t) => {
      const headers = ['Accept: text/html', 'Sec-Fetch-Mode: navigate', 'Content-Length: 5']
      const answer = await ask([`${method} /admin HTTP/1.1`, `Host: ${HOST}`, ...headers], 'a=b&c')
      t.equal(answer.status, 401)
      t.equal(answer.header('location'), undefined)
    })
  }

  await t.test('a gRPC call gets a gRPC status', async (t) => {
    const answer = await ask([
      'POST /admin/s.Method HTTP/1.1',
      `Host: ${HOST}`,
      'Content-Type: application/grpc',
    ])
    t.equal(answer.header('grpc-status'), '16')
  })

  await t.test(
    'redirects to a sign-in are kept by nobody, whatever conditions a client states',
    async (t) => {
      const conditions = {
        'if-none-match': '*',
        'if-modified-since': 'Mon, 01 Jan 2035 00:00:00 GMT',
        range: 'bytes=0-0',
      }
      const visitor = browser()
      const { way } = await visitor.follow(`${APP}/admin`, {
        headers: conditions,
        until: atProvider,
      })
      t.ok(way.length >= 3)
      for (const { status, headers } of way) {
        t.equal(status, 302)
        t.equal(headers['cache-control'], 'no-store')
        t.notOk(headers.etag ?? headers['last-modified'])
      }
    },
  )

  t.same(upstream.requests, [])
})

test('D: sign-ins that somebody else began', async (t) => {
  const { browser, ask, upstream } = await startTarget(t)

  await t.test(
    'a callback of mine signs nobody in elsewhere, neither as me nor as them',
    async (t) => {
      const [mallory, victim] = [browser(), browser()]
      const stolen = await callbackFor(mallory, 'mallory')
      const answer = await victim.visit(stolen)
      t.equal(answer.status, 302)
      t.ok(atProvider(new URL(answer.location ?? '')), 'the victim may sign in afresh')
      t.ok(nobodyIn(victim))
      const after = await mallory.follow(stolen)
      t.match(after.json(), { subject: 'sub-mallory' }, 'and the code has not been spent')
    },
  )

  await t.test('a callback of mine does not take the place of a sign-in under way', async (t) => {
    const [mallory, victim] = [browser(), browser()]
    const stolen = await callbackFor(mallory, 'mallory')
    await victim.follow(SIGN_IN, { until: atProvider })
    await victim.visit(stolen)
    t.ok(nobodyIn(victim))
  })

  await t.test('a code of mine in the state of the victim does not pass', async (t) => {
    const [mallory, victim] = [browser(), browser()]
    const mine = new URL(await callbackFor(mallory, 'mallory'))
    const theirs = new URL(await callbackFor(victim, 'ada'))
    theirs.searchParams.set('code', mine.searchParams.get('code') ?? '')
    const answer = await victim.visit(theirs.href)
    t.ok(nobodyIn(victim), `${answer.status}`)
  })

  await t.test(
    'the last step at the app’s host is as bound to the browser as the first',
    async (t) => {
      const [mallory, victim] = [browser(), browser()]
      const callback = await callbackFor(mallory, 'mallory')
      const { location } = await mallory.follow(callback, { until: atAppCallback })
      const answer = await victim.visit(location ?? '')
      t.equal(answer.status, 302)
      t.ok(nobodyIn(victim))
      t.match((await mallory.follow(location ?? '')).json(), { subject: 'sub-mallory' })
    },
  )

  await t.test('a link with my state gives nobody’s session away', async (t) => {
    const [mallory, victim] = [browser(), browser()]
    await victim.follow(await callbackFor(victim, 'ada'))
    const begun = await mallory.visit(SIGN_IN)
    const { location = '' } = await victim.visit(begun.location ?? '')
    t.ok(atAppCallback(new URL(location)), 'the victim is sent to the app with my state')
    const answer = await victim.visit(location)
    t.notMatch(answer.setCookies, [/^gatehouse=/], 'where it does not hold')
    t.match((await victim.send(`${APP}/.gatehouse/user`)).json(), { subject: 'sub-ada' })
    const blind = new URL(location)
    blind.searchParams.set('code', 'A'.repeat(43))
    await mallory.visit(blind.href)
    t.ok(nobodyIn(mallory), 'and without the code the state is worth nothing')
  })

  await t.test('no seal of ours passes for another', async (t) => {
    const mallory = browser()
    const toPublic = new URL((await mallory.visit(SIGN_IN)).location ?? '')
    const appState = toPublic.searchParams.get('state') ?? ''
    const toProvider = new URL((await mallory.visit(toPublic.href)).location ?? '')
    const providerState = toProvider.searchParams.get('state') ?? ''
    const cookie = mallory.cookies(HOST).get('gatehouse-signin') ?? ''
    const publicCookie = mallory.cookies('localhost').get('gatehouse-signin') ?? ''
    t.ok(appState !== '' && providerState !== '' && cookie !== '' && publicCookie !== '')
    for (const value of [appState, providerState, cookie, publicCookie]) {
      const other = browser()
      for (const host of [HOST, 'localhost']) {
        other.setCookie(host, 'gatehouse', value)
        const { status } = await other.send(`http://${host}:8080/.gatehouse/user`)
        t.equal(status, 401, 'as a session')
      }
      const asState = `${PUBLIC}/oauth2/callback?code=x&state=${value}`
      await mallory.visit(asState)
      await mallory.visit(`${APP}/.gatehouse/callback?code=${'A'.repeat(43)}&state=${value}`)
      t.ok(nobodyIn(mallory), 'as a state')
    }
  })

  const errors = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    '\r\nSet-Cookie: gatehouse=x',
    'x'.repeat(4_000),
    '__proto__',
    'constructor',
  ]
  for (const error of errors) {
    await t.test(
      `an error ${JSON.stringify(error.slice(0, 30))} is never repeated to the visitor`,
      async (t) => {
        const visitor = browser()
        const begun = await visitor.follow(SIGN_IN, { until: atProvider })
        const state = new URL(begun.location ?? '').searchParams.get('state') ?? ''
        const query = new URLSearchParams({ error, error_description: error, state })
        const answer = await visitor.visit(`${PUBLIC}/oauth2/callback?${query}`)
        t.equal(answer.status, 403)
        t.notMatch(answer.body, /<script|<img|x{100}|__proto__|constructor/)
        t.match(answer.headers['content-security-policy'], "default-src 'none'")
        t.ok(nobodyIn(visitor))
      },
    )
  }

  const links: Record<string, number> = {
    '/.gatehouse/sign_in?provider=__proto__': 400,
    '/.gatehouse/sign_in?provider=constructor': 400,
    '/.gatehouse/sign_in?provider=local': 400,
    '/.gatehouse/sign_in?for=https://evil.example&state=x': 400,
    '/.gatehouse/sign_in?for=__proto__&state=x': 400,
    [`/.gatehouse/sign_in?for=${APP}&state=x`]: 400,
    [`/.gatehouse/sign_in?for=${APP}&for=${PUBLIC}&state=x`]: 400,
    '/oauth2/callback?code=x': 400,
    '/oauth2/callback?code=x&state=': 400,
    '/oauth2/callback?code=x&state=a&state=b': 400,
    '/oauth2/callback?code=x&code=y&state=a': 400,
    '/oauth2/callback?error=x&error=y&state=a': 400,
    '/.gatehouse/callback': 400,
  }
  for (const [path, status] of Object.entries(links)) {
    await t.test(`${path} on public_url is ${status}`, async (t) => {
      const answer = await browser().visit(PUBLIC + path)
      t.equal(answer.status, status)
      t.same(answer.setCookies, [])
    })
  }

  await t.test('a link chooses nothing at the provider but whom to suggest', async (t) => {
    const more =
      'prompt=none&scope=admin&acr_values=1&redirect_uri=https://evil.example&client_id=evil'
    const { location } = await browser().follow(
      `${SIGN_IN}&${more}&response_mode=fragment&nonce=n&login_hint=ada`,
      {
        until: atProvider,
      },
    )
    const { searchParams } = new URL(location ?? '')
    t.same([...searchParams.keys()].sort(), [
      'client_id',
      'code_challenge',
      'code_challenge_method',
      'login_hint',
      'nonce',
      'redirect_uri',
      'response_type',
      'scope',
      'state',
    ])
    t.notMatch(searchParams.toString(), /evil|admin/)
  })

  await t.test('a callback by POST, or at another host, redeems nothing', async (t) => {
    const mallory = browser()
    const callback = new URL(await callbackFor(mallory, 'mallory'))
    const body = callback.search.slice(1)
    const posted = await ask(
      [
        'POST /oauth2/callback HTTP/1.1',
        'Host: localhost',
        `Cookie: ${mallory.cookieHeader('localhost')}`,
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${body.length}`,
      ],
      body,
    )
    t.equal(posted.status, 405)
    const elsewhere = await mallory.send(`${APP}/oauth2/callback${callback.search}`)
    t.equal(elsewhere.status, 401, 'at the app it is a path like any other')
    t.match((await mallory.follow(callback.href)).json(), { subject: 'sub-mallory' })
  })

  t.same(upstream.requests, [])
})
