/**
 * An upstream that reads HTTP by itself, strictly, and remembers every byte: what a parser that forgives would not
 * show. Whatever it cannot read in exactly one way is a problem, which fails the test that looks.
 */

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Scope } from '../support/scope.ts'

export interface ReceivedRequest {
  /** As it came, one character a byte. */
  readonly head: string
  readonly line: string
  readonly method: string
  readonly target: string
  readonly body: string
  /** Lines behind a chunked body, as they came. */
  readonly trailers: readonly string[]
  /** Values of a header in order. */
  header(name: string): readonly string[]
  /** Names of headers, as they came. */
  readonly names: readonly string[]
}

export interface ByteUpstream {
  readonly origin: string
  readonly requests: readonly ReceivedRequest[]
  /** What could not be read, and why. */
  readonly problems: readonly string[]
  readonly last: ReceivedRequest
  readonly openConnections: number
  /** What has come last of a request that is not whole. */
  readonly openBytes: string
  /** Connections that ended within a request. */
  readonly brokenOff: number
  forget(): void
}

/** Bytes behind which the connection ends, or rests until there is another answer that nobody has asked for. */
export interface BrokenAnswer {
  readonly bytes: string
  readonly end: 'close' | 'reset' | { readonly unasked: string }
}

const REST_MS = 30

export interface ByteUpstreamOptions {
  /** The bytes of the answer; default 200 with `ok`. `undefined`: never answers. */
  readonly answer?: (request: ReceivedRequest) => string | BrokenAnswer | undefined
  /** On 127.0.0.1; default: a free one. */
  readonly port?: number
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'

export async function startByteUpstream(
  t: Scope,
  { answer = () => OK, port = 0 }: ByteUpstreamOptions = {},
): Promise<ByteUpstream> {
  const requests: ReceivedRequest[] = []
  const problems: string[] = []
  const connections = new Set<Socket>()
  let openBytes = ''
  let brokenOff = 0
  const server = createServer((socket) => {
    connections.add(socket)
    let pending = ''
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1')
      try {
        for (let read = readRequest(pending); read !== undefined; read = readRequest(pending)) {
          pending = pending.slice(read.length)
          requests.push(read.request)
          send(socket, answer(read.request))
        }
        openBytes = pending
      } catch (error) {
        problems.push(`${String(error)}: ${JSON.stringify(pending.slice(0, 500))}`)
        socket.destroy()
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      connections.delete(socket)
      if (pending !== '') brokenOff++
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of connections) socket.destroy()
    await closed
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    problems,
    get last() {
      const last = requests.at(-1)
      if (last === undefined) throw new Error('no request has reached the upstream')
      return last
    },
    get openConnections() {
      return connections.size
    },
    get openBytes() {
      return openBytes
    },
    get brokenOff() {
      return brokenOff
    },
    forget: () => {
      openBytes = ''
      brokenOff = 0
      requests.length = 0
      problems.length = 0
    },
  }
}

function send(socket: Socket, answer: string | BrokenAnswer | undefined): void {
  if (answer === undefined) return
  if (typeof answer === 'string') socket.write(answer, 'latin1')
  else if (answer.end === 'close') socket.end(answer.bytes, 'latin1')
  else {
    const { bytes, end } = answer
    socket.write(bytes, 'latin1', () => {
      if (end === 'reset') socket.resetAndDestroy()
      else setTimeout(() => socket.write(end.unasked, 'latin1'), REST_MS)
    })
  }
}

const LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21\x22\x24-\x7e]+) HTTP\/1\.1$/
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/
const CHUNK = /^([0-9a-f]{1,8})\r\n/i

/** The first whole request in `bytes` and how long it is; `undefined` where it is not whole yet. Throws where it is none. */
function readRequest(bytes: string): { request: ReceivedRequest; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const head = bytes.slice(0, headEnd)
  const [line = '', ...headerLines] = head.split('\r\n')
  const requestLine = LINE.exec(line)
  if (requestLine === null) throw new Error('no request line')
  const fields = headerLines.map((text) => {
    const field = HEADER.exec(text)
    if (field === null) throw new Error('no header line')
    return [field[1] ?? '', field[2] ?? ''] as const
  })
  const header = (name: string) =>
    fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value)
  if (header('host').length !== 1) throw new Error('not one Host')
  const body = readBody(bytes.slice(headEnd + 4), header)
  if (body === undefined) return undefined
  const [, method = '', target = ''] = requestLine
  const request = {
    head,
    line,
    method,
    target,
    header: (name: string) => header(name.toLowerCase()),
    names: fields.map(([name]) => name),
    body: body.text,
    trailers: body.trailers ?? [],
  }
  return { request, length: headEnd + 4 + body.length }
}

interface Body {
  readonly text: string
  readonly length: number
  readonly trailers?: readonly string[]
}

function readBody(bytes: string, header: (name: string) => readonly string[]): Body | undefined {
  const lengths = header('content-length')
  const codings = header('transfer-encoding')
  if (lengths.length + codings.length > 1) throw new Error('several framings')
  if (codings[0] !== undefined) {
    if (codings[0] !== 'chunked') throw new Error('an unknown coding')
    return readChunks(bytes)
  }
  if (lengths[0] === undefined) return { text: '', length: 0 }
  if (!/^[0-9]+$/.test(lengths[0])) throw new Error('a length that is no number')
  const length = Number(lengths[0])
  return bytes.length < length ? undefined : { text: bytes.slice(0, length), length }
}

function readChunks(bytes: string): Body | undefined {
  let text = ''
  let at = 0
  for (;;) {
    const rest = bytes.slice(at)
    if (!rest.includes('\r\n')) return undefined
    const size = CHUNK.exec(rest)
    if (size === null) throw new Error('no chunk size')
    const length = Number.parseInt(size[1] ?? '', 16)
    if (length === 0) return readTrailers(rest.slice(size[0].length), text, at + size[0].length)
    const end = size[0].length + length
    if (rest.length < end + 2) return undefined
    if (rest.slice(end, end + 2) !== '\r\n') throw new Error('a chunk of another length')
    text += rest.slice(size[0].length, end)
    at += end + 2
  }
}

function readTrailers(rest: string, text: string, at: number): Body | undefined {
  if (rest.startsWith('\r\n')) return { text, length: at + 2 }
  const end = rest.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const trailers = rest.slice(0, end).split('\r\n')
  if (!trailers.every((line) => HEADER.test(line))) throw new Error('no trailer line')
  return { text, length: at + end + 4, trailers }
}
