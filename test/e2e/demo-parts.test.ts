import { SignJWT } from 'jose'
import { test } from 'tap'
import { startSampleApp } from '../../src/demo/sample-apps.ts'
import { createCamera, newVisitor, startChromium } from '../support/chromium.ts'
import { startProvider } from '../support/start-provider.ts'
import { startUpstream } from '../support/start-upstream.ts'

const PUBLIC_URL = 'http://localhost:8080'

test('in a browser the provider offers people as buttons that the keyboard reaches', async (t) => {
  const receiver = await startUpstream(t, { handler: (_request, response) => response.end('back') })
  const provider = await startProvider(t, { redirectUris: [`${receiver.origin}/callback`] })
  const browser = await startChromium(t)
  const camera = createCamera(t, process.env['SCREENSHOTS'])
  const page = await newVisitor(browser)
  const url = new URL(`${provider.issuer}/auth`)
  url.search = new URLSearchParams({
    client_id: provider.clientId,
    redirect_uri: `${receiver.origin}/callback`,
    response_type: 'code',
    scope: 'openid profile email groups',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    login_hint: 'ben@example.com',
  }).toString()
  await page.goto(url.href)
  await camera(page, 'provider-picker')
  t.equal(await page.getByRole('button').count(), 5)
  t.ok(
    await page
      .getByRole('button', { name: /Ben Okafor/ })
      .evaluate((button) => button.matches(':focus')),
  )
  await page.keyboard.press('Enter')
  await page.waitForURL(`${receiver.origin}/callback?*`)
  t.match(page.url(), /\/callback\?code=/)
  await page.goto(url.href)
  t.match(page.url(), /\/callback\?code=/, 'the second time nobody is asked')
  await page.goto(`${provider.issuer}/session/end`)
  await camera(page, 'provider-sign-out')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await camera(page, 'provider-signed-out')
  t.match(await page.textContent('h1'), 'Signed out')
  await page.goto(`${provider.issuer}/auth?client_id=nobody`)
  await camera(page, 'provider-error')
})

test('in a browser a sample app shows a stranger its page without any script or foreign asset', async (t) => {
  const app = await startSampleApp({
    title: 'Hello',
    origin: 'http://hello.localhost:8080',
    otherApp: { title: 'Reports', origin: 'http://reports.localhost:8080' },
    publicUrl: PUBLIC_URL,
    jwksUrl: 'http://127.0.0.1:1/',
  })
  t.teardown(app.close)
  const browser = await startChromium(t)
  const camera = createCamera(t, process.env['SCREENSHOTS'])
  const page = await newVisitor(browser, { javaScriptEnabled: false })
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).origin))
  await page.goto(app.origin)
  await camera(page, 'sample-app-anonymous')
  await page.setExtraHTTPHeaders({
    'x-gatehouse-jwt-assertion': await new SignJWT({ name: 'Ana' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new Uint8Array(32)),
    'x-forwarded-preferred-username': 'ana',
    'x-forwarded-email': 'ana@example.com',
    'x-forwarded-groups': 'platform-engineers,data-science',
  })
  await page.goto(`${app.origin}/`)
  await camera(page, 'sample-app-refused')
  t.match(await page.textContent('h1'), 'Hello, ana')
  t.match(await page.textContent('.verdict'), 'does not verify')
  t.same(new Set(asked), new Set([app.origin]))
})
