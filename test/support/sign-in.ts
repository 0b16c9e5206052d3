/** Signing in as a test's browser does it: by the pages of the development provider. */

import type { BrowserAnswer, BrowserClient } from './browser-client.ts'

/** Visits `url`, is asked by the provider, picks `person`, and ends where the gateway leads. */
export async function signIn(
  browser: BrowserClient,
  url: string,
  person: string,
): Promise<BrowserAnswer> {
  const picker = await browser.follow(url)
  const answer = await browser.post(picker.url, { person })
  if (answer.location === undefined)
    throw new Error(`not at the provider but at ${picker.url}: ${picker.status}`)
  return browser.follow(answer.location)
}
