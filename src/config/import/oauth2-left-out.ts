/** Keys of oauth2-proxy that have no counterpart, and what to do about each. */

import { adviceIn, BRAND, COOKIE_ATTRIBUTES, FIXED_REQUESTS } from './left-out.ts'

const LOG = 'requests go to `logging.decisions` as JSON lines with fixed fields'
const HEALTH = '`/healthz` and `/readyz` answer on `server.admin_listen`'
const METRICS = 'metrics are served on `server.admin_listen`, over plain http'
const NO_NEED = 'needs nothing here'
const DISCOVERY = 'endpoints and keys always come from the discovery document of the issuer'
const ALWAYS = 'is always checked here'
const ANSWERS =
  'page visits are sent to sign in, everything else gets 401 JSON, without a list of paths'
const FORWARD_AUTH = 'answers of forward-auth carry the identity headers: see `forward_auth`'
const REDIS = 'write it into the URL of `session.store`'

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['cookie_refresh', 'tokens are refreshed before they expire'],
  ['cookie_secure', 'cookies are Secure wherever `from` is https'],
  ['session_cookie_minimal', 'the cookie holds a handle and a key, never tokens'],
  ['proxy_prefix', 'own pages are below `/.gatehouse/`'],
  ['ping_path', HEALTH],
  ['ping_user_agent', HEALTH],
  ['ready_path', HEALTH],
  ['gcp_healthchecks', HEALTH],
  ['silence_ping_logging', HEALTH],
  ['metrics_secure_address', METRICS],
  ['metrics_tls_cert_file', METRICS],
  ['metrics_tls_key_file', METRICS],
  ['force_https', 'write `server.redirect_listen`'],
  ['tls_min_version', 'TLS 1.2 is the least'],
  ['tls_cipher_suites', 'those of Node are used'],
  ['real_client_ip_header', '`X-Forwarded-For` of `server.trusted_proxies` is what counts'],
  ['api_routes', ANSWERS],
  ['force_json_errors', ANSWERS],
  ['skip_provider_button', 'with one provider nobody is asked to choose'],
  ['skip_auth_strip_headers', 'identity headers that a client sends are always removed'],
  ['relative_redirect_url', 'the callback is on `server.public_url`'],
  ['encode_state', NO_NEED],
  ['allow_query_semicolons', 'the query is passed on as it is written'],
  ['flush_interval', 'answers are passed on as they come'],
  ['flushinterval', 'answers are passed on as they come'],
  ['disable_keep_alives', NO_NEED],
  ['disablekeepalives', NO_NEED],
  [
    'proxyrawpath',
    'the path is passed on as it is written, but for what is made canonical; see `encoded_slashes`',
  ],
  ['htpasswd_file', 'people sign in at the provider; `local_admins` is for emergencies'],
  ['htpasswd_user_groups', 'people sign in at the provider; `local_admins` is for emergencies'],
  ['display_htpasswd_form', 'people sign in at the provider; `local_admins` is for emergencies'],
  [
    'basic_auth_password',
    'no Basic credentials are made up for upstreams; they get identity headers and the assertion',
  ],
  ['set_basic_auth', FORWARD_AUTH],
  ['set_authorization_header', FORWARD_AUTH],
  ['signature_key', 'requests are not signed; the app verifies the assertion'],
  ['custom_templates_dir', BRAND],
  ['custom_sign_in_logo', BRAND],
  ['banner', BRAND],
  ['footer', BRAND],
  ['show_debug_on_error', 'pages never show more than they should'],
  ['request_id_header', '`X-Request-Id` of trusted proxies is taken over'],
  ['errors_to_info_log', LOG],
  ['exclude_logging_paths', LOG],
  ['skip_oidc_discovery', DISCOVERY],
  ['oidc_jwks_url', DISCOVERY],
  ['oidc_public_key_files', DISCOVERY],
  ['login_url', DISCOVERY],
  ['redeem_url', DISCOVERY],
  ['profile_url', DISCOVERY],
  ['validate_url', DISCOVERY],
  ['backend_logout_url', 'signing out goes on to the provider by itself'],
  ['skip_claims_from_profile_url', 'UserInfo is asked only for what the ID token lacks'],
  ['insecure_oidc_skip_issuer_verification', ALWAYS],
  ['insecure_oidc_skip_nonce', ALWAYS],
  ['oidc_audience_claims', '`aud` of the ID token must be the client'],
  ['oidc_extra_audiences', '`aud` of the ID token must be the client'],
  ['oidc_enabled_signing_algs', 'those that the provider states'],
  ['code_challenge_method', 'PKCE with S256 is always used'],
  ['force_code_challenge_method', 'PKCE with S256 is always used'],
  ['prompt', FIXED_REQUESTS],
  ['approval_prompt', FIXED_REQUESTS],
  ['acr_values', FIXED_REQUESTS],
  ['resource', FIXED_REQUESTS],
  ['auth_request_response_mode', FIXED_REQUESTS],
  ['loginurlparameters', FIXED_REQUESTS],
  ['ssl_insecure_skip_verify', 'certificates of the provider are always verified; write `ca_file`'],
  [
    'use_system_trust_store',
    'the certificates of `ca_file` are trusted besides those of the system',
  ],
  ['google_admin_email', 'groups of Google are not asked for'],
  ['google_service_account_json', 'groups of Google are not asked for'],
  ['azure_graph_group_field', 'groups come by the claim'],
  ['pubjwk_url', DISCOVERY],
  ['extra_jwt_issuers', 'write a provider for each, and `bearer` at the route'],
])

const BY_PREFIX: readonly (readonly [string, string])[] = [
  ['cookie_', COOKIE_ATTRIBUTES],
  ['logging_', LOG],
  ['standard_logging', LOG],
  ['auth_logging', LOG],
  ['request_logging', LOG],
  ['redis_', REDIS],
  ['http_store_', 'sessions are kept in a file or in Redis: `session.store`'],
  ['google_', 'groups of Google are not asked for'],
  ['entra_id_federated', 'write `client_auth: private_key_jwt`'],
]

// The alpha config writes the same names without anything between their words.
const BY_NAME: ReadonlyMap<string, string> = new Map([
  ...[...ADVICE].map(([name, advice]) => [name.replaceAll('_', ''), advice] as const),
  ...ADVICE,
])

/** What to do about `key`, which this import has no translation for; names of the alpha config are found by theirs. */
export function adviceFor(key: string): string {
  return adviceIn({ byName: BY_NAME, byPrefix: BY_PREFIX }, key.toLowerCase().replaceAll('-', '_'))
}
