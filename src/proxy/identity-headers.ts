/** What an upstream is told of who asks: headers and the signed assertion, made once for a session and a route. */

import type { Config } from '../config/schema.ts'
import { GatehouseError } from '../errors.ts'
import type { AssertionSigner } from '../identity/assertion.ts'
import type { LiveSession } from '../identity/session.ts'
import type { Person } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'
import type { Clock, EpochMs } from '../support/time.ts'

/** The limit on our own headers, names included; past it most servers would answer 431 (product 4.3). */
const MAX_BYTES = 8 * 1024
/** An assertion lives five minutes and is used until half of that is over. */
const REUSE_MS = 150_000

/** Everything that is made once for a session on a route. */
export interface RouteIdentity {
  /** Whom the assertion is for; a wildcard route has one for each of its hosts. */
  readonly origin: string
  /** Names and values in turn. */
  readonly headers: readonly string[]
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
) => RouteIdentity | Promise<RouteIdentity>

/**
 * The identity that `session` has for `route`'s upstream. Synchronous while the assertion of an earlier request is fresh.
 * Rejects or throws GatehouseError IDENTITY_UNSENDABLE or IDENTITY_TOO_LARGE.
 */
export function createIdentityHeaders(options: IdentityHeadersOptions): IdentityOf {
  // Identities of an older config must not be found again: the key is this function's own.
  const cache = new WeakMap<LiveSession, WeakMap<Route, RouteIdentity>>()
  return (session, route, origin) => {
    let byRoute = cache.get(session)
    if (byRoute === undefined) {
      byRoute = new WeakMap()
      cache.set(session, byRoute)
    }
    const known = byRoute.get(route)
    if (known !== undefined && known.origin === origin && options.now() < known.freshUntil)
      return known
    const routes = byRoute
    return makeIdentity(options, session, route, origin).then((made) => {
      routes.set(route, made)
      return made
    })
  }
}

async function makeIdentity(
  options: IdentityHeadersOptions,
  session: LiveSession,
  route: Route,
  origin: string,
): Promise<RouteIdentity> {
  const person = session.subject
  const namedGroups = [...person.groups.spellings].filter((group) => route.policy.namesGroup(group))
  const freshUntil = options.now() + REUSE_MS
  if (!route.passIdentityHeaders) return { origin, headers: [], freshUntil, namedGroups }
  const groups = sentGroups(options.config.groups, person, namedGroups)
  const headers = claimHeaders(options.config, session, groups)
  const assert = (issuer: string, audience: string): Promise<string> =>
    options.signer.sign({
      issuer,
      audience,
      subject: person.sub,
      email: person.email,
      groups,
      name: session.record.name,
      sessionId: session.id,
    })
  headers.push(options.config.assertion, await assert(options.publicUrl, origin))
  if (options.config.preset === 'pomerium') {
    // As Pomerium has it: issuer and audience are host names.
    const [issuer, audience] = [new URL(options.publicUrl).hostname, new URL(origin).hostname]
    headers.push('X-Pomerium-Jwt-Assertion', await assert(issuer, audience))
  }
  checkSize(headers)
  return { origin, headers, freshUntil, namedGroups }
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

const OAUTH2_PROXY_HEADERS = {
  'X-Auth-Request-User': 'sub',
  'X-Auth-Request-Email': 'email',
  'X-Auth-Request-Preferred-Username': 'preferred_username',
  'X-Auth-Request-Groups': 'groups',
}

function claimHeaders(
  config: Config['identity_headers'],
  session: LiveSession,
  groups: readonly string[],
): string[] {
  const headers: string[] = []
  const presets: Readonly<Record<string, string>> =
    config.preset === 'oauth2-proxy' ? OAUTH2_PROXY_HEADERS : {}
  for (const [name, claim] of Object.entries({ ...presets, ...config.headers })) {
    const value = headerValue(name, claimValue(session, claim, groups))
    if (value !== undefined) headers.push(name, value)
  }
  return headers
}

function claimValue(session: LiveSession, claim: string, groups: readonly string[]): unknown {
  const person = session.subject
  switch (claim) {
    case 'sub':
      return person.sub
    case 'email':
      // Only ever the verified one, never the claim as it came.
      return person.email
    case 'groups':
      return groups
    case 'name':
      return session.record.name
    default:
      return Object.hasOwn(person.claims, claim) ? person.claims[claim] : undefined
  }
}

function headerValue(header: string, claim: unknown): string | undefined {
  if (Array.isArray(claim)) {
    const items = claim.map((item: unknown) => plainText(item)).filter((item) => item !== undefined)
    return items.length === 0
      ? undefined
      : items.map((item) => encode(header, item, true)).join(',')
  }
  const text = plainText(claim)
  return text === undefined ? undefined : encode(header, text, false)
}

/** Texts, numbers and booleans can be sent; an object has no agreed form in a header. */
function plainText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return undefined
}

const CONTROL = /\p{Cc}/u
const PLAIN = /^[\x21-\x24\x26-\x7e](?:[\x20-\x24\x26-\x7e]*[\x21-\x24\x26-\x7e])?$/

/** Printable ASCII except `%` as it is; all else, spaces at either end, and `,` in lists percent-encoded UTF-8. */
function encode(header: string, text: string, inList: boolean): string {
  if (CONTROL.test(text)) {
    throw new GatehouseError(
      'IDENTITY_UNSENDABLE',
      `the value for \`${header}\` has control characters`,
    )
  }
  if (PLAIN.test(text) && !(inList && text.includes(','))) return text
  return text
    .toWellFormed()
    .replace(
      inList ? /[^\x20-\x24\x26-\x2b\x2d-\x7e]+|^ +| +$/g : /[^\x20-\x24\x26-\x7e]+|^ +| +$/g,
      percentEncode,
    )
}

function percentEncode(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text))
    encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return encoded
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
