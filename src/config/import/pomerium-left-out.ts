/** Pomerium's keys for the whole server that have no counterpart, and what to do about each. */

import { adviceIn, BRAND, COOKIE_ATTRIBUTES, FIXED_REQUESTS } from './left-out.ts'

const ONE_PROCESS = 'Gatehouse is one process; nothing takes its place'
const BY_FILE = 'write it to a file and name that in `server.tls`'
const ENVOY = 'there is no Envoy inside'
const SSH = 'Gatehouse serves no SSH'
const OTEL = 'traces are set up by OTEL_EXPORTER_OTLP_ENDPOINT in the environment'
const METRICS = 'metrics are served on `server.admin_listen`'
const LIMITS = 'write `server.limits`'

const ADVICE: ReadonlyMap<string, string> = new Map([
  ['address', 'write `server.listen`'],
  ['shared_secret', 'services share none here'],
  ['shared_secret_file', 'services share none here'],
  ['services', ONE_PROCESS],
  ['authorize_service_url', ONE_PROCESS],
  ['authorize_service_urls', ONE_PROCESS],
  ['authorize_internal_service_url', ONE_PROCESS],
  ['authenticate_internal_service_url', ONE_PROCESS],
  ['databroker_service_url', ONE_PROCESS],
  ['databroker_service_urls', ONE_PROCESS],
  ['databroker_internal_service_url', ONE_PROCESS],
  ['databroker_storage_connection_string', 'write `session.store`; sessions do not move over'],
  ['databroker_storage_connection_string_file', 'write `session.store`; sessions do not move over'],
  ['certificate_file', 'is for nothing beside `insecure_server: true`'],
  ['certificate_key_file', 'is for nothing beside `insecure_server: true`'],
  ['certificates', 'is for nothing beside `insecure_server: true`'],
  ['certificate', BY_FILE],
  ['certificate_key', BY_FILE],
  ['certificate_authority', ONE_PROCESS],
  ['certificate_authority_file', ONE_PROCESS],
  ['override_certificate_name', ONE_PROCESS],
  ['client_ca', 'write the certificate to a file and name it in `server.client_ca`'],
  ['client_crl', 'there are no revocation lists here: list fingerprints in a deny rule'],
  ['client_crl_file', 'there are no revocation lists here: list fingerprints in a deny rule'],
  ['cookie_name', COOKIE_ATTRIBUTES],
  ['cookie_domain', COOKIE_ATTRIBUTES],
  ['cookie_secure', COOKIE_ATTRIBUTES],
  ['cookie_http_only', COOKIE_ATTRIBUTES],
  ['cookie_same_site', COOKIE_ATTRIBUTES],
  ['cookie_secret_file', 'make a new secret: `gatehouse keygen`'],
  ['timeout_read', LIMITS],
  ['timeout_write', LIMITS],
  ['timeout_idle', LIMITS],
  ['idp_request_params', FIXED_REQUESTS],
  ['idp_access_token_allowed_audiences', 'write `bearer` at the route'],
  ['bearer_token_format', 'write `bearer` at the route'],
  ['jwt_issuer_format', 'the assertion of the preset has the host name as its issuer'],
  ['proxy_log_level', 'write `logging.level`'],
  ['access_log_fields', 'the fields of the decision log are fixed'],
  ['authorize_log_fields', 'the fields of the decision log are fixed'],
  ['metrics_basic_auth', METRICS],
  ['policy_file', 'name the files in `policies`'],
  ['grpc_client_timeout', ONE_PROCESS],
  [
    'google_cloud_serverless_authentication_service_account',
    'the app verifies the assertion itself',
  ],
  [
    'use_proxy_protocol',
    'name the proxies in `server.trusted_proxies`; the PROXY protocol is not spoken',
  ],
  ['skip_xff_append', 'the address of the client is always set anew'],
  ['programmatic_redirect_domain_whitelist', 'scripts use `bearer` tokens of the provider'],
  ['forward_auth_url', 'write `forward_auth: { trusted_proxies }`'],
  ['codec_type', 'write `server.http2`'],
  ['dns_lookup_family', ENVOY],
  ['runtime_flags', ENVOY],
  ['circuit_breaker_thresholds', ENVOY],
  ['logo_url', BRAND],
  ['favicon_url', BRAND],
  ['primary_color', BRAND],
  ['secondary_color', BRAND],
  ['error_message_first_paragraph', BRAND],
  ['identity_providers', 'write `providers`'],
])

const BY_PREFIX: readonly (readonly [string, string])[] = [
  ['autocert', 'certificates are not fetched: name their files in `server.tls`'],
  ['grpc_', ONE_PROCESS],
  ['databroker_', ONE_PROCESS],
  ['tls_derive', ONE_PROCESS],
  ['envoy_', ENVOY],
  ['dns_', ENVOY],
  ['ssh_', SSH],
  ['mcp_', 'MCP messages are not read'],
  ['metrics_', METRICS],
  ['tracing_', OTEL],
  ['otel_', OTEL],
  ['darkmode_', BRAND],
  ['health_check', 'health is served on `server.admin_listen`'],
  ['idp_refresh', 'groups of a directory are asked for when they are needed'],
]

/** What to do about `key`, which this import has no translation for. */
export function adviceFor(key: string): string {
  return adviceIn({ byName: ADVICE, byPrefix: BY_PREFIX }, key.toLowerCase())
}
