/** What a sign-out at the provider brings back as `state`: where the person wanted to go, sealed. */

import type { EpochMs } from '../support/time.ts'
import type { Visit } from './visit.ts'

/** How long a sign-out at the provider may take, with its own questions. */
const SIGN_OUT_MS = 15 * 60_000
/** With it the provider's address stays short enough for any server. */
const MAX_URL = 2_048
const PURPOSE = 'sign out'

interface SignOutState {
  readonly url: string
  readonly at: EpochMs
}

/** @param url judged by return-url.ts */
export function sealSignOutState(visit: Visit, url: string): string | undefined {
  if (url.length > MAX_URL) return undefined
  const state: SignOutState = { url, at: visit.now() }
  return visit.seals.state.seal(JSON.stringify(state), PURPOSE)
}

/** Where to go on after a sign-out, if `text` is of one that ended just now and its host is still served. */
export function openSignOutState(visit: Visit, text: string): string | undefined {
  const plain = visit.seals.state.open(text, PURPOSE)
  if (plain === undefined) return undefined
  const { url, at } = JSON.parse(plain.toString('utf8')) as SignOutState
  if (Math.abs(visit.now() - at) > SIGN_OUT_MS) return undefined
  return visit.served.has(new URL(url).origin) ? url : undefined
}
