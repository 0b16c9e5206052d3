/** gRPC through the gateway: a real client, a real server, all four kinds of call, and what both are told when it ends. */

import * as grpc from '@grpc/grpc-js'
import { type Test, test } from 'tap'
import { startGateway } from '../support/start-gateway.ts'
import { until } from '../support/start-redis.ts'

const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value }

function method(name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/test.Echo/${name}`,
    originalName: name,
    requestStream,
    responseStream,
    requestSerialize: bytes.serialize,
    requestDeserialize: bytes.deserialize,
    responseSerialize: bytes.serialize,
    responseDeserialize: bytes.deserialize,
  }
}

const SERVICE = {
  Unary: method('Unary', false, false),
  Many: method('Many', false, true),
  Sum: method('Sum', true, false),
  Chat: method('Chat', true, true),
}

interface Seen {
  metadata: grpc.Metadata | undefined
  cancelled: number
}

async function startServer(t: Test) {
  const seen: Seen = { metadata: undefined, cancelled: 0 }
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 16 * 1024 * 1024 })
  server.addService(SERVICE, {
    Unary: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      seen.metadata = call.metadata
      const text = call.request.toString()
      if (text === 'fail') {
        const metadata = new grpc.Metadata()
        metadata.set('why-bin', Buffer.from([0, 255, 1]))
        return done({ code: grpc.status.FAILED_PRECONDITION, details: 'nicht heute, ☃', metadata })
      }
      if (text === 'wait') return undefined
      const first = new grpc.Metadata()
      first.set('x-first', 'head')
      call.sendMetadata(first)
      const last = new grpc.Metadata()
      last.set('x-last', 'trailer')
      done(null, Buffer.concat([Buffer.from('re: '), call.request]), last)
    },
    Many: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      for (let i = 0; i < 5; i++) call.write(Buffer.from(`${call.request} ${i}`))
      call.end()
    },
    Sum: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      let length = 0
      call.on('data', (part: Buffer) => {
        length += part.length
      })
      call.on('end', () => done(null, Buffer.from(String(length))))
    },
    Chat: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (part: Buffer) => call.write(Buffer.concat([Buffer.from('> '), part])))
      call.on('end', () => call.end())
      call.on('cancelled', () => seen.cancelled++)
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  t.teardown(() => server.forceShutdown())
  return { port, seen }
}

async function startAll(t: Test) {
  const server = await startServer(t)
  const gateway = await startGateway(t, {
    config: { server: { h2c: true } },
    policies: `
routes:
  - { name: open, from: "http://open.localhost:8080", to: "h2c://127.0.0.1:${server.port}", allow_public_unauthenticated_access: true, timeout: 2s }
  - { name: staff, from: "http://staff.localhost:8080", to: "h2c://127.0.0.1:${server.port}", allow_any_authenticated_user: true }
  - { name: shut, from: "http://shut.localhost:8080", to: "h2c://127.0.0.1:${server.port}" }
  - { name: gone, from: "http://gone.localhost:8080", to: "h2c://127.0.0.1:9", allow_public_unauthenticated_access: true }
`,
  })
  const clientFor = (host: string) => {
    const client = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure(), {
      'grpc.default_authority': `${host}.localhost:8080`,
      'grpc.max_receive_message_length': 16 * 1024 * 1024,
      'grpc.max_send_message_length': 16 * 1024 * 1024,
    })
    t.teardown(() => client.close())
    return client
  }
  return { ...server, gateway, clientFor }
}

interface UnaryAnswer {
  readonly error: grpc.ServiceError | null
  readonly value: string | undefined
  readonly first: grpc.Metadata | undefined
  readonly status: grpc.StatusObject
}

function unary(
  client: grpc.Client,
  request: string | Buffer,
  options: grpc.CallOptions = {},
  metadata = new grpc.Metadata(),
): Promise<UnaryAnswer> {
  return new Promise((resolve) => {
    let first: grpc.Metadata | undefined
    let answer: Pick<UnaryAnswer, 'error' | 'value'> | undefined
    let status: grpc.StatusObject | undefined
    const done = () => {
      if (answer !== undefined && status !== undefined) resolve({ ...answer, first, status })
    }
    const call = client.makeUnaryRequest(
      SERVICE.Unary.path,
      bytes.serialize,
      bytes.deserialize,
      Buffer.from(request),
      metadata,
      options,
      (error, value) => {
        answer = { error, value: value?.toString() }
        done()
      },
    )
    call.on('metadata', (heard: grpc.Metadata) => {
      first = heard
    })
    call.on('status', (heard: grpc.StatusObject) => {
      status = heard
      done()
    })
  })
}

async function collect(stream: AsyncIterable<Buffer>): Promise<readonly string[]> {
  const parts: string[] = []
  for await (const part of stream) parts.push(part.toString())
  return parts
}

test('a unary call, its metadata before and behind, and who asked', async (t) => {
  const { clientFor, seen } = await startAll(t)
  const metadata = new grpc.Metadata()
  metadata.set('x-custom', 'yes')
  metadata.set('x-raw-bin', Buffer.from([1, 0, 254]))
  metadata.set('x-forwarded-user', 'root')
  const answer = await unary(clientFor('open'), 'hello', {}, metadata)
  t.equal(answer.value, 're: hello')
  t.same(answer.first?.get('x-first'), ['head'])
  t.same(answer.status.metadata.get('x-last'), ['trailer'])
  t.same(seen.metadata?.get('x-custom'), ['yes'])
  t.same(seen.metadata?.get('x-raw-bin'), [Buffer.from([1, 0, 254])])
  t.same(seen.metadata?.get('x-forwarded-user'), [], 'nobody names themselves')
  t.same(seen.metadata?.get('x-forwarded-host'), ['open.localhost:8080'])
})

test('an error keeps its code, its text and its metadata', async (t) => {
  const { clientFor } = await startAll(t)
  const { error } = await unary(clientFor('open'), 'fail')
  t.equal(error?.code, grpc.status.FAILED_PRECONDITION)
  t.equal(error?.details, 'nicht heute, ☃')
  t.same(error?.metadata.get('why-bin'), [Buffer.from([0, 255, 1])])
})

test('a stream from the server', async (t) => {
  const { clientFor } = await startAll(t)
  const stream = clientFor('open').makeServerStreamRequest(
    SERVICE.Many.path,
    bytes.serialize,
    bytes.deserialize,
    Buffer.from('n'),
  )
  t.same(await collect(stream), ['n 0', 'n 1', 'n 2', 'n 3', 'n 4'])
})

test('a stream from the client, megabytes of it', async (t) => {
  const { clientFor } = await startAll(t)
  const answer = await new Promise((resolve, reject) => {
    const stream = clientFor('open').makeClientStreamRequest(
      SERVICE.Sum.path,
      bytes.serialize,
      bytes.deserialize,
      (error, value) => (error === null ? resolve(value?.toString()) : reject(error)),
    )
    for (let i = 0; i < 40; i++) stream.write(Buffer.alloc(100_000))
    stream.end()
  })
  t.equal(answer, '4000000')
})

test('both sides speak in turn: each part goes through before the next is sent', async (t) => {
  const { clientFor } = await startAll(t)
  const stream = clientFor('open').makeBidiStreamRequest(
    SERVICE.Chat.path,
    bytes.serialize,
    bytes.deserialize,
  )
  const heard: string[] = []
  for (const said of ['one', 'two', 'three']) {
    const next = new Promise<string>((resolve) =>
      stream.once('data', (part: Buffer) => resolve(part.toString())),
    )
    stream.write(Buffer.from(said))
    heard.push(await next)
  }
  stream.end()
  t.same(heard, ['> one', '> two', '> three'])
  stream.resume()
  const status = await new Promise<grpc.StatusObject>((resolve) => stream.on('status', resolve))
  t.equal(status.code, grpc.status.OK)
})

test('a client that cancels is heard of by the server', async (t) => {
  const { clientFor, seen } = await startAll(t)
  const stream = clientFor('open').makeBidiStreamRequest(
    SERVICE.Chat.path,
    bytes.serialize,
    bytes.deserialize,
  )
  stream.on('error', () => undefined)
  const first = new Promise((resolve) => stream.once('data', resolve))
  stream.write(Buffer.from('hello'))
  await first
  stream.cancel()
  await until(async () => seen.cancelled === 1)
  t.equal((await unary(clientFor('open'), 'still here')).value, 're: still here')
})

test('many calls at once on one connection', async (t) => {
  const { clientFor } = await startAll(t)
  const client = clientFor('open')
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => unary(client, `${i}`)))
  t.same(
    answers.map(({ value }) => value),
    answers.map((_, i) => `re: ${i}`),
  )
})

const REFUSED: Readonly<Record<string, readonly [string, grpc.status]>> = {
  'nobody has signed in': ['staff', grpc.status.UNAUTHENTICATED],
  'the policy lets nobody in': ['shut', grpc.status.PERMISSION_DENIED],
  'the upstream cannot be reached': ['gone', grpc.status.UNAVAILABLE],
}

for (const [name, [host, code]] of Object.entries(REFUSED)) {
  test(`where ${name} the client hears ${grpc.status[code]}`, async (t) => {
    const { clientFor } = await startAll(t)
    const { error } = await unary(clientFor(host), 'hello')
    t.equal(error?.code, code)
  })
}

test('a server that does not answer: the client by its deadline, or we by the route', async (t) => {
  const { clientFor } = await startAll(t)
  const client = clientFor('open')
  const { error } = await unary(client, 'wait', { deadline: Date.now() + 300 })
  t.equal(error?.code, grpc.status.DEADLINE_EXCEEDED)
  const late = await unary(client, 'wait')
  t.equal(late.error?.code, grpc.status.UNAVAILABLE, "the route's timeout, a 504")
})
