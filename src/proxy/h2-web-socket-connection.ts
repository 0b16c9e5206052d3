/** A stream of HTTP/2 in the form of the connection that a WebSocket over HTTP/1.1 has to itself. RFC 8441 §5 */

import { constants, type ServerHttp2Stream } from 'node:http2'
import { Duplex } from 'node:stream'
import { resetStream } from './h2-reset.ts'

interface Piece {
  readonly chunk: Buffer
}
type Done = (error?: Error | null) => void

/**
 * The answer to the handshake, which is written in the form of HTTP/1.1, becomes the head of the stream; what follows are its
 * bytes. Its end is the stream's, and whatever else ends it resets the stream.
 */
export class H2WebSocketConnection extends Duplex {
  readonly #stream: ServerHttp2Stream
  #answered = false
  #silence: NodeJS.Timeout | undefined

  constructor(stream: ServerHttp2Stream) {
    super()
    this.#stream = stream
    // Nothing is read before somebody asks for it: until then the client may send no more than the window.
    stream.pause()
    stream.on('data', (chunk: Buffer) => {
      this.#silence?.refresh()
      if (!this.push(chunk)) stream.pause()
    })
    stream.on('end', () => this.push(null))
    // A reset tells of it at once; the other only when all that came before it has been read.
    stream.on('aborted', () => this.destroy())
    stream.on('close', () => this.destroy())
  }

  /**
   * Milliseconds in which nothing has come or gone, 0: any; it then emits `timeout`. That of the stream would take what moves
   * on the connection for a sign of life, whose it may be.
   */
  setTimeout(ms: number): this {
    clearTimeout(this.#silence)
    this.#silence = ms === 0 ? undefined : setTimeout(() => this.emit('timeout'), ms).unref()
    return this
  }

  override _read(): void {
    this.#stream.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this._writev([{ chunk }], done)
  }

  override _writev(pieces: Piece[], done: Done): void {
    if (!this.#answered) return this.#answer(pieces, done)
    const stream = this.#stream
    // Head and payload of a message in one frame.
    stream.cork()
    pieces.forEach(({ chunk }, i) => {
      if (i < pieces.length - 1) stream.write(chunk)
      else
        stream.write(chunk, (error) => {
          this.#silence?.refresh()
          done(error)
        })
    })
    stream.uncork()
  }

  override _final(done: Done): void {
    this.#stream.end(() => done())
  }

  override _destroy(error: Error | null, done: Done): void {
    this.setTimeout(0)
    const stream = this.#stream
    const isWhole = stream.writableFinished && stream.readableEnded
    // As a connection that is reset. RFC 8441 §5
    if (!isWhole) resetStream(stream, constants.NGHTTP2_CANCEL)
    done(error)
  }

  /** The head comes as one; behind one that refuses nothing follows. */
  #answer(pieces: readonly Piece[], done: Done): void {
    this.#answered = true
    const stream = this.#stream
    if (stream.destroyed || stream.closed) return done(new Error('the stream has been reset'))
    const head = pieces.map(({ chunk }) => chunk.toString('latin1')).join('')
    const status = Number(head.slice('HTTP/1.1 '.length).slice(0, 3))
    if (status === SWITCHING_PROTOCOLS) stream.respond({ ':status': 200, ...agreedOn(head) })
    else stream.respond({ ':status': status }, { endStream: true })
    done()
  }
}

const SWITCHING_PROTOCOLS = 101
const AGREED_ON = /^(sec-websocket-(?:protocol|extensions)): (.*)\r$/gim

/** What the answer says of the WebSocket, and not of a connection of HTTP/1.1. */
function agreedOn(head: string): Record<string, string> {
  const fields = [...head.matchAll(AGREED_ON)]
  return Object.fromEntries(fields.map(([, name = '', value = '']) => [name.toLowerCase(), value]))
}
