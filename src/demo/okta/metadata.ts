/** What the Okta stand-in says of its two authorization servers, in the shape of Okta's discovery documents. Pure. */

export interface ServerPlace {
  readonly issuer: string
  /** Of the organisation: `https://acme.okta.com`. */
  readonly org: string
  /** Whether it is the organisation's own server, or a custom one such as `default`. */
  readonly isOrg: boolean
}

const HS_RS_ES = [
  ...['HS256', 'HS384', 'HS512'],
  ...['RS256', 'RS384', 'RS512'],
  ...['ES256', 'ES384', 'ES512'],
]
const CLIENT_AUTH = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'none',
]

export const ORG_SCOPES = [
  ...['openid', 'email', 'profile', 'address', 'phone', 'offline_access', 'groups'],
]
export const CUSTOM_SCOPES = [
  ...['openid', 'email', 'profile', 'address', 'phone', 'offline_access', 'device_sso'],
]
/** Scopes of the management API, which only the organisation's server gives. */
export const API_SCOPES = ['okta.users.read', 'okta.groups.read']

/** @see okta-developer-docs, OpenID Connect & OAuth 2.0 API, "Well-known" */
export function metadataOf({ issuer, org, isOrg }: ServerPlace): Readonly<Record<string, unknown>> {
  const base = isOrg ? `${org}/oauth2` : issuer
  return {
    issuer,
    authorization_endpoint: `${base}/v1/authorize`,
    token_endpoint: `${base}/v1/token`,
    userinfo_endpoint: `${base}/v1/userinfo`,
    registration_endpoint: `${org}/oauth2/v1/clients`,
    jwks_uri: `${base}/v1/keys`,
    response_types_supported: [
      ...['code', 'id_token', 'code id_token', 'code token'],
      ...['id_token token', 'code id_token token'],
    ],
    response_modes_supported: ['query', 'fragment', 'form_post', 'okta_post_message'],
    grant_types_supported: [
      ...['authorization_code', 'implicit', 'refresh_token', 'password'],
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: isOrg ? ORG_SCOPES : CUSTOM_SCOPES,
    token_endpoint_auth_methods_supported: CLIENT_AUTH,
    claims_supported: [
      ...['iss', 'ver', 'sub', 'aud', 'iat', 'exp', 'jti', 'auth_time', 'amr', 'idp', 'nonce'],
      ...['name', 'nickname', 'preferred_username', 'given_name', 'middle_name', 'family_name'],
      ...['email', 'email_verified', 'profile', 'zoneinfo', 'locale', 'address', 'phone_number'],
      ...['picture', 'website', 'gender', 'birthdate', 'updated_at', 'at_hash', 'c_hash'],
    ],
    code_challenge_methods_supported: ['S256'],
    introspection_endpoint: `${base}/v1/introspect`,
    introspection_endpoint_auth_methods_supported: CLIENT_AUTH,
    revocation_endpoint: `${base}/v1/revoke`,
    revocation_endpoint_auth_methods_supported: CLIENT_AUTH,
    end_session_endpoint: `${base}/v1/logout`,
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: HS_RS_ES,
    device_authorization_endpoint: `${base}/v1/device/authorize`,
    pushed_authorization_request_endpoint: `${base}/v1/par`,
    dpop_signing_alg_values_supported: HS_RS_ES.filter((alg) => !alg.startsWith('HS')),
    backchannel_token_delivery_modes_supported: ['poll'],
  }
}
