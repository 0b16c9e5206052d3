/** Class H: bytes that are read in two ways, or cost more than they should, end here. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import type { Seen } from './attack.ts'
import {
  ambiguousLengths,
  bodiesOfRefused,
  brokenChunks,
  brokenLines,
  cutOff,
  extensionsAndTrailers,
  oddLengths,
  requestsInARow,
} from './cases/framing.ts'
import { OVERSIZED, oversized, unwantedBody } from './cases/limits.ts'
import { markup } from './cases/pages.ts'
import { behindUpgrades, upgradesWithBodies } from './cases/upgrades.ts'
import { holds } from './holds.ts'
import { cookieLine, HOST, startTarget } from './start-target.ts'

const GET = `GET /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`
const POST = `POST /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`
const SMUGGLED = `GET /public/smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const isRefused = ({ answer, arrived }: Seen) =>
  answer.status === 400 && answer.answers === 1 && arrived.length === 0

test('H: framing', async (t) => {
  const target = await startTarget(t)
  const { upstream, port } = target

  for (const attack of [ambiguousLengths, brokenLines]) {
    await holds(t, target, attack, isRefused)
  }

  await holds(
    t,
    target,
    brokenChunks,
    ({ answer, arrived }) =>
      answer.answers <= 1 &&
      answer.status !== 200 &&
      !arrived.some(({ target }) => target.includes('smuggled')),
  )

  await holds(
    t,
    target,
    extensionsAndTrailers,
    ({ arrived: [first] }) => first?.body === 'hello' && !/root|trailer/i.test(first.head),
  )

  await holds(t, target, oddLengths, ({ answer, arrived }) => {
    const read = arrived.map(({ target, body }) => `${target}: ${body}`)
    return answer.answers === 2 && `${read}` === '/public/x: hello,/public/smuggled: '
  })

  await holds(t, target, bodiesOfRefused)

  await t.test(
    'what is sent behind a refused body is not executed while the connection ends',
    async (t) => {
      upstream.forget()
      const head = `POST /admin HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 5\r\n\r\nhello`
      const answer = await rawRequest(port, head + SMUGGLED, { until: 'close' })
      t.equal(answer.status, 401)
      t.same(upstream.requests, [])
    },
  )

  await holds(t, target, cutOff)

  t.same(upstream.problems, [])
})

test('H: one connection, many requests', async (t) => {
  const target = await startTarget(t, {
    routes: (to) => `
  - { name: chat, from: "http://chat.localhost:8080", to: "${to}", allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const { upstream, port } = target

  await holds(t, target, requestsInARow, ({ answer, arrived }, name) => {
    const isWhole = arrived.length === (name.startsWith('open') ? 2 : answer.answers)
    return isWhole && upstream.openConnections < 4
  })

  await t.test('the answer to one is never taken for that to another', async (t) => {
    const refused = 'GET /admin HTTP/1.1\r\nHost: app.localhost\r\n\r\n'
    const open = `${GET}\r\n`
    const own = `GET /.gatehouse/user HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
    const last = `GET /public/last HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`
    const { text } = await rawRequest(port, refused + open + own + refused + open + last, {
      until: 'close',
    })
    t.same(
      text.match(/HTTP\/1\.1 \d+/g),
      [401, 200, 401, 401, 200, 200].map((status) => `HTTP/1.1 ${status}`),
    )
  })

  await holds(t, target, behindUpgrades)
  await holds(t, target, upgradesWithBodies)

  await t.test('an upgrade behind a request that waits for its answer is no upgrade', async (t) => {
    upstream.forget()
    const asking = `GET /public/ws HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}\r\n`
    const answer = await rawRequest(port, `${GET}\r\n${asking}`, { until: 'close' })
    t.same(answer.text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200'])
    t.same(upstream.requests[1]?.header('upgrade'), [])
  })

  for (const asking of [
    'h2c',
    'WebSocket, h2c',
    'websocket\r\nUpgrade: websocket',
    'TLS/1.0',
    'x',
  ]) {
    await t.test(
      `behind an upgrade to ${JSON.stringify(asking)} nothing is read from its middle`,
      async (t) => {
        upstream.forget()
        const socket = await opened(port)
        socket.write(
          `${GET}Connection: Upgrade\r\nUpgrade: ${asking}\r\n\r\nPOST /public/lost HTTP/1.1\r\nX: `,
        )
        while (upstream.requests.length === 0) await new Promise(setImmediate)
        socket.write(SMUGGLED)
        await once(socket.resume(), 'close')
        t.same(
          upstream.requests.map(({ target }) => target),
          ['/public/x'],
        )
      },
    )
  }

  for (const body of [
    'Content-Length: 5\r\n\r\nhello',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ]) {
    await t.test(`an upgrade with a body (${body.slice(0, 10)}) is no upgrade`, async (t) => {
      upstream.forget()
      const request = `GET /public/ws HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}${body}`
      const answer = await rawRequest(port, request)
      t.equal(answer.status, 200)
      t.equal(upstream.last.body, 'hello')
      t.same(upstream.last.header('upgrade'), [])
    })
  }

  await t.test(
    'a handshake that does not hold is refused before the upstream hears of it',
    async (t) => {
      upstream.forget()
      const broken = {
        'no key': upgrade.replace(/Sec-WebSocket-Key.*\r\n/, ''),
        'a short key': upgrade.replace('dGhlIHNhbXBsZSBub25jZQ==', 'short'),
        'another version': upgrade.replace('13', '99'),
      }
      for (const [name, headers] of Object.entries(broken)) {
        const answer = await rawRequest(
          port,
          `GET / HTTP/1.1\r\nHost: chat.localhost\r\n${headers}\r\n`,
        )
        t.equal(answer.status, 400, name)
      }
      t.same(upstream.requests, [])
    },
  )

  t.same(upstream.problems, [])
})

test('H: limits, and what is shown', async (t) => {
  const target = await startTarget(t)
  const { ask, upstream, port, gateway } = target

  await holds(t, target, oversized, ({ answer }, name) => answer.status === OVERSIZED[name]?.[1])

  await holds(
    t,
    target,
    unwantedBody,
    ({ answer }) =>
      answer.status === 401 && answer.answers === 1 && answer.header('connection') === 'close',
  )

  await t.test('a go-ahead is promised to nobody who would not understand it', async (t) => {
    const head = `POST /public/x HTTP/1.0\r\nHost: ${HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`
    const answer = await rawRequest(port, head, { until: 'close' })
    t.equal(answer.answers, 1)
    t.equal(answer.status, 200)
    t.same(upstream.last.header('expect'), [])
  })

  const lines = [
    '\r\n',
    '%0d%0a',
    '"',
    '\\',
    '\x1b[31m',
    '\u2028',
    '<script>',
    '{"msg":"request"}',
    '$(x)',
  ]
  await t.test('a line of the log is one line, whatever is in the request', async (t) => {
    for (const text of lines) {
      const bytes = Buffer.from(text).toString('latin1')
      for (const head of [
        `MKCOL /public/${bytes} HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: ${bytes}\r\nConnection: close\r\n\r\n`,
        `MKCOL /public/x?code=secret HTTP/1.1\r\nHost: ${HOST}\r\nX-Request-Id: ${bytes}\r\nCookie: gatehouse=secret${bytes}\r\nConnection: close\r\n\r\n`,
        `MKCOL /public/x HTTP/1.1\r\nHost: ${bytes}\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n`,
      ]) {
        await rawRequest(port, head, { until: 'close' })
      }
    }
    const logged = await target.logged('MKCOL', lines.length)
    // Parsed line by line by now: one that was broken or forged would have failed.
    t.notMatch(JSON.stringify(logged), /secret|code=/)
    t.ok(
      logged.every((line) => line['msg'] === 'request' && typeof line['request_id'] === 'string'),
    )
  })

  await holds(t, target, markup)

  await t.test('no page of ours repeats what was asked for', async (t) => {
    const markup = '<img src=x onerror=alert(1)>'
    const requests = [
      `GET /nothing/${encodeURIComponent(markup)}?${encodeURIComponent(markup)} HTTP/1.1\r\nHost: keep.localhost`,
      `GET /a%2f${encodeURIComponent(markup)} HTTP/1.1\r\nHost: ${HOST}`,
      `GET / HTTP/1.1\r\nHost: xss-${'x'.repeat(30)}.example`,
      `GET /.gatehouse/${encodeURIComponent(markup)} HTTP/1.1\r\nHost: ${HOST}`,
      `GET /${encodeURIComponent(markup)} HTTP/1.1\r\nHost: nobody.localhost`,
    ]
    for (const request of requests) {
      const answer = await rawRequest(
        port,
        `${request}\r\nAccept: text/html\r\nReferer: ${markup}\r\nUser-Agent: ${markup}\r\nConnection: close\r\n\r\n`,
      )
      t.match(answer.header('content-type'), 'text/html')
      t.notMatch(answer.body, /<img|%3Cimg|xss-|keep\.localhost|node_modules|\.ts:/)
      const policy = answer.header('content-security-policy') ?? ''
      t.match(policy, "default-src 'none'")
      t.match(policy, "frame-ancestors 'none'")
      t.notMatch(policy, 'unsafe')
      t.equal(answer.header('x-content-type-options'), 'nosniff')
    }
  })

  await t.test('names that every object has are header names like any other', async (t) => {
    const ada = cookieLine(await target.signedIn('ada'))
    const names = ['constructor', '__proto__', 'hasOwnProperty', 'toString', 'valueOf']
    await ask([
      'GET /public/x HTTP/1.1',
      `Host: ${HOST}`,
      ada,
      ...names.map((name) => `${name}: 1`),
    ])
    for (const name of names) t.same(upstream.last.header(name), ['1'], name)
    t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
    const request = `GET /public/ws HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}${names.map((name) => `${name}: 1\r\n`).join('')}\r\n`
    await target.upgrade(request)
    for (const name of names) t.same(upstream.last.header(name), ['1'], name)
  })

  t.same(upstream.problems, [])
  t.ok(gateway.gateway.address.port)
})

test('H: connections that are cut off', async (t) => {
  const { port, upstream } = await startTarget(t)
  const heads: Record<string, string> = {
    CONNECT: `CONNECT ${HOST}:80 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`,
    'an upgrade that is let in': `GET /public/ws HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}\r\n`,
    'an upgrade that is refused': `GET /admin/ws HTTP/1.1\r\nHost: ${HOST}\r\n${upgrade}\r\n`,
    nonsense: 'nonsense\r\n\r\n',
    'a request': `${GET}\r\n`,
    'half a body': `${POST}Content-Length: 10\r\n\r\nhalf`,
    'a form of ours': `POST /.gatehouse/sign_out HTTP/1.1\r\nHost: ${HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nhalf`,
  }
  for (const [name, head] of Object.entries(heads)) {
    await t.test(`a reset behind ${name} ends that connection and no more`, async (t) => {
      const sockets = await Promise.all(Array.from({ length: 60 }, () => opened(port)))
      for (const [n, socket] of sockets.entries()) {
        socket.write(head)
        if (n % 3 === 0) socket.resetAndDestroy()
        else if (n % 3 === 1) setImmediate(() => socket.resetAndDestroy())
        else setTimeout(() => socket.resetAndDestroy(), 2)
      }
      await Promise.all(
        sockets.map((socket) => (socket.closed ? undefined : once(socket, 'close'))),
      )
      t.equal((await rawRequest(port, `${GET}Connection: close\r\n\r\n`)).status, 200)
    })
  }

  await t.test(
    'a client that keeps its side open after a refusal keeps no connection',
    async (t) => {
      for (const head of [heads['CONNECT'] ?? '', heads['nonsense'] ?? '']) {
        const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        socket.write(head)
        socket.on('error', () => undefined)
        await once(socket.resume(), 'end')
        // Once the gateway has let go of the connection as a whole, sending on it fails.
        const sending = setInterval(() => socket.write('x'), 10)
        await new Promise((resolve) => socket.once('close', resolve))
        clearInterval(sending)
      }
      t.pass('both were closed')
    },
  )

  t.same(upstream.problems, [])
})

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}
