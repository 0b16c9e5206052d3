/** One request over HTTP/1.1 to an upstream, and its answer, on the connection that it was given. */

import type { Socket } from 'node:net'
import { Http1Body } from './http1-body.ts'
import { framingOf, isLast, lengthOf, requestHead } from './http1-request-head.ts'
import type { UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream-call.ts'
import { UpstreamError } from './upstream-error.ts'

/** What an exchange asks of its connection. */
export interface Carrier {
  readonly socket: Socket
  /** Milliseconds from now until `onDeadline`; 0: no end. */
  setDeadline(ms: number): void
  pause(): void
  resume(): void
  /** The connection is of no use to anybody any more. */
  discard(): void
}

export class Http1Exchange implements UpstreamCall {
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  #carrier: Carrier | undefined
  /** What of the body is still to be sent. */
  #body: Http1Body | undefined
  #state: 'waiting' | 'answering' | 'over' = 'waiting'

  constructor(request: UpstreamRequest, handler: UpstreamHandler) {
    this.#request = request
    this.#handler = handler
  }

  get isOver(): boolean {
    return this.#state === 'over'
  }

  /** True where the upstream has been sent all of the request, and will not take what comes behind it for a part of it. */
  get allowsAnother(): boolean {
    return (
      this.#body === undefined &&
      this.#carrier?.socket.writableLength === 0 &&
      !isLast(this.#request)
    )
  }

  /** Sends the request, unless the handler has lost interest, or it cannot be sent: then nothing has been, and it is over. */
  begin(carrier: Carrier): void {
    const request = this.#request
    // One that has ended would never say so again.
    if (request.body?.destroyed || request.body?.readableEnded)
      return this.fail(new UpstreamError('ABORTED', 'the body was gone before it was sent'))
    const framing = framingOf(request)
    let head: string
    try {
      head = requestHead(request, framing)
    } catch (error) {
      return this.fail(error instanceof Error ? error : new Error(String(error)))
    }
    this.#handler.onConnect(this)
    if (this.#state === 'over') return
    this.#carrier = carrier
    carrier.setDeadline(request.headersTimeout)
    carrier.socket.write(head, 'latin1')
    if (request.body !== null) {
      const length = framing === 'length' ? lengthOf(request.headers) : -1
      this.#body = new Http1Body(carrier.socket, request.body, length, this)
    }
  }

  /** @returns false: no body follows */
  onHead(status: number, statusText: string, headers: string[]): boolean {
    const { headersTimeout, bodyTimeout, method } = this.#request
    this.#carrier?.setDeadline(status < 200 ? headersTimeout : bodyTimeout)
    if (status >= 200) this.#state = 'answering'
    this.#handler.onHeaders(status, headers, statusText)
    return method !== 'HEAD'
  }

  onPiece(piece: Buffer): void {
    this.#carrier?.setDeadline(this.#request.bodyTimeout)
    if (!this.#handler.onData(piece, true)) this.#carrier?.pause()
  }

  onComplete(trailers: readonly string[]): void {
    this.#end()
    this.#handler.onComplete(trailers)
  }

  /** The connection is lost, or what it said makes no sense. */
  fail(error: Error): void {
    if (this.#state === 'over') return
    this.#end()
    this.#handler.onError(error)
  }

  onDeadline(): void {
    const [code, text] =
      this.#state === 'waiting'
        ? (['HEADERS_TIMEOUT', 'the upstream does not answer'] as const)
        : (['BODY_TIMEOUT', 'the upstream does not go on with its answer'] as const)
    this.abort(new UpstreamError(code, text))
  }

  abort(error: Error): void {
    if (this.#state === 'over') return
    this.#carrier?.discard()
    this.fail(error)
  }

  resume(): void {
    if (this.#state === 'over') return
    this.#carrier?.setDeadline(this.#request.bodyTimeout)
    this.#carrier?.resume()
  }

  drained(): void {
    this.#body?.drained()
  }

  onSent(): void {
    this.#body = undefined
  }

  trailers(): readonly string[] {
    return this.#request.trailers?.read() ?? []
  }

  onBroken(error: Error): void {
    this.abort(error)
  }

  #end(): void {
    this.#state = 'over'
    this.#body?.stop()
  }
}
