import * as client from 'openid-client'
import { type Test, test } from 'tap'
import type { DevelopmentProvider } from './development-provider.ts'
import { startProvider } from './start-provider.ts'

const PUBLIC_URL = 'http://localhost:8080'
const CALLBACK = `${PUBLIC_URL}/oauth2/callback`

/** A browser as far as this provider needs one: cookies by name and path, redirects followed until they leave it. */
function createBrowser(provider: DevelopmentProvider) {
  const jar = new Map<string, { value: string; path: string }>()
  const visit = async (url: string, form?: Record<string, string>): Promise<Response> => {
    const { pathname } = new URL(url)
    const cookies = [...jar]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: cookies.join('; '), accept: 'text/html' },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const path = /; ?path=([^;]*)/i.exec(line)?.[1] ?? '/'
      if (value === '') jar.delete(name)
      else jar.set(name, { value, path })
    }
    const location = response.headers.get('location')
    if (location === null) return response
    const next = new URL(location, url)
    return next.origin === provider.issuer ? visit(next.href) : response
  }
  return { visit, pick: (page: Response, form: Record<string, string>) => visit(page.url, form) }
}

async function startSignIn(t: Test, options: Parameters<typeof startProvider>[1] = {}) {
  const provider = await startProvider(t, options)
  const config = await client.discovery(
    new URL(provider.issuer),
    provider.clientId,
    undefined,
    client.ClientSecretBasic(provider.clientSecret),
    { execute: [client.allowInsecureRequests] },
  )
  const verifier = client.randomPKCECodeVerifier()
  const authorizationUrl = async (parameters: Record<string, string> = {}) =>
    client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid profile email groups',
      state: 'some-state',
      nonce: 'some-nonce',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...parameters,
    }).href
  const redeem = (answer: Response) =>
    client.authorizationCodeGrant(config, new URL(answer.headers.get('location') ?? ''), {
      expectedState: 'some-state',
      expectedNonce: 'some-nonce',
      pkceCodeVerifier: verifier,
    })
  return { provider, config, authorizationUrl, redeem, browser: createBrowser(provider) }
}

test('who picks Ana is Ana, with groups and verified e-mail in the ID token and in UserInfo', async (t) => {
  const { browser, authorizationUrl, redeem, config } = await startSignIn(t)
  const picker = await browser.visit(await authorizationUrl())
  t.equal(picker.status, 200)
  t.match(
    await picker.text(),
    /Whom do you want to be\?[\s\S]*Ana Ferreira[\s\S]*platform-engineers/,
  )
  const tokens = await redeem(await browser.pick(picker, { person: 'ana' }))
  const ana = {
    sub: 'demo-ana',
    name: 'Ana Ferreira',
    preferred_username: 'ana',
    email: 'ana@example.com',
    email_verified: true,
    groups: ['platform-engineers'],
    department: 'Platform',
  }
  t.match(tokens.claims(), ana)
  t.match(await client.fetchUserInfo(config, tokens.access_token, 'demo-ana'), ana)
})

test('after a pick the provider signs in without asking, until prompt=login', async (t) => {
  const { browser, authorizationUrl, redeem } = await startSignIn(t)
  await browser.pick(await browser.visit(await authorizationUrl()), { person: 'ana' })
  const silent = await redeem(await browser.visit(await authorizationUrl()))
  t.equal(silent.claims()?.sub, 'demo-ana')
  const picker = await browser.visit(await authorizationUrl({ prompt: 'login' }))
  t.match(await picker.text(), /Ana Ferreira \(signed in now\)/)
  const other = await redeem(await browser.pick(picker, { person: 'ben' }))
  t.equal(other.claims()?.sub, 'demo-ben')
  const after = await redeem(await browser.visit(await authorizationUrl()))
  t.equal(after.claims()?.sub, 'demo-ben', 'the other account is now the one that is signed in')
})

