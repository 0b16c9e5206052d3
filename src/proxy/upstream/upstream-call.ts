/** One request to an upstream and its answer, as forwarding sees them, whatever the protocol on the way. */

import type { Readable } from 'node:stream'
import type { RequestTrailers } from '../trailers.ts'

/** Headers that are the same for many requests, and were put into lines once. */
export interface FixedHeaders {
  /** Names and values in turn. */
  readonly headers: readonly string[]
  /** The same as `fieldLines` has them. */
  readonly lines: string
}

/** A request as it goes upstream. */
export interface UpstreamRequest {
  readonly path: string
  readonly method: string
  /** Names and values in turn; `Host` among them, and none that frames the message but Content-Length. */
  readonly headers: readonly string[]
  /** What is sent besides, and last. */
  readonly fixed?: FixedHeaders | undefined
  readonly body: Readable | null
  /** What follows a body whose length is not known before; asked when it has ended. */
  readonly trailers?: RequestTrailers | undefined
  /** Until the answer begins; 0: no limit. */
  readonly headersTimeout: number
  /** Between two pieces of the body; 0: no limit. */
  readonly bodyTimeout: number
}

/** A call that is under way. */
export interface UpstreamCall {
  /** Ends it; its handler hears `error`. Nothing happens where it is over. */
  abort(error: Error): void
  /** Goes on after `onData` has said false. */
  resume(): void
}

/** Hears of an answer. Nothing has been sent where `onError` comes without `onConnect`. What it throws ends the call. */
export interface UpstreamHandler {
  onConnect(call: UpstreamCall): void
  /**
   * Also called for interim answers, whose status is below 200.
   * @param headers names and values in turn, a character for each byte
   */
  onHeaders(status: number, headers: string[], statusText: string): void
  /**
   * @param isLent the bytes are another's when the call has returned
   * @returns false: no more until `resume`; what has been read already still comes
   */
  onData(chunk: Buffer, isLent: boolean): boolean
  /** @param trailers names and values in turn */
  onComplete(trailers: readonly string[]): void
  onError(error: Error): void
}
