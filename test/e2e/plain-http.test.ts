import { type Test, test } from 'tap'
import { type BrowserClient, createBrowserClient } from '../support/browser-client.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startNginx } from '../support/start-nginx.ts'
import { startProvider } from '../support/start-provider.ts'
import { until } from '../support/start-redis.ts'

const HELLO = 'http://hello.localhost:8080'
const REPORTS = 'http://reports.localhost:8080'

/** A gateway with the provider before it and a real nginx behind, whose answers repeat what it was sent. */
async function startAll(t: Test) {
  const nginx = await startNginx(t, {
    server: `
      location / {
        default_type text/plain;
        return 200 "user=$http_x_forwarded_user email=$http_x_forwarded_email groups=$http_x_forwarded_groups host=$http_host cookie=[$http_cookie] assertion=$http_x_gatehouse_jwt_assertion";
      }
      location = /page.html { root html; }`,
    files: { 'page.html': '<h1>from nginx</h1>' },
  })
  const provider = await startProvider(t)
  const gateway = await startGateway(t, {
    provider,
    config: {
      identity_headers: { groups: 'all' },
      providers: {
        demo: {
          issuer: provider.issuer,
          client_id: provider.clientId,
          client_secret: provider.clientSecret,
          post_logout_redirect_uri: 'http://localhost:8080/.gatehouse/signed_out',
        },
      },
    },
    policies: `
policies:
  data-readers:
    - allow: { or: [{ groups: data-science }] }
routes:
  - { name: hello, from: "${HELLO}", to: "${nginx.origin}", policy: [{ allow: { or: [{ authenticated_user: true }] } }] }
  - { name: reports, from: "${REPORTS}", to: "${nginx.origin}", policy: [{ use: data-readers }] }
`,
  })
  return { nginx, provider, gateway, browser: createBrowserClient(gateway.port) }
}

/** Visits `url`, is asked by the provider, picks `person`, and ends where the gateway leads. */
async function signIn(browser: BrowserClient, url: string, person: string) {
  const picker = await browser.follow(url)
  const answer = await browser.post(picker.url, { person })
  return browser.follow(answer.location ?? '')
}

test('over plain HTTP: in, refused, another account, in, out, asked again', async (t) => {
  const { browser, nginx, gateway, provider } = await startAll(t)

  const hello = await signIn(browser, `${HELLO}/some/page?q=1`, 'ana')
  t.equal(hello.url, `${HELLO}/some/page?q=1`)
  t.match(
    hello.body,
    'user=demo-ana email=ana@example.com groups=platform-engineers host=127.0.0.1:',
  )
  t.match(hello.body, 'cookie=[]', "the gateway's cookies stay with it")
  t.match(hello.body, /assertion=eyJ/)

  const refused = await browser.follow(`${REPORTS}/`)
  t.equal(refused.status, 403)
  t.match(refused.body, 'data-readers')
  t.match(refused.body, 'data-science')
  const asJson = await browser.send(`${REPORTS}/`, { headers: { accept: 'application/json' } })
  t.match(asJson.json(), { error: 'ACCESS_DENIED', rule: 'data-readers', reason: 'no-allow-rule' })

  const switchUrl = /href="([^"]*switch=true[^"]*)"/.exec(refused.body)?.[1] ?? ''
  const reports = await signIn(
    browser,
    new URL(switchUrl.replaceAll('&amp;', '&'), REPORTS).href,
    'ben',
  )
  t.equal(reports.url, `${REPORTS}/`)
  t.match(reports.body, 'user=demo-ben email=ben@example.com groups=data-science')
  t.match((await browser.follow(`${HELLO}/`)).body, 'user=demo-ben', 'one sign-in, all hosts')

  const out = await browser.post(`${HELLO}/.gatehouse/sign_out`)
  t.equal(new URL(out.location ?? '').origin, provider.issuer, "the provider's session ends too")
  const landing = await browser.follow(out.location ?? '')
  t.match(landing.url, '/.gatehouse/signed_out')
  for (const app of [HELLO, REPORTS]) {
    t.match((await browser.follow(`${app}/`)).body, 'Whom do you want to be?')
  }

  t.match(nginx.accessLog().join('\n'), '"GET /some/page?q=1 HTTP/1.1" 200')
  t.notMatch(nginx.accessLog().join('\n'), '.gatehouse', 'no endpoint of ours reaches the upstream')
  const denied = () => gateway.decisions().find((line) => line['outcome'] === 'deny')
  // Lines are written a moment after the answers.
  await until(async () => denied() !== undefined)
  t.match(denied(), {
    route: 'reports',
    rule: 'data-readers',
    email: 'ana@example.com',
    status: 403,
  })
})

test('what a client claims to be never reaches the upstream', async (t) => {
  const { browser } = await startAll(t)
  await signIn(browser, `${HELLO}/`, 'dora')
  const answer = await browser.send(`${HELLO}/`, {
    headers: {
      'x-forwarded-user': 'demo-ana',
      'X-Forwarded-Email': 'ana@example.com',
      x_forwarded_groups: 'platform-engineers',
      'x-gatehouse-jwt-assertion': 'forged',
    },
  })
  t.match(answer.body, 'user=demo-dora email=dora@contractor.example groups= host')
  t.notMatch(answer.body, 'forged')
})

test('a request that is no page visit is told where to sign in, and a signed-in one gets files', async (t) => {
  const { browser } = await startAll(t)
  const answer = await browser.send(`${HELLO}/page.html`, { method: 'POST', body: 'x' })
  t.equal(answer.status, 401)
  t.match(answer.json(), { error: 'SIGN_IN_REQUIRED' })
  const page = await signIn(browser, `${HELLO}/page.html`, 'chris')
  t.equal(page.body, '<h1>from nginx</h1>')
})
