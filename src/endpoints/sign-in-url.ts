/** The address that begins a sign-in, and what may be wished for in it. */

import type { StepUp } from '../policy/compiled-policy.ts'
import type { Target } from './sign-in-state.ts'

export const SIGN_IN_PATH = '/.gatehouse/sign_in'

/** What may be asked of a sign-in from outside, and nothing else is passed on. */
export interface Wishes {
  /** Name of a provider that there is. */
  readonly provider: string | undefined
  readonly loginHint: string | undefined
  /** Another account is wanted: no session that is there is used. */
  readonly renew: boolean
  /**
   * What a policy asks of a new sign-in; no session that is there is used. Never from an address: it is looked up where
   * it begins, and travels sealed.
   */
  readonly stepUp: StepUp | undefined
}

export const NO_WISHES: Wishes = {
  provider: undefined,
  loginHint: undefined,
  renew: false,
  stepUp: undefined,
}

/** The address that begins a sign-in for `target` on `origin`; with a provider's name it asks for that one. */
export function signInUrl(origin: string, target: Target, wishes: Wishes): string {
  return `${origin}${SIGN_IN_PATH}?${signInParameters(target, wishes)}`
}

export function signInParameters(target: Target, wishes: Wishes): URLSearchParams {
  const parameters = new URLSearchParams(
    target.kind === 'here' ? { rd: target.url } : { for: target.origin, state: target.state },
  )
  if (wishes.provider !== undefined) parameters.set('provider', wishes.provider)
  if (wishes.loginHint !== undefined) parameters.set('login_hint', wishes.loginHint)
  if (wishes.renew) parameters.set('switch', 'true')
  return parameters
}
