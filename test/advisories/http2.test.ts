/** Classes A, C and H over HTTP/2, by hand-made frames: what HTTP/1.1 refuses is not let in by the other door. */

import { test } from 'tap'
import { rawRequest } from '../support/raw-request.ts'
import { until } from '../support/start-redis.ts'
import {
  closedPathsOverHttp2,
  controlsInFields,
  get,
  identityOverHttp2,
  malformedFields,
  post,
  trailersOverHttp2,
} from './cases/http2.ts'
import {
  block,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  type Field,
  frame,
  frames,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
} from './h2-frames.ts'
import { holds } from './holds.ts'
import { cookieLine, HOST, startTarget } from './start-target.ts'

const config = { server: { h2c: true } }
const WHOLE = END_HEADERS | END_STREAM

test('C over HTTP/2: no spelling of a path leads past a policy', async (t) => {
  const target = await startTarget(t, { config })
  await holds(t, target, closedPathsOverHttp2, ({ answer, arrived }, name) => {
    const isClosed = [0, 400, 401, 404, 421].includes(answer.status) && arrived.length === 0
    return isClosed || !name.endsWith('by nobody')
  })
})

test('A and H over HTTP/2: fields that HTTP/1.1 would read otherwise', async (t) => {
  const target = await startTarget(t, { config })
  const { port, upstream } = target
  await holds(t, target, malformedFields, ({ answer }) => [0, 400].includes(answer.status))
  await holds(t, target, controlsInFields, ({ arrived }) => arrived.length === 1)
  await holds(t, target, identityOverHttp2)
  await holds(t, target, trailersOverHttp2)
  upstream.forget()

  for (const [length, body] of [
    ['5', 'hello and more'],
    ['50', 'hello'],
  ] as const) {
    const connection = frames(port)
    connection.send(
      frame(HEADERS, END_HEADERS, 1, block(post(['content-length', length]))),
      frame(DATA, END_STREAM, 1, Buffer.from(body)),
    )
    t.not(await connection.outcome(1), 200, 'a body of another length is no whole request')
    connection.socket.destroy()
  }
  t.notOk(upstream.requests.some(({ body }) => body.includes('more')))

  upstream.forget()
  const ada = cookieLine(await target.signedIn('ada')).slice('Cookie: '.length)
  const connection = frames(port)
  const crumbs = ada.split('; ').map((crumb): Field => ['cookie', crumb])
  const forged: readonly Field[] = [
    'x-forwarded-user',
    'x_forwarded_user',
    'remote-user',
    'x-gatehouse-jwt-assertion',
    'x-forwarded-for',
    'forwarded',
    'x-original-url',
  ].map((name) => [name, '/root'])
  connection.send(
    frame(HEADERS, WHOLE, 1, block(get('/admin', ['cookie', 'a=1'], ...crumbs, ...forged))),
  )
  t.equal(await connection.outcome(1), 200)
  connection.socket.destroy()
  t.same(upstream.last.header('x-forwarded-user'), ['sub-ada'])
  t.same(upstream.last.header('cookie'), ['a=1'], 'cookies of ours stay behind, in whatever pieces')
  t.notMatch(upstream.last.head, '/root')
  t.same(upstream.problems, [])
})

