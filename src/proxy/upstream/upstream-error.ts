/** What goes wrong on the way to an upstream, told apart so that the client gets the right answer and others are tried. */

export type UpstreamErrorCode =
  /** The request itself is at fault, and would be anywhere. */
  | 'UNSENDABLE'
  | 'CONNECT_TIMEOUT'
  /** No answer began in time. */
  | 'HEADERS_TIMEOUT'
  /** An answer stopped in its middle. */
  | 'BODY_TIMEOUT'
  /** The connection ended before the answer did. */
  | 'CLOSED'
  /** What came is no answer. */
  | 'BAD_ANSWER'
  /** We gave up. */
  | 'ABORTED'

export class UpstreamError extends Error {
  readonly code: UpstreamErrorCode

  constructor(code: UpstreamErrorCode, message: string) {
    super(message)
    this.name = 'UpstreamError'
    this.code = code
  }
}
