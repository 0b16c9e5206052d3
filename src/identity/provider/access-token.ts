/** What a verified access token says of whoever brings it. Pure. */

import type { SessionGroups, SessionRecord } from '../session.ts'
import { type ClaimRules, readPerson } from './claims.ts'
import { type SignedToken, type TokenClaims, TokenRefused } from './signed-token.ts'

/** RFC 9068 §2.1; Okta and others say nothing or `JWT`. */
const TYPES: ReadonlySet<string | undefined> = new Set(['at+jwt', 'jwt', undefined])
/** They stand in ID tokens only. OpenID Connect Core §2 and §3.3.2.11 */
const OF_ID_TOKENS = ['nonce', 'at_hash', 'c_hash', 's_hash']
/** By these an access token is known where its type says nothing: scopes, or the client that it was given to. */
const OF_ACCESS_TOKENS = ['scope', 'scp', 'client_id', 'cid', 'appid']

export interface AccessTokenRules {
  readonly provider: string
  /** Of the gateway itself: the audience of its ID tokens. */
  readonly clientId: string
  readonly claims: ClaimRules
}

/** @throws TokenRefused where the token is of another kind, or names nobody */
export function readAccessToken(
  { type, claims }: SignedToken,
  rules: AccessTokenRules,
): { readonly record: SessionRecord; readonly groups: SessionGroups } {
  checkKind(type, claims, rules.clientId)
  const sub = subjectOf(claims)
  const person = readPerson(claims, { kind: 'not-asked' }, rules.claims)
  const { acr, amr, auth_time: authTime, sid, iat, exp } = claims
  const expiresAt = Number(exp) * 1_000
  return {
    groups: person.groups,
    record: {
      provider: rules.provider,
      method: 'bearer',
      sub,
      email: person.email,
      name: person.name,
      claims: person.claims,
      acr: typeof acr === 'string' ? acr : undefined,
      amr: [amr].flat().filter((method) => typeof method === 'string'),
      authTime: typeof authTime === 'number' ? authTime * 1_000 : undefined,
      steppedUpAt: undefined,
      sid: typeof sid === 'string' && sid !== '' ? sid : undefined,
      signedInAt: typeof iat === 'number' ? iat * 1_000 : 0,
      expiresAt,
    },
  }
}

/** An ID token, a logout token or an event of the same provider is signed by the same keys, and is no access token. */
function checkKind(type: string | undefined, claims: TokenClaims, clientId: string): void {
  if (!TYPES.has(type))
    throw new TokenRefused('the type of the token is not that of an access token')
  if (has(claims, ['events'])) throw new TokenRefused('the token is a security event')
  if (type === 'at+jwt') return
  // Keycloak's.
  const kind = claims['typ']
  const isOther = typeof kind === 'string' && kind.toLowerCase() !== 'bearer'
  const isForUs = [claims['aud']].flat().includes(clientId) && !has(claims, OF_ACCESS_TOKENS)
  if (isOther || isForUs || has(claims, OF_ID_TOKENS)) {
    throw new TokenRefused('the token is an ID token or another kind, not an access token')
  }
}

function has(claims: TokenClaims, names: readonly string[]): boolean {
  return names.some((name) => Object.hasOwn(claims, name))
}

/** Okta puts the login in `sub` and the id, which ID tokens have as `sub`, in `uid`; by `cid` its tokens are known. */
function subjectOf({ sub, uid, cid }: TokenClaims): string {
  if (typeof cid === 'string' && typeof uid === 'string' && uid !== '') return uid
  if (typeof sub === 'string' && sub !== '') return sub
  throw new TokenRefused('the token names no subject')
}
