/** What an ID token, whose signature and times have been verified, says beside the person's own claims. Pure. */

import type { EpochMs } from '../../support/time.ts'
import type { Claims } from './claims.ts'
import { ProviderFailure, type SignedIn } from './provider.ts'

/**
 * openid-client looks at `azp` only where there are several audiences (OpenID Connect Core §3.1.3.7, 5).
 * @throws ProviderFailure `invalid-answer`
 */
export function checkParty(idToken: Claims, clientId: string): void {
  if (Object.hasOwn(idToken, 'azp') && idToken['azp'] !== clientId) {
    throw new ProviderFailure('invalid-answer', 'the ID token was issued to another client (`azp`)')
  }
  if (idToken['sub'] === '') {
    throw new ProviderFailure('invalid-answer', 'the ID token has an empty `sub`')
  }
}

/** How and when somebody proved who they are. */
export function authentication(
  idToken: Claims,
  time: EpochMs,
): Pick<SignedIn, 'acr' | 'amr' | 'authTime' | 'sid'> {
  const { acr, amr, auth_time: authTime, sid } = idToken
  const methods = [amr].flat()
  return {
    acr: typeof acr === 'string' ? acr : undefined,
    amr: methods.filter((method) => typeof method === 'string'),
    // Never in the future: an authentication must not look fresh for longer than it is.
    authTime: typeof authTime === 'number' ? Math.min(authTime * 1_000, time) : undefined,
    sid: typeof sid === 'string' && sid !== '' ? sid : undefined,
  }
}
