/** Sends bytes over a socket and gives back what came, so that nothing between test and gateway tidies them up. */

import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface RawAnswer {
  /** Everything that came, one character a byte. */
  readonly text: string
  /** Of the first answer; 0 where none came. */
  readonly status: number
  /** Lines of the first answer's head, without the status line. */
  readonly headerLines: readonly string[]
  /** First value of a header of the first answer. */
  header(name: string): string | undefined
  /** What follows the first answer's head, as it came (chunks are not joined). */
  readonly body: string
  /** How many status lines came: more than one where the request was taken for several. */
  readonly answers: number
}

export interface RawRequestOptions {
  readonly tls?: { readonly servername?: string; readonly ca?: string }
  /**
   * `answer` (default): until the first final answer is complete. `close`: until the gateway closes, for pipelined
   * requests; the last of them then has `Connection: close`.
   */
  readonly until?: 'answer' | 'close'
  /** The test fails when this is over; nothing waits for it otherwise. */
  readonly deadlineMs?: number
}

/** Sends `bytes` (text is one byte a character; lines end as written, mind the `\r\n`) to 127.0.0.1. */
export function rawRequest(
  port: number,
  bytes: string | Uint8Array,
  options: RawRequestOptions = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = open(port, options)
    let text = ''
    const deadline = setTimeout(() => {
      reject(new Error(`no complete answer within the deadline; so far: ${JSON.stringify(text)}`))
      socket.destroy()
    }, options.deadlineMs ?? 10_000)
    const finish = () => {
      clearTimeout(deadline)
      socket.destroy()
      resolve(parse(text))
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (options.until !== 'close' && isComplete(text)) finish()
    })
    socket.on('error', (cause: NodeJS.ErrnoException) => {
      // A gateway that refuses may reset while we still write: what it said before counts.
      if (cause.code === 'ECONNRESET' || cause.code === 'EPIPE') return finish()
      clearTimeout(deadline)
      reject(cause)
    })
    socket.on('close', finish)
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  })
}

/** The bytes of a request: `head('GET / HTTP/1.1', 'Host: a.example')`, with its empty line. */
export function head(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

function open(port: number, { tls }: RawRequestOptions): Socket {
  if (tls === undefined) return connect({ port, host: '127.0.0.1' })
  const name = tls.servername === undefined ? {} : { servername: tls.servername }
  const ca = tls.ca === undefined ? { rejectUnauthorized: false } : { ca: tls.ca }
  return connectTls({ port, host: '127.0.0.1', ALPNProtocols: ['http/1.1'], ...name, ...ca })
}

const HEAD_END = '\r\n\r\n'

/** True when `text` begins with a whole final answer. Interim answers (1xx but 101) are skipped. */
function isComplete(text: string): boolean {
  const { status, headerLines, body } = parse(text)
  if (!text.includes(HEAD_END)) return false
  if (status >= 100 && status < 200 && status !== 101) {
    return isComplete(text.slice(text.indexOf(HEAD_END) + HEAD_END.length))
  }
  if (status === 101 || status === 204 || status === 304) return true
  const length = firstValue(headerLines, 'content-length')
  if (length !== undefined) return body.length >= Number(length)
  if (firstValue(headerLines, 'transfer-encoding') !== undefined)
    return /(^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(body)
  return false
}

function parse(text: string): RawAnswer {
  const end = text.indexOf(HEAD_END)
  const [statusLine = '', ...headerLines] = (end < 0 ? text : text.slice(0, end)).split('\r\n')
  return {
    text,
    status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1] ?? 0),
    headerLines,
    header: (name) => firstValue(headerLines, name),
    body: end < 0 ? '' : text.slice(end + HEAD_END.length),
    answers: text.match(/HTTP\/1\.[01] \d{3} /g)?.length ?? 0,
  }
}

function firstValue(lines: readonly string[], name: string): string | undefined {
  const start = `${name.toLowerCase()}:`
  return lines
    .find((line) => line.toLowerCase().startsWith(start))
    ?.slice(start.length)
    .trim()
}
