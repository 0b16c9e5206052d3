/** What every page must bear: axe, dark and narrow, the keyboard alone, and a content security policy that nothing breaks. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import type { Test } from 'tap'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds, one line for each. */
async function findings(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(`axe.run(document, { resultTypes: ['violations'] }).then((found) =>
    found.violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => id + ': ' + html.slice(0, 200) + ' ' + (any[0]?.message ?? ''))))`)
}

/** The size that pages are seen in unless another is asked for. */
export const WIDE = { width: 1_200, height: 800 }

const OVERFLOWS = `document.documentElement.scrollWidth > window.innerWidth`

/** What can have the focus, in the order of the document. */
const REACHABLE = `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary, [tabindex="0"]')]
  .map((one) => one.outerHTML.slice(0, 120))`

const WATCH_FOCUS = `window.focused = []
document.addEventListener('focusin', ({ target }) => {
  const { outlineStyle, outlineWidth } = getComputedStyle(target)
  const box = target.getBoundingClientRect()
  window.focused.push({
    html: target.outerHTML.slice(0, 120),
    shown: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && box.width > 0 && box.left >= 0,
  })
})`

interface Focused {
  readonly html: string
  readonly shown: boolean
}

/** Tab after Tab from the top: every control has its turn, in order, and shows that it has. */
async function checkKeyboard(t: Test, page: Page, name: string): Promise<void> {
  const reachable = await page.evaluate<string[]>(REACHABLE)
  await page.evaluate(WATCH_FOCUS)
  for (let n = 0; n < reachable.length; n++) await page.keyboard.press('Tab')
  const focused = await page.evaluate<readonly Focused[]>('window.focused')
  const reached = focused.map(({ html }) => html)
  for (const { html, shown } of focused) {
    if (!shown) t.fail(`${name}: the focus on ${html} cannot be seen`)
  }
  t.same(reached, reachable, `${name}: all controls by keyboard, in order`)
}

/** Collects what a page's content security policy refuses, and whatever else goes wrong in the browser. */
export function watchConsole(page: Page): readonly string[] {
  const complaints: string[] = []
  page.on('console', (message) => {
    const isStatus = /Failed to load resource: the server responded/.test(message.text())
    if (message.type() === 'error' && !isStatus) complaints.push(`${page.url()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`))
  return complaints
}

/** Sees the page that is open, in light and wide as it is, in dark and narrow, and by keyboard. */
export async function checkLooks(
  t: Test,
  page: Page,
  name: string,
  picture: (page: Page, name: string) => Promise<void>,
): Promise<void> {
  const size = Buffer.byteLength(await page.content())
  t.ok(size < 30_000 || name.startsWith('operator'), `${name}: ${size} bytes`)
  // It comes by the debugger: pages themselves let no script in.
  await page.evaluate(AXE)
  t.same(await findings(page), [], `${name}: axe in light`)
  await picture(page, `${name}-light`)
  await page.emulateMedia({ colorScheme: 'dark' })
  await picture(page, `${name}-dark`)
  await page.setViewportSize({ width: 320, height: 700 })
  t.same(await findings(page), [], `${name}: axe in dark, 320 px wide`)
  t.notOk(await page.evaluate(OVERFLOWS), `${name}: nothing sticks out at 320 px`)
  await picture(page, `${name}-narrow`)
  await page.setViewportSize(WIDE)
  await page.emulateMedia({ colorScheme: 'light' })
  await checkKeyboard(t, page, name)
}
