/** The session's cookie on the host that was asked: opened, set, cleared. */

import { sessionCookieName } from '../identity/cookie-names.ts'
import type { LiveSession } from '../identity/session.ts'
import type { CookieChange } from './reaction.ts'
import type { Visit } from './visit.ts'

/**
 * The session that the visitor's cookie opens here; a malformed, foreign or ended one opens none.
 * @throws GatehouseError STORE_UNAVAILABLE
 */
export async function openSession(visit: Visit): Promise<LiveSession | undefined> {
  const cookie = sessionCookieOf(visit)
  return cookie === undefined ? undefined : visit.sessions.open(cookie, visit.host.name)
}

/** What the visitor's browser has sent, whatever it is worth. */
export function sessionCookieOf(visit: Visit): string | undefined {
  return visit.cookies[sessionCookieName(visit.secure)] || undefined
}

/** The same, with all that is known of the visitor's groups. */
export async function openWithGroups(visit: Visit): Promise<LiveSession | undefined> {
  return visit.resolveGroups(await openSession(visit))
}

export function sessionCookie(visit: Visit, session: LiveSession): CookieChange {
  const { value, maxAge } = visit.sessions.cookieFor(session, visit.host.name)
  return { name: sessionCookieName(visit.secure), value, maxAgeSeconds: maxAge }
}

export function clearedSessionCookie(visit: Visit): CookieChange {
  return { name: sessionCookieName(visit.secure), value: undefined, maxAgeSeconds: 0 }
}

/** Ends the session that this browser had, of which a new sign-in takes the place. */
export async function endReplaced(visit: Visit, previous: LiveSession): Promise<void> {
  await visit.sessions.end(previous)
  const { provider, sub, email } = previous.record
  visit.audit({
    event: 'session_ended',
    outcome: 'success',
    by: 'new_sign_in',
    provider,
    subject: sub,
    email,
    session: previous.id,
  })
}
