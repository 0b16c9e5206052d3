import type { Page } from 'playwright-core'
import { test } from 'tap'
import { createCamera, newVisitor, startChromium } from '../support/chromium.ts'
import { startDemo } from '../support/start-demo.ts'

/** Chooses somebody at the development provider. */
const pick = async (page: Page, name: string) => {
  await page.getByRole('heading', { name: 'Whom do you want to be?' }).waitFor()
  await page.getByRole('button', { name }).click()
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()
const textOf = (page: Page) => page.locator('main').textContent()

test('a day at the gateway: in, refused, another account, in, out, asked again', async (t) => {
  const { publicUrl } = await startDemo(t)
  const { port } = new URL(publicUrl)
  const hello = `http://hello.localhost:${port}/`
  const reports = `http://reports.localhost:${port}/`
  const browser = await startChromium(t)
  const picture = createCamera(t, process.env['SCREENSHOTS'])
  const page = await newVisitor(browser)

  await page.goto(`${hello}some/page?with=query`)
  await picture(page, 'whom-to-be')
  await pick(page, 'Ana Ferreira')
  t.equal(page.url(), `${hello}some/page?with=query`, 'she lands where she wanted to go')
  await picture(page, 'hello-ana')
  t.equal(await heading(page), 'Hello, Ana Ferreira')
  t.match(await textOf(page), 'platform-engineers')
  t.match(await textOf(page), 'The assertion verifies.')

  const refused = await page.goto(reports)
  await picture(page, 'refused-ana')
  t.equal(refused?.status(), 403)
  t.match(await textOf(page), 'data-readers', 'the page names the rule')
  t.match(await textOf(page), 'data-science', 'and the group that is missing')
  t.match(await textOf(page), 'ana@example.com', 'and who she is')

  await page.getByRole('link', { name: /switch account/i }).click()
  await picture(page, 'switch-account')
  await pick(page, 'Ben Okafor')
  t.equal(page.url(), reports)
  await picture(page, 'reports-ben')
  t.equal(await heading(page), 'Hello, Ben Okafor')
  t.match(await textOf(page), 'The assertion verifies.')

  const admin = await page.goto(`${reports}admin`)
  await picture(page, 'refused-ben')
  t.equal(admin?.status(), 403)
  t.match(await textOf(page), 'reports[0]')

  await page.goto(hello)
  t.equal(await heading(page), 'Hello, Ben Okafor', 'one sign-in, all apps')
  await page.getByRole('link', { name: 'Your session' }).click()
  await picture(page, 'session-ben')
  t.match(await textOf(page), 'ben@example.com')

  await page.goto(hello)
  await page.getByRole('link', { name: 'Sign out' }).click()
  await picture(page, 'sign-out')
  await page.getByRole('button', { name: /sign out/i }).click()
  await page.waitForURL(/signed_out/)
  await picture(page, 'signed-out')

  for (const app of [hello, reports]) {
    await page.goto(app)
    t.match(await heading(page), 'Whom do you want to be?', `asked again at ${app}`)
  }
  await picture(page, 'asked-again')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await picture(page, 'cancelled')
  t.match(await textOf(page), /You cancelled the sign-in, or .* refused it/)
})

test('somebody with a name beyond ASCII is greeted by it, and kept out of the staff corner', async (t) => {
  const { publicUrl } = await startDemo(t)
  const hello = publicUrl.replace('localhost', 'hello.localhost')
  const browser = await startChromium(t)
  const picture = createCamera(
    t,
    process.env['SCREENSHOTS'] && `${process.env['SCREENSHOTS']}/dora`,
  )
  const page = await newVisitor(browser)
  await page.goto(hello)
  await pick(page, 'Dóra Kovács')
  await picture(page, 'hello-dora')
  t.equal(await heading(page), 'Hello, Dóra Kovács')
  t.equal((await page.goto(`${hello}/staff/rota`))?.status(), 403)
  await picture(page, 'refused-dora')
})

test('without scripts everything works as well', async (t) => {
  const { publicUrl } = await startDemo(t)
  const hello = publicUrl.replace('localhost', 'hello.localhost')
  const browser = await startChromium(t)
  const page = await newVisitor(browser, { javaScriptEnabled: false })
  await page.goto(hello)
  await pick(page, 'Chris Lindqvist')
  t.equal(await heading(page), 'Hello, Chris Lindqvist')
  await page.getByRole('link', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: /sign out/i }).click()
  await page.waitForURL(/signed_out/)
  await page.goto(hello)
  t.equal(await heading(page), 'Whom do you want to be?')
})
