/** How a provider is asked over HTTP: within limits of time and size, and with its last good keys at hand. */

import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { ProviderFailure } from './provider.ts'

/** Decompressed. Metadata, keys and tokens take a few kilobytes; a hundred groups in a token take ten. */
const MAX_BODY_BYTES = 1024 * 1024
/** Asked for keys again at most this often, however many tokens name an unknown one. */
const KEYS_FRESH_MS = 10_000
/** While keys cannot be fetched the last ones serve, for this long. */
const KEYS_KEPT_MS = 24 * 3_600_000
const NULL_BODY_STATUS: ReadonlySet<number> = new Set([204, 205, 304])

/** Stands in answers that the provider gave earlier, and that serve because it cannot be asked. RFC 7234 §5.5.2 */
export const STALE_HEADER = 'warning'
const STALE = '111 - "Revalidation Failed"'

export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface ProviderFetchOptions {
  readonly fetch: Fetch
  /** Address of the provider's keys, once known. */
  readonly keysUrl: () => string | undefined
  readonly timeoutMs: number
  /** Ends all that is under way. */
  readonly closing: AbortSignal
  readonly now: Clock
  readonly log: Log
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

/**
 * A fetch that never waits or reads beyond its limits. Rejects with ProviderFailure: `unavailable` for no connection, no
 * answer in time, 429 and 5xx; `invalid-answer` for a body that is too large, and for keys that are none.
 */
export function createProviderFetch(options: ProviderFetchOptions): Fetch {
  const { now, log } = options
  let keys: { readonly url: string; readonly answer: Answer; readonly at: EpochMs } | undefined
  let fetchingKeys: { readonly url: string; readonly answer: Promise<Answer> } | undefined

  async function loadKeys(url: string, init: RequestInit): Promise<Answer> {
    const answer = await ask(options, url, init)
    checkKeys(url, answer)
    keys = { url, answer, at: now() }
    return answer
  }

  async function keysAnswer(url: string, init: RequestInit): Promise<Answer> {
    const kept = keys?.url === url ? keys : undefined
    const age = kept === undefined ? Number.POSITIVE_INFINITY : now() - kept.at
    if (kept !== undefined && age < KEYS_FRESH_MS) return kept.answer
    if (fetchingKeys?.url !== url) {
      const answer = loadKeys(url, init).finally(() => {
        fetchingKeys = undefined
      })
      fetchingKeys = { url, answer }
    }
    try {
      return await fetchingKeys.answer
    } catch (err) {
      if (kept === undefined || age >= KEYS_KEPT_MS) throw err
      log.warn({ err }, 'the keys of a provider cannot be fetched; its last ones serve')
      const headers = new Headers(kept.answer.headers)
      headers.set(STALE_HEADER, STALE)
      return { ...kept.answer, headers }
    }
  }

  return async (url, init) => {
    const answer =
      url === options.keysUrl() ? await keysAnswer(url, init) : await ask(options, url, init)
    const body = NULL_BODY_STATUS.has(answer.status) ? null : answer.body
    return new Response(body, { status: answer.status, headers: answer.headers })
  }
}

async function ask(
  { fetch, timeoutMs, closing }: ProviderFetchOptions,
  url: string,
  init: RequestInit,
): Promise<Answer> {
  // Of the address only what cannot hold a secret.
  const { origin, pathname } = new URL(url)
  const where = `${init.method ?? 'GET'} ${origin}${pathname}`
  const timeout = AbortSignal.timeout(timeoutMs)
  const signal = AbortSignal.any([timeout, closing])
  try {
    const response = await fetch(url, { ...init, redirect: 'manual', signal })
    const { status, headers } = response
    if (status === 429 || status >= 500) {
      await response.body?.cancel()
      throw new ProviderFailure('unavailable', `${where}: HTTP ${status}`)
    }
    return { status, headers, body: await readBody(response, where) }
  } catch (error) {
    if (error instanceof ProviderFailure) throw error
    throw new ProviderFailure(
      'unavailable',
      `${where}: ${timeout.aborted ? `no answer within ${timeoutMs} ms` : networkReason(error)}`,
    )
  }
}

async function readBody(response: Response, where: string): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) {
      throw new ProviderFailure('invalid-answer', `${where}: more than ${MAX_BODY_BYTES} bytes`)
    }
    chunks.push(chunk)
  }
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

function checkKeys(url: string, { status, body }: Answer): void {
  let set: unknown
  try {
    set = JSON.parse(new TextDecoder().decode(body))
  } catch {
    set = undefined
  }
  const isKeySet =
    typeof set === 'object' && set !== null && 'keys' in set && Array.isArray(set.keys)
  if (status === 200 && isKeySet) return
  throw new ProviderFailure('invalid-answer', `GET ${url}: HTTP ${status}, not a JWK Set`)
}

/** What lies below "fetch failed". */
function networkReason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return 'no connection'
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name
  return cause.message === '' ? code : `${cause.message} (${code})`
}
