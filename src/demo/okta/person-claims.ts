/** What the Okta stand-in says of a person, by UserInfo and in ID tokens. */

import type { OktaApp } from './app-settings.ts'
import type { OktaUser, World } from './world.ts'

/** Every claim that there is of somebody; which of them go out depends on the scopes. */
export function claimsOf(
  world: World,
  id: string,
  { isOrg, app }: { readonly isOrg: boolean; readonly app: OktaApp },
): Record<string, unknown> {
  const user = world.users.get(id)
  if (user === undefined) return {}
  const { person } = user
  const claim = app.customGroupsClaim
  const groups = groupsInClaim(world, user)
  return {
    ...person.claims,
    name: person.name,
    preferred_username: person.email,
    email: person.email,
    email_verified: person.emailVerified ?? true,
    locale: 'en_US',
    zoneinfo: 'America/Los_Angeles',
    updated_at: Math.floor(user.lastUpdated / 1_000),
    ...(isOrg ? { groups: groups.map(({ name }) => name) } : {}),
    ...(isOrg || claim === undefined
      ? {}
      : { [claim.name]: groups.map((group) => (claim.holds === 'ids' ? group.id : group.name)) }),
  }
}

/** The groups that the claim's filter lets through: all but `Everyone`. */
export function groupsInClaim(world: World, user: OktaUser) {
  return world.groupsOf(user).filter(({ type }) => type !== 'BUILT_IN')
}

const PROFILE = ['name', 'preferred_username']
const FAT: Readonly<Record<string, readonly string[]>> = {
  profile: ['department', 'locale', 'zoneinfo', 'updated_at'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
}

/** The part of `claims` that an ID token of these scopes holds. */
export function idTokenClaims(
  claims: Readonly<Record<string, unknown>>,
  scopes: ReadonlySet<string>,
  { isOrg, app }: { readonly isOrg: boolean; readonly app: OktaApp },
): Record<string, unknown> {
  const names = scopes.has('profile') ? [...PROFILE] : []
  if (app.idToken === 'fat') {
    for (const [scope, more] of Object.entries(FAT)) if (scopes.has(scope)) names.push(...more)
  }
  const custom = app.customGroupsClaim
  if (!isOrg && custom?.in === 'id_token') names.push(custom.name)
  const held = names.filter((name) => claims[name] !== undefined)
  return Object.fromEntries(held.map((name) => [name, claims[name]]))
}
