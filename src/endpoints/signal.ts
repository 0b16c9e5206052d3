/** What the endpoints have in common by which providers end sessions: which provider speaks, and what it is answered. */

import type { Provider } from '../identity/provider.ts'
import { ProviderFailure } from '../identity/provider.ts'
import { TokenRefused } from '../identity/signed-token.ts'
import type { SessionsNamed } from '../identity/subject-id.ts'
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
    if (isRefused) return refuse(error)
    return failure(visit, error.code, { status: 503, text: error.text, form: 'json' })
  }
}

/** Ends what a signal names, everywhere, and says so in the log; returns how many sessions there were. */
export async function endNamed(
  visit: Visit,
  provider: Provider,
  named: SessionsNamed,
): Promise<number> {
  const ended = await visit.sessions.endOf(provider.name, named.by, named.value)
  logEnded(visit, provider, named, ended)
  return ended
}

export function logEnded(
  visit: Visit,
  provider: Provider,
  { by, value }: SessionsNamed,
  ended: number,
): void {
  const fields = { ...logFields(visit, provider), named_by: by, sessions: ended }
  visit.log.info(
    by === 'sid' ? fields : { ...fields, subject: value },
    'sessions ended from outside',
  )
}

function logFields(visit: Visit, { name }: Provider): object {
  return {
    request_id: visit.requestId,
    provider: name,
    path: visit.path.decoded,
    source_ip: visit.clientAddress,
  }
}