test('H over HTTP/2: a body that is broken off is never one that has ended', async (t) => {
  const { port, upstream } = await startTarget(t, { config })
  const codes = { NO_ERROR: 0, CANCEL: 8, INTERNAL_ERROR: 2 }
  const kinds: readonly (readonly Field[])[] = [
    [],
    [['content-length', '10']],
    [['content-type', 'application/grpc']],
  ]
  for (const [name, code] of Object.entries(codes)) {
    for (const more of kinds) {
      const connection = frames(port)
      const fields = post(...more)
      connection.send(frame(HEADERS, END_HEADERS, 1, block(fields)))
      connection.send(frame(DATA, 0, 1, Buffer.from('hello')))
      await until(async () => /hello(\r\n)?$/.test(upstream.openBytes))
      connection.send(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, code])))
      await until(async () => upstream.brokenOff === 1)
      t.same(upstream.requests, [], `${name} ${more}`)
      connection.send(frame(HEADERS, WHOLE, 3, block(get('/public/after'))))
      t.equal(await connection.outcome(3), 200, 'the connection serves on')
      connection.socket.destroy()
      upstream.forget()
    }
  }
  const connection = frames(port)
  const form: readonly Field[] = [
    [':method', 'POST'],
    ...get('/.gatehouse/sign_out', ['content-type', 'application/x-www-form-urlencoded']).slice(1),
  ]
  connection.send(frame(HEADERS, END_HEADERS, 1, block(form)), frame(DATA, 0, 1, Buffer.from('a')))
  connection.send(frame(PING, 0, 0, Buffer.alloc(8)))
  connection.send(frame(RST_STREAM, 0, 1, Buffer.alloc(4)))
  connection.send(frame(HEADERS, WHOLE, 3, block(get('/public/after'))))
  t.equal(await connection.outcome(3), 200, 'nor is a form of ours')
  connection.send(frame(HEADERS, END_HEADERS, 5, block(post())))
  connection.send(frame(DATA, END_STREAM, 5, Buffer.from('whole')))
  t.equal(await connection.outcome(5), 200)
  t.equal(upstream.last.body, 'whole')
  connection.socket.destroy()
})

test('H over HTTP/2: an answer that its client does not take is not kept', async (t) => {
  const { port } = await startTarget(t, {
    config: { server: { h2c: true, limits: { body_timeout: '1s' } } },
    answer: () => `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${'a'.repeat(300_000)}`,
    routes: (to) =>
      `  - { name: quick, from: "http://quick.localhost:8080", to: "${to}", idle_timeout: 300ms, allow_public_unauthenticated_access: true }\n`,
  })
  const closedWindow = frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]))
  const at = (host: string, path: string) =>
    [...get(path).slice(0, 3), [':authority', host]] as const
  const asked: Record<string, readonly Field[]> = {
    'a page of ours': get('/.gatehouse/signed_out', ['accept', 'text/html']),
    'a refusal': get('/admin', ['accept', 'application/json']),
    'an answer of an app': at('quick.localhost', '/'),
  }
  for (const [name, fields] of Object.entries(asked)) {
    const connection = frames(port)
    connection.send(closedWindow, frame(HEADERS, WHOLE, 1, block(fields)))
    t.not(await connection.outcome(1), 'reset', name)
    t.equal(await connection.end(1), 'reset', `${name} is cut off`)
    connection.send(frame(HEADERS, WHOLE, 3, block(get('/public/x', ['a', 'b']))))
    t.equal(await connection.outcome(3), 200, 'the connection is not')
    connection.socket.destroy()
  }
  const busy = frames(port)
  busy.send(closedWindow, frame(HEADERS, WHOLE, 1, block(at('quick.localhost', '/'))))
  let stream = 3
  const others = setInterval(() => {
    busy.send(
      frame(HEADERS, WHOLE, stream, block(get('/.gatehouse/sign_out/none', ['accept', '*/*']))),
    )
    stream += 2
  }, 100)
  t.equal(await busy.end(1), 'reset', 'nor is it kept where other streams move')
  clearInterval(others)
  busy.socket.destroy()
  const open = frames(port)
  const empty = [...get('/admin').slice(1), [':method', 'POST']] as const
  open.send(frame(HEADERS, END_HEADERS, 1, block([...empty, ['content-length', '0']])))
  t.equal(await open.outcome(1), 401)
  t.equal(
    await open.end(1),
    'reset',
    'a stream that its client leaves open is closed behind the answer',
  )
  open.socket.destroy()
})

