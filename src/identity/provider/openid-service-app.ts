/**
 * A service app at Okta (OAuth for Okta): access tokens by client credentials and private_key_jwt, bound to a key where the app
 * asks for that. By openid-client, which minds the nonces of RFC 9449.
 * @see Okta, "Implement OAuth for Okta with a service app"
 */

import * as oidc from 'openid-client'
import { readClientKey, signingKeyOf } from '../../support/client-key.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { DirectoryFailure } from '../directory/directory.ts'
import type { OktaFetch } from '../directory/okta-answer.ts'
import type { Fetch } from './provider-fetch.ts'

export interface ServiceAppOptions {
  /** The organisation's origin: only its own authorization server gives tokens for its API. */
  readonly origin: string
  readonly clientId: string
  /** PEM or JWK. */
  readonly privateKey: string
  readonly dpop: boolean
  readonly scopes: readonly string[]
  readonly fetch: Fetch
  readonly now: Clock
}

interface Token {
  readonly accessToken: string
  /** When a new one is asked for: before it ends. */
  readonly renewAt: EpochMs
}

const RENEW_AFTER = 0.8
const DEFAULT_LIFE_SECONDS = 3_600
const TIMEOUT_SECONDS = 10

/** A fetch that brings a token along; one that is refused is replaced once. */
export function createServiceAppFetch(options: ServiceAppOptions): OktaFetch {
  const config = configure(options)
  let binding: Promise<oidc.DPoPOptions> | undefined
  let token: Token | undefined
  let asking: Promise<Token> | undefined

  const proof = async (): Promise<oidc.DPoPOptions> => {
    if (!options.dpop) return {}
    binding ??= oidc
      .randomDPoPKeyPair()
      .then((keys) => ({ DPoP: oidc.getDPoPHandle(config, keys) }))
    return binding
  }

  const askForToken = async (): Promise<Token> => {
    const grant = { scope: options.scopes.join(' ') }
    try {
      const answer = await oidc.clientCredentialsGrant(config, grant, await proof())
      const life = (answer.expires_in ?? DEFAULT_LIFE_SECONDS) * 1_000
      token = {
        accessToken: answer.access_token,
        renewAt: options.now() + life * RENEW_AFTER,
      }
      return token
    } catch (error) {
      throw failureOf(error)
    }
  }

  const currentToken = async (): Promise<Token> => {
    if (token !== undefined && options.now() < token.renewAt) return token
    asking ??= askForToken().finally(() => {
      asking = undefined
    })
    return asking
  }

  const call = async (url: string): Promise<Response> => {
    const { accessToken } = await currentToken()
    const target = new URL(url)
    try {
      return await oidc.fetchProtectedResource(
        ...[config, accessToken, target, 'GET', undefined, undefined, await proof()],
      )
    } catch (error) {
      // A challenge is an answer too: whoever reads it knows what to do about it.
      if (error instanceof oidc.WWWAuthenticateChallengeError) return error.response
      throw error
    }
  }

  return async (url) => {
    const answer = await call(url)
    if (answer.status !== 401) return answer
    token = undefined
    return call(url)
  }
}

function configure(options: ServiceAppOptions): oidc.Configuration {
  const { origin, clientId, fetch } = options
  const endpoint = `${origin}/oauth2/v1/token`
  const read = readClientKey(options.privateKey)
  if (typeof read === 'string') throw new DirectoryFailure('refused', `\`private_key\` ${read}`)
  const key = { key: signingKeyOf(read), ...(read.kid === undefined ? {} : { kid: read.kid }) }
  const auth = oidc.PrivateKeyJwt(key, {
    [oidc.modifyAssertion]: (header, payload) => {
      header['alg'] = read.alg
      // Okta takes the address that is asked.
      payload['aud'] = endpoint
    },
  })
  const metadata = { issuer: origin, token_endpoint: endpoint }
  const config = new oidc.Configuration(metadata, clientId, {}, auth)
  config.timeout = TIMEOUT_SECONDS
  config[oidc.customFetch] = (url, { method, headers, body, redirect, signal }) =>
    fetch(url, {
      ...{ method, headers, redirect },
      ...(signal === undefined ? {} : { signal }),
      body: body as NonNullable<RequestInit['body']> | null,
    })
  // The config's check has judged the address: http stands only where it is allowed.
  if (origin.startsWith('http:')) oidc.allowInsecureRequests(config)
  return config
}

function failureOf(error: unknown): DirectoryFailure {
  const at = 'a token for the service app'
  if (
    error instanceof oidc.ResponseBodyError ||
    error instanceof oidc.WWWAuthenticateChallengeError
  ) {
    const why = error instanceof oidc.ResponseBodyError ? error.error : `HTTP ${error.status}`
    const said = error instanceof oidc.ResponseBodyError ? (error.error_description ?? '') : ''
    return new DirectoryFailure(
      'refused',
      `${at}: ${why} ${said}: look at \`directory.service_app\`: its client id, its public key at Okta, \`dpop\`, and the scopes granted to it`,
    )
  }
  const detail = error instanceof Error ? error.message : String(error)
  return new DirectoryFailure('unavailable', `${at}: ${detail}`)
}
