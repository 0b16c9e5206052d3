/** One HTTP/2 connection to an upstream, from its opening to its last stream. */

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { Route, UpstreamUrl } from '../../policy/route.ts'
import { UpstreamError } from './upstream-error.ts'
import { CONNECT_TIMEOUT_MS, CONNECTION_AGE_MS, openSocket } from './upstream-socket.ts'

const IDLE_MS = 60_000
/** Streams at once on one connection; with more another is opened. An upstream may allow fewer. */
const MAX_STREAMS = 100

/** Waits for the connection: one of both is called. */
export interface Waiting {
  onOpen(): void
  /** It did not come about, so that nothing has been sent. */
  onFailure(error: Error): void
}

export class Http2Session {
  readonly #session: ClientHttp2Session
  readonly #openedAt = performance.now()
  readonly #waiting = new Set<Waiting>()
  #state: 'opening' | 'open' | 'leaving' = 'opening'
  #streams = 0

  constructor(url: UpstreamUrl, tls: Route['tls'], onEnd: (session: Http2Session) => void) {
    this.#session = connect(url.origin, {
      createConnection: () => openSocket(url, tls, { protocol: 'h2' }),
      settings: { enablePush: false },
    })
    const giveUp = setTimeout(() => {
      const error = new UpstreamError('CONNECT_TIMEOUT', 'the connection took too long to open')
      this.#fail(error)
      this.#session.destroy(error)
    }, CONNECT_TIMEOUT_MS)
    this.#session.once('connect', () => {
      clearTimeout(giveUp)
      this.#open()
    })
    // Each stream hears of it by itself; who waits for the connection does not.
    this.#session.on('error', (error) => this.#fail(error))
    this.#session.once('close', () => {
      clearTimeout(giveUp)
      this.#fail(new Error('the connection was closed before it was open'))
      this.#state = 'leaving'
      onEnd(this)
    })
    // What the upstream still works on it finishes; it takes nothing new. RFC 9113 §6.8
    this.#session.on('goaway', () => this.leave())
    this.#session.setTimeout(IDLE_MS, () => {
      if (this.#streams === 0) this.leave()
    })
  }

  /** True where another request may be sent on it. */
  takesMore(): boolean {
    if (this.#state === 'leaving' || this.#session.closed || this.#session.destroyed) return false
    if (performance.now() - this.#openedAt > CONNECTION_AGE_MS) {
      this.leave()
      return false
    }
    const allowed = this.#session.remoteSettings?.maxConcurrentStreams ?? MAX_STREAMS
    return this.#streams < Math.min(MAX_STREAMS, allowed)
  }

  /** Takes a place on it, for `release` to give back, and says when it is open: at once where it is. */
  reserve(waiting: Waiting): void {
    this.#streams++
    if (this.#state === 'open') waiting.onOpen()
    else this.#waiting.add(waiting)
  }

  /** @throws Error where the headers cannot be sent, or the connection has just gone away */
  request(
    headers: Record<string, string | string[]>,
    options: { readonly endStream: boolean; readonly waitForTrailers: boolean },
  ): ClientHttp2Stream {
    return this.#session.request(headers, options)
  }

  release(waiting: Waiting): void {
    this.#waiting.delete(waiting)
    this.#streams--
    if (this.#streams === 0 && this.#state === 'leaving') this.#session.close()
  }

  /** Takes nothing new; what is under way finishes. */
  leave(): void {
    this.#state = 'leaving'
    if (!this.#session.closed) this.#session.close()
  }

  destroy(): void {
    this.#state = 'leaving'
    this.#session.destroy()
  }

  #open(): void {
    this.#state = 'open'
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const one of waiting) one.onOpen()
  }

  #fail(error: Error): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    if (this.#state === 'opening') this.#state = 'leaving'
    for (const one of waiting) one.onFailure(error)
  }
}
