import fc from 'fast-check'
import { test } from 'tap'
import { AnswerReader } from '../../src/proxy/upstream/http1-reader.ts'

const CRLF = '\r\n'

/** What a reader told of an answer, in one text each. */
interface Told {
  readonly heads: string[]
  body: string
  trailers: string | undefined
  keepsAlive: boolean | undefined
  wrong: string | undefined
}

/** Reads `pieces` as the answers to one request. */
function readAll(pieces: readonly string[], { isHead = false, ends = false } = {}): Told {
  const told: Told = {
    heads: [],
    body: '',
    trailers: undefined,
    keepsAlive: undefined,
    wrong: undefined,
  }
  const reader = new AnswerReader({
    onBegin: () => told.trailers === undefined,
    onHead: (status, text, headers) => {
      told.heads.push(`${status} ${text}|${headers.join('|')}`)
      return !isHead
    },
    onBody: (piece) => {
      told.body += piece.toString('latin1')
    },
    onComplete: (trailers, keepsAlive) => {
      told.trailers = trailers.join('|')
      told.keepsAlive = keepsAlive
    },
  })
  for (const piece of pieces) {
    told.wrong ??= reader.read(Buffer.from(piece, 'latin1'))?.message
    if (told.wrong !== undefined) break
  }
  if (ends && told.wrong === undefined) told.wrong = reader.finish()?.message
  reader.free()
  return told
}

/** A text without what ends a line, and without spaces at its ends. */
const value = fc
  .array(fc.oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0x80, max: 0xff })), {
    maxLength: 12,
  })
  .map((codes) => String.fromCharCode(...codes))
const bytes = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((some) => Buffer.from(some).toString('latin1'))
const name = fc.constantFrom('X-A', 'x-b', 'Set-Cookie', 'Content-Type', 'Vary')
const fields = fc.array(fc.tuple(name, value), { maxLength: 6 })

function lines(of: readonly (readonly [string, string])[]): string {
  return of.map(([key, text]) => `${key}: ${text}${CRLF}`).join('')
}

const answer = fc.record({
  interim: fc.integer({ min: 0, max: 2 }),
  head: fields,
  trailers: fields,
  chunks: fc.array(bytes, { maxLength: 5 }),
  isChunked: fc.boolean(),
})

test('an answer means the same in whatever pieces it comes', (t) => {
  fc.assert(
    fc.property(answer, fc.infiniteStream(fc.integer({ min: 1, max: 30 })), (parts, sizes) => {
      const body = parts.chunks.join('')
      const framed = parts.isChunked
        ? `Transfer-Encoding: chunked${CRLF}${CRLF}${parts.chunks
            .map((chunk) => `${chunk.length.toString(16)}${CRLF}${chunk}${CRLF}`)
            .join('')}0${CRLF}${lines(parts.trailers)}${CRLF}`
        : `Content-Length: ${body.length}${CRLF}${CRLF}${body}`
      const hints = `HTTP/1.1 103 Early Hints${CRLF}Link: </a>${CRLF}${CRLF}`.repeat(parts.interim)
      const text = `${hints}HTTP/1.1 200 All right${CRLF}${lines(parts.head)}${framed}`
      const pieces: string[] = []
      for (let at = 0; at < text.length; ) {
        const size = sizes.next().value
        pieces.push(text.slice(at, at + size))
        at += size
      }
      const whole = readAll([text])
      if (whole.wrong !== undefined || whole.body !== body || whole.keepsAlive !== true)
        return false
      if (whole.heads.length !== parts.interim + 1) return false
      if (whole.trailers !== (parts.isChunked ? parts.trailers.flat().join('|') : '')) return false
      return (
        JSON.stringify(readAll(pieces)) === JSON.stringify(whole) &&
        JSON.stringify(readAll([...text])) === JSON.stringify(whole)
      )
    }),
  )
  t.end()
})

test('the end of an answer', (t) => {
  const head = `HTTP/1.1 200 OK${CRLF}`
  const toTheEnd = [`${head}${CRLF}abc`]
  t.match(readAll(toTheEnd, { ends: true }), { body: 'abc', trailers: '', keepsAlive: false })
  t.equal(readAll(toTheEnd).trailers, undefined, 'it is not known before the connection ends')
  const short = readAll([`${head}Content-Length: 5${CRLF}${CRLF}abc`], { ends: true })
  t.match(short, { trailers: undefined, wrong: /not HTTP/ })
  const open = readAll([`${head}Transfer-Encoding: chunked${CRLF}${CRLF}3${CRLF}abc${CRLF}`], {
    ends: true,
  })
  t.match(open, { trailers: undefined, wrong: /not HTTP/ })
  const asked = `${head}Content-Length: 5${CRLF}${CRLF}`
  t.match(readAll([asked], { isHead: true }), { body: '', trailers: '', keepsAlive: true })
  for (const status of ['204 No Content', '304 Not Modified']) {
    const none = readAll([`HTTP/1.1 ${status}${CRLF}Content-Length: 5${CRLF}${CRLF}`])
    t.match(none, { body: '', trailers: '', keepsAlive: true }, status)
  }
  t.match(readAll([`HTTP/1.0 200 OK${CRLF}Content-Length: 0${CRLF}${CRLF}`]), { keepsAlive: false })
  const kept = `Connection: keep-alive${CRLF}`
  t.match(readAll([`HTTP/1.0 200 OK${CRLF}${kept}Content-Length: 0${CRLF}${CRLF}`]), {
    keepsAlive: true,
  })
  const coded = `${kept}Transfer-Encoding: chunked${CRLF}${CRLF}0${CRLF}${CRLF}`
  t.match(readAll([`HTTP/1.0 200 OK${CRLF}${coded}`]), { keepsAlive: false })
  t.match(readAll([`HTTP/1.1 200 OK${CRLF}${coded}`]), { keepsAlive: true })
  const closing = `${head}Connection: close${CRLF}Content-Length: 0${CRLF}${CRLF}`
  t.match(readAll([closing]), { keepsAlive: false })
  t.end()
})

