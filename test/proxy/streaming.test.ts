import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { type Test, test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { startGateway } from '../support/start-gateway.ts'
import { startUpstream, type UpstreamOptions } from '../support/start-upstream.ts'

async function startOpen(t: Test, handler: NonNullable<UpstreamOptions['handler']>, keys = '') {
  const upstream = await startUpstream(t, { handler })
  const gateway = await startGateway(t, {
    policies: `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true${keys} }
`,
  })
  return { upstream, gateway }
}

function ask(port: number, options: { readonly method?: string } = {}) {
  return request({
    host: '127.0.0.1',
    port,
    headers: { host: 'open.localhost' },
    agent: false,
    ...options,
  })
}

async function answerTo(outgoing: ReturnType<typeof ask>): Promise<IncomingMessage> {
  const [response] = await once(outgoing, 'response')
  return response as IncomingMessage
}

test('events arrive one by one while the stream is open', async (t) => {
  let send: (text: string) => void = () => undefined
  const { gateway } = await startOpen(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    send = (text) => response.write(text)
    response.flushHeaders()
  })
  const outgoing = ask(gateway.port).end()
  const response = await answerTo(outgoing)
  t.equal(
    response.headers['content-type'],
    'text/event-stream',
    'headers do not wait for the first event',
  )
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    send(event)
    const [chunk] = await once(response, 'data')
    t.equal(String(chunk), event)
  }
  outgoing.destroy()
})

test('a client that leaves ends the upstream call', async (t) => {
  const closed = Promise.withResolvers<void>()
  const { gateway } = await startOpen(t, (_request, response) => {
    response.once('close', closed.resolve)
    response.write('beginning')
  })
  const outgoing = ask(gateway.port).end()
  await answerTo(outgoing)
  outgoing.destroy()
  await closed.promise
  t.pass('the upstream saw it')
})

test('a client that leaves before the answer ends the upstream call', async (t) => {
  const arrived = Promise.withResolvers<IncomingMessage>()
  const { gateway } = await startOpen(t, (incoming) => {
    arrived.resolve(incoming)
  })
  const outgoing = ask(gateway.port).end()
  outgoing.on('error', () => undefined)
  const incoming = await arrived.promise
  outgoing.destroy()
  await once(incoming.socket, 'close')
  t.pass('the upstream saw it')
})

test('an answer that breaks off upstream breaks off for the client, and is not taken for whole', async (t) => {
  const { gateway } = await startOpen(t, (_request, response) => {
    response.write('half', () => response.socket?.destroy())
  })
  const response = await answerTo(ask(gateway.port).end())
  response.resume()
  const [error] = await once(response, 'error')
  t.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET')
})

test('an answer shorter than its length breaks off for the client', async (t) => {
  const { gateway } = await startOpen(t, (_request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('short', () => response.socket?.end())
  })
  const response = await answerTo(ask(gateway.port).end())
  response.resume()
  await once(response, 'error')
  t.notOk(response.complete)
})

test('a slow client holds the upstream back instead of filling the memory', async (t) => {
  const total = 64 * 1024 * 1024
  let written = 0
  const stalled = Promise.withResolvers<number>()
  const { gateway } = await startOpen(t, (_request, response) => {
    const chunk = Buffer.alloc(64 * 1024, 120)
    const fill = (): void => {
      while (written < total) {
        written += chunk.length
        if (!response.write(chunk)) break
      }
      // Nobody has drained us for a while: everything between here and the client is full.
      const idle = setTimeout(() => stalled.resolve(written), 300)
      response.once('drain', () => {
        clearTimeout(idle)
        fill()
      })
    }
    fill()
  })
  const socket = connect(gateway.port, '127.0.0.1')
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: open.localhost\r\n\r\n')
  const sent = await stalled.promise
  socket.destroy()
  t.ok(sent < total / 2, `${sent} of ${total} bytes were taken from the upstream`)
})

test('a slow upstream holds the client back', async (t) => {
  const total = 64 * 1024 * 1024
  const { gateway } = await startOpen(t, (incoming) => {
    incoming.pause()
  })
  const outgoing = ask(gateway.port, { method: 'POST' })
  outgoing.on('error', () => undefined)
  const chunk = Buffer.alloc(64 * 1024, 120)
  let written = 0
  while (written < total) {
    written += chunk.length
    if (outgoing.write(chunk)) continue
    const drained = await Promise.race([
      once(outgoing, 'drain').then(() => true),
      new Promise<false>((resolve) => {
        setTimeout(() => resolve(false), 300)
      }),
    ])
    if (!drained) break
  }
  outgoing.destroy()
  t.ok(written < total / 2, `${written} of ${total} bytes were taken from the client`)
})

