/** How a sign-in begins: an app's host sends the browser to `public_url`, and that sends it to the provider. */

import type { AuthorizationRequest, Provider } from '../identity/provider/provider.ts'
import { providerFailure } from './provider-failure.ts'
import { type Reaction, redirect } from './reaction.ts'
import { beginInBrowser } from './sign-in-cookie.ts'
import { sealAppState, sealProviderState, type Target } from './sign-in-state.ts'
import { signInUrl, type Wishes } from './sign-in-url.ts'
import type { Visit } from './visit.ts'

/** On an app's host: to `public_url`, with all that is needed to come back. */
export function startForApp(
  visit: Visit,
  target: string,
  wishes: Wishes,
  restarts: readonly number[],
): Reaction {
  const { id, proofs, cookies } = beginInBrowser(visit, restarts)
  const { binding } = proofs
  const startedAt = visit.now()
  const { stepUp } = wishes
  const state = sealAppState(visit, { id, binding, target, startedAt, restarts, stepUp })
  return redirect(
    signInUrl(visit.publicOrigin, { kind: 'app', origin: visit.origin, state }, wishes),
    cookies,
  )
}

/** On `public_url`: to the provider. */
export async function startAtProvider(
  visit: Visit,
  provider: Provider,
  target: Target,
  wishes: Wishes,
  restarts: readonly number[],
): Promise<Reaction> {
  const { id, proofs, cookies } = beginInBrowser(visit, restarts)
  const state = sealProviderState(visit, {
    id,
    binding: proofs.binding,
    provider: provider.name,
    target,
    startedAt: visit.now(),
    restarts,
    renew: wishes.renew,
    stepUp: wishes.stepUp,
  })
  try {
    const url = await provider.authorizationUrl({
      state,
      nonce: proofs.nonce,
      codeVerifier: proofs.codeVerifier,
      loginHint: wishes.loginHint,
      ...proofToAsk(wishes),
    })
    return redirect(url.href, cookies)
  } catch (error) {
    return providerFailure(visit, provider, error, target)
  }
}

/** A policy may want a proof that has no name for providers (`amr`): then that the person signs in anew. */
function proofToAsk({
  renew,
  stepUp,
}: Wishes): Pick<AuthorizationRequest, 'prompt' | 'acrValues' | 'maxAgeSeconds'> {
  if (stepUp === undefined) return { prompt: renew ? 'login' : undefined }
  const { acrValues, maxAgeSeconds } = stepUp
  const isNameless = acrValues.length === 0 && maxAgeSeconds === undefined
  return { prompt: renew || isNameless ? 'login' : undefined, acrValues, maxAgeSeconds }
}
