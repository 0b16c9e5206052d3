/** Every failure that a client can meet, once: its code, its HTTP status and the text that may be shown. */

export const ERRORS = {
  SIGN_IN_REQUIRED: { status: 401, text: 'You need to sign in to open this site.' },
  STEP_UP_REQUIRED: { status: 401, text: 'This site asks you to prove again who you are.' },
  ACCESS_DENIED: { status: 403, text: 'You do not have access to this site.' },
  GROUPS_UNAVAILABLE: {
    status: 503,
    text: 'Your group membership cannot be checked right now. Try again in a moment.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    text: 'Sessions cannot be checked right now. You are still signed in; try again in a moment.',
  },
  MALFORMED_REQUEST: { status: 400, text: 'The request is malformed.' },
  NO_ROUTE: { status: 404, text: 'There is nothing at this address.' },
  UNKNOWN_HOST: { status: 421, text: 'No site of that name is served here.' },
  BAD_TOKEN: { status: 401, text: 'The access token was not accepted.' },
  RATE_LIMITED: { status: 429, text: 'Too many attempts. Try again later.' },
  IDENTITY_UNSENDABLE: {
    status: 403,
    text: 'Your identity holds characters that cannot be sent to this site.',
  },
  IDENTITY_TOO_LARGE: { status: 500, text: 'Your identity is too large to be sent to this site.' },
  UPSTREAM_FAILED: { status: 502, text: 'The site did not answer properly.' },
  UPSTREAM_TIMEOUT: { status: 504, text: 'The site took too long to answer.' },
  INTERNAL: { status: 500, text: 'Something went wrong here.' },
} as const satisfies Record<string, { readonly status: number; readonly text: string }>

/** The closed list of codes; `error` in JSON answers is one of them. */
export type ErrorCode = keyof typeof ERRORS

export interface GatehouseErrorOptions {
  readonly cause?: unknown
  /** Where another status than the code's own is meant, such as 431 for MALFORMED_REQUEST. */
  readonly status?: number
  /** Where another text than the code's own may be shown. */
  readonly text?: string
  /** Of an answer that says when to come again. */
  readonly retryAfterSeconds?: number
}

/**
 * A failure with a code from the table. `message` is the detail for the log: lower case, one line,
 * never shown to a client. What may be shown is `text`.
 */
export class GatehouseError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly text: string
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, detail: string, options: GatehouseErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'GatehouseError'
    this.code = code
    this.status = options.status ?? ERRORS[code].status
    this.text = options.text ?? ERRORS[code].text
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
