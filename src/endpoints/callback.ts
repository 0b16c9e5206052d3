/** A provider's redirect path: where a sign-in comes back, and a session begins. */

import { SignInRevoked } from '../identity/end-marks.ts'
import type { Provider, SignedIn } from '../identity/provider/provider.ts'
import { ProviderFailure } from '../identity/provider/provider.ts'
import type { LiveSession } from '../identity/session.ts'
import { TEXTS } from '../pages/texts.ts'
import { sendToApp } from './hand-over.ts'
import { landing } from './landing.ts'
import { providerFailure, storeFailure } from './provider-failure.ts'
import { malformed, type Reaction, redirect } from './reaction.ts'
import { endReplaced, openSession, sessionCookie } from './session-cookie.ts'
import { endInBrowser, proofsInBrowser } from './sign-in-cookie.ts'
import { type Again, restartSignIn } from './sign-in-restart.ts'
import { startAtProvider } from './sign-in-start.ts'
import { isStale, openProviderState, type ProviderState } from './sign-in-state.ts'
import { NO_WISHES } from './sign-in-url.ts'
import { thirdPartyLogin } from './third-party-login.ts'
import { single, type Visit } from './visit.ts'

/** Parameters of an answer; one that is there twice could be read in two ways. RFC 6749 §3.1 */
const ONCE = ['state', 'code', 'error', 'iss'] as const

export async function providerCallback(visit: Visit): Promise<Reaction> {
  const { query } = visit
  if (ONCE.some((name) => query.getAll(name).length > 1)) {
    return malformed(visit, TEXTS.answerMalformed)
  }
  if (!query.has('code') && !query.has('error')) return withoutAnswer(visit)
  const text = single(query, 'state')
  if (text === undefined || text === '') return malformed(visit, TEXTS.answerMalformed)
  const state = openProviderState(visit, text)
  if (state === undefined) return restartSignIn(visit, undefined, 'foreign state')
  const provider = visit.providers.get(state.provider)
  if (provider === undefined) return restartSignIn(visit, undefined, 'provider is gone')
  if (provider.redirectPath !== visit.path.decoded) return malformed(visit, TEXTS.answerMalformed)
  return finish(visit, text, state, provider)
}

/** Providers are also given this path as the one that begins a sign-in, and as the one to come back to after sign-out. */
function withoutAnswer(visit: Visit): Reaction | Promise<Reaction> {
  const here = [...visit.providers.values()].find(
    ({ redirectPath }) => redirectPath === visit.path.decoded,
  )
  if (here === undefined || !visit.query.has('iss')) return landing(visit)
  return thirdPartyLogin(visit, here)
}

async function finish(
  visit: Visit,
  text: string,
  state: ProviderState,
  provider: Provider,
): Promise<Reaction> {
  const again: Again = {
    restarts: state.restarts,
    begin: (restarts) =>
      startAtProvider(
        visit,
        provider,
        state.target,
        { ...NO_WISHES, renew: state.renew, stepUp: state.stepUp },
        restarts,
      ),
  }
  if (isStale(visit, state)) return restartSignIn(visit, again, 'stale state')
  const proofs = proofsInBrowser(visit, state.id, state.binding)
  if (proofs === undefined)
    return restartSignIn(visit, again, 'no sign-in cookie, or a foreign one')

  // Before the code is spent: where the store is down, the same address works again once it is back.
  const previous = await openSession(visit)
  let person: SignedIn
  try {
    person = await provider.redeem(visit.path.query, { state: text, ...proofs })
  } catch (error) {
    if (error instanceof ProviderFailure && error.kind === 'restart') {
      visit.onSignIn(provider.name, 'restart')
      return restartSignIn(visit, again, error.message)
    }
    return providerFailure(visit, provider, error, state.target)
  }
  try {
    const session = await beginSession(visit, state, person, previous)
    return await sendOn(visit, state, session)
  } catch (error) {
    if (error instanceof SignInRevoked) return restartSignIn(visit, again, error.message)
    return storeFailure(visit, provider, error, state.target)
  }
}

/** A new session takes the place of the one that this browser had. */
async function beginSession(
  visit: Visit,
  state: ProviderState,
  person: SignedIn,
  previous: LiveSession | undefined,
): Promise<LiveSession> {
  if (previous !== undefined && isFromAnotherTab(previous, state, person)) return previous
  if (previous !== undefined) await endReplaced(visit, previous)
  const session = await visit.sessions.create(person, {
    provider: state.provider,
    method: 'oidc',
    address: visit.clientAddress,
    userAgent: visit.userAgent,
    startedAt: state.startedAt,
    stepUp: state.stepUp !== undefined,
  })
  visit.onSignIn(state.provider, 'ok')
  visit.audit({
    event: 'sign_in',
    outcome: 'success',
    provider: state.provider,
    subject: person.sub,
    email: person.email,
    session: session.id,
  })
  return session
}

/**
 * Many tabs may sign in at once. The first to end has made the session of all of them: a second one would end it while
 * its hand-over is still under way. INVARIANT: it is the same person's, and was made after this tab began.
 */
function isFromAnotherTab(session: LiveSession, state: ProviderState, person: SignedIn): boolean {
  const { record } = session
  if (state.renew || record.signedInAt < state.startedAt) return false
  if (state.stepUp !== undefined && record.steppedUpAt === undefined) return false
  return record.provider === state.provider && record.sub === person.sub
}

async function sendOn(
  visit: Visit,
  { id, target }: ProviderState,
  session: LiveSession,
): Promise<Reaction> {
  const cookies = [sessionCookie(visit, session), ...endInBrowser(visit, id)]
  if (target.kind === 'here') return redirect(target.url, cookies)
  // The config may have changed while the person was at the provider.
  if (!visit.served.has(target.origin)) return redirect('/', cookies)
  return sendToApp(visit, session, target.origin, target.state, cookies)
}
