/** What `doctor` is made of: probes, each of which tries one thing that the config depends on and says what it found. */

import type { Snapshot } from '../config/snapshot.ts'
import type { Fetch } from '../identity/provider/provider-fetch.ts'
import type { Position } from '../support/problem.ts'
import type { Clock } from '../support/time.ts'

export interface Finding {
  readonly level: 'ok' | 'warning' | 'error'
  /** What was found, in one sentence. */
  readonly what: string
  /** What to change. */
  readonly advice?: string
  /** The key of the config that it is about, such as `providers.okta.scopes`. */
  readonly where?: string
  /** The place in a policy file, in place of a key of the config. */
  readonly at?: Position
}

export interface ProbeContext {
  readonly snapshot: Snapshot
  /** A fetch that trusts and goes where the provider's own does. */
  fetchOf(provider: string): Fetch
  /** As a browser's, to our own addresses. */
  readonly fetchOwn: Fetch
  readonly now: Clock
}

/** Never rejects for what it finds; what it rejects with is a fault of its own. */
export type Probe = (context: ProbeContext) => Promise<readonly Finding[]>

/** No answer takes longer. */
const TIMEOUT_MS = 10_000

/** What came back, or why nothing did, as a sentence. */
export async function tryFetch(
  fetch: Fetch,
  url: string,
  init: RequestInit = {},
): Promise<Response | string> {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return await fetch(url, { ...init, redirect: 'manual', signal })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const why = cause instanceof Error ? cause.message || cause.name : String(cause)
    return `${new URL(url).origin} cannot be reached: ${why}`
  }
}

/** The body as a JSON object; `undefined` where it is none. */
export async function readJson(
  response: Response,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const value: unknown = await response.json()
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
