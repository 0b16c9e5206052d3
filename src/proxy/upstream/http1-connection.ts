/** One connection of HTTP/1.1 to an upstream: one exchange after the other, and none after anything unexpected. */

import type { Socket } from 'node:net'
import type { Route, UpstreamUrl } from '../../policy/route.ts'
import { PIECE_BYTES } from '../llhttp.ts'
import type { Deadlines, Waiter } from './deadlines.ts'
import type { Carrier, Http1Exchange } from './http1-exchange.ts'
import { type AnswerListener, AnswerReader } from './http1-reader.ts'
import { UpstreamError } from './upstream-error.ts'
import { CONNECT_TIMEOUT_MS, openSocket, readyEvent } from './upstream-socket.ts'

/** Whoever has opened a connection. */
export interface ConnectionOwner {
  /** It can carry another exchange. */
  onFree(connection: Http1Connection): void
  onGone(connection: Http1Connection): void
  onTlsSession(session: Buffer): void
}

export interface ConnectionOptions {
  readonly url: UpstreamUrl
  readonly tls: Route['tls']
  readonly tlsSession: Buffer | undefined
  readonly deadlines: Deadlines
  readonly owner: ConnectionOwner
}

/** Below the idle timeout of common servers (nginx 75 s, Node 5 s states its own), so that we close first. */
const KEEP_ALIVE_MS = 4_000
const LONGEST_KEEP_ALIVE_MS = 600_000
/** Sooner than the upstream says by this, since what we send is under way for a while. */
const KEEP_ALIVE_MARGIN_MS = 2_000

/** All connections read into it, one after the other; what is to be kept is copied. */
const memory = Buffer.allocUnsafeSlow(PIECE_BYTES)

export class Http1Connection implements Carrier, AnswerListener, Waiter {
  readonly openedAt = performance.now()
  readonly socket: Socket
  readonly #options: ConnectionOptions
  readonly #reader: AnswerReader
  #exchange: Http1Exchange | undefined
  #deadline = this.openedAt + CONNECT_TIMEOUT_MS
  #keepAliveMs = KEEP_ALIVE_MS
  #isOpen = false
  #isPaused = false
  /** An answer is whole, and another request may follow it. */
  #isReusable = false
  #error: Error | undefined

  /**
   * @param first waits for the connection
   * @throws where TLS cannot be spoken with what the route has
   */
  constructor(options: ConnectionOptions, first: Http1Exchange) {
    this.#options = options
    this.#exchange = first
    const { url, tls, tlsSession, deadlines } = options
    const socket = openSocket(url, tls, {
      protocol: 'http/1.1',
      session: tlsSession,
      onread: { buffer: memory, callback: (length) => this.#read(length) },
    })
    this.socket = socket
    this.#reader = new AnswerReader(this)
    socket.once(readyEvent(url), () => this.#opened())
    socket.on('session', (session: Buffer) => options.owner.onTlsSession(session))
    socket.on('drain', () => this.#exchange?.drained())
    socket.on('end', () => this.#ended())
    socket.on('error', (error) => {
      this.#error ??= error
    })
    socket.once('close', () => this.#closed())
    deadlines.add(this)
  }

  get deadline(): number {
    return this.#deadline
  }

  /** False where it has ended, or may not be used any more. */
  get isUsable(): boolean {
    return !this.socket.destroyed
  }

  start(exchange: Http1Exchange): void {
    this.#exchange = exchange
    this.#isReusable = false
    exchange.begin(this)
    if (!exchange.isOver) return
    // Nothing has been sent.
    this.#exchange = undefined
    this.#release()
  }

  setDeadline(ms: number): void {
    this.#deadline = ms === 0 ? Number.POSITIVE_INFINITY : performance.now() + ms
  }

  pause(): void {
    this.#isPaused = true
    // Nobody waits for the upstream now.
    this.#deadline = Number.POSITIVE_INFINITY
    this.socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.socket.resume()
  }

  discard(): void {
    this.socket.destroy()
  }

  onDeadline(): void {
    this.#deadline = Number.POSITIVE_INFINITY
    const exchange = this.#exchange
    if (!this.#isOpen) {
      this.#error ??= new UpstreamError('CONNECT_TIMEOUT', 'the connection took too long to open')
    } else if (exchange !== undefined) return exchange.onDeadline()
    this.socket.destroy()
  }

  #opened(): void {
    this.#isOpen = true
    const exchange = this.#exchange
    if (exchange !== undefined) this.start(exchange)
  }

  /** @returns false: no more for now */
  #read(length: number): boolean {
    const wrong = this.#reader.read(memory.subarray(0, length))
    if (wrong !== undefined) this.#fail(wrong)
    else if (this.#isReusable && this.#exchange === undefined) this.#release()
    return !this.#isPaused
  }

  onBegin(): boolean {
    return this.#exchange !== undefined
  }

  onHead(status: number, statusText: string, headers: string[]): boolean {
    this.#keepAliveMs = keepAliveOf(headers) ?? KEEP_ALIVE_MS
    return this.#asked().onHead(status, statusText, headers)
  }

  onBody(piece: Buffer): void {
    this.#asked().onPiece(piece)
  }

  onComplete(trailers: string[], keepsAlive: boolean): void {
    const exchange = this.#asked()
    // An answer that comes before the whole request leaves the rest of it on the connection.
    this.#isReusable = keepsAlive && exchange.allowsAnother && this.#keepAliveMs > 0
    this.#exchange = undefined
    exchange.onComplete(trailers)
    if (!this.#isReusable) this.socket.destroy()
  }

  /** @throws Error where the exchange was given up in the middle of a piece */
  #asked(): Http1Exchange {
    const exchange = this.#exchange
    if (exchange === undefined || exchange.isOver) throw new Error('nobody waits for this answer')
    return exchange
  }

  #release(): void {
    this.#isReusable = false
    if (this.socket.destroyed) return
    // Whoever was too slow for the last answer has all of it.
    if (this.#isPaused) this.resume()
    this.setDeadline(this.#keepAliveMs)
    this.#options.owner.onFree(this)
  }

  #fail(error: Error): void {
    this.#error ??= new UpstreamError('BAD_ANSWER', error.message)
    this.socket.destroy()
    this.#failExchange(this.#error)
  }

  /** The upstream has closed its side: the end of an answer that says no length, else of everything. */
  #ended(): void {
    this.#reader.finish()
    this.#failExchange(new UpstreamError('CLOSED', 'the upstream closed the connection'))
    this.socket.destroy()
  }

  #closed(): void {
    this.#options.deadlines.delete(this)
    this.#reader.free()
    this.#options.owner.onGone(this)
    this.#failExchange(
      this.#error ?? new UpstreamError('CLOSED', 'the upstream closed the connection'),
    )
  }

  #failExchange(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    exchange?.fail(error)
  }
}

/** Milliseconds that the upstream lets a connection rest, less a margin; `undefined` where it does not say. RFC 2068 §19.7.1.1 */
function keepAliveOf(headers: readonly string[]): number | undefined {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string
    if (name.length !== 10 || name.toLowerCase() !== 'keep-alive') continue
    const seconds = /(?:^|[,;\s])timeout=(\d+)/i.exec(headers[i + 1] as string)?.[1]
    if (seconds === undefined) return undefined
    return Math.min(Number(seconds) * 1_000 - KEEP_ALIVE_MARGIN_MS, LONGEST_KEEP_ALIVE_MS)
  }
  return undefined
}
