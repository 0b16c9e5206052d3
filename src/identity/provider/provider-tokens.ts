/** How tokens that a provider signed besides ID tokens are verified: with which keys, and what access tokens say. */

import { decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import type { ProviderConfig } from '../../config/schema-provider.ts'
import type { Log } from '../../support/log.ts'
import type { Clock } from '../../support/time.ts'
import { BearerSession } from '../bearer-session.ts'
import { readAccessToken } from './access-token.ts'
import type { ClaimRules } from './claims.ts'
import { type Provider, ProviderFailure } from './provider.ts'
import { type Fetch, STALE_HEADER } from './provider-fetch.ts'
import { createProviderKeys, type LoadedKeys, type ProviderKeys } from './provider-keys.ts'
import { checkMetadata, type ProviderMetadata } from './provider-metadata.ts'
import { createTokenVerifier, type TokenIssuer } from './token-verifier.ts'

export interface SignedTokensOptions {
  readonly metadata: () => Promise<ProviderMetadata>
  readonly rules: ClaimRules
  readonly fetch: Fetch
  readonly now: Clock
  readonly log: Log
}

export interface SignedTokens
  extends Pick<Provider, 'clientId' | 'organisation' | 'verifier' | 'admit'> {
  /** Remembers how the provider signs for this client; `idToken` has been verified. */
  noteIdToken(idToken: string): void
}

export function createSignedTokens(
  name: string,
  config: ProviderConfig,
  options: SignedTokensOptions,
): SignedTokens {
  const { metadata, rules, fetch, now, log } = options
  const keysOf = (known: () => Promise<ProviderMetadata>): ProviderKeys => {
    const load = async () => loadKeys(fetch, (await known()).jwks_uri)
    return createProviderKeys({ load, now, log })
  }
  const issuer = organisationOf(config.issuer)
  const organisation: TokenIssuer | undefined =
    issuer === undefined
      ? undefined
      : { issuer, keys: keysOf(() => discover(fetch, issuer, config.allow_http)) }
  const ofIdTokens = new Set<string>()
  const verifier = createTokenVerifier({
    own: { issuer: config.issuer, keys: keysOf(metadata) },
    organisation,
    algorithms: async ({ asIdTokens }) => {
      const listed = (await metadata()).id_token_signing_alg_values_supported
      return asIdTokens === true && ofIdTokens.size > 0 ? [...ofIdTokens] : listed
    },
    now,
  })
  const accessTokens = { provider: name, clientId: config.client_id, claims: rules }
  return {
    clientId: config.client_id,
    organisation: issuer,
    verifier,
    noteIdToken: (idToken) => {
      const { alg } = decodeProtectedHeader(idToken)
      if (alg !== undefined) ofIdTokens.add(alg)
    },
    admit: async (token, audiences) => {
      const verified = await verifier.verify(token, { audiences, required: ['exp'] })
      return new BearerSession(token, readAccessToken(verified, accessTokens), now)
    },
  }
}

/** Okta's custom authorization servers, `https://ORG/oauth2/ID`, sign for themselves; the organisation signs signals. */
function organisationOf(issuer: string): string | undefined {
  const match = /^(https?:\/\/[^/?#]+)\/oauth2\/[^/?#]+$/.exec(issuer)
  return match?.[1]
}

async function loadKeys(fetch: Fetch, url: string): Promise<LoadedKeys> {
  const response = await fetch(url, { headers: { accept: 'application/json' } })
  const set = (await jsonOf(response, url)) as JSONWebKeySet
  return { set, stale: response.headers.has(STALE_HEADER) }
}

async function discover(
  fetch: Fetch,
  issuer: string,
  allowHttp: boolean,
): Promise<ProviderMetadata> {
  const url = `${issuer}/.well-known/openid-configuration`
  const response = await fetch(url, { headers: { accept: 'application/json' } })
  const metadata = (await jsonOf(response, url)) as Readonly<Record<string, unknown>>
  return checkMetadata(metadata, issuer, allowHttp)
}

async function jsonOf(response: Response, url: string): Promise<object> {
  const value: unknown = response.ok ? await response.json().catch(() => undefined) : undefined
  if (typeof value === 'object' && value !== null) return value
  throw new ProviderFailure('invalid-answer', `GET ${url}: HTTP ${response.status}, not JSON`)
}
