/** What a session becomes by what its provider answers to a refresh. Pure: claims are replaced, never merged. */

import type { Claims } from './provider/claims.ts'
import type { RefreshedPerson } from './provider/provider.ts'
import type { SessionGroups, SessionRecord, SessionTokens } from './session.ts'

/**
 * How and when somebody proved who they are: that of the sign-in, whatever a later token says, so that a refresh never
 * makes a sign-in look better or fresher (OpenID Connect Core §12.2).
 */
const SIGN_IN_CLAIMS = ['acr', 'amr', 'auth_time']

export interface RefreshableParts {
  readonly record: SessionRecord
  readonly groups: SessionGroups
  readonly tokens: SessionTokens
}

/** @param person `undefined` where the provider could not tell: then what was known stays, and is asked for again soon */
export function refreshedParts(
  { record, groups }: RefreshableParts,
  tokens: SessionTokens,
  person: RefreshedPerson | undefined,
): RefreshableParts {
  if (person === undefined) return { record, groups, tokens: { ...tokens, lacksClaims: true } }
  return {
    tokens,
    groups: person.groups,
    record: {
      ...record,
      email: person.email,
      name: person.name,
      claims: withSignInClaims(person.claims, record.claims),
      // By that of the sign-in the provider ends this session.
      sid: record.sid ?? person.sid,
    },
  }
}

function withSignInClaims(claims: Claims, original: Claims): Claims {
  const kept: Record<string, unknown> = { ...claims }
  for (const name of SIGN_IN_CLAIMS) {
    delete kept[name]
    if (Object.hasOwn(original, name)) kept[name] = original[name]
  }
  return kept
}

/**
 * What of a refreshed ID token is not that of the sign-in, or `undefined`: somebody else, another issuer, or another
 * client (OpenID Connect Core §12.2).
 */
export function identityChange(original: Claims, refreshed: Claims): string | undefined {
  for (const name of ['iss', 'sub']) if (original[name] !== refreshed[name]) return name
  const audiences = new Set([refreshed['aud']].flat())
  return [original['aud']].flat().every((audience) => audiences.has(audience)) ? undefined : 'aud'
}
