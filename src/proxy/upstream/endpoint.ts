/** One upstream server: its connections, how busy it is, and whether it has been failing. */

import type { Route, UpstreamUrl } from '../../policy/route.ts'
import type { Deadlines } from './deadlines.ts'
import { Http1Upstream } from './http1-upstream.ts'
import { Http2Upstream } from './http2-upstream.ts'
import type { UpstreamHandler, UpstreamRequest } from './upstream-call.ts'

/** After a failure an endpoint is passed over for this long, twice as long after each further one. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000
/** What TLS says to a client that speaks no version of the server's. RFC 7301 §3.2 */
const NO_COMMON_PROTOCOL = /NO_APPLICATION_PROTOCOL/

export class Endpoint {
  /** Requests that are under way. */
  inFlight = 0
  readonly #http1: Http1Upstream
  readonly #http2: Http2Upstream | undefined
  /** `h2c://`, or an upstream that speaks nothing else. */
  #http2Only: boolean
  #failures = 0
  #backAt = 0

  constructor(url: UpstreamUrl, tls: Route['tls'], deadlines: Deadlines) {
    this.#http1 = new Http1Upstream(url, tls, deadlines)
    this.#http2 = url.h2c || url.scheme === 'https' ? new Http2Upstream(url, tls) : undefined
    this.#http2Only = url.h2c
  }

  /** @param needsHttp2 as gRPC does; over TLS it is then spoken */
  dispatch(request: UpstreamRequest, handler: UpstreamHandler, needsHttp2: boolean): void {
    if (this.#http2 !== undefined && (needsHttp2 || this.#http2Only)) {
      this.#http2.dispatch(request, handler)
    } else {
      this.#http1.dispatch(request, handler)
    }
  }

  /** True where `error` says that the upstream speaks HTTP/2 alone: it will be spoken to in it from now on. */
  learnsHttp2(error: { readonly code?: string }): boolean {
    if (this.#http2Only || this.#http2 === undefined) return false
    this.#http2Only = NO_COMMON_PROTOCOL.test(error.code ?? '')
    return this.#http2Only
  }

  /** An answer began: whatever was wrong is over. */
  answered(): void {
    this.#failures = 0
  }

  /** It could not be reached, or broke off before it answered. */
  failed(): void {
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures)
    this.#failures++
    this.#backAt = performance.now() + pause
  }

  /** True while it is passed over for its failures, where there is another. */
  isPaused(): boolean {
    return this.#failures > 0 && performance.now() < this.#backAt
  }

  /** Requests in flight finish; one that never ends is not waited for. */
  close(): void {
    this.#http2?.close()
    this.#http1.close()
  }

  destroy(): void {
    this.#http2?.destroy()
    this.#http1.destroy()
  }
}
