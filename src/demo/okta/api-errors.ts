/** Errors of Okta's management API, in its form. */

export interface ApiAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: unknown
}

/** @see Okta, "Error codes" */
const SUMMARIES = {
  E0000003: { status: 400, text: 'The request body was not well-formed.' },
  E0000004: { status: 401, text: 'Authentication failed' },
  E0000006: { status: 403, text: 'You do not have permission to perform the requested action' },
  E0000007: { status: 404, text: 'Not found: Resource not found' },
  E0000008: { status: 404, text: 'The requested path was not found' },
  E0000009: { status: 500, text: 'Internal Server Error' },
  E0000011: { status: 401, text: 'Invalid token provided' },
  E0000022: {
    status: 405,
    text: 'The endpoint does not support the provided HTTP method',
  },
  E0000031: { status: 400, text: 'Invalid search criteria.' },
  E0000047: {
    status: 429,
    text: 'API call exceeded rate limit due to too many requests.',
  },
} as const

export type ApiErrorCode = keyof typeof SUMMARIES

export function apiError(code: ApiErrorCode, cause?: string): ApiAnswer {
  const { status, text } = SUMMARIES[code]
  return {
    status,
    headers: {},
    body: {
      errorCode: code,
      errorSummary: text,
      errorLink: code,
      errorId: `oae${code}`,
      errorCauses: cause === undefined ? [] : [{ errorSummary: cause }],
    },
  }
}
