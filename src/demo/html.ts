/** What all pages of the demo share: escaping, one frame, one style sheet. No script, nothing from elsewhere. */

import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'

const STYLE = `
:root { color-scheme: light dark; --accent: #0b5fff; --ink: #1a2233; --soft: #5a6478; --line: #dde2ea; --card: #fff; --ground: #f3f5f9; --good: #12703a; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --accent: #7aa7ff; --ink: #e8ecf4; --soft: #a3adbf; --line: #333c4d; --card: #1b2230; --ground: #11161f; --good: #6fd39a; --bad: #ff9c94 }
}
* { box-sizing: border-box }
body { margin: 0; padding: 2.5rem 1rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main { max-width: 46rem; margin: 0 auto; background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: 2rem }
main.narrow { max-width: 28rem }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25 }
h2 { margin: 2rem 0 .5rem; font-size: 1.05rem }
p { margin: .25rem 0 1rem }
.soft, .eyebrow { color: var(--soft) }
.eyebrow { margin: 0 0 1rem; font-size: .8rem; font-weight: 600; letter-spacing: .06em; text-transform: uppercase }
a { color: var(--accent) }
nav { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line) }
.tag { display: inline-block; padding: .05rem .6rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .85rem; white-space: nowrap }
.people { display: grid; gap: .75rem; margin: 1.5rem 0; padding: 0; list-style: none }
.people button { width: 100%; padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .6rem; background: transparent; color: inherit; font: inherit; text-align: left; cursor: pointer }
.people button:hover, .people button:focus-visible { border-color: var(--accent) }
.people strong, .people small { display: block }
.people small { color: var(--soft) }
button:focus-visible, a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
.plain { border: 0; padding: .25rem 0; background: none; color: var(--accent); font: inherit; text-decoration: underline; cursor: pointer }
.verdict { padding: .7rem 1rem; border-left: .3rem solid; border-radius: .3rem; background: var(--ground) }
.verdict.good { border-color: var(--good) }
.verdict.bad { border-color: var(--bad) }
.verdict.good strong { color: var(--good) }
.verdict.bad strong { color: var(--bad) }
.scroll { overflow-x: auto }
table { width: 100%; border-collapse: collapse; font-size: .875rem }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem }
th, td { padding: .35rem .5rem .35rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: top }
th { width: 15rem; font-weight: 600 }
td { overflow-wrap: anywhere; font-family: ui-monospace, SFMono-Regular, Menlo, monospace }
tr.ours th { color: var(--accent) }
@media (max-width: 34rem) {
  body { padding: 1rem .5rem }
  main { padding: 1.25rem }
  th, td { display: block; width: auto; padding-right: 0 }
  td { padding-top: 0; border-top: 0 }
  code { overflow-wrap: anywhere }
}
`

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** `text` as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character)
}

export interface Page {
  readonly title: string
  /** HTML that stands in `main`. */
  readonly body: string
  readonly narrow?: boolean
}

/** A whole document. */
export function renderPage({ title, body, narrow }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main${narrow ? ' class="narrow"' : ''}>
${body}
</main>
</body>
</html>
`
}

/**
 * Headers of every page of the demo. There is no `form-action`: Chromium applies it to the redirects that follow a
 * form as well, and a sign-in ends with one to another origin.
 */
export function pageHeaders(): Readonly<Record<string, string>> {
  const style = createHash('sha256').update(STYLE).digest('base64')
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}

export function sendPage(response: ServerResponse, status: number, page: Page): void {
  response.writeHead(status, pageHeaders()).end(renderPage(page))
}
