/** An app that is hostile, or was taken over: what it answers stays its own answer, and never becomes ours or another's. */

import { test } from 'tap'
import { cookieLine, HOST, startTarget } from './start-target.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const EMPTY = 'Content-Length: 0\r\n\r\n'

/** By path, what the app answers. */
const answers: Record<string, string> = {
  '/public/cookies': [
    'HTTP/1.1 200 OK',
    'Set-Cookie: gatehouse=stolen; Path=/',
    'Set-Cookie: GATEHOUSE=kept-1',
    'set-cookie: __Host-gatehouse=stolen; Secure; Path=/',
    'Set-Cookie: gatehouse-signin=stolen',
    'Set-Cookie: gatehouse-signin-AbCdEfGhIj=stolen',
    'Set-Cookie:   gatehouse = stolen; Domain=localhost',
    'Set-Cookie: \tgatehouse\t=stolen',
    'Set-Cookie: =gatehouse=stolen',
    'Set-Cookie: = gatehouse=stolen',
    'Set-Cookie: ==__Host-gatehouse=stolen',
    'Set-Cookie: gatehouse',
    'Set-Cookie: gatehouse; Max-Age=0',
    'Set-Cookie: app=gatehouse=kept-2; HttpOnly',
    'Set-Cookie: gatehouse_theme=kept-3',
    EMPTY,
  ].join('\r\n'),
  '/public/headers': [
    'HTTP/1.1 200 OK',
    'X-Gatehouse-Jwt-Assertion: leaked',
    'X_Gatehouse_Anything: leaked',
    'x-pomerium-claim-email: leaked',
    'Keep-Alive: timeout=99999',
    'Proxy-Authenticate: Basic realm="leaked"',
    'Upgrade: leaked',
    'Connection: keep-alive, X-Hidden',
    'X-Hidden: leaked',
    'constructor: kept',
    '__proto__: kept',
    EMPTY,
  ].join('\r\n'),
  '/public/no-cache-control': `${OK}Cache-Control: public\r\nConnection: Cache-Control\r\n${EMPTY}`,
  '/public/two-answers': `${OK}Content-Length: 5\r\n\r\nfirst${OK}Content-Length: 6\r\n\r\nsecond`,
  '/public/longer': `${OK}Content-Length: 5\r\n\r\nfirst, and more than was said`,
  '/public/no-content': `HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\nsecond`,
  '/public/hints': `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(5)}${OK}${EMPTY}`,
}

/** Answers that are none. */
const broken: Record<string, string> = {
  'a line end in a value': `${OK}X-A: b\rSet-Cookie: gatehouse=stolen\r\n${EMPTY}`,
  'a bare line feed': `${OK}X-A: b\nX-Gatehouse-A: stolen\r\n${EMPTY}`,
  'a NUL in a value': `${OK}X-A: b\0\r\n${EMPTY}`,
  'a folded line': `${OK}X-A: b\r\n Set-Cookie: gatehouse=stolen\r\n${EMPTY}`,
  'a name with a space': `${OK}X A: b\r\n${EMPTY}`,
  'an empty name': `${OK}: b\r\n${EMPTY}`,
  'a status of two digits': `HTTP/1.1 20 OK\r\n${EMPTY}`,
  'a status below all': `HTTP/1.1 000 OK\r\n${EMPTY}`,
  'a control in its reason': `HTTP/1.1 200 O\x01K\r\n${EMPTY}`,
  'length and chunks': `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths': `${OK}Content-Length: 1\r\nContent-Length: 0\r\n\r\n`,
  'a length that is none': `${OK}Content-Length: 0x5\r\n\r\nhello`,
  'a switch of protocols':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  'an endless head': `${OK}${'X-A: 1234567890\r\n'.repeat(10_000)}\r\n`,
}

test('an app that is hostile', async (t) => {
  const target = await startTarget(t, {
    answer: ({ target: path }) =>
      answers[path] ??
      broken[decodeURIComponent(path.slice(8))] ??
      `${OK}Content-Length: 2\r\n\r\nok`,
  })
  const { ask, upstream } = target
  const get = (path: string, ...headers: string[]) =>
    ask([`GET ${path} HTTP/1.1`, `Host: ${HOST}`, ...headers])

  await t.test('sets no cookie of ours, in no spelling that a browser reads as one', async (t) => {
    const { headerLines } = await get('/public/cookies')
    t.same(
      headerLines.filter((line) => /^set-cookie/i.test(line)),
      [
        'Set-Cookie: GATEHOUSE=kept-1',
        'Set-Cookie: app=gatehouse=kept-2; HttpOnly',
        'Set-Cookie: gatehouse_theme=kept-3',
      ],
    )
  })

  await t.test(
    'hands no assertion to a browser, and speaks for no connection but its own',
    async (t) => {
      const { headerLines } = await get('/public/headers')
      t.notMatch(headerLines.join('\n'), /leaked|99999/)
      t.equal(headerLines.filter((line) => line.endsWith(': kept')).length, 2)
    },
  )

  await t.test('cannot have an answer to somebody known kept by others', async (t) => {
    const ada = cookieLine(await target.signedIn('ada'))
    t.equal((await get('/public/no-cache-control', ada)).header('cache-control'), 'private')
  })

  for (const path of ['/public/two-answers', '/public/longer', '/public/no-content']) {
    await t.test(`${path}: what it says too much is nobody else’s answer`, async (t) => {
      for (let n = 0; n < 5; n++) {
        const [first, ...others] = await Promise.all([
          get(path),
          get('/public/x'),
          get('/public/y'),
        ])
        t.notMatch(first?.text, 'second')
        for (const other of others)
          t.ok(other.status === 200 ? other.body === 'ok' : other.status === 502)
      }
    })
  }

  await t.test('of hints the links are passed on, and one answer follows', async (t) => {
    const { text } = await get('/public/hints')
    t.same(text.match(/^HTTP\/1\.1 \d+/gm)?.slice(-1), ['HTTP/1.1 200'])
    t.equal(text.match(/^HTTP\/1\.1 103/gm)?.length, 5)
  })

  for (const name of Object.keys(broken)) {
    await t.test(`an answer with ${name} is a 502 that shows nothing of it`, async (t) => {
      const answer = await get(`/public/${encodeURIComponent(name)}`)
      t.equal(answer.status, 502)
      t.match(JSON.parse(answer.body), { error: 'UPSTREAM_FAILED' })
      t.notMatch(answer.text, /stolen|HPE_|undici|127\.0\.0\.1/)
    })
  }

  t.same(upstream.problems, [])
})
