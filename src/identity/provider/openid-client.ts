/**
 * What is asked of OpenID Connect providers, by openid-client. Its defaults do not verify
 * signatures, and it takes the redirect URI from whatever URL it is given.
 */

import * as oidc from 'openid-client'
import type { ProviderConfig } from '../../config/schema-provider.ts'
import { readClientKey, signingKeyOf } from '../../support/client-key.ts'
import type { EpochMs } from '../../support/time.ts'
import type { SessionTokens } from '../session.ts'
import type { Claims } from './claims.ts'
import { newProofKey, proofKeyPair } from './proof-key.ts'
import { type ExpectedAnswer, ProviderFailure } from './provider.ts'
import { failureOf } from './provider-errors.ts'
import type { Fetch } from './provider-fetch.ts'
import { checkIssuer, checkMetadata, type ProviderMetadata, usesHttp } from './provider-metadata.ts'

/** Everything in it has been verified. */
export interface TokenAnswer {
  /** `undefined` where there is no ID token in it. */
  readonly claims: (Claims & { readonly sub: string }) | undefined
  readonly idToken: string | undefined
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly expiresInSeconds: number | undefined
  readonly scope: string | undefined
  /** What the tokens are bound to, as newProofKey made it. */
  readonly proofKey: string | undefined
}

/** Errors are the library's: failureOf (provider-errors.ts) says what they mean. */
export interface OpenIdClient {
  /** @param pushedTo where the request is handed in directly (RFC 9126); else the browser carries it */
  authorizationUrl(parameters: Record<string, string>, pushedTo?: string): Promise<URL>
  redeem(callback: URL, expected: ExpectedAnswer): Promise<TokenAnswer>
  /** @param proofKey what the session's tokens are bound to */
  refresh(refreshToken: string, scope: string, proofKey?: string): Promise<TokenAnswer>
  /** `undefined` where the provider has no UserInfo, `refused` where it says no to this token. */
  userInfo(
    accessToken: string,
    sub: string,
    proofKey?: string,
  ): Promise<Claims | 'refused' | undefined>
  /** @param endpoint the provider's for this (RFC 7009) */
  revoke(refreshToken: string, endpoint: string): Promise<void>
  endSessionUrl(parameters: Record<string, string>): string
}

/**
 * Made anew for each use: it would keep keys for five minutes by itself, and refuse tokens under a new key of the same
 * name for as long. provider-fetch.ts keeps them instead.
 */
export function createOpenIdClient(
  config: ProviderConfig,
  metadata: ProviderMetadata,
  fetch: Fetch,
): OpenIdClient {
  const client = configure(config, metadata, fetch, metadata.token_endpoint)
  const proofs = new Map<string, oidc.DPoPOptions>()
  /** Proofs by `proofKey`; one handle for it, which knows the provider's nonce from one call to the next. */
  const proofBy = (proofKey: string | undefined): oidc.DPoPOptions => {
    if (proofKey === undefined) return {}
    const known = proofs.get(proofKey) ?? {
      DPoP: oidc.getDPoPHandle(client, proofKeyPair(proofKey)),
    }
    proofs.set(proofKey, known)
    return known
  }
  return {
    authorizationUrl: async (parameters, pushedTo) =>
      pushedTo === undefined
        ? oidc.buildAuthorizationUrl(client, parameters)
        : oidc.buildAuthorizationUrlWithPAR(
            configure(config, metadata, fetch, pushedTo),
            parameters,
          ),
    redeem: async (callback, { state, nonce, codeVerifier, maxAgeSeconds }) => {
      const proofKey = config.dpop ? newProofKey() : undefined
      const checks = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
        ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
      }
      const proof = proofBy(proofKey)
      return tokenAnswer(
        await oidc.authorizationCodeGrant(client, callback, checks, undefined, proof),
        proofKey,
      )
    },
    refresh: async (refreshToken, scope, proofKey) => {
      const proof = proofBy(proofKey)
      return tokenAnswer(
        await oidc.refreshTokenGrant(client, refreshToken, { scope }, proof),
        proofKey,
      )
    },
    userInfo: async (accessToken, sub, proofKey) => {
      if (metadata.userinfo_endpoint === undefined) return undefined
      try {
        return await oidc.fetchUserInfo(client, accessToken, sub, proofBy(proofKey))
      } catch (error) {
        if (isRefusal(error)) return 'refused'
        throw error
      }
    },
    revoke: (refreshToken, endpoint) =>
      oidc.tokenRevocation(configure(config, metadata, fetch, endpoint), refreshToken, {
        token_type_hint: 'refresh_token',
      }),
    endSessionUrl: (parameters) => oidc.buildEndSessionUrl(client, parameters).href,
  }
}

