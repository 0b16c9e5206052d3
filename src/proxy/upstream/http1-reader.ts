/** The answers on one connection of HTTP/1.1 to an upstream, from bytes to heads, bodies and trailers. RFC 9112 */

import { Llhttp, type LlhttpListener } from '../llhttp.ts'

/** Hears of an answer. Names and values come in turn, each byte of them as one character (latin1). */
export interface AnswerListener {
  /** An answer begins. False: nobody has asked for one. */
  onBegin(): boolean
  /** Also of each interim answer, whose status is below 200. False: no body follows, since the request was HEAD. */
  onHead(status: number, statusText: string, headers: string[]): boolean
  /** @param piece memory that is another's when the call has returned */
  onBody(piece: Buffer): void
  /** @param keepsAlive whether the connection may be asked again */
  onComplete(trailers: string[], keepsAlive: boolean): void
}

/** Of a head, and of the trailers. */
const MAX_FIELD_BYTES = 64 * 1024
/** A head mostly lies in the first bytes of a piece. To make one text of them and cut it is faster than text by text. */
const TEXT_BYTES = 4 * 1024
/** The second means none, and old servers say so. */
const READABLE = /^(?:chunked|identity)$/i
const SWITCHING_PROTOCOLS = 101

const NOTHING = Buffer.alloc(0)

export class AnswerReader implements LlhttpListener {
  readonly #listener: AnswerListener
  readonly #parser: Llhttp
  #piece: Buffer = NOTHING
  /** The first bytes of `#piece`, as soon as they are needed. */
  #text = ''
  /** Where in `#piece` the body lies that the listener has not been given. */
  #bodyStart = 0
  #bodyEnd = 0
  #fields: string[] = []
  #fieldBytes = 0
  #statusText = ''
  #status = 0
  #keepsAlive = false
  /** Why the listener, or this reader, would not go on. */
  #refusal: Error | undefined

  constructor(listener: AnswerListener) {
    this.#listener = listener
    this.#parser = new Llhttp('answers', this)
  }

  /**
   * @param piece is written to: the chunks of a body that it holds are put together
   * @returns why the connection is of no use any more
   */
  read(piece: Buffer): Error | undefined {
    this.#piece = piece
    this.#text = ''
    let failure = this.#failure(this.#parser.read(piece))
    if (failure === undefined && this.#giveBody() !== 0) failure = this.#refusal
    this.#bodyEnd = 0
    this.#piece = NOTHING
    return failure
  }

  /** The upstream has ended the connection. @returns what is wrong with that */
  finish(): Error | undefined {
    return this.#failure(this.#parser.finish())
  }

  free(): void {
    this.#parser.free()
  }

  #failure(wrong: string | undefined): Error | undefined {
    if (wrong === undefined) return undefined
    return this.#refusal ?? new Error(`the answer is not HTTP/1.1: ${wrong}`)
  }

  #refuse(error: unknown): number {
    this.#refusal = error instanceof Error ? error : new Error(String(error))
    return -1
  }

  onMessageBegin(): number {
    this.#statusText = ''
    this.#status = 0
    if (this.#listener.onBegin()) return 0
    return this.#refuse(new Error('an answer that nobody has asked for'))
  }

  /** An answer has none. */
  onUrl(): number {
    return -1
  }

  onStatus(start: number, length: number): number {
    this.#statusText += this.#textAt(start, length)
    return this.#count(length)
  }

  onHeaderField(start: number, length: number): number {
    const fields = this.#fields
    const text = this.#textAt(start, length)
    // A name that the last piece has begun goes on in this one.
    if (fields.length % 2 === 1) fields[fields.length - 1] += text
    else fields.push(text)
    return this.#count(length)
  }

  onHeaderValue(start: number, length: number): number {
    const fields = this.#fields
    const text = this.#textAt(start, length)
    if (fields.length % 2 === 0) fields[fields.length - 1] += text
    else fields.push(text)
    return this.#count(length)
  }

  onHeadersComplete(status: number, isUpgrade: boolean, keepsAlive: boolean): number {
    if (isUpgrade || status === SWITCHING_PROTOCOLS)
      return this.#refuse(new Error('the upstream changes the protocol, which nobody asked for'))
    // Three digits, and no class of answers begins with 0. RFC 9110 §15
    if (status < 100) return this.#refuse(new Error(`an answer with the status ${status}`))
    this.#status = status
    this.#keepsAlive = keepsAlive
    const fields = this.#takeFields()
    // The client is told of no coding but our own, and would take this one for the content. RFC 9112 §7
    const coding = codingOf(fields)
    // HTTP/1.0 knows of none: whoever says so has framed the answer wrongly. RFC 9112 §6.1
    if (coding !== undefined && this.#parser.minorVersion === 0) this.#keepsAlive = false
    if (coding !== undefined && !READABLE.test(coding))
      return this.#refuse(
        new Error(`the answer has \`Transfer-Encoding: ${coding}\`; only \`chunked\` can be read`),
      )
    try {
      const hasBody = this.#listener.onHead(status, this.#statusText, fields)
      return hasBody ? 0 : 1
    } catch (error) {
      return this.#refuse(error)
    }
  }

  /** Thousands of chunks may lie in one piece: given one by one, each would wait in an object of its own for a slow client. */
  onBody(start: number, length: number): number {
    if (this.#bodyEnd === 0) this.#bodyStart = this.#bodyEnd = start
    // What lies before `start` has been read.
    if (this.#bodyEnd !== start) this.#piece.copyWithin(this.#bodyEnd, start, start + length)
    this.#bodyEnd += length
    return 0
  }

  #giveBody(): number {
    const end = this.#bodyEnd
    if (end === 0) return 0
    this.#bodyEnd = 0
    try {
      this.#listener.onBody(this.#piece.subarray(this.#bodyStart, end))
      return 0
    } catch (error) {
      return this.#refuse(error)
    }
  }

  onMessageComplete(): number {
    const trailers = this.#takeFields()
    if (this.#status < 200) return 0
    if (this.#giveBody() !== 0) return -1
    try {
      this.#listener.onComplete(trailers, this.#keepsAlive)
      return 0
    } catch (error) {
      return this.#refuse(error)
    }
  }

  #takeFields(): string[] {
    const fields = this.#fields
    this.#fields = []
    this.#fieldBytes = 0
    return fields
  }

  #count(bytes: number): number {
    this.#fieldBytes += bytes
    if (this.#fieldBytes <= MAX_FIELD_BYTES) return 0
    return this.#refuse(new Error(`the head of the answer is larger than ${MAX_FIELD_BYTES} bytes`))
  }

  #textAt(start: number, length: number): string {
    const end = start + length
    if (end > TEXT_BYTES) return this.#piece.toString('latin1', start, end)
    if (this.#text === '') this.#text = this.#piece.toString('latin1', 0, TEXT_BYTES)
    return this.#text.substring(start, end)
  }
}

/** How the body is coded for the transfer, where the head says so. */
function codingOf(fields: readonly string[]): string | undefined {
  let found: string | undefined
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string
    if (name.length !== 17 || name.toLowerCase() !== 'transfer-encoding') continue
    found = found === undefined ? fields[i + 1] : `${found}, ${fields[i + 1]}`
  }
  return found
}
