import * as client from 'openid-client'
import { test } from 'tap'
import { refusal, startSignIn } from './browser.ts'

const locationOf = (answer: Response) => new URL(answer.headers.get('location') ?? '')

test('who picks Ana is Ana, on both servers', async (t) => {
  for (const custom of [false, true]) {
    const { signIn, okta, config } = await startSignIn(t, { custom })
    const tokens = await signIn('ana')
    t.match(tokens.claims(), {
      iss: custom ? okta.defaultIssuer : okta.org,
      sub: 'demo-ana',
      ver: 1,
      jti: /^ID\./,
      amr: ['pwd'],
      email: 'ana@example.com',
      email_verified: true,
      name: 'Ana Ferreira',
    })
    const info = await client.fetchUserInfo(config, tokens.access_token, 'demo-ana')
    t.match(info, { sub: 'demo-ana', email: 'ana@example.com' })
    t.same(tokens.claims()?.['groups'], custom ? undefined : ['platform-engineers'])
    t.same(info['groups'], custom ? undefined : ['platform-engineers'])
  }
})

test('discovery has the shape of Okta: groups on the own server only, no `iss` promised', async (t) => {
  const org = await startSignIn(t)
  const custom = await startSignIn(t, { custom: true })
  t.ok(org.config.serverMetadata().scopes_supported?.includes('groups'))
  t.notOk(custom.config.serverMetadata().scopes_supported?.includes('groups'))
  t.equal(org.config.serverMetadata().token_endpoint, `${org.okta.org}/oauth2/v1/token`)
  t.equal(
    custom.config.serverMetadata().token_endpoint,
    `${custom.okta.org}/oauth2/default/v1/token`,
  )
  for (const { config } of [org, custom]) {
    const metadata = config.serverMetadata()
    t.notHas(metadata, { authorization_response_iss_parameter_supported: true })
    t.notHas(metadata, { backchannel_logout_supported: true })
  }
})

test('the callback carries no `iss`, in success and in failure', async (t) => {
  const { browser, authorizationUrl } = await startSignIn(t)
  const page = await browser.visit(await authorizationUrl())
  const answer = locationOf(await browser.visit(page.url, { person: 'ana' }))
  t.ok(answer.searchParams.get('code'))
  t.notOk(answer.searchParams.has('iss'))
  const refused = locationOf(
    await browser.visit(await authorizationUrl({ response_type: 'id_token' })),
  )
  t.ok(refused.searchParams.get('error') ?? refused.hash.includes('error='))
  t.notOk(refused.searchParams.has('iss'))
})

test('a request without `state` is refused', async (t) => {
  const { browser, authorizationUrl } = await startSignIn(t)
  const answer = locationOf(await browser.visit(await authorizationUrl({ state: undefined })))
  t.equal(answer.searchParams.get('error'), 'invalid_request')
})

test('a scope that the server does not have is refused: `groups` on the custom one', async (t) => {
  const { browser, authorizationUrl } = await startSignIn(t, { custom: true })
  const url = await authorizationUrl({ scope: 'openid groups' })
  const answer = locationOf(await browser.visit(url))
  t.equal(answer.searchParams.get('error'), 'invalid_scope')
})

test('a thin ID token leaves e-mail and groups to UserInfo', async (t) => {
  const { signIn, config } = await startSignIn(t, { app: { idToken: 'thin' } })
  const tokens = await signIn('chris')
  t.match(tokens.claims(), { name: 'Chris Lindqvist', preferred_username: 'chris@example.com' })
  t.notOk(tokens.claims()?.['groups'] ?? tokens.claims()?.['email'])
  const info = await client.fetchUserInfo(config, tokens.access_token, 'demo-chris')
  t.same(info['groups'], ['platform-engineers', 'data-science'])
})

test('a groups claim that an admin made on the custom server comes under its own name', async (t) => {
  const { signIn, okta } = await startSignIn(t, {
    custom: true,
    app: { customGroupsClaim: { name: 'roles', holds: 'ids', in: 'id_token' } },
  })
  const tokens = await signIn('ben')
  t.same(tokens.claims()?.['roles'], [okta.world.groupId('data-science')])
})

