/** The addresses at which providers tell that somebody's session, or all of them, have ended; on `public_url` only. */

import type { Provider } from '../identity/provider/provider.ts'
import { takeEvents, verifyEventHook } from './event-hook.ts'
import { globalTokenRevocation } from './global-token-revocation.ts'
import { backchannelLogout, frontchannelLogout } from './provider-logout.ts'
import { failure, type Reaction } from './reaction.ts'
import { refuseEvent, securityEvents } from './security-events.ts'
import { signInLimited } from './sign-in-limit.ts'
import type { Visit } from './visit.ts'

type Signal = (visit: Visit, provider: Provider) => Promise<Reaction>
type Signals = Readonly<Record<string, Signal>>

/** The only one that anybody can send, and each asks the store. */
const limitedLogout: Signal = async (visit, provider) =>
  signInLimited((asked) => frontchannelLogout(asked, provider))(visit)

const KINDS: ReadonlyMap<string, Signals> = new Map([
  ['backchannel_logout', { POST: backchannelLogout }],
  ['event_hook', { GET: verifyEventHook, POST: takeEvents }],
  ['frontchannel_logout', { GET: limitedLogout, POST: limitedLogout }],
  ['global_token_revocation', { POST: globalTokenRevocation }],
  ['security_events', { POST: securityEvents }],
])
const PATH = /^\/\.gatehouse\/([a-z_]+)\/([^/]+)$/

/** By method, what answers at the address of `visit`; `undefined` where it is no such address. */
export function signalsAt(
  visit: Visit,
): Readonly<Record<string, (visit: Visit) => Promise<Reaction>>> | undefined {
  const [, kind = '', name = ''] = PATH.exec(visit.path.decoded) ?? []
  const signals = KINDS.get(kind)
  const provider = visit.providers.get(name)
  if (signals === undefined || provider === undefined) return undefined
  const bound = Object.entries(signals).map(
    ([method, signal]) => [method, (asked: Visit) => signal(asked, provider)] as const,
  )
  return Object.fromEntries(bound)
}

/** Whether `visit` is for one of these addresses. */
export function isSignal(visit: Visit): boolean {
  return visit.isPublicUrl && signalsAt(visit) !== undefined
}

/** The answer to a body that is too large or of a type that nobody takes; `undefined` where it was for another address. */
export function unreadSignal(visit: Visit): Reaction | undefined {
  if (!isSignal(visit)) return undefined
  const isEvent = visit.path.decoded.startsWith('/.gatehouse/security_events/')
  return isEvent ? refuseEvent('other') : failure(visit, 'MALFORMED_REQUEST', { form: 'json' })
}