test('a client that is held back for its upstream is not blamed for its silence', async (t) => {
  const upstream = await startUpstream(t, { handler: (incoming) => void incoming.pause() })
  const { get } = await startGateway(t, {
    config: { server: { limits: { body_timeout: '1s' } } },
    policies: `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "${upstream.origin}", allow_public_unauthenticated_access: true }
`,
  })
  const body = Buffer.alloc(32 * 1024 * 1024)
  const answer = await get('http://open.localhost:8080/', { method: 'POST', body })
  t.equal(answer.status, 504)
  t.match(answer.json(), { error: 'UPSTREAM_TIMEOUT' })
})

test('a body of many megabytes arrives whole, both ways', async (t) => {
  const { gateway } = await startOpen(t, (incoming, response) => {
    incoming.pipe(response)
  })
  const total = 32 * 1024 * 1024
  const outgoing = ask(gateway.port, { method: 'POST' })
  const response = answerTo(outgoing)
  let sent = 0
  const feed = (): void => {
    while (sent < total) {
      const size = Math.min(100_000, total - sent)
      sent += size
      if (!outgoing.write(Buffer.alloc(size, sent % 251))) {
        outgoing.once('drain', feed)
        return
      }
    }
    outgoing.end()
  }
  feed()
  let received = 0
  for await (const chunk of await response) received += (chunk as Buffer).length
  t.equal(received, total)
})

test('an upstream that answers before the body is there is heard', async (t) => {
  const { gateway } = await startOpen(t, (_request, response) => {
    response.writeHead(413, { connection: 'close' }).end('too large')
  })
  const outgoing = ask(gateway.port, { method: 'POST' })
  outgoing.on('error', () => undefined)
  outgoing.write('beginning')
  const response = await answerTo(outgoing)
  t.equal(response.statusCode, 413)
  outgoing.destroy()
})

test('a stream that is quiet for longer than idle_timeout ends', async (t) => {
  const { gateway } = await startOpen(
    t,
    (_request, response) => {
      response.write('data: 1\n\n')
    },
    ', idle_timeout: 1s',
  )
  const response = await answerTo(ask(gateway.port).end())
  response.resume()
  await once(response, 'error')
  t.pass('it ended')
})

test('what a client announces to send behind its body passes, as far as it would pass in front of it', async (t) => {
  const received: { announced: string | undefined; trailers: readonly string[] }[] = []
  const { gateway } = await startOpen(
    t,
    (request, response) => {
      request.resume().once('end', () => {
        received.push({ announced: request.headers.trailer, trailers: request.rawTrailers })
        response.end('ok')
      })
    },
    ', set_request_headers: { X-Team: blue }, remove_request_headers: [X-Debug]',
  )
  const send = (...lines: readonly string[]) =>
    rawRequest(
      gateway.port,
      `POST / HTTP/1.1\r\nHost: open.localhost\r\nTransfer-Encoding: chunked\r\n${lines.join('\r\n')}`,
    )
  const forged = [
    'X-Gatehouse-Subject',
    'x_forwarded_user',
    'X-Forwarded-For',
    'Remote-User',
    'X-Team',
    'x-debug',
    'Cookie',
    'Authorization',
    'Host',
    'Content-Type',
    'X-HTTP-Method-Override',
  ]
  const { status } = await send(
    `Trailer: X-Checksum, ${forged.join(', ')}`,
    'Trailer: X-Count',
    '',
    '3\r\nabc\r\n0',
    ...forged.map((name) => `${name}: 1`),
    'x-checksum: abc',
    'X-Count: 7',
    'X-Unannounced: 1',
    '\r\n',
  )
  t.equal(status, 200)
  t.same(received[0], {
    announced: 'X-Checksum, X-Count',
    trailers: ['x-checksum', 'abc', 'X-Count', '7'],
  })
  await send('Trailer: Remote-User', '', '3\r\nabc\r\n0', 'Remote-User: root', '\r\n')
  t.same(received[1], { announced: undefined, trailers: [] })
  await send('', '3\r\nabc\r\n0', 'X-Checksum: abc', '\r\n')
  t.same(received[2], { announced: undefined, trailers: [] })
})
