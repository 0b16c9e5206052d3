/** Classes H and F: what costs more than it should, and what is no session. */

import { type Attack, attempt, type Judge } from '../attack.ts'
import { HOST } from '../target.ts'

const GET = `GET /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`

/** Bytes, and what Gatehouse answers. */
export const OVERSIZED: Readonly<Record<string, readonly [bytes: string, status: number]>> = {
  'two hundred headers': [`${GET}${'X-A: 1\r\n'.repeat(200)}\r\n`, 431],
  'three thousand headers': [`${GET}${'X-A: 1\r\n'.repeat(3_000)}\r\n`, 431],
  'a header of 64 KB': [`${GET}X-A: ${'a'.repeat(65_536)}\r\n\r\n`, 431],
  'a header of 1 MB': [`${GET}Authorization: Bearer ${'a'.repeat(1 << 20)}\r\n\r\n`, 431],
  'a header name of 40 KB': [`${GET}${'a'.repeat(40_000)}: 1\r\n\r\n`, 431],
  'cookies of 40 KB': [`${GET}Cookie: ${'a=1;'.repeat(10_000)}\r\n\r\n`, 431],
  'a target of 20 KB': [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 414],
  'a target of 1 MB': [`GET /${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 414],
}

/** Refused, or cut off while it was being sent. */
const isRefused: Judge = ({ answer, arrived }) =>
  arrived.length === 0 && (answer.status === 0 || (answer.status >= 400 && answer.status < 500))
    ? undefined
    : `${answer.status}, and ${arrived.length} arrived`

export const oversized: Attack = {
  id: 'H6, H15',
  name: 'heads and targets without bounds',
  attempts: () =>
    Object.entries(OVERSIZED).map(([name, [bytes]]) =>
      attempt(name, bytes, { until: 'answer', judge: isRefused }),
    ),
}

export const EXPECTATIONS = ['100-continue', '100-Continue', 'x'] as const

export const unwantedBody: Attack = {
  id: 'H9',
  name: 'a gigabyte that waits for a go-ahead is refused without it',
  attempts: () =>
    EXPECTATIONS.map((expectation) =>
      attempt(
        expectation,
        `POST /admin HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1073741824\r\nExpect: ${expectation}\r\n\r\n`,
        {
          until: 'answer',
          judge: ({ answer }) =>
            / 100 /.test(answer.text.slice(0, 15)) ? 'a go-ahead was given' : undefined,
        },
      ),
    ),
}

/** One letter further down the alphabet of base64url. */
const otherLetter = (letter = '') => (letter === 'A' ? 'B' : 'A')

/** Cookies that are no session, made from one that is. */
export const FORGED_COOKIES: Readonly<Record<string, (name: string, good: string) => string>> = {
  'no value': (name) => `${name}=`,
  'no sign': (name) => name,
  rubbish: (name) => `${name}=%%%`,
  'a word': (name) => `${name}=admin`,
  JSON: (name) => `${name}={"sub":"sub-ada","groups":["admins"]}`,
  'an unsigned JWT': (name) => `${name}=eyJhbGciOiJub25lIn0.eyJzdWIiOiJzdWItYWRhIn0.`,
  'half of a session': (name, good) => `${name}=${good.slice(0, good.length / 2)}`,
  'all but the last letter': (name, good) => `${name}=${good.slice(0, -1)}`,
  'a letter more': (name, good) => `${name}=${good}A`,
  padding: (name, good) => `${name}=${good}==`,
  'another first letter': (name, good) => `${name}=${otherLetter(good[0])}${good.slice(1)}`,
  'another letter within': (name, good) =>
    `${name}=${good.slice(0, 20)}${otherLetter(good[20])}${good.slice(21)}`,
  'the session twice': (name, good) => `${name}=${good}${good}`,
  'the session in quotes': (name, good) => `${name}="${good}"`,
  'the session percent-encoded': (name, good) =>
    `${name}=%${good.charCodeAt(0).toString(16)}${good.slice(1)}%20`,
  'the name in capitals': (name, good) => `${name.toUpperCase()}=${good}`,
  'the name with an ending': (name, good) => `${name}-=${good}`,
  'the name with a prefix': (name, good) => `__Host-${name}=${good}`,
  'the name of a sign-in': (name, good) => `${name}-signin=${good}`,
  'a name of every object': (_name, good) => `__proto__=${good}; constructor=${good}`,
  'seven kilobytes': (name) => `${name}=${'A'.repeat(7_000)}`,
  'bytes past ASCII': (name) => `${name}=\xe9\xff`,
  'five thousand empty pairs': () => ';'.repeat(5_000),
  'five thousand pairs': () => 'a=1;'.repeat(5_000),
}

const isNoError: Judge = ({ answer }) =>
  answer.status >= 200 && answer.status < 500 ? undefined : `${answer.status || 'no answer'}`

export const forgedCookies: Attack = {
  id: 'F1, F4',
  name: 'cookies that are no session open nothing and break nothing',
  attempts: () =>
    Object.entries(FORGED_COOKIES).flatMap(([name, forge]) =>
      ['/admin', '/', '/public/x'].map((path) =>
        attempt(
          `${name} on ${path}`,
          async (_cookie, target) => {
            const line = await target.cookie('ada')
            const good = line.match(new RegExp(`[ ;]${target.sessionCookie}=([^;]*)`))?.[1] ?? ''
            if (good === '') throw new Error(`no cookie \`${target.sessionCookie}\` in ${line}`)
            return `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nCookie: ${forge(target.sessionCookie, good)}\r\nConnection: close\r\n\r\n`
          },
          { judge: isNoError },
        ),
      ),
    ),
}
