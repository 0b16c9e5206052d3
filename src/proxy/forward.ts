/** The upstream call: bodies streamed both ways, aborts and back-pressure both ways, timeouts, failures told apart. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { GatehouseError } from '../errors.ts'
import type { ResponseHeaderChanges } from '../policy/route.ts'
import { limitSilence } from './body-silence.ts'
import { limitStall } from './client-stall.ts'
import { passEarlyHints } from './early-hints.ts'
import { readResponseHeaders, withResponseHeaders } from './response-headers.ts'
import { passTrailers, type RequestTrailers } from './trailers.ts'
import type { Balancer, Target } from './upstream/balancer.ts'
import type { FixedHeaders, UpstreamCall, UpstreamHandler } from './upstream/upstream-call.ts'
import { UpstreamError } from './upstream/upstream-error.ts'
import { hostOf } from './upstream-headers.ts'

export interface ForwardCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Chosen by `balancer`, which is asked for another where this one cannot be reached. */
  readonly target: Target
  readonly balancer: Balancer
  /** Path and query as they go upstream. */
  readonly path: string
  /** Names and values in turn. */
  readonly headers: string[]
  /** What the upstream is told of who asks. */
  readonly identity: FixedHeaders | undefined
  /** True where `Host` in `headers` is the target's own, and so another for another target. */
  readonly ownHost: boolean
  /** gRPC cannot do without. */
  readonly needsHttp2: boolean
  readonly hasBody: boolean
  readonly trailers: RequestTrailers | undefined
  readonly expectsContinue: boolean
  readonly signedIn: boolean
  /** Strict-Transport-Security, where the upstream sends none. */
  readonly hsts: string | undefined
  /** True: no other request is taken on the client's connection. */
  readonly draining: () => boolean
  /** `set_response_headers` of the route. */
  readonly responseHeaders: ResponseHeaderChanges | undefined
  /** `limits.body_timeout`. */
  readonly bodyTimeoutMs: number
  readonly timeoutMs: number
  readonly idleTimeoutMs: number
  /** Called at most once, and only while nothing has been sent to the client. */
  readonly onFailure: (error: GatehouseError) => void
  /** Called with the status when the answer begins. */
  readonly onAnswer: () => void
  /** Told where the answer broke off after it had begun. */
  readonly onBroken: (detail: string) => void
}

/** Up to here copying a body costs less than sending it as a buffer of its own. */
const SMALL_BYTES = 8 * 1024
/** An upstream may send some 1xx answers, not an endless row of them. */
const MAX_INTERIM = 20

/** A call that is under way, or over. */
export interface Forwarding {
  /** To be called when the client's side of the exchange is closed, also after an orderly end. */
  clientClosed(): void
}

export function forward(call: ForwardCall): Forwarding {
  const { request, response, hasBody } = call
  const exchange = new UpstreamExchange(call)
  if (hasBody) {
    if (call.expectsContinue) response.writeContinue()
    limitSilence(request, response, call.bodyTimeoutMs, () => exchange.clientTimedOut())
    // While the client sends its silence is bounded, then the upstream's while it thinks.
    request.once('end', () => exchange.bodySent())
  }
  exchange.send()
  return exchange
}

/** One call's events. */
class UpstreamExchange implements UpstreamHandler, Forwarding {
  readonly #call: ForwardCall
  /** Undefined while nothing has been sent. */
  #upstream: UpstreamCall | undefined
  /** The client does not take what there is; `drain` will say when it does. */
  #isStalled = false
  #state: 'waiting' | 'answering' | 'over' = 'waiting'
  #thinking: NodeJS.Timeout | undefined
  #interim = 0
  #bodyBegun = false
  /** Bytes of the body still to come; below 0 where nobody said how many. */
  #left = -1
  /** Whose fault an abort of ours is, where it was no fault of the upstream. */
  #reason: GatehouseError | undefined

  #target: Target
  /** Those that could not be reached. */
  #tried: Set<Target> | undefined

