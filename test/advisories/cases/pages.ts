/** Classes D, F and H: what a proxy says itself repeats no markup, and is kept by nobody. */

import { type Attack, attempt, type Judge } from '../attack.ts'
import { HOST } from '../target.ts'

const MARKUP = '<img src=x onerror=alert(1)>'
const ENCODED = encodeURIComponent(MARKUP)

const ask = (target: string, ...lines: readonly string[]) =>
  `${[`GET ${target} HTTP/1.1`, `Host: ${HOST}`, 'Accept: text/html', ...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`

const repeatsNoMarkup: Judge = ({ answer, arrived }) =>
  arrived.length === 0 && answer.text.includes(MARKUP)
    ? `it repeats the markup, answered ${answer.status}`
    : undefined

/** RFC 6749 §4.1.2.1: anybody can call the callback with these. */
const QUERIES = [
  `error=${ENCODED}`,
  `error=access_denied&error_description=${ENCODED}`,
  `error=access_denied&error_description=${ENCODED}&state=${ENCODED}`,
  `code=${ENCODED}&state=${ENCODED}`,
  `state=${ENCODED}`,
  `iss=${ENCODED}`,
  `${ENCODED}=${ENCODED}`,
] as const

export const markup: Attack = {
  id: 'D5, H13',
  name: 'pages of its own repeat no markup of the request',
  attempts: () => [
    ...QUERIES.map((query) =>
      attempt(`its own path with ${query}`, (_cookie, { ownPath }) => ask(`${ownPath}?${query}`), {
        judge: repeatsNoMarkup,
      }),
    ),
    ...[
      `/${ENCODED}`,
      `/${MARKUP.replaceAll(' ', '%20')}`,
      `/x%2f${ENCODED}`,
      `/%00${ENCODED}`,
    ].map((path) =>
      attempt(path, ask(path, `Referer: ${MARKUP}`, `User-Agent: ${MARKUP}`), {
        judge: repeatsNoMarkup,
      }),
    ),
    ...[MARKUP, `${MARKUP}.example`].map((host) =>
      attempt(
        `the host ${host}`,
        `GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
        { judge: repeatsNoMarkup },
      ),
    ),
    attempt(`the method ${MARKUP}`, ask('/').replace('GET', MARKUP), { judge: repeatsNoMarkup }),
    attempt('a header that is none', ask('/', `${MARKUP}: x`), { judge: repeatsNoMarkup }),
  ],
}

/** RFC 9111 §3: without it a shared cache may keep what is sent to one person. */
const isNotKept: Judge = ({ answer, arrived }) => {
  if (arrived.length > 0) return undefined
  if ([206, 304].includes(answer.status)) return `it is answered ${answer.status}`
  if (answer.status >= 400) return undefined
  const control = answer.header('cache-control') ?? ''
  return /no-store|no-cache|private/.test(control) ? undefined : `\`Cache-Control: ${control}\``
}

const CONDITIONS = [
  'If-None-Match: *',
  'Range: bytes=0-0',
  'If-Modified-Since: Sat, 01 Jan 2050 00:00:00 GMT',
] as const

export const keptAnswers: Attack = {
  id: 'F18, H10',
  name: 'the redirect to a sign-in is kept by no cache, whatever the conditions',
  attempts: () =>
    ['/admin', '/x?y'].flatMap((path) =>
      [...CONDITIONS, 'Accept-Language: en'].map((condition) =>
        attempt(`${path} with ${condition}`, ask(path, condition), { judge: isNotKept }),
      ),
    ),
}
