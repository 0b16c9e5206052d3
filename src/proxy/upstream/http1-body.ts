/** The body of a request on its way to an upstream over HTTP/1.1: framed, counted, no faster than the upstream takes it. */

import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { fieldLines } from '../field-lines.ts'
import { UpstreamError } from './upstream-error.ts'

export interface BodyEvents {
  /** All of it has been written. */
  onSent(): void
  /** Fields behind it, where it goes in chunks: names and values in turn. */
  trailers(): readonly string[]
  /** It will never be whole. */
  onBroken(error: Error): void
}

export class Http1Body {
  readonly #socket: Socket
  readonly #body: Readable
  readonly #events: BodyEvents
  /** Bytes to come; below 0: in chunks, until the body ends. */
  #left: number

  /** @param length what Content-Length has said; -1: the body goes in chunks */
  constructor(socket: Socket, body: Readable, length: number, events: BodyEvents) {
    this.#socket = socket
    this.#body = body
    this.#events = events
    this.#left = length
    body.on('data', this.#onData)
    body.once('end', this.#onEnd)
    body.once('error', this.#onError)
    body.once('close', this.#onClose)
  }

  /** The socket takes more. */
  drained(): void {
    this.#body.resume()
  }

  /** Takes no more of the body; whoever serves the client decides what becomes of the rest, which is let go by until then. */
  stop(): void {
    const body = this.#body
    body.off('data', this.#onData)
    body.off('end', this.#onEnd)
    body.off('error', this.#onError)
    body.off('close', this.#onClose)
    // A client that breaks off once nobody listens is no failure of anybody.
    body.on('error', ignore)
    // Held back for an upstream that takes no more, the client would never get to its next request.
    body.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    const goesOn = this.#left < 0 ? this.#writeChunk(chunk) : this.#writePlain(chunk)
    if (!goesOn) this.#body.pause()
  }

  #writePlain(chunk: Buffer): boolean {
    this.#left -= chunk.length
    if (this.#left >= 0) return this.#socket.write(chunk)
    this.#break(new UpstreamError('UNSENDABLE', 'the body is longer than its Content-Length'))
    return false
  }

  /** RFC 9112 §7.1 */
  #writeChunk(chunk: Buffer): boolean {
    // One of no bytes would be the last.
    if (chunk.length === 0) return true
    const socket = this.#socket
    socket.cork()
    socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1')
    socket.write(chunk)
    const goesOn = socket.write('\r\n', 'latin1')
    socket.uncork()
    return goesOn
  }

  readonly #onEnd = (): void => {
    if (this.#left > 0) {
      this.#break(new UpstreamError('UNSENDABLE', 'the body is shorter than its Content-Length'))
      return
    }
    if (this.#left < 0 && !this.#writeEnd()) return
    this.stop()
    this.#events.onSent()
  }

  #writeEnd(): boolean {
    try {
      this.#socket.write(`0${fieldLines(this.#events.trailers())}\r\n\r\n`, 'latin1')
      return true
    } catch (error) {
      this.#break(error instanceof Error ? error : new Error(String(error)))
      return false
    }
  }

  readonly #onError = ({ message }: Error): void =>
    // Not with a code that would put it down to the upstream.
    this.#break(new UpstreamError('ABORTED', `the client broke off its body: ${message}`))

  readonly #onClose = (): void =>
    this.#break(new UpstreamError('ABORTED', 'the client broke off in the middle of its body'))

  #break(error: Error): void {
    this.stop()
    this.#events.onBroken(error)
  }
}

function ignore(): void {
  // See `stop`.
}
