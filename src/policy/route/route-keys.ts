/** The keys of a route: those that there are, and Pomerium's that Gatehouse does not have. */

import { didYouMean } from '../../support/suggest.ts'

export const ROUTE_KEYS = [
  'name',
  'description',
  'from',
  'to',
  'prefix',
  'path',
  'regex',
  'allow_public_unauthenticated_access',
  'allow_any_authenticated_user',
  'allowed_users',
  'allowed_domains',
  'allowed_groups',
  'allowed_idp_claims',
  'cors_allow_preflight',
  'allow_websockets',
  'preserve_host_header',
  'timeout',
  'idle_timeout',
  'tls_skip_verify',
  'tls_custom_ca_file',
  'pass_identity_headers',
  'provider',
  'encoded_slashes',
  'logo_url',
  'prefix_rewrite',
  'regex_rewrite_pattern',
  'regex_rewrite_substitution',
  'host_rewrite',
  'redirect',
  'response',
  'websocket_origins',
  'set_request_headers',
  'remove_request_headers',
  'set_response_headers',
  'tls_server_name',
  'tls_client_cert_file',
  'tls_client_key_file',
  'identity_headers',
  'load_balancing_policy',
  'health_check',
  'report_only',
  'contact',
  'bearer',
  'hsts',
  'session',
  'policy',
] as const

export type RouteKey = (typeof ROUTE_KEYS)[number]

/** Pomerium's other route keys, with what to do instead. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['regex_priority_order', 'regexes on one host must begin differently, so none needs a priority'],
  ['host_rewrite_header', 'write `host_rewrite`'],
  ['host_path_regex_rewrite_pattern', 'write `host_rewrite`'],
  ['host_path_regex_rewrite_substitution', 'write `host_rewrite`'],
  ['rewrite_response_headers', 'write `set_response_headers`'],
  ['jwt_groups_filter', 'write `identity_headers: { groups: named }`'],
  ['jwt_issuer_format', 'the issuer of the assertion is `server.public_url`'],
  ['kubernetes_service_account_token', 'the app verifies the assertion itself'],
  ['kubernetes_service_account_token_file', 'the app verifies the assertion itself'],
  ['enable_google_cloud_serverless_authentication', 'the app verifies the assertion itself'],
  ['allow_spdy', 'only WebSocket upgrades pass: `allow_websockets`'],
  ['allow_upgrades', 'only WebSocket upgrades pass: `allow_websockets`'],
  ['tls_custom_ca', 'write the certificate to a file and name it in `tls_custom_ca_file`'],
  ['tls_client_cert', 'write it to a file and name that in `tls_client_cert_file`'],
  ['tls_client_key', 'write it to a file and name that in `tls_client_key_file`'],
  ['tls_upstream_server_name', 'write `tls_server_name`'],
  ['tls_downstream_server_name', 'hosts are told apart by `from`'],
  ['tls_downstream_client_ca', 'write `server.client_ca` and the criterion `client_certificate`'],
  ['tls_downstream_client_ca_file', 'write `server.client_ca` and `client_certificate`'],
  ['tls_upstream_allow_renegotiation', 'TLS 1.3 has none'],
  ['health_checks', 'write `health_check`'],
  ['outlier_detection', 'write `health_check`'],
  ['healthy_panic_threshold', 'write `health_check`'],
  ['circuit_breaker_thresholds', 'write `timeout`'],
  ['lb_config', 'write `load_balancing_policy`'],
  ['show_error_details', 'pages always say which rule refused'],
  ['depends_on', 'one sign-in opens all hosts'],
  ['mcp', 'MCP messages are not read'],
  ['idp_client_id', 'write `provider`, one of the config'],
  ['idp_client_secret', 'write `provider`, one of the config'],
  ['idp_access_token_allowed_audiences', 'write `bearer`'],
  ['bearer_token_format', 'write `bearer`'],
  ['upstream_tunnel', 'the upstream must be reachable'],
  ['sub_policies', 'write `policy` with `use`'],
  ['envoy_opts', 'there is no Envoy inside'],
  ['id', 'routes are called by their `name`'],
])

/** What is wrong with `key` as the key of a route, or `undefined` where it has its effect. */
export function refuseRouteKey(key: string): string | undefined {
  if ((ROUTE_KEYS as readonly string[]).includes(key)) return undefined
  const instead = FOREIGN.get(key)
  if (instead !== undefined) {
    return `Gatehouse does not have Pomerium's \`${key}\`: ${instead}`
  }
  if (key === 'allow' || key === 'deny') {
    return `\`${key}\` is no key of a route; rules stand in its \`policy\``
  }
  return `unknown key \`${key}\`${didYouMean(key, ROUTE_KEYS)}`
}
