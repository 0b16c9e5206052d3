/** Security event tokens (RFC 8417) as Shared Signals transmitters push them: whom they end, if anybody. */

import type { Clock, EpochMs } from '../../support/time.ts'
import { checkType, jtiOf, type OnceOnly } from './logout-token.ts'
import type { Provider } from './provider.ts'
import { type TokenClaims, TokenRefused } from './signed-token.ts'
import { isObject, readEventSubject, type SessionsNamed } from './subject-id.ts'

const SECEVENT = 'https://schemas.openid.net/secevent'
/** CAEP 1.0 §3.1 and §3.3, RISC 1.0 §2: after any of them whoever it is has to sign in again. */
const ENDING: ReadonlySet<string> = new Set([
  ...['session-revoked', 'credential-change'].map((name) => `${SECEVENT}/caep/event-type/${name}`),
  ...[
    'account-disabled',
    'account-purged',
    'account-credential-change-required',
    'credential-compromise',
    'sessions-revoked',
  ].map((name) => `${SECEVENT}/risc/event-type/${name}`),
])
/** Events have no end: older ones are refused, and what came since then is remembered. */
const MAX_AGE_MS = 7 * 24 * 3_600_000

export interface SecurityEvent extends OnceOnly {
  /** Names of the events, for the log. */
  readonly events: readonly string[]
  readonly ends: readonly SessionsNamed[]
}

/**
 * @param audiences under which the stream knows this gateway
 * @throws TokenRefused; ProviderFailure `unavailable`
 */
export async function readSecurityEvent(
  { verifier, issuer, organisation }: Pick<Provider, 'verifier' | 'issuer' | 'organisation'>,
  token: string,
  audiences: readonly string[],
  now: Clock,
): Promise<SecurityEvent> {
  const required = ['iat', 'jti', 'events']
  const verified = await verifier.verify(token, { audiences, required, fromOrganisation: true })
  checkType(verified, ['secevent+jwt'])
  const { events, sub_id: subId, iat, jti } = verified.claims
  if (!isObject(events)) throw new TokenRefused('the token has no events')
  const at: EpochMs = Number(iat) * 1_000
  if (at + MAX_AGE_MS < now()) throw new TokenRefused('the event is older than a week')
  const ending = Object.entries(events).filter(([name]) => ENDING.has(name))
  const named = ending.map(([, event]) =>
    readEventSubject(subjectOf(event, subId), [issuer, organisation]),
  )
  return {
    jti: jtiOf(jti),
    until: at + MAX_AGE_MS,
    events: Object.keys(events),
    ends: named.filter((sessions) => sessions !== undefined),
  }
}

/** Older drafts have it in the event, RFC 9493 and the Shared Signals Framework beside all events. */
function subjectOf(event: unknown, subId: unknown): unknown {
  const inside = isObject(event) ? (event as TokenClaims)['subject'] : undefined
  return inside ?? subId
}
