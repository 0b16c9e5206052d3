/** Every page in a real Chromium: light, dark and narrow, by keyboard, with and without scripts, and by axe. */

import type { Browser, Page } from 'playwright-core'
import { type Test, test } from 'tap'
import { createCamera, newVisitor, startChromium } from '../support/chromium.ts'
import { type PagesFixture, signIn, startPages } from './fixture.ts'
import { checkLooks, WIDE, watchConsole } from './looks.ts'

/** The start of a sign-in at a service that nobody can reach. */
const BROKEN = '/.gatehouse/sign_in?rd=%2F&provider=broken'

const LOGO_WIDTH = `document.querySelector('header img').naturalWidth`

const textOf = (page: Page) => page.locator('main').innerText()

test('every page', async (t) => {
  const fixture = await startPages(t)
  const browser = await startChromium(t)
  // Taken to be looked at, by `npm run screenshots`; nothing else needs their time.
  const folder = process.env['SCREENSHOTS']
  const picture = folder ? createCamera(t, folder) : async () => undefined
  const look = (page: Page, name: string) => checkLooks(t, page, name, picture)
  const page = await newVisitor(browser, { viewport: WIDE })
  const complaints = watchConsole(page)
  const outage = await newVisitor(browser)
  const visits: string[] = []
  outage.on('request', (request) => {
    if (request.isNavigationRequest()) visits.push(request.url())
  })
  await outage.goto(`${fixture.publicUrl}${BROKEN}`)

  await t.test('of somebody who is not signed in', (t) => anonymousPages(t, fixture, page, look))
  await t.test('of somebody who is', (t) => ownPages(t, fixture, page, browser, look))
  await t.test('of the operator', (t) => operatorPages(t, fixture, page, look))
  await t.test('without scripts', async (t) => {
    await withoutScripts(t, fixture, await newVisitor(browser, { javaScriptEnabled: false }))
  })
  if (visits.length < 2) await outage.waitForRequest((request) => request.isNavigationRequest())
  t.ok(visits.length >= 2, 'the page of an outage has asked again by itself')
  t.same(complaints, [], 'the content security policy had nothing to refuse')
})

/** Fills in the field and waits for what comes of it. */
async function search(page: Page, text: string): Promise<void> {
  await page.getByRole('searchbox').fill(text)
  await page.keyboard.press('Enter')
  await page.waitForURL((url) => url.searchParams.get('q') === text)
}

