/**
 * An upstream that misbehaves at random, and many clients at once: each gets its own answer or a clear failure, never
 * another's, and nothing is left behind.
 */

import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type Test, test } from 'tap'
import { AnswerReader } from '../../src/proxy/upstream/http1-reader.ts'
import { startGateway } from '../support/start-gateway.ts'

const CLIENTS = 40
const REQUESTS = 50
const SEED = Date.now() % 1_000_000
const HEAD_END = '\r\n\r\n'

/** Numbers below `below`; the same row for the same seed (mulberry32). */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** What was asked, as the upstream reads it. */
interface Asked {
  readonly method: string
  readonly nonce: string
}

/** The first whole request of `text` and its length; `undefined`: it is not whole. Throws where it is none of a client's. */
function readRequest(text: string): { asked: Asked; length: number } | undefined {
  const end = text.indexOf(HEAD_END)
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const [, method = '', nonce = ''] = /^([A-Z]+) \/(n\d+) HTTP\/1\.1\r\n/.exec(head) ?? []
  if (/\r\nx-nonce: (n\d+)/i.exec(head)?.[1] !== nonce) throw new Error(`no request: ${head}`)
  const start = end + HEAD_END.length
  let length = start + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
  let body = text.slice(start, length)
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const last = text.indexOf('0\r\n\r\n', start)
    if (last < 0) return undefined
    length = last + 5
    body = text
      .slice(start, last)
      .replace(/(^|\r\n)[0-9a-f]+\r\n/g, '')
      .replace(/\r\n$/, '')
  } else if (text.length < length) return undefined
  if (body.replaceAll(`${nonce};`, '') !== '') throw new Error(`not the body of ${nonce}: ${body}`)
  return { asked: { method, nonce }, length }
}

/** The bytes of an answer to one request, and what then becomes of the connection. */
interface Misdeed {
  readonly bytes: string
  readonly end: 'keep' | 'close' | 'reset'
}

