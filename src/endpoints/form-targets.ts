/** Where a form of ours may lead, for its page's `form-action`. */

import type { Visit } from './visit.ts'

/**
 * Chromium holds every redirect after a form against `form-action`: to the provider, back, and on to a site that asks
 * for the next sign-in. What a provider does on its way is not known, but it does it within https.
 */
export function formTargets(
  visit: Visit,
  urls: readonly (string | undefined)[],
): readonly string[] {
  const sources = new Set([visit.publicOrigin])
  for (const url of urls) {
    if (url === undefined || !URL.canParse(url)) continue
    const { origin, protocol } = new URL(url)
    sources.add(protocol === 'https:' ? 'https:' : origin)
  }
  return [...sources]
}
