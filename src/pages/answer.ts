/** What a client is told when a request is not forwarded: a page for a page visit, JSON for anything else. */

import type { ErrorCode } from '../errors.ts'
import type { Subject } from '../policy/model.ts'

/** How the client would like to be answered. */
export type AnswerForm = 'page' | 'json' | 'grpc'

/** One answer of ours that is not success. */
export interface FailureAnswer {
  readonly code: ErrorCode
  /** Where another than the code's own. */
  readonly status?: number
  /** Where another than the code's own may be shown. */
  readonly text?: string
  /** The page's heading, where another than the code's own may be shown. */
  readonly heading?: string
  readonly requestId: string
  readonly form: AnswerForm
  /** HEAD: headers only. */
  readonly head: boolean
  /** Where to sign in; JSON's `login_url`. */
  readonly loginUrl?: string
  /** Of a refusal. */
  readonly reason?: string
  readonly rule?: string
  /** What would have let the person in, as in `group platform-engineers`. */
  readonly missing?: readonly string[]
  readonly subject?: Subject
  /** Name of the site that was asked for, for the page. */
  readonly site?: string
  /** Whom to ask, where another than the brand's contact is in charge. */
  readonly contact?: string | undefined
  /** Where "switch account" leads. */
  readonly switchAccountUrl?: string
  /** Where "try again" leads, where that is not the same address once more. */
  readonly retryUrl?: string
  readonly retryAfterSeconds?: number
  /** After so long the page asks once more by itself (retry-pause.ts). */
  readonly refreshAfterSeconds?: number
  /** Headers besides, such as CORS. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Status, headers and body, ready to be written. */
export interface RenderedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The same of what is no text. */
export interface RenderedBytes extends Omit<RenderedAnswer, 'body'> {
  readonly body: Uint8Array
}
