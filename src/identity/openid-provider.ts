/**
 * An OpenID Connect provider, by openid-client, which is used nowhere else: its defaults do not verify signatures, and
 * it takes the redirect URI from whatever URL it is given.
 */

import * as oidc from 'openid-client'
import type { ProviderConfig } from '../config/schema-provider.ts'
import { foldAscii } from '../policy/language/fold.ts'
import { readClientKey, signingKeyOf } from '../support/client-key.ts'
import { type Every, every } from '../support/every.ts'
import type { Log } from '../support/log.ts'
import type { Clock } from '../support/time.ts'
import { pushedRequestEndpoint, requestParameters, scopesOf } from './authorization-request.ts'
import { type ClaimRules, lacksClaims, readPerson, type UserInfo } from './claims.ts'
import { authentication, checkParty } from './id-token.ts'
import { keepFresh } from './kept-fresh.ts'
import { createOutgoingFetch, NO_PROXIES, type ProxySettings } from './outgoing-fetch.ts'
import { type ExpectedAnswer, type Provider, ProviderFailure, type SignedIn } from './provider.ts'
import { readCallback } from './provider-callback.ts'
import { failureOf } from './provider-errors.ts'
import { createProviderFetch, type Fetch } from './provider-fetch.ts'
import { checkIssuer, checkMetadata, type ProviderMetadata, usesHttp } from './provider-metadata.ts'
import { createSignedTokens } from './provider-tokens.ts'

const TIMEOUT_MS = 10_000
const METADATA_MAX_AGE_MS = 24 * 3_600_000

export interface OpenIdProviderOptions {
  /** Origin of `server.public_url`: callbacks come there, whatever a request's Host says. */
  readonly publicUrl: string
  readonly log: Log
  readonly now?: Clock
  readonly every?: Every
  /** In place of connections of its own. */
  readonly fetch?: Fetch
  /** PEM of authorities that are trusted besides the system's. */
  readonly ca?: string | undefined
  readonly proxies?: ProxySettings
  /** How long one answer may take; default 10 seconds. */
  readonly timeoutMs?: number
}

