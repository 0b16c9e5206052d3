/** Tokens by which a provider ends sessions: logout tokens (OpenID Connect Back-Channel Logout 1.0) and Okta's. */

import type { EpochMs } from '../../support/time.ts'
import type { Provider } from './provider.ts'
import { type SignedToken, type TokenClaims, TokenRefused } from './signed-token.ts'
import { isObject, type SessionsNamed } from './subject-id.ts'

const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** What came once is remembered until it has run out by the clocks of all replicas. */
const AFTER_END_MS = 60_000

export interface OnceOnly {
  /** Tells the token apart from all others of its provider. */
  readonly jti: string
  /** Until then it must not come again. */
  readonly until: EpochMs
}

export type LogoutToken = OnceOnly & SessionsNamed

type Signer = Pick<Provider, 'clientId' | 'verifier'>

/**
 * Verifies as §2.6 says. A type is not demanded, since that is only recommended; another one than its own is refused.
 * @throws TokenRefused; ProviderFailure `unavailable`
 */
export async function readLogoutToken(
  { clientId, verifier }: Signer,
  token: string,
): Promise<LogoutToken> {
  const { type, claims } = await verifier.verify(token, {
    audiences: [clientId],
    required: ['iat', 'exp', 'jti', 'events'],
    asIdTokens: true,
  })
  checkType({ type, claims }, ['logout+jwt', undefined])
  const { events, sub, sid } = claims
  if (!isObject(events) || !Object.hasOwn(events, LOGOUT_EVENT) || !isObject(events[LOGOUT_EVENT]))
    throw new TokenRefused('the token has no logout event')
  if (Object.hasOwn(claims, 'nonce')) throw new TokenRefused('a logout token has no `nonce`')
  checkText(claims, 'sub')
  checkText(claims, 'sid')
  const once = onceOnly(claims)
  // With a session id this session ends; those that the person has in other browsers go on.
  if (sid !== undefined) return { ...once, by: 'sid', value: String(sid) }
  if (sub !== undefined) return { ...once, by: 'sub', value: String(sub) }
  throw new TokenRefused('the token names neither `sub` nor `sid`')
}

/**
 * The token in the Authorization header of a Global Token Revocation request (draft-parecki): by whom, and for which of
 * the endpoints. `client` is whom the provider speaks for.
 * @throws TokenRefused; ProviderFailure `unavailable`
 */
export async function readRevocationToken(
  { verifier }: Signer,
  token: string,
  endpoint: string,
): Promise<OnceOnly & { readonly client: unknown }> {
  const verified = await verifier.verify(token, {
    audiences: [endpoint],
    required: ['iat', 'exp', 'jti', 'sub'],
    fromOrganisation: true,
  })
  checkType(verified, ['global-token-revocation+jwt'])
  return { ...onceOnly(verified.claims), client: verified.claims['sub'] }
}

/** @throws TokenRefused for a token of another kind */
export function checkType({ type }: SignedToken, allowed: readonly (string | undefined)[]): void {
  if (!allowed.includes(type)) throw new TokenRefused('the token is of another type')
}

function onceOnly({ jti, exp }: TokenClaims): OnceOnly {
  return { jti: jtiOf(jti), until: Number(exp) * 1_000 + AFTER_END_MS }
}

export function jtiOf(jti: unknown): string {
  if (typeof jti === 'string' && jti !== '') return jti
  throw new TokenRefused('the token has no `jti` that is a text')
}

function checkText(claims: TokenClaims, name: string): void {
  const value = claims[name]
  if (value === undefined || (typeof value === 'string' && value !== '')) return
  throw new TokenRefused(`\`${name}\` is no text`)
}
