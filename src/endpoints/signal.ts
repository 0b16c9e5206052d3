/** What the endpoints have in common by which providers end sessions: which provider speaks, and what it is answered. */

import type { Provider } from '../identity/provider/provider.ts'
import { ProviderFailure } from '../identity/provider/provider.ts'
import { TokenRefused } from '../identity/provider/signed-token.ts'
import type { SessionsNamed } from '../identity/provider/subject-id.ts'
import type { EndedBy } from '../support/audit.ts'
import { failure, type Reaction } from './reaction.ts'
import type { Visit } from './visit.ts'

/** Of details in the log; they may hold what the sender wrote. */
const MAX_LOGGED = 500

/** An answer without a body, which nobody keeps. */
export function emptyAnswer(status: 200 | 202 | 204): Reaction {
  const length = status === 204 ? {} : { 'content-length': '0' }
  return {
    status,
    headers: { ...length, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
    body: '',
  }
}

/**
 * Runs `act`; a token that does not hold is answered by `refuse`, and 503 is for what nobody can tell now. Both are logged.
 * @throws what is neither, such as STORE_UNAVAILABLE
 */
export async function answerSignal(
  visit: Visit,
  provider: Provider,
  act: () => Promise<Reaction>,
  refuse: (why: TokenRefused) => Reaction,
): Promise<Reaction> {
  try {
    return await act()
  } catch (error) {
    const isRefused = error instanceof TokenRefused
    if (!isRefused && !(error instanceof ProviderFailure)) throw error
    visit.log.warn(
      { ...logFields(visit, provider), detail: error.message.slice(0, MAX_LOGGED) },
      'a signal of a provider is refused',
    )
    visit.audit({
      event: 'signal_refused',
      outcome: isRefused ? 'refused' : 'failed',
      by: signalOf(visit),
      reason: isRefused ? error.reason : 'unavailable',
      provider: provider.name,
    })
    if (isRefused) return refuse(error)
    return failure(visit, error.code, { status: 503, text: error.text, form: 'json' })
  }
}

/** Ends what a signal names, everywhere, and says so in the audit log; returns how many sessions there were. */
export async function endNamed(
  visit: Visit,
  provider: Provider,
  named: SessionsNamed,
): Promise<number> {
  return endAndTell(visit, provider, named, () =>
    visit.sessions.endOf(provider.name, named.by, named.value),
  )
}

/** Runs `end`, which returns how many ended, and tells what `named` names in the audit log. */
export async function endAndTell(
  visit: Visit,
  { name: provider }: Provider,
  { by, value }: SessionsNamed,
  end: () => Promise<number>,
): Promise<number> {
  const about = {
    event: 'session_ended',
    by: signalOf(visit),
    named_by: by,
    provider,
    // Of a session id nothing is told: who knows it can end the session by it.
    subject: by === 'sub' ? value : undefined,
    email: by === 'email' ? value : undefined,
  } as const
  try {
    const sessions = await end()
    visit.audit({ ...about, outcome: 'success', sessions })
    return sessions
  } catch (error) {
    visit.audit({ ...about, outcome: 'failed', reason: 'store-unavailable' })
    throw error
  }
}

/** The second part of `/.gatehouse/KIND/NAME` (signals.ts). */
function signalOf({ path }: Visit): EndedBy {
  return path.decoded.split('/')[2] as EndedBy
}

function logFields(visit: Visit, { name }: Provider): object {
  return {
    request_id: visit.requestId,
    provider: name,
    path: visit.path.decoded,
    source_ip: visit.clientAddress,
  }
}
