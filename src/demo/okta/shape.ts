/** Middleware around oidc-provider: what Okta does otherwise than it, in requests, answers, errors and metadata. */

import type { KoaContextWithOIDC } from 'oidc-provider'
import type { ServerOptions } from './authorization-server.ts'
import { CUSTOM_SCOPES, metadataOf, ORG_SCOPES } from './metadata.ts'
import type { RequestKey } from './token-vault.ts'

type Next = () => Promise<unknown>
type Parameters = Readonly<Record<string, unknown>>

const SCOPE_TEXT = 'One or more scopes are not configured for the authorization server resource.'
const STATE_TEXT = "The authentication request has an invalid 'state' parameter."

/** For `provider.use`. Tokens are another file's. */
export function oktaShape(options: ServerOptions) {
  const prefix = options.isOrg ? '/oauth2/v1' : '/v1'
  return async (context: KoaContextWithOIDC, next: Next): Promise<void> => {
    if (context.path === `${prefix}/authorize`) {
      const refused = refusalOf(context.query, options)
      if (refused !== undefined && redirectRefusal(context, options, refused)) return
      noteOffline(context.query, options)
    }
    await next()
    switch (context.oidc?.route) {
      case 'discovery':
        context.body = { ...metadataOf(options), ...options.faults.metadata }
        break
      case 'authorization':
      case 'resume':
        hideIssuer(context)
        break
      case 'pushed_authorization_request':
        shapePushed(context, options)
        break
      case 'userinfo':
        shapeUserInfo(context, options)
        break
      case 'token':
        nameTokenError(context)
        break
      default:
    }
  }
}

interface Refusal {
  readonly error: string
  readonly description: string
}

/** Okta demands a `state`, and refuses a scope that it does not know; oidc-provider does neither. */
function refusalOf(parameters: Parameters, { isOrg, faults }: ServerOptions): Refusal | undefined {
  if (parameters['request_uri'] !== undefined) return undefined
  const { state } = parameters
  if (typeof state !== 'string' || !/^[A-Za-z0-9,._-]+$/.test(state)) {
    return { error: 'invalid_request', description: STATE_TEXT }
  }
  const known = isOrg ? ORG_SCOPES : CUSTOM_SCOPES
  const scopes = String(parameters['scope'] ?? '').split(' ')
  if (scopes.some((scope) => scope !== '' && !known.includes(scope))) {
    return { error: 'invalid_scope', description: SCOPE_TEXT }
  }
  if (faults.acrUnmet && parameters['acr_values'] !== undefined) {
    const description = 'The authentication requirements cannot be met.'
    return { error: 'unmet_authentication_requirements', description }
  }
  return undefined
}

/** False where the request names no place to go back to: then it is oidc-provider's page that answers. */
function redirectRefusal(
  context: KoaContextWithOIDC,
  { app }: ServerOptions,
  { error, description }: Refusal,
): boolean {
  const { client_id: clientId, redirect_uri: address, state } = context.query
  if (clientId !== app.clientId || typeof address !== 'string') return false
  if (!app.redirectUris.includes(address)) return false
  const url = new URL(address)
  url.searchParams.set('error', error)
  url.searchParams.set('error_description', description)
  if (typeof state === 'string') url.searchParams.set('state', state)
  context.redirect(url.href)
  return true
}

function noteOffline(parameters: Parameters, { vault }: ServerOptions): void {
  const { code_challenge: codeChallenge, nonce, request_uri: pushed } = parameters
  if (pushed !== undefined) return
  const asked = String(parameters['scope'] ?? '').includes('offline_access')
  vault.noteOffline({ codeChallenge, nonce } as RequestKey, asked)
}

/** Okta sends no `iss` back (RFC 9207). */
function hideIssuer(context: KoaContextWithOIDC): void {
  const location = context.response.get('location')
  if (location === '' || !URL.canParse(location)) return
  const url = new URL(location)
  if (!url.searchParams.has('iss')) return
  url.searchParams.delete('iss')
  context.set('location', url.href)
}

function shapePushed(context: KoaContextWithOIDC, options: ServerOptions): void {
  const parameters: Parameters = context.oidc.body ?? {}
  const refused = refusalOf(parameters, options)
  if (refused !== undefined && context.status === 201) {
    context.status = 400
    context.body = { error: refused.error, error_description: refused.description }
    return
  }
  noteOffline(parameters, options)
}

function shapeUserInfo(context: KoaContextWithOIDC, { faults }: ServerOptions): void {
  if (context.status >= 400) {
    const text = 'error="invalid_token", error_description="The access token is invalid."'
    context.set('www-authenticate', `Bearer ${text}`)
    context.body = ''
    return
  }
  const claims = context.body as Parameters
  if (faults.userInfoSub !== undefined) context.body = { ...claims, sub: faults.userInfoSub }
}

/** Okta's own texts. Whoever matches on them instead of on `error` would break here. */
function nameTokenError(context: KoaContextWithOIDC): void {
  const body = context.body as { error?: string } | undefined
  const named = TOKEN_ERRORS[`${body?.error} ${String(context.oidc.body?.['grant_type'])}`]
  if (body?.error === 'invalid_client') {
    const text = 'The client secret supplied for a confidential client is invalid.'
    context.body = { ...body, error_description: text }
  } else if (named !== undefined) {
    context.body = { error: named[0], error_description: named[1] }
  }
}

const TOKEN_ERRORS: Readonly<Record<string, readonly [error: string, text: string]>> = {
  'invalid_grant refresh_token': ['invalid_grant', 'The refresh token is invalid or expired.'],
  'invalid_grant authorization_code': [
    'invalid_grant',
    'The authorization code is invalid or has expired.',
  ],
  'invalid_grant client_credentials': [
    'invalid_dpop_proof',
    'The DPoP proof JWT header is missing.',
  ],
}
