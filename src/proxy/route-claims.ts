/** Which headers tell a route's upstream who asks, and the claims that stand in them. */

import type { Config } from '../config/schema.ts'
import type { LiveSession } from '../identity/session.ts'
import type { Route } from '../policy/route.ts'
import { plainName } from '../support/header-name.ts'

const OAUTH2_PROXY_HEADERS = {
  'X-Auth-Request-User': 'sub',
  'X-Auth-Request-Email': 'email',
  'X-Auth-Request-Preferred-Username': 'preferred_username',
  'X-Auth-Request-Groups': 'groups',
}

/** Header names with the claims that they carry on this route; a preset's come besides, whoever says the rest. */
export function headerClaims(
  config: Config['identity_headers'],
  { identityHeaders: own }: Route,
): ReadonlyMap<string, string> {
  const presets = config.preset === 'oauth2-proxy' ? Object.entries(OAUTH2_PROXY_HEADERS) : []
  const claims = new Map([...presets, ...(own?.headers ?? Object.entries(config.headers))])
  // A route cannot know the assertion's name; one that takes it leaves it to the assertion.
  for (const name of claims.keys()) {
    if (plainName(name) === plainName(config.assertion)) claims.delete(name)
  }
  return claims
}

/** The names under which the route's upstream is told who asks, whether or not there is a value. */
export function identityNames(
  config: Config['identity_headers'],
  route: Route,
): ReadonlySet<string> {
  if (!route.passIdentityHeaders) return new Set()
  const names = [...headerClaims(config, route).keys(), config.assertion]
  return new Set(names.map(plainName))
}

/** As `identityNames`, as they are written, with what a preset and the route itself set besides. */
export function allIdentityNames(
  config: Config['identity_headers'],
  route: Route,
): readonly string[] {
  const set = route.requestHeaders?.set.map(({ name }) => name) ?? []
  if (!route.passIdentityHeaders) return set
  const preset = config.preset === 'pomerium' ? ['X-Pomerium-Jwt-Assertion'] : []
  return [...headerClaims(config, route).keys(), config.assertion, ...preset, ...set]
}

/**
 * Whether groups make a difference on `route`: to its policy, or to what its upstream is told. Of those that a policy names
 * none are sent where it names none.
 */
export function usesGroups({ identity_headers: config }: Config, route: Route): boolean {
  if (route.policy.needsGroups) return true
  const tells = route.passIdentityHeaders || route.requestHeaders !== undefined
  return tells && (route.identityHeaders?.groups ?? config.groups) === 'all'
}

/** What Gatehouse knows better than the token: only ever the verified e-mail, the groups that are sent, the name. */
export const NAMED_CLAIMS = new Set(['sub', 'email', 'groups', 'name'])

export function claimValue(
  session: LiveSession,
  claim: string,
  groups: readonly string[],
): unknown {
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
