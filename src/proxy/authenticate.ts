/** Who asks: whom the request's access token or its session cookie stands for, or nobody. */

import { sessionCookieName } from '../identity/cookie-names.ts'
import type { LiveSession } from '../identity/session.ts'
import type { Sessions } from '../identity/sessions.ts'
import type { Route } from '../policy/route.ts'
import { readBearer } from './bearer.ts'
import type { CanonicalRequest } from './canonicalize.ts'
import type { Received } from './exchange.ts'
import { cookieValue } from './own-cookies.ts'

/**
 * A session of another provider than the route's own is, for that route, no session; nor is one that is older
 * or has been idle for longer than the route's `session` says. Where the route admits
 * access tokens, one goes before the cookie, and a bad one is never forgiven for its sake.
 * Rejects or throws GatehouseError STORE_UNAVAILABLE, BAD_TOKEN, RATE_LIMITED, or ProviderFailure `unavailable`.
 */
export function authenticate(
  sessions: Sessions,
  { headers, forwarded, plane, trail }: Received,
  { route, host }: Pick<CanonicalRequest, 'route' | 'host'>,
): LiveSession | undefined | Promise<LiveSession | undefined> {
  if (route.bearer !== undefined) {
    const written = readBearer(headers.authorization)
    if (written !== undefined) {
      const address = trail.asked?.clientAddress ?? forwarded.clientAddress
      return plane.admitBearer(written.token, route.bearer, address)
    }
  }
  if (headers.cookie === undefined) return undefined
  const value = cookieValue(headers.cookie, sessionCookieName(route.secure))
  if (value === undefined) return undefined
  const session = sessions.open(value, host.name)
  return session instanceof Promise
    ? session.then((opened) => forRoute(sessions, opened, route))
    : forRoute(sessions, session, route)
}

function forRoute(
  sessions: Sessions,
  session: LiveSession | undefined,
  route: Route,
): LiveSession | undefined | Promise<LiveSession | undefined> {
  if (session === undefined) return undefined
  if (route.provider !== undefined && session.record.provider !== route.provider) return undefined
  if (route.session === undefined) return session
  const answer = sessions.isWithin(session, route.session)
  const orNobody = (within: boolean) => (within ? session : undefined)
  return answer instanceof Promise ? answer.then(orNobody) : orNobody(answer)
}

/** The store is told of uses of sessions; of a token's bearer it knows nothing. */
export function noteUse(sessions: Sessions, session: LiveSession): void {
  if (session.record.method !== 'bearer') sessions.seen(session)
}

/** Of a token's bearer no tokens are kept: what a route is to send of them is absent. */
const NO_TOKENS = { tokens: () => Promise.resolve(undefined) }

/** Where the provider's tokens of whoever asks are to be had. */
export function tokensOf(sessions: Sessions, session: LiveSession): Pick<Sessions, 'tokens'> {
  return session.record.method === 'bearer' ? NO_TOKENS : sessions
}
