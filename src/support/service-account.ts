/** Pomerium's `idp_service_account` for Okta: base64 of `{"api_key": "..."}` in any of its spellings, or the token itself. Pure. */

import { isMapping } from './mapping.ts'

/** Letters of both base64 alphabets; padding may be missing, and a line may end it. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/
/** Okta's tokens have some 42 characters. */
const TOKEN = /^[A-Za-z0-9_-]{20,200}$/

/** The API token that `text` stands for; `undefined` where it stands for none. */
export function readServiceAccount(text: string): string | undefined {
  const written = text.replaceAll(/\s/g, '')
  const account = parse(text) ?? (BASE64.test(written) ? decode(written) : undefined)
  if (account === undefined) return TOKEN.test(written) ? written : undefined
  const key = isMapping(account) ? account['api_key'] : undefined
  return typeof key === 'string' && TOKEN.test(key) ? key : undefined
}

/** The JSON within, or `undefined`: a token is base64 too, as it happens, but never of JSON. */
function decode(base64: string): unknown {
  return parse(Buffer.from(base64, 'base64').toString('utf8'))
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return isMapping(value) ? value : undefined
  } catch {
    return undefined
  }
}
