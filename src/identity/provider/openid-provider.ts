/** An OpenID Connect provider: found and found again, asked by openid-client.ts, and what it says read with care. */

import { hash } from 'node:crypto'
import { decodeJwt } from 'jose'
import type { ProviderConfig } from '../../config/schema-provider.ts'
import { foldAscii } from '../../policy/language/fold.ts'
import { type Every, every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import type { Clock } from '../../support/time.ts'
import { keepFresh } from '../kept-fresh.ts'
import { identityChange } from '../refreshed-session.ts'
import type { SessionTokens } from '../session.ts'
import {
  pushedRequestEndpoint,
  requestParameters,
  scopesOf,
  withOpenid,
} from './authorization-request.ts'
import { type ClaimRules, type Claims, lacksClaims, readPerson, type UserInfo } from './claims.ts'
import { authentication, checkParty } from './id-token.ts'
import {
  createOpenIdClient,
  discover,
  isInvalidGrant,
  type OpenIdClient,
  type TokenAnswer,
  tokensFrom,
} from './openid-client.ts'
import { createOutgoingFetch, NO_PROXIES, type ProxySettings } from './outgoing-fetch.ts'
import {
  type ExpectedAnswer,
  type Provider,
  ProviderFailure,
  type Refreshed,
  type RefreshedPerson,
  type SignedIn,
} from './provider.ts'
import { readCallback } from './provider-callback.ts'
import { failureOf } from './provider-errors.ts'
import { createProviderFetch, type Fetch } from './provider-fetch.ts'
import type { ProviderMetadata } from './provider-metadata.ts'
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
  /** Watches each call. */
  readonly trace?: ((fetch: Fetch) => Fetch) | undefined
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
    fetch: options.trace?.(outgoing.fetch) ?? outgoing.fetch,
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

  const { noteIdToken, ...signed } = createSignedTokens(name, config, {
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
    const client = createOpenIdClient(config, metadata, fetch)
    const answer = await client.redeem(callback, expected)
    const { claims, idToken } = answer
    if (claims === undefined || idToken === undefined) {
      throw new ProviderFailure('invalid-answer', 'the provider sent no ID token')
    }
    checkParty(claims, config.client_id)
    noteIdToken(idToken)
    return {
      sub: claims.sub,
      ...readPerson(claims, await askUserInfo(client, answer, claims), rules),
      ...authentication(claims, now()),
      tokens: tokensFrom(answer, { idToken, scope: scopeText(metadata) }, now()),
    }
  }

  async function refreshTokens(before: SessionTokens, refreshToken: string): Promise<Refreshed> {
    const metadata = await known.get()
    const client = createOpenIdClient(config, metadata, fetch)
    // All that was granted, or the access token could do less than before; `openid`, or there is no new ID token.
    const scope = withOpenid(before.scope ?? scopeText(metadata))
    const answer = await client.refresh(refreshToken, scope, before.proofKey)
    const original = decodeJwt(before.idToken)
    const claims = answer.claims ?? original
    checkParty(claims, config.client_id)
    const change = identityChange(original, claims)
    if (change !== undefined) {
      return { kind: 'ended', detail: `the refreshed ID token has another \`${change}\`` }
    }
    return {
      kind: 'refreshed',
      tokens: tokensFrom(answer, { ...before, scope }, now()),
      person: await askPerson(client, answer, claims),
    }
  }

  /** As at sign-in. By now the old refresh token is spent, so that whatever cannot be asked does not lose the new one. */
  async function askPerson(
    client: OpenIdClient,
    answer: TokenAnswer,
    claims: Claims,
  ): Promise<RefreshedPerson | undefined> {
    try {
      const userInfo = await askUserInfo(client, answer, claims)
      return { ...readPerson(claims, userInfo, rules), sid: authentication(claims, now()).sid }
    } catch (error) {
      const detail = failureOf(error, 'UserInfo').message
      log.warn({ provider: name, detail }, 'the claims of a refreshed session stay as they were')
      return undefined
    }
  }

  const scopeText = (metadata: ProviderMetadata) => scopesOf(config, metadata).join(' ')

  /** For what the ID token does not say. */
  async function askUserInfo(
    client: OpenIdClient,
    { accessToken, proofKey }: TokenAnswer,
    idToken: Claims,
  ): Promise<UserInfo> {
    if (!lacksClaims(idToken, rules)) return { kind: 'not-asked' }
    let claims: Awaited<ReturnType<OpenIdClient['userInfo']>>
    try {
      claims = await client.userInfo(accessToken, String(idToken['sub']), proofKey)
    } catch (error) {
      // This ends the sign-in: a session without claims that a deny rule looks for would let in whom it is to keep out.
      throw failureOf(error, 'UserInfo')
    }
    if (claims === undefined) return { kind: 'not-asked' }
    if (claims !== 'refused') return { kind: 'answered', claims }
    // For good, for want of a scope perhaps: what it would have told stays unknown.
    log.warn({ provider: name }, 'the provider refuses UserInfo; groups are unknown')
    return { kind: 'failed' }
  }

  return {
    name,
    displayName: config.display_name ?? name,
    redirectPath: config.redirect_path,
    issuer: config.issuer,
    ...signed,

    async authorizationUrl(request) {
      const metadata = await known.get()
      const parameters = {
        redirect_uri: redirectUri,
        scope: scopeText(metadata),
        // RFC 7636 §4.2
        code_challenge: hash('sha256', request.codeVerifier, 'base64url'),
        code_challenge_method: 'S256',
        ...requestParameters(request),
      }
      const pushedTo = pushedRequestEndpoint(config, metadata)
      try {
        const client = createOpenIdClient(config, metadata, fetch)
        return await client.authorizationUrl(parameters, pushedTo)
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

    async refresh(tokens) {
      const { refreshToken } = tokens
      if (refreshToken === undefined) throw new TypeError('there is no refresh token')
      try {
        return await refreshTokens(tokens, refreshToken)
      } catch (error) {
        const failure = failureOf(error, 'refreshing')
        // Nothing else says that the session is over.
        if (isInvalidGrant(error)) return { kind: 'ended', detail: failure.message }
        throw distrusting(failure)
      }
    },

    async revoke({ refreshToken }) {
      if (refreshToken === undefined) return
      try {
        const metadata = await known.get()
        const { revocation_endpoint: endpoint } = metadata
        if (endpoint === undefined) return
        await createOpenIdClient(config, metadata, fetch).revoke(refreshToken, endpoint)
      } catch (error) {
        throw failureOf(error, 'revoking the refresh token')
      }
    },

    async endSessionUrl(idToken, state) {
      // Without a hint providers ask the person or show an error page: signing out here is then all there is.
      if (idToken === undefined) return undefined
      // Nor does a provider that cannot be reached keep anybody from signing out here.
      const metadata = await known.get().catch(() => undefined)
      if (metadata?.end_session_endpoint === undefined) return undefined
      const landing = config.post_logout_redirect_uri
      return createOpenIdClient(config, metadata, fetch).endSessionUrl({
        id_token_hint: idToken,
        ...(landing === undefined ? {} : { post_logout_redirect_uri: landing }),
        ...(landing === undefined || state === undefined ? {} : { state }),
      })
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
