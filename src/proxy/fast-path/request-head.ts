/** Reads the head of a simple request: GET or HEAD over HTTP/1.1, without a body, with nothing before or behind it. */

import { Llhttp, type LlhttpListener, PIECE_BYTES } from '../llhttp.ts'

export interface RequestHead {
  readonly method: 'GET' | 'HEAD'
  /** As it was sent. */
  readonly target: string
  /** Names and values in turn, each byte as one character. */
  readonly rawHeaders: string[]
  /** False: the client wants no other answer on its connection. */
  readonly keepsAlive: boolean
}

/** What asks for more than an answer: a body, a tunnel, an interim answer, trailers. By length, since most names have another. */
const MEANS_MORE: ReadonlyMap<number, readonly string[]> = new Map([
  [2, ['te']],
  [6, ['expect']],
  [7, ['upgrade', 'trailer']],
  [14, ['content-length', 'http2-settings']],
  [17, ['transfer-encoding']],
])
const USUAL_CONNECTION = /^(?:keep-alive|close)$/i
const REFUSED = -1
const HEAD_END = '\r\n\r\n'
/** Optional whitespace behind a value is no part of it. RFC 9112 §5.1 */
const SPACE = 0x20
const TAB = 0x09

class HeadReader implements LlhttpListener {
  readonly #parser = new Llhttp('requests', this)
  #text = ''
  #target = ''
  #targetStart = 0
  #fields: string[] = []
  #isBegun = false
  #isWhole = false
  #keepsAlive = false

  read(bytes: Buffer): RequestHead | undefined {
    if (bytes.length > PIECE_BYTES) return undefined
    this.#text = bytes.toString('latin1')
    this.#fields = []
    this.#isBegun = this.#isWhole = false
    const wrong = this.#parser.read(bytes)
    const head = wrong === undefined && this.#isWhole ? this.#head() : undefined
    // All connections are read by this one: none begins where another has stopped.
    if (head === undefined || !head.keepsAlive) this.#parser.reset()
    this.#text = ''
    return head
  }

  #head(): RequestHead | undefined {
    const text = this.#text
    const targetEnd = this.#targetStart + this.#target.length
    if (!text.startsWith(' HTTP/1.1\r\n', targetEnd)) return undefined
    // llhttp goes over empty lines between requests.
    if (text.indexOf(HEAD_END, targetEnd) + HEAD_END.length !== text.length) return undefined
    const method = this.#targetStart === 4 ? 'GET' : 'HEAD'
    // Nothing may stand before it either, such as an empty line.
    if (!text.startsWith(method) || this.#targetStart !== method.length + 1) return undefined
    return {
      method,
      target: this.#target,
      rawHeaders: this.#fields,
      keepsAlive: this.#keepsAlive,
    }
  }

  onMessageBegin(): number {
    if (this.#isBegun) return REFUSED
    this.#isBegun = true
    return 0
  }

  onUrl(start: number, length: number): number {
    this.#targetStart = start
    this.#target = this.#text.substring(start, start + length)
    return 0
  }

  onStatus(): number {
    return REFUSED
  }

  onHeaderField(start: number, length: number): number {
    const fields = this.#fields
    // A name without a value before it, or a part of a name.
    if (fields.length % 2 === 1) return REFUSED
    const name = this.#text.substring(start, start + length)
    if (MEANS_MORE.get(length)?.includes(name.toLowerCase())) return REFUSED
    fields.push(name)
    return 0
  }

  onHeaderValue(start: number, length: number): number {
    const fields = this.#fields
    // A value in parts, as on folded lines.
    if (fields.length % 2 === 0) return REFUSED
    const value = this.#text.substring(start, this.#endOfValue(start, start + length))
    const name = fields[fields.length - 1] as string
    if (name.length === 10 && name.toLowerCase() === 'connection' && !USUAL_CONNECTION.test(value))
      return REFUSED
    fields.push(value)
    return 0
  }

  #endOfValue(start: number, last: number): number {
    let end = last
    while (end > start) {
      const code = this.#text.charCodeAt(end - 1)
      if (code !== SPACE && code !== TAB) break
      end--
    }
    return end
  }

  onHeadersComplete(_status: number, isUpgrade: boolean, keepsAlive: boolean): number {
    this.#keepsAlive = keepsAlive
    return isUpgrade || this.#fields.length % 2 === 1 ? REFUSED : 0
  }

  onBody(): number {
    return REFUSED
  }

  onMessageComplete(): number {
    this.#isWhole = true
    return 0
  }
}

let reader: HeadReader | undefined

/** `undefined` where `bytes` are anything but one such head, whole: malformed, cut short, with a body, or more than one. */
export function readRequestHead(bytes: Buffer): RequestHead | undefined {
  reader ??= new HeadReader()
  return reader.read(bytes)
}
