/** What a provider is asked for when somebody is sent there. Pure. */

import type { ProviderConfig } from '../../config/schema-provider.ts'
import { type AuthorizationRequest, ProviderFailure } from './provider.ts'
import type { ProviderMetadata } from './provider-metadata.ts'

const DEFAULT_SCOPES = ['openid', 'profile', 'email']

export function scopesOf(config: ProviderConfig, metadata: ProviderMetadata): readonly string[] {
  if (config.scopes !== undefined) return config.scopes
  // Some providers refuse a scope that they do not know.
  const listed = metadata.scopes_supported?.includes('groups') === true
  return listed ? [...DEFAULT_SCOPES, 'groups'] : DEFAULT_SCOPES
}

/** The parameters that are another for each sign-in (OpenID Connect Core §3.1.2.1). */
export function requestParameters(request: AuthorizationRequest): Record<string, string> {
  const { state, nonce, loginHint, prompt, acrValues, maxAgeSeconds } = request
  return {
    state,
    nonce,
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
    ...(prompt === undefined ? {} : { prompt }),
    ...(acrValues === undefined || acrValues.length === 0
      ? {}
      : { acr_values: acrValues.join(' ') }),
    ...(maxAgeSeconds === undefined ? {} : { max_age: String(maxAgeSeconds) }),
  }
}

/**
 * Where the request is handed in directly (RFC 9126), or `undefined` where the browser carries it.
 * @throws ProviderFailure `misconfigured` where that is wanted and the provider does not offer it
 */
export function pushedRequestEndpoint(
  { pushed_authorization_requests: wanted }: ProviderConfig,
  metadata: ProviderMetadata,
): string | undefined {
  const isWanted =
    wanted === 'auto' ? metadata.require_pushed_authorization_requests === true : wanted
  if (!isWanted) return undefined
  const endpoint = metadata.pushed_authorization_request_endpoint
  if (endpoint !== undefined) return endpoint
  throw new ProviderFailure(
    'misconfigured',
    'the provider states no `pushed_authorization_request_endpoint`; set `pushed_authorization_requests: auto`',
  )
}

/** `scope` with `openid`: what a provider says that it has granted may leave that out. */
export function withOpenid(scope: string): string {
  return scope.split(' ').includes('openid') ? scope : `openid ${scope}`.trim()
}