/** Begins to look for the provider at once, and goes on until it is found; never throws or rejects for that. */
export function createOpenIdProvider(
  name: string,
  config: ProviderConfig,
  options: OpenIdProviderOptions,
): Provider {
  const { log, now = Date.now } = options
  const redirectUri = new URL(new URL(options.publicUrl).origin + config.redirect_path).href
  const rules: ClaimRules = {
    groupsClaims: [config.groups_claim].flat(),
    allowUnverifiedEmail: config.allow_unverified_email,
    emailDomains: config.email_domains?.map(foldAscii),
  }
  const closing = new AbortController()
  const outgoing =
    options.fetch === undefined
      ? createOutgoingFetch(options.proxies ?? NO_PROXIES, options.ca)
      : { fetch: options.fetch, close: () => undefined }
  const fetch = createProviderFetch({
    fetch: outgoing.fetch,
    keysUrl: () => known.current()?.jwks_uri,
    closing: closing.signal,
    timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
    now,
    log,
  })

  const known = keepFresh<ProviderMetadata>({
    load: () => discover(config, fetch),
    maxAgeMs: METADATA_MAX_AGE_MS,
    now,
    every: options.every ?? every,
    onLoaded: () => log.info({ provider: name }, 'the provider is known'),
    onFailed: (error, retryInMs) => {
      // A failure of the provider's is told in one line; only what is unexpected is worth its stack.
      const why = error instanceof ProviderFailure ? { detail: error.message } : { err: error }
      const message = 'the provider is not available'
      log.warn({ ...why, provider: name, retry_in_ms: retryInMs }, message)
    },
  })

  /** Its endpoints or keys may have moved. */
  function distrusting(failure: ProviderFailure): ProviderFailure {
    if (failure.kind === 'unavailable' || failure.kind === 'invalid-answer') known.distrust()
    return failure
  }

  const tokens = createSignedTokens(name, config, {
    metadata: () => known.get(),
    rules,
    fetch,
    now,
    log,
  })

  async function redeemCode(callback: URL, expected: ExpectedAnswer): Promise<SignedIn> {
    const metadata = await known.get()
    if (
      metadata.authorization_response_iss_parameter_supported === true &&
      !callback.searchParams.has('iss')
    ) {
      throw new ProviderFailure('malformed', 'the callback lacks the `iss` that the provider sends')
    }
    const client = configure(config, metadata, fetch)
    const tokens = await oidc.authorizationCodeGrant(client, callback, {
      expectedState: expected.state,
      expectedNonce: expected.nonce,
      pkceCodeVerifier: expected.codeVerifier,
      idTokenExpected: true,
      ...(expected.maxAgeSeconds === undefined ? {} : { maxAge: expected.maxAgeSeconds }),
    })
    const idToken = tokens.claims()
    if (idToken === undefined || tokens.id_token === undefined) {
      throw new ProviderFailure('invalid-answer', 'the provider sent no ID token')
    }
    checkParty(idToken, config.client_id)
    const userInfo = lacksClaims(idToken, rules)
      ? await askUserInfo(client, tokens.access_token, idToken.sub)
      : ({ kind: 'not-asked' } as const)
    const expiresIn = tokens.expires_in
    return {
      sub: idToken.sub,
      ...readPerson(idToken, userInfo, rules),
      ...authentication(idToken, now()),
      tokens: {
        idToken: tokens.id_token,
        accessToken: tokens.access_token,
        refreshToken: tokens.refresh_token,
        accessTokenExpiresAt: expiresIn === undefined ? undefined : now() + expiresIn * 1_000,
      },
    }
  }

  async function askUserInfo(
    client: oidc.Configuration,
    accessToken: string,
    sub: string,
  ): Promise<UserInfo> {
    if (client.serverMetadata().userinfo_endpoint === undefined) return { kind: 'not-asked' }
    try {
      const claims = await oidc.fetchUserInfo(client, accessToken, sub)
      return { kind: 'answered', claims }
    } catch (error) {
      // Refused for good, for want of a scope perhaps: what it would have told stays unknown. Anything else ends the
      // sign-in, since a session without claims that a deny rule looks for would let in whom it is to keep out.
      if (!isRefusal(error)) throw failureOf(error, 'UserInfo')
      log.warn({ provider: name }, 'the provider refuses UserInfo; groups are unknown')
      return { kind: 'failed' }
    }
  }

  return {
    name,
    displayName: config.display_name ?? name,
    redirectPath: config.redirect_path,
    issuer: config.issuer,
    ...tokens,

    async authorizationUrl(request) {
      const metadata = await known.get()
      const challenge = await oidc.calculatePKCECodeChallenge(request.codeVerifier)
      const parameters = {
        redirect_uri: redirectUri,
        scope: scopesOf(config, metadata).join(' '),
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...requestParameters(request),
      }
      const pushedTo = pushedRequestEndpoint(config, metadata)
      if (pushedTo === undefined) {
        return oidc.buildAuthorizationUrl(configure(config, metadata, fetch), parameters)
      }
      try {
        const client = configure(config, metadata, fetch, pushedTo)
        return await oidc.buildAuthorizationUrlWithPAR(client, parameters)
      } catch (error) {
        throw distrusting(failureOf(error, 'pushing the authorization request'))
      }
    },

    async redeem(query, expected) {
      const callback = new URL(redirectUri)
      callback.search = readCallback(query, expected.state, config.issuer).toString()
      try {
        return await redeemCode(callback, expected)
      } catch (error) {
        throw distrusting(failureOf(error, 'redeeming the code'))
      }
    },

    async endSessionUrl(idToken, state) {
      // Without a hint providers ask the person or show an error page: signing out here is then all there is.
      if (idToken === undefined) return undefined
      // Nor does a provider that cannot be reached keep anybody from signing out here.
      const metadata = await known.get().catch(() => undefined)
      if (metadata?.end_session_endpoint === undefined) return undefined
      const landing = config.post_logout_redirect_uri
      const url = oidc.buildEndSessionUrl(configure(config, metadata, fetch), {
        id_token_hint: idToken,
        ...(landing === undefined ? {} : { post_logout_redirect_uri: landing }),
        ...(landing === undefined || state === undefined ? {} : { state }),
      })
      return url.href
    },

    status: () => {
      const error = known.lastError()
      return {
        ready: known.current() !== undefined,
        lastError: error instanceof Error ? error.message : undefined,
      }
    },
    close: () => {
      known.close()
      closing.abort()
      outgoing.close()
    },
  }
}

/** Rejects with ProviderFailure. */
async function discover(config: ProviderConfig, fetch: Fetch): Promise<ProviderMetadata> {
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

/**
 * Made anew for each use, `endpoint` being the address that the client proves itself to: it would keep keys for five minutes by itself, and refuse tokens under a new key of the same
 * name for as long. provider-fetch.ts keeps them instead.
 */
function configure(
  config: ProviderConfig,
  metadata: ProviderMetadata,
  fetch: Fetch,
  endpoint = metadata.token_endpoint,
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
