/** Who may call the management API of the Okta stand-in: an SSWS token, or a service app's token, bound to a key or not. */

import { createHash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { type ApiAnswer, apiError } from './api-errors.ts'

export interface ApiCall {
  readonly method: string
  readonly url: URL
  readonly authorization: string | undefined
  readonly dpop: string | undefined
}

/** What a service app's token is good for. */
export interface ServiceToken {
  readonly scopes: ReadonlySet<string>
  /** Thumbprint of the key that it is bound to. */
  readonly jkt: string | undefined
}

export interface ApiAccess {
  /** SSWS tokens that are valid. */
  readonly tokens: ReadonlySet<string>
  serviceToken(token: string): Promise<ServiceToken | undefined>
}

/** Undefined where the call may go on; else the refusal. */
export async function refuseCall(
  call: ApiCall,
  scope: string,
  access: ApiAccess,
): Promise<ApiAnswer | undefined> {
  const [scheme = '', token = ''] = (call.authorization ?? '').split(' ')
  switch (scheme.toLowerCase()) {
    case 'ssws':
      return access.tokens.has(token) ? undefined : apiError('E0000011')
    case 'bearer':
    case 'dpop': {
      const known = await access.serviceToken(token)
      if (known === undefined) return challenge(scheme, 'invalid_token', 401)
      const isDpop = scheme.toLowerCase() === 'dpop'
      const proves = isDpop && known.jkt === (await provenKey(call, token))
      if (known.jkt !== undefined ? !proves : isDpop) return challenge(scheme, 'invalid_token', 401)
      return known.scopes.has(scope) ? undefined : challenge(scheme, 'insufficient_scope', 403)
    }
    default:
      return apiError('E0000011')
  }
}

/** OAuth errors of the API come in a header, with a body in Okta's form. */
function challenge(scheme: string, error: string, status: number): ApiAnswer {
  const text = error === 'insufficient_scope' ? 'The access token lacks a scope' : 'Invalid token'
  return {
    ...apiError(status === 401 ? 'E0000011' : 'E0000006'),
    headers: {
      'www-authenticate': `${scheme} authorization_uri="http://rs.okta.com/oauth2/v1/authorize", realm="http://rs.okta.com", error="${error}", error_description="${text}"`,
    },
  }
}

/** The thumbprint of the key that signed the proof, where the proof is one for this call (RFC 9449 §4.3). */
async function provenKey({ method, url, dpop }: ApiCall, token: string) {
  if (dpop === undefined) return undefined
  try {
    const { payload, protectedHeader } = await jwtVerify(dpop, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['RS256', 'ES256'],
      maxTokenAge: '5m',
      clockTolerance: '1m',
    })
    const ath = createHash('sha256').update(token).digest('base64url')
    const isForCall =
      payload['htm'] === method &&
      payload['htu'] === url.origin + url.pathname &&
      payload['ath'] === ath
    if (!isForCall || protectedHeader.jwk === undefined) return undefined
    return await calculateJwkThumbprint(protectedHeader.jwk)
  } catch {
    return undefined
  }
}
