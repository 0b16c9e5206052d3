/** What an upstream is told of who asks: headers and the signed assertion, made once for a session and a route. */

import type { Config } from '../config/schema.ts'
import { GatehouseError } from '../errors.ts'
import type { AssertionSigner } from '../identity/assertion.ts'
import type { LiveSession, SessionTokens } from '../identity/session.ts'
import type { Sessions } from '../identity/sessions.ts'
import type { Person } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'
import type { Clock, EpochMs } from '../support/time.ts'
import { fieldLines } from './field-lines.ts'
import { headerValue } from './header-value.ts'
import { claimValue, headerClaims } from './route-claims.ts'
import { setHeaders } from './set-headers.ts'
import type { FixedHeaders } from './upstream/upstream-call.ts'

/** The limit on our own headers, names included; past it most servers would answer 431. */
const MAX_BYTES = 8 * 1024
/** An assertion lives five minutes and is used until half of that is over. */
const REUSE_MS = 150_000

/** Everything that is made once for a session on a route. */
export interface RouteIdentity extends FixedHeaders {
  /** Whom the assertion is for; a wildcard route has one for each of its hosts. */
  readonly origin: string
  /** When the assertion is to be signed anew. */
  readonly freshUntil: EpochMs
  /** Groups that the route's policy names and the person has; for the log. */
  readonly namedGroups: readonly string[]
}

export interface IdentityHeadersOptions {
  readonly config: Config['identity_headers']
  readonly signer: AssertionSigner
  readonly publicUrl: string
  readonly now: Clock
}

export type IdentityOf = (
  session: LiveSession,
  route: Route,
  origin: string,
  sessions: Pick<Sessions, 'tokens'>,
) => RouteIdentity | Promise<RouteIdentity>

/**
 * The identity that `session` has for `route`'s upstream. Synchronous while the assertion of an earlier request is fresh.
 * Rejects or throws GatehouseError IDENTITY_UNSENDABLE or IDENTITY_TOO_LARGE.
 */
export function createIdentityHeaders(options: IdentityHeadersOptions): IdentityOf {
  // Identities of an older config must not be found again: the key is this function's own. Nor those of before a refresh,
  // by which the session's subject is another.
  const cache = new WeakMap<Person, WeakMap<Route, RouteIdentity>>()
  return (session, route, origin, sessions) => {
    let byRoute = cache.get(session.subject)
    if (byRoute === undefined) {
      byRoute = new WeakMap()
      cache.set(session.subject, byRoute)
    }
    const known = byRoute.get(route)
    if (known !== undefined && known.origin === origin && options.now() < known.freshUntil)
      return known
    const routes = byRoute
    const asked = { session, route, origin, sessions }
    return makeIdentity(options, asked).then((made) => {
      routes.set(route, made)
      return made
    })
  }
}

interface Asked {
  readonly session: LiveSession
  readonly route: Route
  readonly origin: string
  readonly sessions: Pick<Sessions, 'tokens'>
}

async function makeIdentity(options: IdentityHeadersOptions, asked: Asked): Promise<RouteIdentity> {
  const { session, route, origin } = asked
  const person = session.subject
  const namedGroups = namedGroupsOf(person, route)
  const freshUntil = options.now() + REUSE_MS
  const changes = route.requestHeaders
  const nothing = !route.passIdentityHeaders && changes === undefined
  // Nobody reads what is told to a route that answers by itself.
  if (nothing || route.ownAnswer !== undefined)
    return { origin, headers: [], lines: '', freshUntil, namedGroups }
  const which = route.identityHeaders?.groups ?? options.config.groups
  const groups = sentGroups(which, person, namedGroups)
  const passes = route.passIdentityHeaders
  const assertion =
    passes || changes?.usesAssertion ? await assertionOf(options, asked, groups) : undefined
  const headers = passes ? await identityHeaders(options, asked, groups, assertion ?? '') : []
  const tokens = changes?.usesTokens ? await liveTokens(asked, options.now) : undefined
  const set =
    changes === undefined
      ? []
      : setHeaders(options.config, session, route, { groups, assertion, tokens })
  const all = [...set, ...headers]
  checkSize(all)
  return {
    origin,
    headers: all,
    lines: fieldLines(all),
    freshUntil: Math.min(freshUntil, tokens?.accessTokenExpiresAt ?? freshUntil),
    namedGroups,
  }
}

/** An access token that has run out is none. */
async function liveTokens(
  { session, sessions }: Asked,
  now: Clock,
): Promise<SessionTokens | undefined> {
  const tokens = await sessions.tokens(session)
  const expiresAt = tokens?.accessTokenExpiresAt
  if (tokens === undefined || expiresAt === undefined || now() < expiresAt) return tokens
  return { ...tokens, accessToken: undefined, accessTokenExpiresAt: undefined }
}

function signFor(
  { signer }: IdentityHeadersOptions,
  { session }: Asked,
  groups: readonly string[],
  [issuer, audience]: readonly [string, string],
): Promise<string> {
  const { sub, email } = session.subject
  const { name } = session.record
  return signer.sign({ issuer, audience, subject: sub, email, groups, name, sessionId: session.id })
}

function assertionOf(
  options: IdentityHeadersOptions,
  asked: Asked,
  groups: readonly string[],
): Promise<string> {
  return signFor(options, asked, groups, [options.publicUrl, asked.origin])
}

async function identityHeaders(
  options: IdentityHeadersOptions,
  asked: Asked,
  groups: readonly string[],
  assertion: string,
): Promise<string[]> {
  const { config, publicUrl } = options
  const headers = claimHeaders(config, asked, groups)
  headers.push(config.assertion, assertion)
  if (config.preset === 'pomerium') {
    // As Pomerium has it: issuer and audience are host names.
    const names = [new URL(publicUrl).hostname, new URL(asked.origin).hostname] as const
    headers.push('X-Pomerium-Jwt-Assertion', await signFor(options, asked, groups, names))
  }
  return headers
}

/** The groups of `person` that the route's policy names. */
export function namedGroupsOf(person: Person, { policy }: Route): readonly string[] {
  return [...person.groups.spellings].filter((group) => policy.namesGroup(group))
}

function sentGroups(
  which: Config['identity_headers']['groups'],
  person: Person,
  namedGroups: readonly string[],
): readonly string[] {
  if (which === 'none') return []
  if (which === 'named') return namedGroups
  return person.groups.list.map((group) => group.name ?? group.id ?? '')
}

function claimHeaders(
  config: Config['identity_headers'],
  { session, route }: Asked,
  groups: readonly string[],
): string[] {
  const headers: string[] = []
  for (const [name, claim] of headerClaims(config, route)) {
    const value = headerValue(name, claimValue(session, claim, groups))
    if (value !== undefined) headers.push(name, value)
  }
  return headers
}

function checkSize(headers: readonly string[]): void {
  let size = 0
  for (const part of headers) size += part.length + 2
  if (size > MAX_BYTES) {
    throw new GatehouseError(
      'IDENTITY_TOO_LARGE',
      `${size} bytes of identity headers, more than ${MAX_BYTES}: send fewer groups with \`identity_headers.groups\``,
    )
  }
}
