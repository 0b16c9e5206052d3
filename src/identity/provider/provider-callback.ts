/** The answer that a browser brings back from a provider, checked before anything is redeemed. Pure. */

import { ProviderFailure } from './provider.ts'
import { callbackFailure } from './provider-errors.ts'

/** Twice in one answer, they could be read one way here and another way elsewhere. */
const SINGLE = ['state', 'code', 'error', 'iss', 'response', 'id_token', 'token'] as const

/**
 * `code`, `state` and `iss` of the answer in `query`, and nothing else of it.
 * @throws ProviderFailure `malformed`, or what the provider's `error` means
 */
export function readCallback(query: string, state: string, issuer: string): URLSearchParams {
  const given = new URLSearchParams(query)
  for (const name of SINGLE) {
    if (given.getAll(name).length > 1) throw malformed(`\`${name}\` is repeated`)
  }
  if (given.get('state') !== state) throw malformed('`state` is not that of this sign-in')
  const iss = given.get('iss')
  // An answer of another provider, slipped into this sign-in (RFC 9207).
  if (iss !== null && iss !== issuer) throw malformed('`iss` is not that of this provider')
  const error = given.get('error')
  if (error !== null) throw callbackFailure(error, given.get('error_description'))
  const code = given.get('code')
  if (code === null || code === '') throw malformed('there is neither `code` nor `error`')
  return new URLSearchParams({ code, state, ...(iss === null ? {} : { iss }) })
}

function malformed(what: string): ProviderFailure {
  return new ProviderFailure('malformed', `callback: ${what}`)
}