test('H over HTTP/2: a client that reads nothing keeps no gateway from stopping', async (t) => {
  const { port, gateway } = await startTarget(t, {
    config: { server: { h2c: true, drain_timeout: '1s' } },
    answer: () => `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${'a'.repeat(300_000)}`,
  })
  const connection = frames(port)
  connection.socket.pause()
  const wide = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff])
  connection.send(frame(SETTINGS, 0, 0, wide), frame(8, 0, 0, Buffer.from([0x7f, 0, 0, 0])))
  for (let n = 0; n < 50; n++) {
    connection.send(frame(HEADERS, WHOLE, 2 * n + 1, block(get('/public/x'))))
  }
  await until(async () => gateway.decisions().length > 0 || connection.socket.destroyed)
  const start = Date.now()
  await gateway.gateway.stop()
  t.ok(Date.now() - start < 10_000, `stopped after ${Date.now() - start} ms`)
  connection.socket.destroy()
})

test('H over HTTP/2: floods cost the connection that sends them, and no more', async (t) => {
  const { port, upstream } = await startTarget(t, {
    config: { server: { h2c: true, limits: { header_timeout: '1s' } } },
  })
  const first = frame(HEADERS, END_HEADERS, 1, block(get('/public/first')))
  const floods: Record<string, (send: (...sent: readonly Buffer[]) => void) => void> = {
    'streams that are reset at once': (send) => {
      for (let n = 0; n < 5_000; n++) {
        const stream = 2 * n + 1
        const reset = frame(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, 8]))
        send(Buffer.concat([frame(HEADERS, WHOLE, stream, block(get('/public/reset'))), reset]))
      }
    },
    'a head without an end': (send) => {
      send(frame(HEADERS, 0, 1, block(get('/public/x'))))
      const more = frame(CONTINUATION, 0, 1, block([['x-a', 'a'.repeat(4_000)]]))
      for (let n = 0; n < 2_000; n++) send(more)
    },
    'a head of empty pieces': (send) => {
      send(frame(HEADERS, 0, 1, block(get('/public/x'))))
      for (let n = 0; n < 50_000; n++) send(frame(CONTINUATION, 0, 1))
    },
    'a head that refers to itself': (send) => {
      // One large field is kept, and named by one byte ten thousand times. RFC 7541 §6.1
      const kept = Buffer.concat([
        Buffer.from([0x40]),
        block([['x-a', 'a'.repeat(3_000)]]).subarray(1),
      ])
      const named = Buffer.alloc(10_000, 0x80 | 62)
      send(frame(HEADERS, WHOLE, 1, Buffer.concat([block(get('/public/x')), kept, named])))
    },
    'requests that are refused by their form': (send) => {
      for (let n = 0; n < 2_000; n++) {
        send(frame(HEADERS, WHOLE, 2 * n + 1, block(get('/public/x', ['connection', 'x']))))
      }
    },
  }
  for (const [name, flood] of Object.entries(floods)) {
    await t.test(name, async (t) => {
      upstream.forget()
      const connection = frames(port)
      flood(connection.send)
      connection.send(frame(PING, 0, 0, Buffer.alloc(8)))
      t.not(await connection.outcome(99_999), 200)
      await connection.closed
      t.ok(upstream.requests.length <= 400, `${upstream.requests.length} went upstream`)
      const other = frames(port)
      other.send(frame(HEADERS, WHOLE, 1, block(get('/public/after'))))
      t.equal(await other.outcome(1), 200, 'others are served')
      other.socket.destroy()
    })
  }
  await t.test('pings and settings without end', async (t) => {
    const connection = frames(port)
    for (let n = 0; n < 20_000; n++) {
      connection.send(frame(PING, 0, 0, Buffer.alloc(8)), frame(SETTINGS, 0, 0))
    }
    connection.send(first)
    await connection.outcome(99_999)
    t.pass('the connection was ended')
    const plain = `GET /public/x HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`
    t.equal((await rawRequest(port, plain)).status, 200)
  })
})
