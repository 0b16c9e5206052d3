/** The answer to a simple request: what the stages use of Node's own, written to the connection in as few pieces as it has. */

import { EventEmitter } from 'node:events'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../support/time.ts'
import { addFields, fieldLines, isSafeValue } from '../field-lines.ts'
import { httpDate } from './http-date.ts'
import { isLink } from './link-value.ts'

/** Whose answer it is. */
export interface ResponseOwner {
  readonly socket: Socket
  /** All of it has gone. */
  onSent(): void
  /** The request is given to Node's server as if nobody had looked at it. */
  handOver(): void
}

type Fields = readonly string[] | Readonly<Record<string, string | number | readonly string[]>>
type Framing = 'none' | 'length' | 'chunked'

/** Up to here copying a body costs less than a piece of its own. */
const SMALL_BYTES = 8 * 1024
const NOTHING = Buffer.alloc(0)
/** Longer than common load balancers keep theirs (60 s), so that they close first and lose no request. */
export const KEEP_ALIVE_MS = 75_000
const KEPT = `\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1_000}\r\n\r\n`
const CLOSED = '\r\nConnection: close\r\n\r\n'

export class FastResponse extends EventEmitter {
  shouldKeepAlive: boolean
  /** The connection ends with it, whatever its head says, where nothing has been asked behind it. */
  isLastIfIdle = false
  statusCode = 200
  statusMessage = ''
  headersSent = false
  writableEnded = false
  writableFinished = false
  destroyed = false
  /** For `Date`. */
  now: Clock = Date.now
  /** Called when all has been written and not all has gone. */
  onUnsent: (() => void) | undefined
  /** Called once, when the answer is over, however it ended. */
  onClose: (() => void) | undefined
  readonly #owner: ResponseOwner
  readonly #isHead: boolean
  #framing: Framing = 'none'
  /** Until the first byte of the body. */
  #unsentHead = ''
  #trailers: readonly string[] = []

  constructor(owner: ResponseOwner, isHead: boolean, keepsAlive: boolean) {
    super()
    this.#owner = owner
    this.#isHead = isHead
    this.shouldKeepAlive = keepsAlive
  }

  get socket(): Socket {
    return this.#owner.socket
  }

  /** To Node's server; nothing can be answered here any more. */
  handOver(): void {
    this.destroyed = true
    this.onClose = undefined
    this.#owner.handOver()
  }

  /** @throws UpstreamError UNSENDABLE where it holds what HTTP forbids: nothing is changed then */
  writeHead(status: number, phraseOrFields?: string | Fields, fields?: Fields): this {
    if (this.headersSent) throw new Error('the head of the answer has been written')
    const given = typeof phraseOrFields === 'string' ? fields : phraseOrFields
    const phrase =
      typeof phraseOrFields === 'string' ? phraseOrFields : (STATUS_CODES[status] ?? 'unknown')
    if (!isSafeValue(phrase)) throw new Error('the reason phrase cannot be sent')
    const list = given === undefined ? [] : isList(given) ? given : listOf(given)
    const said = sayings(list)
    const framing = this.#framingOf(status, said)
    let head = addFields(`HTTP/1.1 ${status} ${phrase}`, list)
    if ((said & DATE) === 0) head += `\r\nDate: ${httpDate(this.now())}`
    if (framing === 'chunked') head += '\r\nTransfer-Encoding: chunked'
    if ((said & CLOSE) !== 0) this.shouldKeepAlive = false
    if ((said & CONNECTION) !== 0) head += '\r\n\r\n'
    else head += this.shouldKeepAlive ? KEPT : CLOSED
    this.#framing = framing
    this.#unsentHead = head
    this.statusCode = status
    this.headersSent = true
    return this
  }

  /** RFC 9112 §6.3 */
  #framingOf(status: number, said: number): Framing {
    if (this.#isHead || status === 204 || status === 304) return 'none'
    return (said & LENGTH) === 0 ? 'chunked' : 'length'
  }

