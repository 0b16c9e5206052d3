/** Who asks: the session that the request's cookie opens, or nobody. */

import { sessionCookieName } from '../identity/cookie-names.ts'
import type { LiveSession } from '../identity/session.ts'
import type { Sessions } from '../identity/sessions.ts'
import type { Route } from '../policy/route.ts'
import { cookieValue } from './own-cookies.ts'

/**
 * A session of another provider than the route's own is, for that route, no session (product 8).
 * Rejects or throws GatehouseError STORE_UNAVAILABLE.
 */
export function authenticate(
  sessions: Sessions,
  cookie: string | undefined,
  host: string,
  route: Route,
): LiveSession | undefined | Promise<LiveSession | undefined> {
  if (cookie === undefined) return undefined
  const value = cookieValue(cookie, sessionCookieName(route.secure))
  if (value === undefined) return undefined
  const session = sessions.open(value, host)
  return session instanceof Promise
    ? session.then((opened) => forRoute(opened, route))
    : forRoute(session, route)
}

function forRoute(session: LiveSession | undefined, route: Route): LiveSession | undefined {
  if (session === undefined || route.provider === undefined) return session
  return session.record.provider === route.provider ? session : undefined
}
