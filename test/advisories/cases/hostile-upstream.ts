/** Class H, an app that misbehaves or was taken over: what it answers is its own answer, never another's. */

import { rawRequest } from '../../support/raw-request.ts'
import { type Attack, type Attempt, attempt, type Judge, judged } from '../attack.ts'
import type { BrokenAnswer, ReceivedRequest } from '../byte-upstream.ts'
import { HOST } from '../target.ts'

const OK = 'HTTP/1.1 200 OK\r\n'
const EMPTY = 'Content-Length: 0\r\n\r\n'
/** Stands in what no client but the one that asked may get. */
const LOST = 'second'

/** By path: more than one answer, or more than was said. */
export const TOO_MUCH: Readonly<Record<string, string>> = {
  '/public/two-answers': `${OK}Content-Length: 5\r\n\r\nfirst${OK}Content-Length: 6\r\n\r\n${LOST}`,
  '/public/longer': `${OK}Content-Length: 5\r\n\r\nfirst, and the ${LOST}`,
  '/public/no-content': `HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\n${LOST}`,
  '/public/chunked-no-content': `HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n${LOST}\r\n0\r\n\r\n`,
  '/public/not-modified': `HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n${LOST}`,
}

/** By name: answers that are none. */
export const BROKEN: Readonly<Record<string, string>> = {
  'a line end in a value': `${OK}X-A: b\rSet-Cookie: gatehouse=stolen\r\n${EMPTY}`,
  'a bare line feed': `${OK}X-A: b\nX-Gatehouse-A: stolen\r\n${EMPTY}`,
  'a NUL in a value': `${OK}X-A: b\0\r\n${EMPTY}`,
  'a folded line': `${OK}X-A: b\r\n Set-Cookie: gatehouse=stolen\r\n${EMPTY}`,
  'a name with a space': `${OK}X A: b\r\n${EMPTY}`,
  'an empty name': `${OK}: b\r\n${EMPTY}`,
  'a status of two digits': `HTTP/1.1 20 OK\r\n${EMPTY}`,
  'a status below all': `HTTP/1.1 000 OK\r\n${EMPTY}`,
  'a control in its reason': `HTTP/1.1 200 O\x01K\r\n${EMPTY}`,
  'length and chunks': `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths': `${OK}Content-Length: 1\r\nContent-Length: 0\r\n\r\n`,
  'a length that is none': `${OK}Content-Length: 0x5\r\n\r\nhello`,
  'a switch of protocols':
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  'an endless head': `${OK}${'X-A: 1234567890\r\n'.repeat(10_000)}\r\n`,
}

const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`
const TEN = `${OK}Content-Length: 10\r\n\r\n`
const cut = (bytes: string): BrokenAnswer => ({ bytes, end: 'close' })
const reset = (bytes: string): BrokenAnswer => ({ bytes, end: 'reset' })

/** By name: answers that begin well, or not at all, and do not become whole. */
export const NOT_WHOLE: Readonly<Record<string, string | BrokenAnswer>> = {
  'a chunk size that is none': cut(`${CHUNKED}zz\r\nhello\r\n0\r\n\r\n`),
  'a negative chunk size': cut(`${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`),
  'a chunk size past all numbers': cut(`${CHUNKED}fffffffffffffffff\r\nhello\r\n0\r\n\r\n`),
  'a chunk that is longer than it says': cut(`${CHUNKED}3\r\nhello\r\n0\r\n\r\n`),
  'a chunk that is shorter than it says': cut(`${CHUNKED}f\r\nhello\r\n0\r\n\r\n`),
  'chunks without an end': cut(`${CHUNKED}5\r\nhello\r\n`),
  'chunks and a reset': reset(`${CHUNKED}5\r\nhello\r\n`),
  'less than its length': cut(`${TEN}hello`),
  'less than its length, and a reset': reset(`${TEN}hello`),
  'half a head': cut('HTTP/1.1 200 OK\r\nX-A'),
  'nothing, and a close': cut(''),
  'nothing, and a reset': reset(''),
  'interim answers without an end': `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(50_000)}`,
}

const HINTS = `${'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(5)}${OK}${EMPTY}`

/** The whole answer, and a while later one more on the same connection. */
const UNASKED: BrokenAnswer = {
  bytes: `${OK}Content-Length: 2\r\n\r\nok`,
  end: { unasked: `${OK}Content-Length: 6\r\n\r\n${LOST}` },
}

/** What an upstream of these attacks answers. */
export function hostileAnswer({ target }: ReceivedRequest): string | BrokenAnswer {
  if (target === '/public/hints') return HINTS
  if (target === '/public/unasked') return UNASKED
  const name = decoded(target.slice('/public/'.length))
  const answer = TOO_MUCH[target] ?? BROKEN[name] ?? NOT_WHOLE[name]
  return answer ?? `${OK}Content-Length: 2\r\n\r\nok`
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`

const STATUS_LINE = /^HTTP\/1\.[01] [1-9]\d\d [\t\x20-\x7e\x80-\xff]*$/
const HEADER_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*$/

/** One final answer, in bytes that can be read in one way; what is broken has to be a 5xx or be mended. */
export const oneAnswer: Judge = ({ answer }) => {
  const final = answer.text.replace(/^(?:HTTP\/1\.1 10[0-3][\s\S]*?\r\n\r\n)+/, '')
  // The connection was closed instead: nobody takes that for an answer.
  if (final === '') return undefined
  const [statusLine = '', ...lines] = final.slice(0, final.indexOf('\r\n\r\n')).split('\r\n')
  const broken = [
    ...(STATUS_LINE.test(statusLine) ? [] : [statusLine]),
    ...lines.filter((line) => !HEADER_LINE.test(line)),
  ]
  if (broken.length > 0) return `\`${JSON.stringify(broken[0]).slice(1, -1)}\` reached the client`
  const framings = lines.filter((line) => /^(content-length|transfer-encoding):/i.test(line))
  if (framings.length > 1) return `${framings.join(', ')} reached the client`
  // RFC 9110 §8.6: whoever believed it would read the next answer as the body of this one.
  if (statusLine.startsWith('HTTP/1.1 204') && framings.length > 0) {
    return `204 with \`${framings[0]}\` reached the client`
  }
  return final.length > 100_000 ? 'a head without bounds reached the client' : undefined
}

export const brokenAnswers: Attack = {
  id: 'H8',
  name: 'answers of an app that are none',
  attempts: () =>
    Object.keys(BROKEN).map((name) =>
      attempt(name, get(`/public/${encodeURIComponent(name)}`), { judge: oneAnswer }),
    ),
}

/** A failure is told, or the client sees that something is missing. RFC 9112 §8 */
const isSeenToFail: Judge = ({ answer }) => {
  const { status, headerLines, body } = answer
  if (status === 0 || status >= 500) return undefined
  const length = answer.header('content-length')
  const isChunked = headerLines.some((line) => /^transfer-encoding: *chunked$/i.test(line))
  if (isChunked ? !body.endsWith('0\r\n\r\n') : body.length < Number(length ?? 0)) return undefined
  return `${JSON.stringify(answer.text.slice(0, 20))} and ${JSON.stringify(body)} look whole`
}

const next = attempt('next', get('/public/x'), {
  judge: ({ answer }) => (answer.body === 'ok' ? undefined : `the next one got ${answer.status}`),
})

/** Whether it is asked for once more is the proxy's own affair: nothing but the answers counts. */
const notWhole = (name: string): Attempt => ({
  name,
  run: async (target) => {
    const sent = get(`/public/${encodeURIComponent(name)}`)
    const answer = await rawRequest(target.port, sent, { until: 'close' })
    const seen = judged(target, 'nobody', { sent, answer, arrived: [] }, isSeenToFail)
    return seen.fault === undefined ? { ...seen, fault: (await next.run(target)).fault } : seen
  },
})

export const brokenBodies: Attack = {
  id: 'H8',
  name: 'answers that break off, and chunks that are none, look whole to nobody',
  attempts: () => Object.keys(NOT_WHOLE).map(notWhole),
}

const ROUNDS = 5

/** Others ask meanwhile, over connections that the proxy may share. */
const withOthers = (path: string): Attempt => ({
  name: path,
  run: async (target) => {
    const ask = (asked: string) => rawRequest(target.port, get(asked), { until: 'close' })
    for (let round = 1; ; round++) {
      target.upstream.forget()
      const [answer, ...others] = await Promise.all([ask(path), ask('/public/x'), ask('/public/y')])
      const taken = others.find(({ status, body }) => status < 500 && body !== 'ok')
      const judge: Judge = (seen, about) => {
        if (taken !== undefined)
          return `another client got ${JSON.stringify(taken.text.slice(-100))}`
        const isBoth = path === '/public/two-answers' && answer.text.includes(LOST)
        return isBoth ? 'the second answer reached the client' : oneAnswer(seen, about)
      }
      const seen = judged(target, 'nobody', { sent: get(path), answer, arrived: [] }, judge)
      if (seen.fault !== undefined || round === ROUNDS) return seen
    }
  },
})

export const tooMuch: Attack = {
  id: 'H8',
  name: 'what an app says too much is nobody else’s answer',
  attempts: () => Object.keys(TOO_MUCH).map(withOthers),
}

const AFTER_REST_MS = 60

/** The second answer has come while the connection rested, or comes while the next request is on its way. */
const afterRest = (restMs: number): Attempt => ({
  name: `the next request ${restMs} ms later`,
  run: async (target) => {
    for (let round = 1; ; round++) {
      await rawRequest(target.port, get('/public/unasked'), { until: 'close' })
      await new Promise((resolve) => setTimeout(resolve, restMs))
      const seen = await attempt('next', get('/public/x'), {
        judge: ({ answer }) =>
          answer.status >= 500 || answer.body === 'ok' ? undefined : `it got ${answer.body}`,
      }).run(target)
      if (seen.fault !== undefined || round === ROUNDS) return seen
    }
  },
})

export const unaskedAnswers: Attack = {
  id: 'H8',
  name: 'an answer that nobody asked for, on a connection that rests, is for nobody',
  attempts: () => [AFTER_REST_MS, AFTER_REST_MS * 3].map(afterRest),
}

export const hints: Attack = {
  id: 'H8',
  name: 'interim answers are followed by one that is final',
  attempts: () => [attempt('five hints', get('/public/hints'), { judge: oneAnswer })],
}
