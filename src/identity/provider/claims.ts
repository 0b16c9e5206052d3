/** What ID token and UserInfo say of somebody, read with care. Pure. What could not be asked is unknown, never "none". */

import { MAX_GROUPS } from '../../policy/groups.ts'
import { emailDomain } from '../../policy/language/fold.ts'
import type { SessionGroups } from '../session.ts'

export type Claims = Readonly<Record<string, unknown>>

export interface ClaimRules {
  /** Names of the claims that hold groups. */
  readonly groupsClaims: readonly string[]
  readonly allowUnverifiedEmail: boolean
  /** E-mails in other domains are not known; in lower case. */
  readonly emailDomains?: readonly string[] | undefined
}

export type UserInfo =
  | { readonly kind: 'answered'; readonly claims: Claims }
  /** Nothing was missing, or the provider has no UserInfo. */
  | { readonly kind: 'not-asked' }
  | { readonly kind: 'failed' }

export interface Person {
  readonly email: string | undefined
  readonly name: string | undefined
  readonly claims: Claims
  readonly groups: SessionGroups
}

const MAX_EMAIL_LENGTH = 320
/** They prove something about one token, and say nothing of a person. */
const TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash']

/** Whether UserInfo may know what the ID token does not say. */
export function lacksClaims(idToken: Claims, rules: ClaimRules): boolean {
  const needed = ['email', 'name', ...rules.groupsClaims]
  if (!rules.allowUnverifiedEmail) needed.push('email_verified')
  return needed.some((name) => !Object.hasOwn(idToken, name))
}

/** What the two say together; the ID token, which is signed, goes first. */
export function readPerson(idToken: Claims, userInfo: UserInfo, rules: ClaimRules): Person {
  const extra = userInfo.kind === 'answered' ? userInfo.claims : {}
  const claims: Record<string, unknown> = { ...extra, ...idToken }
  for (const name of TOKEN_CLAIMS) delete claims[name]
  const verified = emailVerified(idToken, extra)
  const email = knownEmail(claims['email'], verified, rules)
  // An e-mail that is not known must not come back in through `claim/email` or a header made of the claim.
  if (email === undefined) delete claims['email']
  if (verified === undefined) delete claims['email_verified']
  else claims['email_verified'] = verified
  return {
    email,
    name: typeof claims['name'] === 'string' ? claims['name'] : undefined,
    claims,
    groups: readGroups(claims, userInfo, rules),
  }
}

/** Both halves from one source: UserInfo's `email_verified` says nothing of another e-mail in the ID token. */
function emailVerified(idToken: Claims, extra: Claims): unknown {
  if (!Object.hasOwn(idToken, 'email')) return own(extra, 'email_verified')
  if (Object.hasOwn(idToken, 'email_verified')) return idToken['email_verified']
  return own(extra, 'email') === idToken['email'] ? own(extra, 'email_verified') : undefined
}

function knownEmail(email: unknown, verified: unknown, rules: ClaimRules): string | undefined {
  if (typeof email !== 'string' || email === '' || email.length > MAX_EMAIL_LENGTH) return undefined
  if (verified !== true && !rules.allowUnverifiedEmail) return undefined
  if (rules.emailDomains === undefined) return email
  const domain = emailDomain(email)
  return domain !== undefined && rules.emailDomains.includes(domain) ? email : undefined
}

function readGroups(claims: Claims, userInfo: UserInfo, rules: ClaimRules): SessionGroups {
  const names = new Set<string>()
  let complete = !hasOverageMarker(claims, rules)
  for (const claim of rules.groupsClaims) {
    if (!Object.hasOwn(claims, claim)) {
      if (userInfo.kind === 'failed') complete = false
      continue
    }
    const listed = textsOf(claims[claim])
    if (listed === undefined) complete = false
    for (const name of listed ?? []) names.add(name)
  }
  if (names.size > MAX_GROUPS) return { list: [], complete: false }
  return { list: [...names].map((name) => ({ name })), complete }
}

/** A text or a list of texts; `undefined` for anything else, which is no list of groups at all. */
function textsOf(value: unknown): readonly string[] | undefined {
  const list = typeof value === 'string' ? [value] : value
  if (!Array.isArray(list) || !list.every((item) => typeof item === 'string')) return undefined
  return list.filter((item) => item !== '')
}

/** The provider says that there are groups, and that they stand elsewhere (OpenID Connect Core §5.6.2, Entra ID). */
function hasOverageMarker(claims: Claims, rules: ClaimRules): boolean {
  if (claims['hasgroups'] === true || claims['hasgroups'] === 'true') return true
  if (!Object.hasOwn(claims, '_claim_names')) return false
  const marker = claims['_claim_names']
  if (typeof marker !== 'object' || marker === null) return true
  return rules.groupsClaims.some((claim) => Object.hasOwn(marker, claim))
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined
}
