/** The page of a sample app: whom it sees, whether it may believe that, and every header that it received. */

import { escapeHtml, type Page } from './html.ts'
import { groupTags } from './provider-pages.ts'
import type { Visit } from './sample-apps.ts'

export function sampleAppPage(
  visit: Visit,
  otherApp: { readonly title: string; readonly origin: string },
): Page {
  const greeting = visit.name === undefined ? 'Hello, whoever you are' : `Hello, ${visit.name}`
  return {
    title: `${greeting} – ${visit.app}`,
    body: `<p class="eyebrow">${escapeHtml(visit.app)} · sample app</p>
<h1>${escapeHtml(greeting)}</h1>
<p class="soft">${escapeHtml(visit.email ?? 'No identity was sent with this request.')}</p>
<p><strong>Your groups:</strong> ${groupTags(visit.groups)}</p>
${verdictLine(visit)}
<h2>What this app received</h2>
<div class="scroll"><table>
<caption><code>${escapeHtml(`${visit.method} ${visit.path}`)}</code>; names in colour were set by Gatehouse</caption>
<tbody>
${oursFirst(visit.headers).map(headerRow).join('\n')}
</tbody>
</table></div>
<nav aria-label="Elsewhere">
<a href="${escapeHtml(otherApp.origin)}/">${escapeHtml(otherApp.title)}</a>
<a href="/.gatehouse/">Your session</a>
<a href="/.gatehouse/sign_out">Sign out</a>
</nav>`,
  }
}

function verdictLine({ assertion }: Visit): string {
  switch (assertion.kind) {
    case 'verified':
      return `<p class="verdict good"><strong>The assertion verifies.</strong>
Signed by <code>${escapeHtml(String(assertion.claims.iss))}</code> for <code>${escapeHtml(String(assertion.claims.aud))}</code>,
valid until ${escapeHtml(untilTime(assertion.claims.exp))}.</p>`
    case 'missing':
      return '<p class="verdict"><strong>No assertion came.</strong> This page is open to everyone.</p>'
    case 'refused':
      return `<p class="verdict bad"><strong>The assertion does not verify:</strong> ${escapeHtml(assertion.why)}.</p>`
  }
}

function untilTime(epochSeconds: number | undefined): string {
  if (epochSeconds === undefined) return 'an unknown time'
  return `${new Date(epochSeconds * 1_000).toISOString().slice(11, 19)} UTC`
}

const SET_BY_GATEHOUSE = /^x-(gatehouse|forwarded|request-id)/i

function oursFirst(headers: Visit['headers']): Visit['headers'] {
  const isOurs = ([name]: readonly [string, string]) => SET_BY_GATEHOUSE.test(name)
  return [...headers.filter(isOurs), ...headers.filter((header) => !isOurs(header))]
}

function headerRow([name, value]: readonly [string, string]): string {
  const ours = SET_BY_GATEHOUSE.test(name) ? ' class="ours"' : ''
  return `<tr${ours}><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`
}