  constructor(call: ForwardCall) {
    this.#call = call
    this.#target = call.target
  }

  send(): void {
    const { request, path, headers, identity, hasBody, trailers, timeoutMs, idleTimeoutMs } =
      this.#call
    const { endpoint } = this.#target
    endpoint.inFlight++
    endpoint.dispatch(
      {
        path,
        method: request.method ?? 'GET',
        headers,
        fixed: identity,
        body: hasBody ? request : null,
        trailers,
        // While a body is still on its way nobody can say how long the upstream may think; see limitSilence.
        headersTimeout: hasBody ? 0 : timeoutMs,
        bodyTimeout: idleTimeoutMs,
      },
      this,
      this.#call.needsHttp2,
    )
  }

  onConnect(upstream: UpstreamCall): void {
    this.#upstream = upstream
    if (this.#state === 'over') upstream.abort(new UpstreamError('ABORTED', 'the client went away'))
  }

  onHeaders(status: number, received: string[], statusText: string): void {
    // Interim answers are between the upstream and us, but for hints; the client gets the final one. RFC 9110 §15.2
    if (status < 200) {
      if (++this.#interim > MAX_INTERIM) throw new Error(`more than ${MAX_INTERIM} interim answers`)
      if (status === 103) passEarlyHints(this.#call.request, this.#call.response, received)
      return
    }
    clearTimeout(this.#thinking)
    const { response, signedIn, hsts, draining, responseHeaders } = this.#call
    if (draining()) response.shouldKeepAlive = false
    const { headers, length } = readResponseHeaders(received, signedIn, hsts, status)
    this.#left = length
    const sent =
      responseHeaders === undefined ? headers : withResponseHeaders(headers, responseHeaders)
    try {
      response.writeHead(status, statusText, sent)
    } catch (error) {
      // It holds what HTTP forbids: the call fails, and the client gets a 502, under a reason of its own.
      response.statusMessage = ''
      throw error
    }
    this.#state = 'answering'
    this.#target.endpoint.answered()
    this.#call.onAnswer()
    // A stream's headers must not wait for its first byte.
    if (length === -1) process.nextTick(flushUnlessBegun, this)
  }

  onData(chunk: Buffer, isLent: boolean): boolean {
    const { response } = this.#call
    this.#bodyBegun = true
    if (chunk.length === this.#left) {
      // The whole rest is here. A small one is given as text: Node then sends it with the headers in one plain write.
      if (chunk.length <= SMALL_BYTES) response.end(chunk.toString('latin1'), 'latin1')
      else response.end(isLent ? Buffer.from(chunk) : chunk)
      return true
    }
    this.#left -= chunk.length
    if (!response.write(isLent ? Buffer.from(chunk) : chunk)) this.#waitForClient()
    return !this.#isStalled
  }

  /** A client that takes nothing for the route's `idle_timeout` is cut off, and holds no upstream any longer. */
  #waitForClient(): void {
    if (this.#isStalled) return
    this.#isStalled = true
    const { request, response, idleTimeoutMs } = this.#call
    const stop = limitStall(request, response, idleTimeoutMs)
    response.once('drain', () => {
      stop()
      this.#isStalled = false
      this.#upstream?.resume()
    })
  }

  /** `writeHead` alone sends nothing: Node waits for the first byte of the body. */
  flushUnlessBegun(): void {
    if (this.#state === 'answering' && !this.#bodyBegun) this.#call.response.flushHeaders()
  }

  onComplete(trailers: readonly string[]): void {
    this.#end()
    const { response } = this.#call
    if (response.writableEnded) return
    try {
      passTrailers(response, trailers)
    } catch (error) {
      // They hold what HTTP forbids, and the rest has gone out: the client must see that something is missing.
      this.#call.onBroken(String(error))
      response.destroy()
      return
    }
    response.end()
  }

  onError(error: Error & { code?: string }): void {
    const state = this.#state
    if (state === 'waiting' && this.#reason === undefined) {
      if (this.#upstream === undefined && !OWN_FAULT.has(error.code ?? '')) {
        if (this.#sendElsewhere(error)) return
      } else if (BROKEN_CONNECTION.has(error.code ?? '')) this.#target.endpoint.failed()
    }
    clearTimeout(this.#thinking)
    this.#end()
    if (state === 'waiting') this.#call.onFailure(this.#reason ?? upstreamFailure(error))
    else if (state === 'answering') {
      this.#call.onBroken(error.message)
      // The client must see that the answer is not whole: no orderly end.
      this.#call.response.destroy()
    }
  }

  /**
   * The target could not be reached, so nothing has been sent: whatever the method, another may have the request.
   * False where none is left.
   */
  #sendElsewhere(error: Error & { code?: string }): boolean {
    const { balancer, headers, ownHost } = this.#call
    const { endpoint } = this.#target
    if (endpoint.learnsHttp2(error)) {
      endpoint.inFlight--
      this.send()
      return true
    }
    endpoint.failed()
    this.#tried ??= new Set()
    const next = balancer.pick(this.#tried.add(this.#target))
    if (next === undefined) return false
    this.#target.endpoint.inFlight--
    this.#target = next
    if (ownHost) replaceHost(headers, hostOf(next.url))
    this.send()
    return true
  }

  #end(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    this.#target.endpoint.inFlight--
  }

  /** The whole request has been read from the client: from here the upstream's `timeout` runs. */
  bodySent(): void {
    const { timeoutMs } = this.#call
    if (this.#state !== 'waiting' || timeoutMs === 0) return
    const late = (): void =>
      this.#stop(new GatehouseError('UPSTREAM_TIMEOUT', `no answer within ${timeoutMs} ms`))
    // An answer that came while this process was busy is read first.
    this.#thinking = setTimeout(() => setImmediate(late), timeoutMs)
  }

  clientTimedOut(): void {
    // Who is held back cannot send: it is the upstream that takes nothing.
    this.#stop(
      this.#call.request.isPaused()
        ? new GatehouseError('UPSTREAM_TIMEOUT', 'the upstream stopped taking the body')
        : new GatehouseError('MALFORMED_REQUEST', 'the body stopped arriving', { status: 408 }),
    )
  }

  #stop(reason: GatehouseError): void {
    if (this.#state !== 'waiting') return
    this.#reason = reason
    if (this.#upstream === undefined) this.onError(reason)
    else this.#upstream.abort(reason)
  }

  clientClosed(): void {
    clearTimeout(this.#thinking)
    if (this.#state === 'over') return
    this.#end()
    this.#upstream?.abort(new UpstreamError('ABORTED', 'the client went away'))
  }
}

function flushUnlessBegun(exchange: UpstreamExchange): void {
  exchange.flushUnlessBegun()
}

function replaceHost(headers: string[], host: string): void {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === 'Host') headers[i + 1] = host
}

/** Nothing is wrong with the upstream, and another would not help. */
const OWN_FAULT = new Set(['UNSENDABLE', 'ABORTED'])
/** The upstream went away while it had the request. */
const BROKEN_CONNECTION = new Set(['ECONNRESET', 'EPIPE', 'CLOSED'])

const TIMEOUTS = new Set(['HEADERS_TIMEOUT', 'CONNECT_TIMEOUT', 'BODY_TIMEOUT', 'ETIMEDOUT'])

/** What to answer for a call that failed before its answer began. The message stays in the log. */
export function upstreamFailure(error: Error & { code?: string }): GatehouseError {
  if (error instanceof GatehouseError) return error
  const code = TIMEOUTS.has(error.code ?? '') ? 'UPSTREAM_TIMEOUT' : 'UPSTREAM_FAILED'
  return new GatehouseError(
    code,
    `${error.code ?? error.name}: ${error.message}`.replace(/\s+/g, ' '),
    {
      cause: error,
    },
  )
}