async function openTab(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

type Look = (page: Page, name: string) => Promise<void>

async function anonymousPages(
  t: Test,
  { publicUrl, site }: PagesFixture,
  page: Page,
  look: Look,
): Promise<void> {
  const seen: readonly [name: string, url: string, status: number, text: RegExp][] = [
    ['chooser', `${publicUrl}/.gatehouse/sign_in?rd=%2F`, 200, /Continue with Okta/],
    ['nobody', `${publicUrl}/.gatehouse/`, 200, /not signed in/],
    ['signed-out', `${publicUrl}/.gatehouse/signed_out`, 200, /signed out/],
    ['bad-request', site('wiki', '/a%00b'), 400, /malformed/],
    ['not-found', `${publicUrl}/nothing`, 404, /nothing at this address/],
    ['misdirected', site('elsewhere'), 421, /No site of that name/],
    ['upstream-down', site('warehouse'), 502, /did not answer/],
    ['upstream-slow', site('maps'), 504, /too long/],
    ['sign-in-down', `${publicUrl}${BROKEN}`, 503, /by itself in \d+ seconds/],
    ['local', `${publicUrl}/.gatehouse/local?rd=%2F`, 200, /administrators/],
  ]
  // It would come again by itself while it is looked at; another page is left to do so.
  await page.route(`${publicUrl}${BROKEN}`, async (route) => {
    const response = await route.fetch()
    const { refresh, ...headers } = response.headers()
    t.match(refresh, /^\d+; url=http:\/\/localhost:\d+\/\.gatehouse\/sign_in\?/)
    await route.fulfill({ response, headers })
  })
  for (const [name, url, status, text] of seen) {
    const response = await page.goto(url)
    t.equal(response?.status(), status, name)
    t.match(await textOf(page), text)
    t.equal(await page.evaluate(LOGO_WIDTH), 32, `${name}: the logo is there`)
    t.notMatch(await page.content(), /127\.0\.0\.1/, `${name} tells no internal address`)
    await look(page, name)
  }
  await signInWrongly(page, publicUrl)
  t.match(await textOf(page), /did not work/)
  await look(page, 'local-wrong')
  for (let more = 0; more < 2; more++) await signInWrongly(page, publicUrl)
  t.match(await textOf(page), /Try again in \d+ seconds/)
  await look(page, 'rate-limited')
}

async function signInWrongly(page: Page, publicUrl: string): Promise<void> {
  await page.goto(`${publicUrl}/.gatehouse/local?rd=%2F`)
  await page.getByLabel('Name').fill('root')
  await page.getByLabel('Password').fill('wrong')
  await page.keyboard.press('Enter')
  await page.waitForURL(({ search }) => search === '')
}

async function ownPages(
  t: Test,
  { publicUrl, site }: PagesFixture,
  page: Page,
  browser: Browser,
  look: Look,
): Promise<void> {
  await signIn(page, site('wiki'), 'Okta', 'Ana Ferreira')
  await page.goto(`${publicUrl}/.gatehouse/`)
  t.match(await textOf(page), /62 sites/)
  await look(page, 'portal')

  await page.getByRole('searchbox').fill('dash alerts')
  await page.getByText('1 of 62 sites').waitFor()
  t.equal(await page.locator('.apps li').count(), 1, 'the list follows what is typed')
  await page.getByRole('searchbox').fill('no such thing')
  await page.getByText('None of your sites').waitFor()
  t.match(page.url(), /\?q=no\+such\+thing$/)

  const refused = await page.goto(site('finance', '/invoices'))
  t.equal(refused?.status(), 403)
  const text = await textOf(page)
  for (const part of ['Ana Ferreira', 'finance-staff', 'group finance', 'it-help@example.com']) {
    t.match(text, part)
  }
  t.match(text, /Request ID\s+[0-9a-f]{32}/)
  await look(page, 'refused')

  await page.goto(`${publicUrl}/.gatehouse/sign_out`)
  await look(page, 'sign-out')

  const partner = await newVisitor(browser, { viewport: WIDE })
  const complaints = watchConsole(partner)
  await signIn(partner, site('wiki'), 'Partner directory', 'Dóra Kovács')
  const down = await partner.goto(site('vault'))
  t.equal(down?.status(), 503)
  t.equal(down?.headers()['refresh'], '30')
  await look(partner, 'unavailable')
  t.same(complaints, [])
  await partner.context().close()
}

async function operatorPages(
  t: Test,
  { gateway, site }: PagesFixture,
  page: Page,
  look: Look,
): Promise<void> {
  const { adminUrl } = gateway
  gateway.writePolicies({ 'bad.yaml': 'routes:\n  - { name: x, form: "http://x.localhost" }\n' })
  await gateway.gateway.reload()
  await page.goto(adminUrl)
  t.match(await textOf(page), /bad\.yaml:2:\d+/, 'the mistake at its place')
  await look(page, 'operator-overview')

  await openTab(page, 'Decisions')
  t.match(await textOf(page), 'finance-staff')
  await look(page, 'operator-decisions')
  await search(page, 'deny ana')
  await page.getByRole('link', { name: /^Why/ }).first().click()
  await page.getByRole('heading', { name: 'Why?' }).waitFor()
  t.match(await textOf(page), /allow with\s+group finance/)
  t.match(await textOf(page), /allow finance-staff[\s\S]*groups: finance/)
  await look(page, 'operator-why')

  await openTab(page, 'Policies')
  await search(page, 'finance')
  t.match(await textOf(page), /chris/)
  await look(page, 'operator-policies')

  await openTab(page, 'Sessions')
  await look(page, 'operator-sessions')
  await page
    .getByRole('button', { name: /End the session of ana@example.com/ })
    .first()
    .click()
  await page.getByText('1 session has ended.').waitFor()
  const after = await page.goto(site('wiki'))
  t.match(after?.url(), /sign_in/, 'whoever was ended is asked to sign in again')
}

async function withoutScripts(
  t: Test,
  { publicUrl, site, gateway }: PagesFixture,
  page: Page,
): Promise<void> {
  await signIn(page, site('wiki'), 'Okta', 'Ben Okafor')
  await page.goto(`${publicUrl}/.gatehouse/`)
  await search(page, 'menu')
  await page.getByText('1 of 62 sites').waitFor()
  await page.goto(`${publicUrl}/.gatehouse/?page=2`)
  await page.getByRole('link', { name: 'Next' }).click()
  await page.getByText('Page 3 of 3').waitFor()
  await page.goto(`${gateway.adminUrl}/operator/sessions?q=ben@example.com`)
  await page.getByRole('button', { name: 'End all sessions of ben@example.com' }).click()
  await page.getByText('1 session has ended.').waitFor()
  await page.goto(site('wiki'))
  await page.getByRole('link', { name: 'Sign in with a password' }).click()
  t.match(await textOf(page), /administrators/)
}
