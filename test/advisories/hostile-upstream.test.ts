/** An app that is hostile, or was taken over: what it answers stays its own answer, and never becomes ours or another's. */

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type Test, test } from 'tap'
import {
  brokenAnswers,
  brokenBodies,
  hints,
  hostileAnswer,
  tooMuch,
  unaskedAnswers,
} from './cases/hostile-upstream.ts'
import {
  block,
  DATA,
  END_HEADERS,
  END_STREAM,
  frame,
  HEADERS,
  RST_STREAM,
  SETTINGS,
} from './h2-frames.ts'
import { holds } from './holds.ts'
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
}

test('an app that is hostile', async (t) => {
  const target = await startTarget(t, {
    answer: (request) => answers[request.target] ?? hostileAnswer(request),
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

  await holds(t, target, tooMuch)
  await holds(t, target, unaskedAnswers)

  // The links are passed on.
  await holds(t, target, hints, ({ answer }) => {
    const statuses = answer.text.match(/^HTTP\/1\.1 \d+/gm)?.map((line) => line.slice(-3))
    return `${statuses}` === '103,103,103,103,103,200'
  })

  await holds(
    t,
    target,
    brokenAnswers,
    ({ answer }) =>
      answer.status === 502 &&
      JSON.parse(answer.body).error === 'UPSTREAM_FAILED' &&
      !/stolen|HPE_|undici|127\.0\.0\.1/.test(answer.text),
  )

  await holds(t, target, brokenBodies)

  t.same(upstream.problems, [])
})

/** Speaks HTTP/2 by hand: to every request it sends `answer`, whatever was asked. */
async function startFrames(t: Test, answer: (stream: number) => Buffer[]): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    let pending: Buffer = Buffer.alloc(0)
    let isBegun = false
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      if (!isBegun && pending.length < 24) return
      if (!isBegun) socket.write(frame(SETTINGS, 0, 0))
      pending = isBegun ? pending : pending.subarray(24)
      isBegun = true
      while (pending.length >= 9 && pending.length >= 9 + pending.readUIntBE(0, 3)) {
        const stream = pending.readUInt32BE(5)
        if (pending.readUInt8(3) === HEADERS) socket.write(Buffer.concat(answer(stream)))
        pending = pending.subarray(9 + pending.readUIntBE(0, 3))
      }
    })
    t.teardown(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `h2c://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('over HTTP/2 an answer that is broken off is never one that has ended', async (t) => {
  const answerHead = (flags: number, stream: number) =>
    frame(HEADERS, flags, stream, block([[':status', '200']]))
  const half = (stream: number) => frame(DATA, 0, stream, Buffer.from('half'))
  const reset = (stream: number, code: number) =>
    frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, code]))
  const kinds: Record<string, (stream: number) => Buffer[]> = {
    cut: (stream) => [answerHead(END_HEADERS, stream), half(stream), reset(stream, 0)],
    failed: (stream) => [answerHead(END_HEADERS, stream), half(stream), reset(stream, 2)],
    begun: (stream) => [answerHead(END_HEADERS, stream), reset(stream, 0)],
    nothing: (stream) => [reset(stream, 0)],
    // A whole answer before the request is: its rest is not wanted. RFC 9113 §8.1
    whole: (stream) => [
      answerHead(END_HEADERS, stream),
      half(stream),
      frame(DATA, END_STREAM, stream, Buffer.from(' and half')),
      reset(stream, 0),
    ],
    empty: (stream) => [answerHead(END_HEADERS | END_STREAM, stream), reset(stream, 0)],
  }
  const routes = await Promise.all(
    Object.entries(kinds).map(async ([name, answer]) => {
      const to = await startFrames(t, answer)
      return `  - { name: ${name}, from: "http://${name}.localhost:8080", to: "${to}", allow_public_unauthenticated_access: true }\n`
    }),
  )
  const { ask } = await startTarget(t, { routes: () => routes.join('') })
  const get = (name: string) => ask(['GET /x HTTP/1.1', `Host: ${name}.localhost`])
  for (const name of ['cut', 'failed', 'begun']) {
    const { text } = await get(name)
    t.notMatch(text, /0\r\n\r\n$/, `${name}: no end that looks like one`)
    t.notMatch(text, /content-length: 0/i, name)
  }
  t.equal((await get('nothing')).status, 502)
  t.match(
    (await get('whole')).text,
    /4\r\nhalf\r\n9\r\n and half\r\n0\r\n\r\n$|d\r\nhalf and half\r\n0\r\n\r\n$/,
  )
  t.match((await get('empty')).text, /content-length: 0/i)
})
