/**
 * `state`: everything that a sign-in must remember until it ends, sealed, so that nothing is stored before. Bound to
 * the host that began and, by `binding`, to the browser (sign-in-cookie.ts).
 */

import { createHash } from 'node:crypto'
import { decodeBase64Url } from '../identity/seal.ts'
import type { StepUp } from '../policy/compiled-policy.ts'
import type { EpochMs } from '../support/time.ts'
import { SIGN_IN_MS } from './sign-in-cookie.ts'
import type { Visit } from './visit.ts'

interface Begun {
  readonly id: string
  readonly binding: string
  readonly startedAt: EpochMs
  /** For browsers that keep no cookies: when this sign-in was begun afresh. */
  readonly restarts: readonly EpochMs[]
}

/** Of a sign-in that began on an app's host; goes to `public_url` and back. */
export interface AppState extends Begun {
  readonly target: string
  readonly stepUp: StepUp | undefined
}

/** Where a sign-in at `public_url` leads. */
export type Target =
  | { readonly kind: 'here'; readonly url: string }
  /** Back to the app's host, with the state that it sent. */
  | { readonly kind: 'app'; readonly origin: string; readonly state: string }

/** Goes to the provider and back. */
export interface ProviderState extends Begun {
  readonly provider: string
  readonly target: Target
  /** True where the person asked for another account: a session that is there is not good enough. */
  readonly renew: boolean
  readonly stepUp: StepUp | undefined
}

export function sealAppState(visit: Visit, state: AppState): string {
  return visit.seals.state.seal(JSON.stringify(state), `app\n${visit.host.name}`)
}

/** @param host canonical name of the host that began */
export function openAppState(visit: Visit, text: string, host: string): AppState | undefined {
  const plain = visit.seals.state.open(text, `app\n${host}`)
  return plain === undefined ? undefined : (JSON.parse(plain.toString('utf8')) as AppState)
}

interface WrittenProviderState extends Begun {
  readonly provider: string
  readonly renew: boolean
  readonly stepUp: StepUp | undefined
  readonly url: string | undefined
  readonly origin: string | undefined
}

/**
 * The app's state goes in as bytes behind the rest: base64 within base64 would make long addresses too long for URLs.
 * Layout: length of the JSON (2 bytes), JSON, app state.
 */
export function sealProviderState(visit: Visit, state: ProviderState): string {
  const { target, ...rest } = state
  const written: WrittenProviderState = {
    ...rest,
    url: target.kind === 'here' ? target.url : undefined,
    origin: target.kind === 'app' ? target.origin : undefined,
  }
  const json = Buffer.from(JSON.stringify(written), 'utf8')
  const length = Buffer.alloc(2)
  length.writeUInt16BE(json.length)
  const tail = target.kind === 'app' ? decodeBase64Url(target.state) : undefined
  const plain = Buffer.concat([length, json, tail ?? Buffer.alloc(0)])
  return visit.seals.state.seal(plain, `provider\n${visit.host.name}`)
}

export function openProviderState(visit: Visit, text: string): ProviderState | undefined {
  const plain = visit.seals.state.open(text, `provider\n${visit.host.name}`)
  if (plain === undefined) return undefined
  const end = 2 + plain.readUInt16BE(0)
  const { url, origin, ...rest } = JSON.parse(
    plain.subarray(2, end).toString('utf8'),
  ) as WrittenProviderState
  const target: Target =
    origin === undefined
      ? { kind: 'here', url: url ?? '/' }
      : { kind: 'app', origin, state: plain.subarray(end).toString('base64url') }
  return { ...rest, target }
}

/** True where a sign-in has taken too long, or claims to have begun in the future. */
export function isStale(visit: Visit, { startedAt }: Begun): boolean {
  const age = visit.now() - startedAt
  return age > SIGN_IN_MS || age < -60_000
}

/** What a hand-over code is bound to besides the host: the sign-in that it is for. */
export function handOverBinding(state: string): string {
  return createHash('sha256').update(state).digest('base64url')
}
