/** How an app integration is set up at the Okta stand-in: what the admin console of Okta offers, as far as it matters. */

import type { JWK } from 'jose'
import type { RefreshRotation } from './token-vault.ts'

export type ClientAuthMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'private_key_jwt'
  | 'none'

/** An "OIDC – Web Application". */
export interface OktaApp {
  readonly clientId: string
  readonly clientSecret: string
  readonly clientAuth: ClientAuthMethod
  /** Public keys for `private_key_jwt`. */
  readonly keys: readonly JWK[]
  readonly pkceRequired: boolean
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  /** Whether the grant "Refresh Token" is ticked. */
  readonly refreshGrant: boolean
  readonly refreshRotation: RefreshRotation
  /** How long access and ID tokens last: an hour at Okta's own server, anything at a custom one. */
  readonly tokenSeconds: number
  /** "Initiate login URI", to which the dashboard's tile leads. */
  readonly initiateLoginUri: string | undefined
  /** "Front-channel logout URI". */
  readonly frontchannelLogoutUri: string | undefined
  /** Fat ID tokens carry e-mail and groups; thin ones leave them to UserInfo. */
  readonly idToken: 'fat' | 'thin'
  /** The custom server's groups claim; undefined, as it is until an admin makes one. */
  readonly customGroupsClaim: CustomGroupsClaim | undefined
  /** What the organisation's server does about more than a hundred matching groups. */
  readonly overHundredGroups: 'fail' | 'send'
}

export interface CustomGroupsClaim {
  readonly name: string
  /** What it holds. */
  readonly holds: 'names' | 'ids'
  readonly in: 'id_token' | 'userinfo'
}

/** An "API Services" app for OAuth on the management API. */
export interface OktaServiceApp {
  readonly clientId: string
  readonly keys: readonly JWK[]
  /** Okta ticks "Require DPoP" by default. */
  readonly dpop: boolean
  /** Scopes that were granted to it. */
  readonly scopes: readonly string[]
}
