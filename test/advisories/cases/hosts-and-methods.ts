/** Classes C and B, hosts, methods, and what is no request: nothing is let in under another name. */

import { type Attack, attempt, type Judge, nothingArrives } from '../attack.ts'
import { HOST } from '../target.ts'

const by = (method: string, path: string, host: string, cookie = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${cookie}Connection: close\r\n\r\n`

export const SAME_HOSTS = [
  'APP.localhost',
  'app.localhost.',
  'app.localhost:8080',
  'App.LocalHost.:1',
] as const

export const sameHosts: Attack = {
  id: 'C13',
  name: 'capitals, a trailing dot or a port make no other host',
  attempts: () =>
    SAME_HOSTS.flatMap((host) => [
      attempt(`${host} by nobody`, by('GET', '/admin', host), { judge: nothingArrives }),
      attempt(`${host} by dora`, (cookie) => by('GET', '/admin', host, cookie), {
        who: 'dora',
        judge: nothingArrives,
      }),
    ]),
}

/** What Gatehouse answers to each. */
export const STRANGE_HOSTS: Readonly<Record<string, number>> = {
  'evil@app.localhost': 400,
  'app.localhost@evil.example': 400,
  'app.localhost evil.example': 400,
  app_localhost: 400,
  'evil.example/app.localhost': 400,
  'app.localhost/': 400,
  'app.localhost#': 400,
  'app.localhost?': 400,
  'app.localhost:80:80': 400,
  'app.localhost:x': 400,
  'app.localhost:99999': 400,
  'app.localhost,evil.example': 400,
  'app%2elocalhost': 400,
  '.app.localhost': 400,
  'app..localhost': 400,
  'app.localhost..': 400,
  '*.tenants.localhost': 400,
  'a.b.tenants.localhost': 421,
  'tenants.localhost': 421,
  'evil.example': 421,
  'xapp.localhost': 421,
  'app.localhost.evil.example': 421,
  '127.0.0.1': 421,
  '[::1]': 421,
  '2130706433': 421,
  __proto__: 400,
  constructor: 421,
  '': 400,
}

export const strangeHosts: Attack = {
  id: 'C14',
  name: 'hosts that are none, or are not served',
  attempts: () =>
    Object.keys(STRANGE_HOSTS).map((host) =>
      attempt(JSON.stringify(host), by('GET', '/public/x', host), { judge: nothingArrives }),
    ),
}

const heads: Readonly<Record<string, readonly string[]>> = {
  'two Host headers': ['GET /public/x HTTP/1.1', `Host: ${HOST}`, `Host: ${HOST}`],
  'two different ones': ['GET /public/x HTTP/1.1', `Host: ${HOST}`, 'host: evil.example'],
  none: ['GET /public/x HTTP/1.1', 'Accept: */*'],
  'none in HTTP/1.0': ['GET /public/x HTTP/1.0'],
  'one on a second line': ['GET /public/x HTTP/1.1', `Host: ${HOST}`, ' evil.example'],
  'another than the target': ['GET http://evil.example/public/x HTTP/1.1', `Host: ${HOST}`],
  'none beside an absolute target': [`GET http://${HOST}/public/x HTTP/1.1`],
}

export const notOneHost: Attack = {
  id: 'C15',
  name: 'two Host headers, none, or another than the target',
  attempts: () =>
    Object.entries(heads).map(([name, lines]) =>
      attempt(name, `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n`, {
        judge: nothingArrives,
      }),
    ),
}

export const METHODS = [
  'get',
  'Get',
  'FOO',
  'TRACE',
  'TRACK',
  'DEBUG',
  'PRI',
  'GET,POST',
  'G\u00cbT',
  '',
] as const

const echoesNothing: Judge = ({ answer }) =>
  answer.body.includes('secret-of-the-test') ? 'the answer repeats the request' : undefined

export const oddMethods: Attack = {
  id: 'C17',
  name: 'unknown methods, TRACE, CONNECT',
  attempts: () => [
    ...METHODS.flatMap((method) => [
      attempt(`${JSON.stringify(method)} on a closed path`, by(method, '/admin', HOST)),
      attempt(
        `${JSON.stringify(method)} on an open one`,
        by(method, '/public/x', HOST, 'X-Secret: secret-of-the-test\r\n'),
        { judge: echoesNothing },
      ),
    ]),
    ...[HOST, `${HOST}:80`, 'evil.example:443', '127.0.0.1:9', '/public/x'].map((authority) =>
      attempt(
        `CONNECT ${authority}`,
        `CONNECT ${authority} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${by('GET', '/public/x', HOST)}`,
        {
          judge: ({ answer }) =>
            / 2\d\d /.test(answer.text.slice(8, 14)) ? 'a tunnel was opened' : undefined,
        },
      ),
    ),
  ],
}

export const proxyLine: Attack = {
  id: 'B12',
  name: 'a PROXY protocol line from anybody',
  attempts: () =>
    ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c'].map((line) =>
      attempt(JSON.stringify(line), line + by('GET', '/public/x', HOST), { judge: nothingArrives }),
    ),
}
