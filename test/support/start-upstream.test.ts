import { get, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'tap'
import { head, rawRequest } from './raw-request.ts'
import { readBody, startRawUpstream, startUpstream } from './start-upstream.ts'

test('an upstream remembers request line, raw headers and body as they came', async (t) => {
  const upstream = await startUpstream(t)
  const answer = await rawRequest(
    upstream.port,
    `${head('POST /a%2fb?c HTTP/1.1', 'Host: a', 'X-One: 1', 'x-one: 2', 'Content-Length: 3', 'Connection: close')}abc`,
  )
  t.equal(answer.status, 200)
  t.equal(upstream.last.requestLine, 'POST /a%2fb?c HTTP/1.1')
  t.same(upstream.last.header('X-ONE'), ['1', '2'])
  t.equal(upstream.last.body.toString(), 'abc')
})

test('a handler answers instead and may read the body', async (t) => {
  const upstream = await startUpstream(t, {
    handler: async (incoming, response, recorded) => {
      const body = await readBody(incoming, recorded)
      response.writeHead(201).end(`got ${body}`)
    },
  })
  const body = await new Promise<string>((resolve, reject) => {
    const outgoing = request(upstream.origin, { method: 'PUT' }, (response) => {
      text(response).then(resolve, reject)
    })
    outgoing.end('it')
  })
  t.equal(body, 'got it')
  t.equal(upstream.last.body.toString(), 'it')
})

test('asking for the last request before one came says so', async (t) => {
  const upstream = await startUpstream(t)
  t.throws(() => upstream.last, { message: 'no request has reached the upstream' })
})

test('a raw upstream answers with whatever bytes it likes', async (t) => {
  const upstream = await startRawUpstream(t, (socket, received) => {
    if (received.includes('\r\n\r\n'))
      socket.end('HTTP/1.1 200 OK\r\nX: \x80\r\n\r\nno length', 'latin1')
  })
  const answer = await rawRequest(upstream.port, head('GET / HTTP/1.1', 'Host: a'))
  t.equal(answer.header('x'), '\x80')
  t.equal(answer.body, 'no length')
  t.match(upstream.received(), /^GET \/ HTTP\/1\.1\r\n/)
})

test('an answer is complete by its length, by its last chunk, or when the peer closes', async (t) => {
  const answers = {
    '/length': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    '/chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
    '/empty': 'HTTP/1.1 204 No Content\r\n\r\n',
    '/interim': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  }
  const upstream = await startRawUpstream(t, (socket, received) => {
    const target = /^GET (\S+)/.exec(received)?.[1] ?? ''
    socket.write(answers[target as keyof typeof answers])
  })
  for (const [target, bytes] of Object.entries(answers)) {
    const answer = await rawRequest(upstream.port, head(`GET ${target} HTTP/1.1`, 'Host: a'))
    t.equal(answer.text, bytes, target)
  }
})

test('an upstream that was closed refuses connections', async (t) => {
  const upstream = await startUpstream(t)
  await new Promise((resolve) => get(upstream.origin, (response) => resolve(response.resume())))
  await upstream.close()
  const code = await new Promise((resolve) => {
    connect(upstream.port, '127.0.0.1').on('error', (cause: NodeJS.ErrnoException) =>
      resolve(cause.code),
    )
  })
  t.equal(code, 'ECONNREFUSED')
})