test('what is no answer is told, and nothing of it is taken for one', (t) => {
  const ok = `HTTP/1.1 200 OK${CRLF}`
  const empty = `Content-Length: 0${CRLF}${CRLF}`
  const cases: [string, string, RegExp][] = [
    [
      'a coding that stays',
      `${ok}Transfer-Encoding: gzip, chunked${CRLF}${CRLF}0${CRLF}${CRLF}`,
      /gzip/,
    ],
    [
      'a coding in a line of its own',
      `${ok}Transfer-Encoding: gzip${CRLF}Transfer-Encoding: chunked${CRLF}${CRLF}0${CRLF}${CRLF}`,
      /gzip/,
    ],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n', /not HTTP/],
    ['a second answer', `${ok}${empty}${ok}${empty}`, /nobody has asked/],
    [
      'a new protocol',
      `HTTP/1.1 101 X${CRLF}Upgrade: x${CRLF}Connection: upgrade${CRLF}${CRLF}`,
      /protocol/,
    ],
    [
      'an endless head',
      `${ok}${`X-A: ${'a'.repeat(60)}${CRLF}`.repeat(1_100)}`,
      /larger than 65536/,
    ],
    [
      'an endless reason',
      `HTTP/1.1 200 ${'a'.repeat(65_000)}${'b'.repeat(600)}`,
      /larger than 65536/,
    ],
    [
      'endless trailers',
      `${ok}Transfer-Encoding: chunked${CRLF}${CRLF}0${CRLF}${`X-A: ${'a'.repeat(60)}${CRLF}`.repeat(1_100)}`,
      /larger than 65536/,
    ],
  ]
  for (const [what, text, wrong] of cases) {
    const pieces = [text.slice(0, 60_000), text.slice(60_000)].filter((piece) => piece !== '')
    t.match(readAll(pieces).wrong, wrong, what)
  }
  t.end()
})

test('what a listener throws ends the reading', (t) => {
  const reader = new AnswerReader({
    onBegin: () => true,
    onHead: () => {
      throw new Error('not this one')
    },
    onBody: () => undefined,
    onComplete: () => undefined,
  })
  const wrong = reader.read(Buffer.from(`HTTP/1.1 200 OK${CRLF}Content-Length: 0${CRLF}${CRLF}`))
  t.equal(wrong?.message, 'not this one')
  reader.free()
  t.end()
})

test('two answers are not read at once, and neither is taken for the other', (t) => {
  const silent = { onBegin: () => true, onHead: () => true, onComplete: () => undefined }
  const other = new AnswerReader({ ...silent, onBody: () => t.fail('it was read') })
  let body = ''
  let refused: Error | undefined
  const reader = new AnswerReader({
    ...silent,
    onBody: (piece) => {
      body += piece.toString('latin1')
      refused ??= other.read(
        Buffer.from(`HTTP/1.1 200 OK${CRLF}Content-Length: 5${CRLF}${CRLF}other`),
      )
    },
  })
  const chunks = `Transfer-Encoding: chunked${CRLF}${CRLF}2${CRLF}my${CRLF}3${CRLF}own${CRLF}0${CRLF}${CRLF}`
  t.equal(reader.read(Buffer.from(`HTTP/1.1 200 OK${CRLF}${chunks}`)), undefined)
  t.equal(body, 'myown')
  t.match(refused, { message: /something else/ })
  reader.free()
  other.free()
  t.end()
})

test('the chunks of a piece come as one', (t) => {
  const chunks = Array.from({ length: 5_000 }, (_, i) => String.fromCharCode(97 + (i % 26)))
  const bodies: string[] = []
  let trailers: string[] = []
  const reader = new AnswerReader({
    onBegin: () => true,
    onHead: () => true,
    onBody: (piece) => bodies.push(piece.toString('latin1')),
    onComplete: (fields) => {
      trailers = fields
    },
  })
  const framed = chunks.map((chunk) => `1${CRLF}${chunk}${CRLF}`).join('')
  const text = `HTTP/1.1 200 OK${CRLF}Transfer-Encoding: chunked${CRLF}${CRLF}${framed}0${CRLF}X-A: b${CRLF}${CRLF}`
  t.equal(reader.read(Buffer.from(text)), undefined)
  t.same(bodies, [chunks.join('')])
  t.same(trailers, ['X-A', 'b'])
  reader.free()
  t.end()
})