/** Tokens of a session by what the provider has answered; what it does not send again stays as it was. */
export function tokensFrom(
  answer: TokenAnswer,
  before: Pick<SessionTokens, 'idToken' | 'scope'> & Partial<SessionTokens>,
  receivedAt: EpochMs,
): SessionTokens {
  const { expiresInSeconds: seconds } = answer
  return {
    idToken: answer.idToken ?? before.idToken,
    accessToken: answer.accessToken,
    refreshToken: answer.refreshToken ?? before.refreshToken,
    accessTokenExpiresAt: seconds === undefined ? undefined : receivedAt + seconds * 1_000,
    scope: answer.scope ?? before.scope,
    ...(answer.proofKey === undefined ? {} : { proofKey: answer.proofKey }),
    receivedAt,
  }
}

/** RFC 6749 §5.2: the code or refresh token is not known, has expired, was revoked, or was used before. */
export function isInvalidGrant(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant'
}

/** @throws ProviderFailure `misconfigured` where tokens are to be bound to a key, and are not */
function tokenAnswer(
  answer: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers,
  proofKey: string | undefined,
): TokenAnswer {
  if (proofKey !== undefined && answer.token_type.toLowerCase() !== 'dpop') {
    throw new ProviderFailure(
      'misconfigured',
      'the provider does not bind its tokens to a key, as `dpop: true` demands',
    )
  }
  return {
    proofKey,
    claims: answer.claims(),
    idToken: answer.id_token,
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresInSeconds: answer.expires_in,
    scope: answer.scope,
  }
}

/** Rejects with ProviderFailure. */
export async function discover(config: ProviderConfig, fetch: Fetch): Promise<ProviderMetadata> {
  const issuer = checkIssuer(config.issuer, config.allow_http)
  try {
    const found = await oidc.discovery(issuer, config.client_id, undefined, oidc.None(), {
      [oidc.customFetch]: toCustomFetch(fetch),
      execute: issuer.protocol === 'http:' ? [oidc.allowInsecureRequests] : [],
    })
    return checkMetadata(found.serverMetadata(), config.issuer, config.allow_http)
  } catch (error) {
    throw failureOf(error, `discovery of \`${config.issuer}\``)
  }
}

/** @param endpoint the address that the client proves itself to */
function configure(
  config: ProviderConfig,
  metadata: ProviderMetadata,
  fetch: Fetch,
  endpoint: string,
): oidc.Configuration {
  const auth = clientAuth(config, endpoint)
  const client = new oidc.Configuration({ ...metadata }, config.client_id, {}, auth)
  client[oidc.customFetch] = toCustomFetch(fetch)
  oidc.enableNonRepudiationChecks(client)
  // checkMetadata has judged each address: http stands only where it is allowed.
  if (usesHttp(metadata)) oidc.allowInsecureRequests(client)
  return client
}

/** Without the library's signal: the time limit is ours, and covers the body too. */
function toCustomFetch(fetch: Fetch): oidc.CustomFetch {
  return (url, { method, headers, body, redirect }) =>
    fetch(url, { method, headers, redirect, body: body as NonNullable<RequestInit['body']> | null })
}

function clientAuth(config: ProviderConfig, endpoint: string): oidc.ClientAuth {
  const secret = config.client_secret?.reveal()
  if (config.client_auth === 'private_key_jwt') return privateKeyAuth(config, endpoint)
  if (secret === undefined || config.client_auth === 'none') return oidc.None()
  return config.client_auth === 'client_secret_post'
    ? oidc.ClientSecretPost(secret)
    : oidc.ClientSecretBasic(secret)
}

/** Okta takes the address that is asked as the audience, where newer specifications have the issuer. */
function privateKeyAuth(config: ProviderConfig, endpoint: string): oidc.ClientAuth {
  const read = readClientKey(config.private_key?.reveal() ?? '')
  if (typeof read === 'string')
    throw new ProviderFailure('misconfigured', `\`private_key\` ${read}`)
  const key = { key: signingKeyOf(read), ...(read.kid === undefined ? {} : { kid: read.kid }) }
  return oidc.PrivateKeyJwt(key, {
    [oidc.modifyAssertion]: (header, payload) => {
      header['alg'] = read.alg
      payload['aud'] = endpoint
    },
  })
}

/** UserInfo said no to this token: a challenge, or another 4xx. */
function isRefusal(error: unknown): boolean {
  if (error instanceof oidc.WWWAuthenticateChallengeError) return true
  const cause = error instanceof oidc.ClientError ? error.cause : undefined
  return cause instanceof Response && cause.status >= 400 && cause.status < 500
}
