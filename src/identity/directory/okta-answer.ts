/** Answers of Okta's management API, read within limits of time and size. What is not as expected is a failure, never "none". */

import type { Group } from '../../policy/model.ts'
import { isMapping } from '../../support/mapping.ts'
import { DirectoryFailure } from './directory.ts'

/** GET with credentials; rejects where there is no answer. */
export type OktaFetch = (url: string, signal: AbortSignal) => Promise<Response>

export interface OktaAnswer {
  readonly status: number
  readonly headers: Headers
  /** By which Okta's support finds the call. */
  readonly requestId: string | undefined
  /** @throws DirectoryFailure `unavailable` where the body is no list of groups */
  groups(): readonly Group[]
  /** @throws DirectoryFailure `unavailable` where the body is no user */
  userStatus(): string
  /** The id of the first of a list; undefined where it is empty or none. */
  firstId(): string | undefined
  /**
   * Where the list goes on.
   * @throws DirectoryFailure `unavailable` where that is not on `origin`: our credentials would go there
   */
  nextPage(origin: string): string | undefined
  error(): { readonly code: string | undefined; readonly summary: string | undefined }
}

const TIMEOUT_MS = 10_000
/** A thousand groups with all that Okta tells of each. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

/** Rejects with DirectoryFailure `unavailable`. */
export async function readOkta(fetch: OktaFetch, url: string): Promise<OktaAnswer> {
  const { origin, pathname } = new URL(url)
  // Ids of people do not belong into every line of the log.
  const where = `GET ${origin}${pathname.replace(/(\/users\/)[^/]+/, '$1…')}`
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, timeout)
    const text = await readText(response, where)
    return answerOf(response, parse(text), where)
  } catch (error) {
    if (error instanceof DirectoryFailure) throw error
    const why = timeout.aborted ? `no answer within ${TIMEOUT_MS} ms` : reasonOf(error)
    throw new DirectoryFailure('unavailable', `${where}: ${why}`)
  }
}

function answerOf({ status, headers }: Response, body: unknown, where: string): OktaAnswer {
  const unusable = (what: string) =>
    new DirectoryFailure('unavailable', `${where}: HTTP ${status}, ${what}`)
  return {
    status,
    headers,
    requestId: headers.get('x-okta-request-id') ?? undefined,
    groups: () => {
      if (!Array.isArray(body)) throw unusable('not a list of groups')
      return body.map((item) => {
        const group = groupOf(item)
        if (group === undefined) throw unusable('a list with something else than groups')
        return group
      })
    },
    userStatus: () => {
      const status = isMapping(body) ? body['status'] : undefined
      if (typeof status !== 'string') throw unusable('not a user')
      return status
    },
    firstId: () => (Array.isArray(body) ? textOf(body[0], 'id') : undefined),
    nextPage: (expected) => {
      const next = /<([^<>]+)>\s*;\s*rel="?next"?/i.exec(headers.get('link') ?? '')?.[1]
      if (next === undefined) return undefined
      if (URL.parse(next)?.origin === expected) return next
      throw unusable('the next page is on another origin')
    },
    error: () => ({
      code: textOf(body, 'errorCode') ?? textOf(body, 'error'),
      summary: textOf(body, 'errorSummary') ?? textOf(body, 'error_description'),
    }),
  }
}

function groupOf(item: unknown): Group | undefined {
  if (!isMapping(item)) return undefined
  const { id, profile } = item
  const name = isMapping(profile) ? profile['name'] : undefined
  if (typeof id !== 'string' || id === '' || typeof name !== 'string') return undefined
  return { id, name }
}

function textOf(body: unknown, key: string): string | undefined {
  const value = isMapping(body) ? body[key] : undefined
  return typeof value === 'string' ? value.slice(0, 300) : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function readText(response: Response, where: string): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) {
      throw new DirectoryFailure('unavailable', `${where}: more than ${MAX_BODY_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** What lies below "fetch failed". */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return 'no connection'
  return cause.message === '' ? cause.name : cause.message
}