test('the access token of the custom server is a JWT whose `sub` is the login', async (t) => {
  const { signIn, okta } = await startSignIn(t, { custom: true })
  const { access_token: token } = await signIn('ana')
  t.match(await okta.keys.verify(token), {
    iss: okta.defaultIssuer,
    aud: 'api://default',
    sub: 'ana@example.com',
    uid: 'demo-ana',
    cid: okta.app.clientId,
  })
})

test('who is not assigned is refused with the reason', async (t) => {
  const { browser, authorizationUrl, okta } = await startSignIn(t)
  okta.world.setAssigned('ana', false)
  const page = await browser.visit(await authorizationUrl())
  const answer = locationOf(await browser.visit(page.url, { person: 'ana' }))
  t.equal(answer.searchParams.get('error'), 'access_denied')
  t.match(answer.searchParams.get('error_description'), /not assigned to the client application/)
})

test('more than a hundred groups fail the request where the claim is asked for', async (t) => {
  const { browser, authorizationUrl, okta, redeem } = await startSignIn(t)
  for (let i = 0; i < 101; i++) okta.world.addToGroup('ana', `group-${i}`)
  const page = await browser.visit(await authorizationUrl())
  const answer = locationOf(await browser.visit(page.url, { person: 'ana' }))
  t.match(answer.searchParams.get('error_description'), /too many groups/)
  const plain = await browser.visit(await authorizationUrl({ scope: 'openid' }))
  t.equal((await redeem(plain)).claims()?.sub, 'demo-ana')
})

test('somebody suspended cannot sign in, and their tokens are worth nothing', async (t) => {
  const { browser, authorizationUrl, okta, signIn, config } = await startSignIn(t)
  const tokens = await signIn('ana', { scope: 'openid email offline_access' })
  okta.world.setStatus('ana', 'SUSPENDED')
  await t.rejects(client.fetchUserInfo(config, tokens.access_token, 'demo-ana'))
  t.match(await refusal(client.refreshTokenGrant(config, tokens.refresh_token ?? '')), {
    error: 'invalid_grant',
  })
  const page = await browser.visit(await authorizationUrl())
  t.equal(page.status, 200, 'asked again: the session is over')
  const refused = await browser.visit(page.url, { person: 'ana' })
  t.match(await refused.text(), /this account is suspended/)
})

test('a pushed request works, and is refused like any other', async (t) => {
  const { config, browser, redeem, authorizationUrl } = await startSignIn(t)
  const query = new URL(await authorizationUrl({ scope: 'openid offline_access' })).searchParams
  const url = await client.buildAuthorizationUrlWithPAR(config, query)
  const page = await browser.visit(url.href)
  const tokens = await redeem(await browser.visit(page.url, { person: 'ana' }))
  t.ok(tokens.refresh_token)
  query.delete('state')
  t.match(await refusal(client.buildAuthorizationUrlWithPAR(config, query)), {
    error: 'invalid_request',
  })
})

test('sign-out goes back at once, with an expired hint too; without a hint it is a page', async (t) => {
  const { signIn, browser, config, authorizationUrl } = await startSignIn(t)
  const tokens = await signIn('ana')
  const url = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: 'http://localhost:8080',
    state: 'a b',
  })
  const answer = await browser.visit(url.href)
  t.equal(answer.headers.get('location'), 'http://localhost:8080/?state=a%20b')
  t.equal((await browser.visit(await authorizationUrl())).status, 200, 'asked again')
  const bare = await browser.visit(client.buildEndSessionUrl(config, {}).href)
  t.equal(bare.status, 400)
  const foreign = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? '',
    post_logout_redirect_uri: 'http://evil.example/',
  })
  t.equal((await browser.visit(foreign.href)).status, 400)
})

test('a stronger sign-in is asked for and echoed; one that cannot be had is an error', async (t) => {
  const { signIn, browser, authorizationUrl, okta } = await startSignIn(t)
  await signIn('ana')
  const url = await authorizationUrl({ acr_values: 'urn:okta:loa:2fa:any' })
  t.equal((await browser.visit(url)).status, 200, 'asked although there is a session')
  const tokens = await signIn('ana', { acr_values: 'urn:okta:loa:2fa:any' })
  t.equal(tokens.claims()?.['acr'], 'urn:okta:loa:2fa:any')
  okta.faults.acrUnmet = true
  const refused = locationOf(await browser.visit(await authorizationUrl({ acr_values: 'phr' })))
  t.equal(refused.searchParams.get('error'), 'unmet_authentication_requirements')
})