function misdeedFor({ method, nonce }: Asked, pick: (below: number) => number): Misdeed {
  const body = `${nonce};`.repeat(1 + (pick(8) === 0 ? pick(20_000) : pick(20)))
  const head = (...lines: string[]) => `${[...lines, `X-Nonce: ${nonce}`].join('\r\n')}${HEAD_END}`
  const plain = head('HTTP/1.1 200 OK', `Content-Length: ${body.length}`)
  const stolen = `HTTP/1.1 200 OK\r\nX-Nonce: stolen\r\nContent-Length: 6${HEAD_END}stolen`
  const whole = plain + (method === 'HEAD' ? '' : body)
  const cut = pick(body.length)
  const chunked = [body.slice(0, cut), body.slice(cut)]
    .filter((chunk) => chunk !== '')
    .map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  const inChunks = `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}${
    method === 'HEAD' ? '' : `${chunked.join('')}0\r\n\r\n`
  }`
  const kinds: (() => Misdeed)[] = [
    () => ({ bytes: whole, end: 'keep' }),
    () => ({ bytes: whole, end: 'close' }),
    () => ({ bytes: whole, end: 'reset' }),
    () => ({ bytes: `${whole}\r\n`, end: 'keep' }),
    () => ({ bytes: inChunks, end: 'keep' }),
    () => ({ bytes: whole + stolen, end: 'keep' }),
    () => ({ bytes: inChunks + stolen.slice(0, 1 + pick(20)), end: 'keep' }),
    () => ({ bytes: plain + body, end: 'keep' }),
    () => ({ bytes: whole.slice(0, pick(whole.length)), end: 'close' }),
    () => ({ bytes: inChunks.slice(0, pick(inChunks.length)), end: 'reset' }),
    () => ({ bytes: `HTTP/1.1 103 Early Hints${HEAD_END}${whole}`, end: 'keep' }),
    () => ({
      bytes: `HTTP/1.1 204 No Content\r\nContent-Length: 45\r\nX-Nonce: ${nonce}${HEAD_END}${stolen}`,
      end: 'keep',
    }),
    () => ({ bytes: `${head('HTTP/1.1 304 Not Modified', 'Content-Length: 45')}`, end: 'keep' }),
    () => ({
      bytes: whole
        .replace('HTTP/1.1', 'HTTP/1.0')
        .replace('\r\n', '\r\nConnection: keep-alive\r\n'),
      end: 'keep',
    }),
    () => ({ bytes: whole.replace('HTTP/1.1', 'HTTP/1.0'), end: 'keep' }),
    () => ({ bytes: head('HTTP/1.1 200 OK') + body, end: 'close' }),
    () => ({ bytes: whole.replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n'), end: 'keep' }),
    () => ({ bytes: whole.replace('\r\n', '\r\nConnection: close\r\n') + stolen, end: 'keep' }),
    () => ({ bytes: `SSH-2.0\r\n${whole}`, end: 'keep' }),
    () => ({ bytes: '', end: 'reset' }),
  ]
  return (kinds[pick(kinds.length)] as () => Misdeed)()
}

interface Chaos {
  readonly port: number
  readonly problems: string[]
  readonly sockets: Set<Socket>
  accepted: number
}

async function startChaos(t: Test, pick: (below: number) => number): Promise<Chaos> {
  const server = createServer({ noDelay: true })
  const chaos: Chaos = { port: 0, problems: [], sockets: new Set(), accepted: 0 }
  server.on('connection', (socket) => {
    chaos.accepted++
    chaos.sockets.add(socket)
    let text = ''
    let answering = false
    socket.on('error', () => undefined).on('close', () => chaos.sockets.delete(socket))
    socket.on('data', (piece) => {
      text += piece.toString('latin1')
      // Now and then before all of the request is there.
      const early = /^POST \/(n\d+) /.exec(text)?.[1]
      if (!answering && early !== undefined && text.includes(HEAD_END) && pick(4) === 0) {
        answering = true
        void perform(socket, misdeedFor({ method: 'POST', nonce: early }, pick), pick)
      }
      try {
        for (let read = readRequest(text); read !== undefined; read = readRequest(text)) {
          text = text.slice(read.length)
          if (!answering) void perform(socket, misdeedFor(read.asked, pick), pick)
          answering = false
        }
      } catch (error) {
        chaos.problems.push(String(error))
        socket.destroy()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return Object.assign(chaos, { port: (server.address() as AddressInfo).port })
}

/** Sends it in pieces, some of them later than others. */
async function perform(
  socket: Socket,
  { bytes, end }: Misdeed,
  pick: (below: number) => number,
): Promise<void> {
  // What comes too much comes with what it follows: a proxy that has asked again cannot tell it from an answer.
  const whole = bytes.length - Math.min(bytes.length, 80)
  for (let at = 0; at < bytes.length; ) {
    const size = pick(4) === 0 ? 1 + pick(50) : bytes.length
    const next = at + size > whole ? bytes.length : at + size
    socket.write(bytes.slice(at, next), 'latin1')
    at = next
    if (at < bytes.length) await new Promise((resolve) => setTimeout(resolve, pick(4)))
  }
  if (end === 'close') socket.end()
  else if (end === 'reset') socket.resetAndDestroy()
}

/** What a client says of its answer: `undefined` where it is its own, or a clear failure. */
type Verdict = string | undefined

function judge(nonce: string, answer: IncomingMessage, body: string): Verdict {
  const { statusCode = 0, headers } = answer
  // Nothing here is silent: who waits in vain waits behind somebody else.
  if (statusCode >= 500) return statusCode === 504 ? `${nonce} waited in vain` : undefined
  if (headers['x-nonce'] !== nonce) return `${nonce} got ${statusCode} ${headers['x-nonce']}`
  const own = `${nonce};`.repeat(1 + body.length / nonce.length).startsWith(body)
  return own ? undefined : `${nonce} got ${body.slice(0, 80)}`
}

async function askOnce(
  port: number,
  agent: Agent,
  nonce: string,
  pick: (below: number) => number,
): Promise<{ verdict: Verdict; kind: 'answered' | 'failed' | 'broken' }> {
  const method = ['GET', 'GET', 'POST', 'POST', 'HEAD', 'DELETE'][pick(6)] as string
  const upload = method === 'POST' || pick(10) === 0 ? `${nonce};`.repeat(1 + pick(3_000)) : ''
  const framing = pick(2) === 0 ? {} : { 'content-length': String(upload.length) }
  const outgoing = request({
    port,
    agent,
    method,
    host: '127.0.0.1',
    path: `/${nonce}`,
    headers: { host: 'chaos.localhost', 'x-nonce': nonce, ...(upload === '' ? {} : framing) },
  })
  const gone = new Promise<void>((resolve) => outgoing.once('close', resolve))
  let verdict: Verdict
  let kind: 'answered' | 'failed' | 'broken' = 'broken'
  outgoing.on('error', () => undefined)
  outgoing.on('response', (answer) => {
    let body = ''
    if (pick(10) === 0) setTimeout(() => answer.resume(), pick(10))
    answer.on('error', () => undefined)
    answer.on('data', (piece) => {
      body += piece
    })
    answer.on('end', () => {
      kind = (answer.statusCode ?? 0) < 500 ? 'answered' : 'failed'
    })
    answer.on('close', () => {
      verdict = judge(nonce, answer, body)
    })
  })
  outgoing.write(upload.slice(0, upload.length / 2) || '')
  if (pick(4) === 0) await new Promise((resolve) => setTimeout(resolve, pick(40)))
  outgoing.end(upload.slice(upload.length / 2))
  if (pick(12) === 0) setTimeout(() => outgoing.destroy(), pick(8))
  await gone
  return { verdict, kind }
}

test(`an upstream that misbehaves at random, seed ${SEED}`, async (t) => {
  const pick = random(SEED)
  let freed = 0
  const { free } = AnswerReader.prototype
  AnswerReader.prototype.free = function counted() {
    freed++
    free.call(this)
  }
  t.teardown(() => {
    AnswerReader.prototype.free = free
  })
  const chaos = await startChaos(t, pick)
  const { gateway, port, get } = await startGateway(t, {
    policies: `
routes:
  - { name: chaos, from: "http://chaos.localhost:8080", to: "http://127.0.0.1:${chaos.port}", allow_public_unauthenticated_access: true, timeout: 10s, idle_timeout: 10s }
`,
  })
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
  const counts = { answered: 0, failed: 0, broken: 0 }
  const wrong: string[] = []
  const work = async (client: number): Promise<void> => {
    for (let i = 0; i < REQUESTS; i++) {
      const { verdict, kind } = await askOnce(port, agent, `n${client * 1_000 + i}`, pick)
      counts[kind]++
      if (verdict !== undefined) wrong.push(verdict)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, (_, client) => work(client)))
  agent.destroy()
  t.comment(JSON.stringify({ ...counts, connections: chaos.accepted }))
  t.same(wrong, [], 'nobody has got what is not theirs')
  t.same(chaos.problems, [], 'the upstream has understood all that it was sent')
  t.ok(counts.answered > counts.broken && counts.failed > 0, 'all sorts came about')
  t.notSame((await get('http://nobody.localhost:8080/')).status, 0, 'the gateway lives')
  await gateway.stop()
  while (chaos.sockets.size > 0) await new Promise(setImmediate)
  while (freed < chaos.accepted) await new Promise(setImmediate)
  t.equal(freed, chaos.accepted, 'no connection is left, and no parser')
})
