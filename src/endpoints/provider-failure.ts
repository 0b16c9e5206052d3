/** A sign-in that the provider did not finish: whose fault it is goes to the visitor, everything to the log. */

import { GatehouseError } from '../errors.ts'
import {
  type Provider,
  ProviderFailure,
  type ProviderFailureKind,
} from '../identity/provider/provider.ts'
import type { FailureAnswer } from '../pages/answer.ts'
import { TEXTS } from '../pages/texts.ts'
import { failure, type Reaction } from './reaction.ts'
import type { Target } from './sign-in-state.ts'
import { NO_WISHES, signInUrl } from './sign-in-url.ts'
import type { SignInResult, Visit } from './visit.ts'

/** Providers put what they like into their errors. */
const MAX_LOGGED = 500

const HEADINGS: Readonly<Record<ProviderFailureKind, string>> = {
  denied: TEXTS.signInDeniedTitle,
  unmet: TEXTS.signInDeniedTitle,
  unavailable: TEXTS.signInUnavailableTitle,
  'invalid-answer': TEXTS.signInFailedTitle,
  misconfigured: TEXTS.signInFailedTitle,
  restart: TEXTS.signInFailedTitle,
  malformed: TEXTS.signInFailedTitle,
}

/** Whose fault it is and what to do; what is not here says so by itself. */
const NAMED_TEXTS: Partial<Record<ProviderFailureKind, (provider: string) => string>> = {
  denied: TEXTS.signInDenied,
  unmet: TEXTS.signInUnmet,
  unavailable: TEXTS.signInUnavailable,
  'invalid-answer': TEXTS.signInInvalid,
  misconfigured: TEXTS.signInMisconfigured,
}

/**
 * The answer to a sign-in at `provider` that failed with `error`.
 * @throws `error` where it is not the provider's
 */
export function providerFailure(
  visit: Visit,
  provider: Provider,
  error: unknown,
  target: Target,
): Reaction {
  if (!(error instanceof ProviderFailure)) throw error
  noteRefusal(visit, provider, error.kind)
  visit.log.warn(
    {
      request_id: visit.requestId,
      provider: provider.name,
      kind: error.kind,
      detail: error.message.slice(0, MAX_LOGGED),
      cause: causeOf(error)?.slice(0, MAX_LOGGED),
    },
    'sign-in failed at the provider',
  )
  const again = { ...NO_WISHES, provider: provider.name }
  const retryUrl = signInUrl(visit.origin, target, again)
  const switchAccountUrl = signInUrl(visit.origin, target, { ...again, renew: true })
  const ways: Partial<FailureAnswer> = {
    // Who cancelled may come back; of an account that is too weak nothing else is to be had.
    ...(error.kind === 'unmet' ? {} : { retryUrl }),
    ...(error.status === 403 ? { switchAccountUrl } : {}),
  }
  return failure(visit, error.code, {
    status: error.status,
    text: NAMED_TEXTS[error.kind]?.(provider.displayName) ?? error.text,
    heading: HEADINGS[error.kind],
    ...ways,
  })
}

/** The store failed after the provider's code was spent: nothing is half-made, and the way back is a fresh sign-in. */
export function storeFailure(
  visit: Visit,
  provider: Provider,
  error: unknown,
  target: Target,
): Reaction {
  if (!(error instanceof GatehouseError) || error.code !== 'STORE_UNAVAILABLE') throw error
  noteRefusal(visit, provider, 'store-unavailable')
  visit.log.error(
    { request_id: visit.requestId, provider: provider.name, err: error },
    'sign-in could not be stored',
  )
  return failure(visit, 'STORE_UNAVAILABLE', {
    heading: TEXTS.signInUnavailableTitle,
    text: TEXTS.signInNotStored,
    retryUrl: signInUrl(visit.origin, target, { ...NO_WISHES, provider: provider.name }),
  })
}

/** By the provider, or because something does not work. */
function noteRefusal(visit: Visit, { name: provider }: Provider, reason: SignInResult): void {
  visit.onSignIn(provider, reason)
  const isRefused = reason === 'denied' || reason === 'unmet'
  visit.audit({
    event: 'sign_in',
    outcome: isRefused ? 'refused' : 'failed',
    reason,
    provider,
  })
}

function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined
}