test('sign-out with an ID token redirects at once, and the next sign-in asks', async (t) => {
  const { browser, authorizationUrl, redeem, config } = await startSignIn(t)
  const tokens = await redeem(
    await browser.pick(await browser.visit(await authorizationUrl()), { person: 'ana' }),
  )
  const endSession = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: PUBLIC_URL,
    state: 'a b',
  })
  for (const time of ['the first time', 'with no session left']) {
    const answer = await browser.visit(endSession.href)
    t.equal(answer.status, 302, time)
    t.equal(answer.headers.get('location'), `${PUBLIC_URL}/?state=a%20b`, time)
  }
  t.match(await (await browser.visit(await authorizationUrl())).text(), /Whom do you want to be/)
})

test('sign-out without an ID token, or with somebody else’s, asks first', async (t) => {
  const { browser, authorizationUrl, redeem, config } = await startSignIn(t)
  const ana = await redeem(
    await browser.pick(await browser.visit(await authorizationUrl()), { person: 'ana' }),
  )
  const picker = await browser.visit(await authorizationUrl({ prompt: 'login' }))
  await browser.pick(picker, { person: 'ben' })
  const hints = [{}, { id_token_hint: ana.id_token ?? '' }]
  for (const hint of hints) {
    const answer = await browser.visit(client.buildEndSessionUrl(config, hint).href)
    t.equal(answer.status, 200)
    t.match(await answer.text(), /<h1>Sign out\?<\/h1>[\s\S]*name="xsrf"/)
  }
})

test('sign-out to an address that is not registered is refused', async (t) => {
  const { browser, authorizationUrl, redeem, config } = await startSignIn(t)
  const tokens = await redeem(
    await browser.pick(await browser.visit(await authorizationUrl()), { person: 'ana' }),
  )
  const answer = await browser.visit(
    client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'http://evil.example/',
    }).href,
  )
  t.equal(answer.status, 400)
  t.match(await answer.text(), /post_logout_redirect_uri not registered/)
})

test('a cancelled sign-in comes back as access_denied', async (t) => {
  const { browser, authorizationUrl } = await startSignIn(t)
  const answer = await browser.pick(await browser.visit(await authorizationUrl()), {
    cancel: 'yes',
  })
  const location = new URL(answer.headers.get('location') ?? '')
  t.equal(location.searchParams.get('error'), 'access_denied')
  t.equal(location.searchParams.get('state'), 'some-state')
})

test('a picker without its cookie, or an unknown name, is a page that says so', async (t) => {
  const { browser, authorizationUrl, provider } = await startSignIn(t)
  const picker = await browser.visit(await authorizationUrl())
  const unknown = await browser.pick(picker, { person: 'mallory' })
  t.equal(unknown.status, 400)
  t.match(await unknown.text(), /Nobody of that name is known here/)
  const stranger = await createBrowser(provider).pick(picker, { person: 'ana' })
  t.equal(stranger.status, 400)
})

test('a sign-in without PKCE, or to an address that is not registered, is refused', async (t) => {
  const { browser, authorizationUrl } = await startSignIn(t)
  const foreign = await browser.visit(
    await authorizationUrl({ redirect_uri: 'http://evil.example/' }),
  )
  t.equal(foreign.status, 400)
  const url = new URL(await authorizationUrl())
  url.searchParams.delete('code_challenge')
  url.searchParams.delete('code_challenge_method')
  const answer = await browser.visit(url.href)
  t.match(answer.headers.get('location'), /error=invalid_request/)
})

test('the expected e-mail is offered first to the keyboard', async (t) => {
  const { browser, authorizationUrl } = await startSignIn(t)
  const picker = await browser.visit(await authorizationUrl({ login_hint: 'ben@example.com' }))
  t.match(await picker.text(), /value="ben" autofocus/)
})

test('a thin ID token leaves groups and e-mail to UserInfo', async (t) => {
  const { browser, authorizationUrl, redeem, config } = await startSignIn(t, { thinIdToken: true })
  const picker = await browser.visit(await authorizationUrl())
  const tokens = await redeem(await browser.pick(picker, { person: 'chris' }))
  t.notOk(tokens.claims()?.['groups'])
  const info = await client.fetchUserInfo(config, tokens.access_token, 'demo-chris')
  t.same(info['groups'], ['platform-engineers', 'data-science'])
})

test('discovery lists the scope of groups, so that Gatehouse asks for it', async (t) => {
  const { config } = await startSignIn(t)
  t.ok(config.serverMetadata().scopes_supported?.includes('groups'))
})
