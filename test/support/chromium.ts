/** A real Chromium with an empty profile, which ends with the test. */

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import type { Test } from 'tap'
import { findTool } from '../../scripts/test-tools.mjs'
import { tempFolder } from './temp-folder.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** What takes longer than this does not come. */
const TIMEOUT_MS = 10_000

/** Opens a page with no cookies, as somebody who has never been here. */
export async function newVisitor(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  context.setDefaultTimeout(TIMEOUT_MS)
  return context.newPage()
}

/** Starts the installed Chromium without a window. */
export async function startChromium(t: Test): Promise<Browser> {
  const executablePath = findTool('chromium')
  if (executablePath === undefined) {
    throw new Error('chromium is not installed: run `npm test` from the start')
  }
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS })
  t.teardown(() => browser.close())
  return browser
}

/** Takes pictures `01-NAME.png`, `02-NAME.png`, ... into `folder` (of the environment's SCREENSHOTS), else a folder that goes with the test. */
export function createCamera(
  t: Test,
  folder: string | undefined,
): (page: Page, name: string) => Promise<void> {
  const target = folder === undefined || folder === '' ? tempFolder(t) : folder
  mkdirSync(target, { recursive: true })
  let count = 0
  return async (page, name) => {
    count += 1
    const file = `${String(count).padStart(2, '0')}-${name}.png`
    await page.screenshot({ path: join(target, file), fullPage: true })
  }
}