  flushHeaders(): void {
    if (this.#unsentHead === '' || !this.#isOpen()) return
    const head = this.#unsentHead
    this.#unsentHead = ''
    this.socket.write(head, 'latin1')
  }

  /** False: wait for `drain`. */
  write(chunk: Buffer): boolean {
    if (!this.#isOpen() || this.#framing === 'none' || chunk.length === 0) return true
    const { socket } = this
    socket.cork()
    this.flushHeaders()
    if (this.#framing === 'chunked') socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    let goesOn = socket.write(chunk)
    if (this.#framing === 'chunked') goesOn = socket.write('\r\n', 'latin1')
    socket.uncork()
    return goesOn
  }

  /** @param encoding of a text: `latin1` where each of its characters is a byte */
  end(chunk?: string | Buffer, encoding?: 'latin1'): this {
    if (this.writableEnded) return this
    if (!this.headersSent) this.writeHead(this.statusCode)
    this.writableEnded = true
    if (!this.#isOpen()) return this
    this.#writeEnd(chunk === undefined ? '' : bytesOf(chunk, encoding))
    // What the system took at once is sent; as with Node, nobody hears of that before `end` has returned.
    if (this.socket.writableLength === 0) process.nextTick(finished, this)
    else {
      this.onUnsent?.()
      this.socket.write(NOTHING, (error) => {
        if (!error) this.finish()
      })
    }
    return this
  }

  /** @param body a text has a byte in each character */
  #writeEnd(body: string | Buffer): void {
    const { socket } = this
    const isChunked = this.#framing === 'chunked'
    const hasBody = this.#framing !== 'none' && body.length > 0
    let text = this.#unsentHead
    this.#unsentHead = ''
    if (hasBody && isChunked) text += `${body.length.toString(16)}\r\n`
    const isLarge = hasBody && typeof body !== 'string'
    if (isLarge) {
      socket.cork()
      if (text !== '') socket.write(text, 'latin1')
      socket.write(body)
      text = ''
    } else if (hasBody) text += body
    if (isChunked) text += `${hasBody ? '\r\n' : ''}0${fieldLines(this.#trailers)}\r\n\r\n`
    if (text !== '') socket.write(text, 'latin1')
    if (isLarge) socket.uncork()
  }

  /** Fields behind a body in chunks; another has none. @throws UpstreamError UNSENDABLE where one holds what HTTP forbids */
  addTrailers(pairs: readonly (readonly [string, string])[]): void {
    const trailers = pairs.flat()
    fieldLines(trailers)
    this.#trailers = trailers
  }

  /** @throws where one of them is no link: nothing is sent then. RFC 8297, RFC 8288 §3 */
  writeEarlyHints({ link }: { readonly link: readonly string[] }): void {
    if (!link.every(isLink)) throw new Error('an early hint that is no link')
    const lines = fieldLines(['Link', link.join(', ')])
    if (this.#isOpen()) this.socket.write(`HTTP/1.1 103 Early Hints${lines}\r\n\r\n`, 'latin1')
  }

  /** Cuts the connection off, so that the answer cannot be taken for a whole one. */
  destroy(): this {
    // The connection may be another answer's by now.
    if (this.destroyed) return this
    this.destroyed = true
    this.socket.destroy()
    return this
  }

  /** To be called when the connection is gone, or the answer has been sent. */
  close(): void {
    this.destroyed = true
    const { onClose } = this
    this.onClose = undefined
    this.emit('close')
    onClose?.()
  }

  /** To be called once all of it has gone. */
  finish(): void {
    if (this.destroyed) return
    this.writableFinished = true
    this.emit('finish')
    this.#owner.onSent()
  }

  #isOpen(): boolean {
    return !this.destroyed && this.socket.writable
  }
}

function finished(response: FastResponse): void {
  response.finish()
}

/** What a list of fields says of the message itself. */
const LENGTH = 1
const DATE = 2
const CONNECTION = 4
const CLOSE = 8

function sayings(fields: readonly string[]): number {
  let said = 0
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (name.length === 14 && name.toLowerCase() === 'content-length') said |= LENGTH
    else if (name.length === 4 && name.toLowerCase() === 'date') said |= DATE
    else if (name.length === 10 && name.toLowerCase() === 'connection') {
      said |= CONNECTION
      if ((fields[i + 1] as string).toLowerCase() === 'close') said |= CLOSE
    }
  }
  return said
}

function bytesOf(chunk: string | Buffer, encoding: 'latin1' | undefined): string | Buffer {
  if (typeof chunk !== 'string')
    return chunk.length > SMALL_BYTES ? chunk : chunk.toString('latin1')
  if (encoding === 'latin1') return chunk
  const bytes = Buffer.from(chunk)
  return bytes.length > SMALL_BYTES ? bytes : bytes.toString('latin1')
}

function isList(fields: Fields): fields is readonly string[] {
  return Array.isArray(fields)
}

function listOf(fields: Exclude<Fields, readonly string[]>): string[] {
  return Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().flatMap((value) => [name, String(value)]),
  )
}
