/** Class H: bytes that are read in two ways, or cost more than they should, end here. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { cookieLine, HOST, startTarget } from './start-target.ts'

const GET = `GET /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`
const POST = `POST /public/x HTTP/1.1\r\nHost: ${HOST}\r\n`
const SMUGGLED = `GET /public/smuggled HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`
const upgrade =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

/** Heads that must be refused, and whose connection must then end. Each is followed by a body and a second request. */
const ambiguous: Record<string, string> = {
  'length and chunks': `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`,
  'chunks and length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n`,
  'two lengths': `${POST}Content-Length: 5\r\nContent-Length: 6\r\n`,
  'two equal lengths': `${POST}Content-Length: 5\r\nContent-Length: 5\r\n`,
  'a list of lengths': `${POST}Content-Length: 5, 5\r\n`,
  'a length with a sign': `${POST}Content-Length: +5\r\n`,
  'a negative length': `${POST}Content-Length: -1\r\n`,
  'a hexadecimal length': `${POST}Content-Length: 0x5\r\n`,
  'a length with a fraction': `${POST}Content-Length: 5.0\r\n`,
  'a length in two words': `${POST}Content-Length: 5 5\r\n`,
  'an empty length': `${POST}Content-Length: \r\n`,
  'a length past all numbers': `${POST}Content-Length: 18446744073709551621\r\n`,
  'a length behind a fold': `${POST}Content-Length:\r\n 5\r\n`,
  xchunked: `${POST}Transfer-Encoding: xchunked\r\n`,
  'chunked in quotes': `${POST}Transfer-Encoding: "chunked"\r\n`,
  'chunked with a parameter': `${POST}Transfer-Encoding: chunked;q=1\r\n`,
  'chunked with a vertical tab': `${POST}Transfer-Encoding: \x0bchunked\r\n`,
  'chunked with a NUL': `${POST}Transfer-Encoding: chunked\0\r\n`,
  'gzip and chunked': `${POST}Transfer-Encoding: gzip, chunked\r\n`,
  'chunked and identity': `${POST}Transfer-Encoding: chunked, identity\r\n`,
  'chunked twice': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n`,
  'chunked and something else': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n`,
  'chunked behind a fold': `${POST}Transfer-Encoding:\r\n chunked\r\n`,
  'chunked in HTTP/1.0': `POST /public/x HTTP/1.0\r\nHost: ${HOST}\r\nTransfer-Encoding: chunked\r\n`,
  'a space in front of the colon': `${POST}Transfer-Encoding : chunked\r\n`,
  'a tab in front of the colon': `${POST}Content-Length\t: 5\r\n`,
  'a space in front of the name': `${POST} Content-Length: 5\r\n`,
  'a name with a space': `${POST}Content Length: 5\r\n`,
  'a folded line': `${POST}X-A: b\r\n X-Forwarded-User: root\r\n`,
  'a line folded by a tab': `${POST}X-A: b\r\n\tc\r\n`,
  'a folded first line': `POST /public/x HTTP/1.1\r\n Host: ${HOST}\r\n`,
  'a bare line feed': `${POST}X-A: b\nX-Forwarded-User: root\r\n`,
  'bare line feeds only': `POST /public/x HTTP/1.1\nHost: ${HOST}\n\n`,
  'a bare carriage return': `${POST}X-A: b\rX-B: c\r\n`,
  'two carriage returns': `${POST}X-A: b\r\r\n`,
  'a NUL in a value': `${POST}X-A: b\0c\r\n`,
  'a control in a value': `${POST}X-A: b\x01c\r\n`,
  'a delete character in a value': `${POST}X-A: b\x7fc\r\n`,
  'a name that is none': `${POST}: b\r\n`,
  'a name in quotes': `${POST}"X-A": b\r\n`,
  'a name past ASCII': `${POST}X-\xc4: b\r\n`,
  'a line without a colon': `${POST}X-A\r\n`,
  'a version of another protocol': `POST /public/x HTCPCP/1.1\r\nHost: ${HOST}\r\n`,
  'a version with digits too many': `POST /public/x HTTP/1.10\r\nHost: ${HOST}\r\n`,
  'a space too many': `POST /public/ x HTTP/1.1\r\nHost: ${HOST}\r\n`,
  'a tab in the request line': `POST\t/public/x\tHTTP/1.1\r\nHost: ${HOST}\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
}

const chunks: Record<string, string> = {
  'a line feed alone behind the size': '5\nhello\r\n0\r\n\r\n',
  'a line feed alone behind the data': '5\r\nhello\n0\r\n\r\n',
  'a hexadecimal sign': '0x5\r\nhello\r\n0\r\n\r\n',
  'a plus sign': '+5\r\nhello\r\n0\r\n\r\n',
  'a size with a space': '5 \r\nhello\r\n0\r\n\r\n',
  'a size past all numbers': '10000000000000005\r\nhello\r\n0\r\n\r\n',
  'a negative size': '-1\r\nhello\r\n0\r\n\r\n',
  'data past its size': '5\r\nhello0\r\n\r\n',
  'an extension with a line feed': '5;a\nb\r\nhello\r\n0\r\n\r\n',
  'a trailer that frames': '5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n',
}

test('H: framing', async (t) => {
  const { upstream, port } = await startTarget(t)

  for (const [name, head] of Object.entries(ambiguous)) {
    await t.test(`${name} is refused, and what follows is not read as a request`, async (t) => {
      upstream.forget()
      const bytes = `${head}\r\n0\r\n\r\n${SMUGGLED}`
      const answer = await rawRequest(port, bytes, { until: 'close' })
      t.equal(answer.status, 400)
      t.equal(answer.answers, 1)
      t.same(upstream.requests, [])
    })
  }

  for (const [name, body] of Object.entries(chunks)) {
    await t.test(
      `a chunked body with ${name} ends the connection, and the upstream call`,
      async (t) => {
        upstream.forget()
        const bytes = `${POST}Transfer-Encoding: chunked\r\n\r\n${body}${SMUGGLED}`
        const answer = await rawRequest(port, bytes, { until: 'close' })
        t.ok(answer.answers <= 1)
        t.notOk(answer.status === 200)
        t.notOk(upstream.requests.some(({ target }) => target.includes('smuggled')))
      },
    )
  }

  await t.test('chunk extensions and trailers stay behind', async (t) => {
    upstream.forget()
    const body =
      '5;X-Forwarded-User=root\r\nhello\r\n0\r\nX-Forwarded-User: root\r\nX-Trailer: 1\r\n\r\n'
    await rawRequest(port, `${POST}Transfer-Encoding: chunked\r\nTrailer: X-Trailer\r\n\r\n${body}`)
    t.equal(upstream.last.body, 'hello')
    t.notMatch(upstream.last.head, /root|trailer/i)
  })

  const lengths: Record<string, string> = {
    'zeros in front': 'Content-Length: 005',
    'spaces around': 'Content-Length:   5  ',
    'a tab in front': 'Content-Length:\t5',
    capitals: 'CONTENT-LENGTH: 5',
  }
  for (const [name, line] of Object.entries(lengths)) {
    await t.test(`a length with ${name} is one length on both sides`, async (t) => {
      upstream.forget()
      const answer = await rawRequest(
        port,
        `${POST}${line}\r\n\r\nhello${SMUGGLED.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}`,
        { until: 'close' },
      )
      t.equal(answer.answers, 2)
      t.same(
        upstream.requests.map(({ target, body }) => [target, body]),
        [
          ['/public/x', 'hello'],
          ['/public/smuggled', ''],
        ],
      )
    })
  }

  await t.test('the body of a refused request is not read as a request', async (t) => {
    const last = `GET /public/last HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`
    for (const first of [
      'POST /admin',
      'POST /a%2fb',
      'PUT /.gatehouse/nothing',
      'POST /.gatehouse/user',
    ]) {
      upstream.forget()
      const head = `${first} HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`
      await rawRequest(port, head + SMUGGLED + last, { until: 'close' })
      t.notOk(
        upstream.requests.some(({ target }) => target.includes('smuggled')),
        first,
      )
    }
  })

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

  await t.test('a body that ends too soon never becomes part of the next request', async (t) => {
    upstream.forget()
    const socket = connect(port, '127.0.0.1')
    socket.write(`${POST}Content-Length: 100\r\n\r\nhalf`)
    socket.end()
    await once(socket.resume(), 'close')
    await rawRequest(port, `${GET}Connection: close\r\n\r\n`)
    t.same(
      upstream.requests.map(({ method, body }) => [method, body]),
      [['GET', '']],
    )
  })

  t.same(upstream.problems, [])
})

test('H: one connection, many requests', async (t) => {
  const target = await startTarget(t, {
    routes: (to) => `
  - { name: chat, from: "http://chat.localhost:8080", to: "${to}", allow_websockets: true, allow_public_unauthenticated_access: true }
`,
  })
  const { upstream, port } = target

  await t.test(
    'requests in a row are sent one after the other, and answered in order',
    async (t) => {
      upstream.forget()
      const paths = Array.from({ length: 200 }, (_, n) => `/public/${n}`)
      const bytes = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\n`)
      const answer = await rawRequest(port, `${bytes.join('\r\n')}Connection: close\r\n\r\n`, {
        until: 'close',
      })
      t.equal(answer.answers, 200)
      t.same(
        upstream.requests.map(({ target }) => target),
        paths,
      )
      t.ok(upstream.openConnections < 4, 'over few connections')
    },
  )

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

  const tooMuch: Record<string, readonly [head: string, status: number]> = {
    'two hundred headers': [`${GET}${'X-A: 1\r\n'.repeat(200)}\r\n`, 431],
    'three thousand headers': [`${GET}${'X-A: 1\r\n'.repeat(3_000)}\r\n`, 431],
    'a header of 64 KB': [`${GET}X-A: ${'a'.repeat(65_536)}\r\n\r\n`, 431],
    'a header of 1 MB': [`${GET}Authorization: Bearer ${'a'.repeat(1 << 20)}\r\n\r\n`, 431],
    'a header name of 40 KB': [`${GET}${'a'.repeat(40_000)}: 1\r\n\r\n`, 431],
    'cookies of 40 KB': [`${GET}Cookie: ${'a=1;'.repeat(10_000)}\r\n\r\n`, 431],
    'a target of 20 KB': [`GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 414],
    'a target of 1 MB': [`GET /${'a'.repeat(1 << 20)} HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, 414],
  }
  for (const [name, [bytes, status]] of Object.entries(tooMuch)) {
    await t.test(`${name} is ${status}, before anything else`, async (t) => {
      upstream.forget()
      t.equal((await rawRequest(port, bytes)).status, status)
      t.same(upstream.requests, [])
    })
  }

  await t.test('a gigabyte that waits for a go-ahead is refused without it', async (t) => {
    for (const expect of ['100-continue', '100-Continue', 'x']) {
      const lines = ['POST /admin HTTP/1.1', `Host: ${HOST}`, 'Content-Length: 1073741824']
      const answer = await rawRequest(
        port,
        `${[...lines, `Expect: ${expect}`].join('\r\n')}\r\n\r\n`,
        { until: 'close' },
      )
      t.equal(answer.status, 401)
      t.equal(answer.answers, 1)
      t.equal(answer.header('connection'), 'close')
    }
  })

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
