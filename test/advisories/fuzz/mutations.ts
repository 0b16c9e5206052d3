/** Requests as bytes, made from a number: well-formed ones of this project's corners, then broken in a few places. */

export type Random = () => number

/** The same numbers for the same seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T
}

const HOSTS = ['app.localhost', 'keep.localhost']
const ODD_HOSTS = [
  'APP.localhost.',
  'app.localhost:8080',
  'evil@app.localhost',
  'nobody.localhost',
  '',
]
const METHODS = [
  'GET',
  'GET',
  'GET',
  'GET',
  'PUT',
  'PATCH',
  'POST',
  'HEAD',
  'OPTIONS',
  'QUERY',
  'TRACE',
  'get',
]
const PIECES = [
  '/',
  '//',
  'public',
  'public/',
  'admin',
  '..',
  '.',
  '%2e',
  '%2E%2e',
  '%2f',
  '%2F',
  '%5c',
  '\\',
  '%00',
  '%',
  '%zz',
  ';',
  ';x=1',
  '%61dmin',
  '%25',
  '%252f',
  '%252e',
  '%c0%ae',
  '%e2%80%ae',
  '#',
  '%23',
  '?',
  '%3f',
  '@',
  ':',
  '*',
  '.gatehouse',
  'a',
  '~',
  '+',
  '\t',
  '\x7f',
  '\xe4',
]
/** Nothing odd in them: without these hardly any request would get through. */
const PLAIN = ['/', 'a', 'b/', '%C3%A9', '%41', '?q=%2f', 'x.y', ';v=1']
const NAMES = [
  'X-Forwarded-User',
  'x_forwarded_user',
  'X.Forwarded.User',
  'Remote-User',
  'X-Gatehouse-Jwt-Assertion',
  'x_pomerium_jwt_assertion',
  'X-Auth-Request-Email',
  'Remote_Groups',
]
const LINES = [
  'X-A: b',
  'Connection: x-forwarded-user',
  'Connection: keep-alive, x-forwarded-host',
  'X-Forwarded-Host: evil.example',
  'Forwarded: host=evil.example',
  'X-Original-URL: /admin',
  'X-Rewrite-URL: /admin',
  'X-HTTP-Method-Override: DELETE',
  'Cookie: gatehouse=x; a=b',
  'Transfer-Encoding: chunked',
  'Content-Length: 5',
  'Content-Length: 0',
  'Transfer-Encoding: xchunked',
  'Expect: 100-continue',
  'Upgrade: h2c',
  'TE: trailers',
  'Trailer: X-Forwarded-User',
  ' folded',
  'Host: evil.example',
  'Range: bytes=0-',
  'Accept: text/html',
]
const BREAKS = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  '\x0b',
  '\x85',
  '\xff',
  '%',
  '/',
  '?',
  '#',
  ';',
  ',',
  '-',
  '_',
  '.',
  '0',
  '1',
]

export interface Parts {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly lines: readonly string[]
  readonly body: string
}

export function makeParts(random: Random): Parts {
  const pieces = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
    random() < 0.7 ? pick(random, PLAIN) : pick(random, PIECES),
  )
  const start = pick(random, [
    '/public/',
    '/public/',
    '/public/',
    '/public/',
    '/',
    'http://app.localhost',
    '//',
  ])
  const count = Math.floor(random() * 5)
  const lines = Array.from({ length: count }, () =>
    random() < 0.3 ? pick(random, LINES) : `${pick(random, NAMES)}: root`,
  )
  return {
    method: pick(random, METHODS),
    path: start + (random() < 0.25 ? '' : pieces.join('')),
    host: random() < 0.85 ? pick(random, HOSTS) : pick(random, ODD_HOSTS),
    lines,
    body: pick(random, [
      '',
      '',
      'hello',
      '5\r\nhello\r\n0\r\n\r\n',
      'GET /admin HTTP/1.1\r\nHost: app.localhost\r\n\r\n',
    ]),
  }
}

/** The bytes of one request, one character each; often with some of them changed. */
export function makeBytes(random: Random): string {
  const { method, path, host, lines, body } = makeParts(random)
  const head = [`${method} ${path} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n')
  let bytes = head + body
  const changes = Math.max(0, Math.floor(random() * 5) - 1)
  for (let i = 0; i < changes; i++) bytes = mutate(random, bytes)
  return bytes
}

export function mutate(random: Random, bytes: string): string {
  const at = Math.floor(random() * (bytes.length + 1))
  const length = Math.floor(random() * 4)
  switch (pick(random, ['insert', 'remove', 'repeat', 'replace'])) {
    case 'insert':
      return bytes.slice(0, at) + pick(random, BREAKS) + bytes.slice(at)
    case 'remove':
      return bytes.slice(0, at) + bytes.slice(at + length)
    case 'repeat':
      return bytes.slice(0, at + length) + bytes.slice(at)
    default:
      return (
        bytes.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + bytes.slice(at + 1)
      )
  }
}
