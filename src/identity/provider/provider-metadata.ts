/** What of a provider's metadata must hold before anybody is sent there. Pure. */

import { ProviderFailure } from './provider.ts'
import { cleaned } from './provider-errors.ts'

/** The part that is used, with the checks below behind it; what else the provider states goes along. */
export interface ProviderMetadata {
  readonly issuer: string
  readonly authorization_endpoint: string
  readonly token_endpoint: string
  readonly jwks_uri: string
  readonly userinfo_endpoint?: string
  readonly end_session_endpoint?: string
  readonly revocation_endpoint?: string
  readonly pushed_authorization_request_endpoint?: string
  readonly require_pushed_authorization_requests?: boolean
  readonly scopes_supported?: string[]
  readonly id_token_signing_alg_values_supported: string[]
  readonly userinfo_signing_alg_values_supported: string[]
  readonly authorization_response_iss_parameter_supported?: boolean
}

const NEEDED = ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const
const OPTIONAL = [
  'userinfo_endpoint',
  'end_session_endpoint',
  'revocation_endpoint',
  'pushed_authorization_request_endpoint',
] as const
/** Signatures that only the provider can make. Never `none`, and never HS*, whose key is not the provider's alone. */
const ALGORITHMS: ReadonlySet<unknown> = new Set(
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
)
/** What a provider means that lists none (OpenID Connect Discovery §3). */
const DEFAULT_ALGORITHMS = ['RS256']

/** @throws ProviderFailure `misconfigured` where the provider may not be asked there */
export function checkIssuer(issuer: string, allowHttp: boolean): URL {
  const url = URL.parse(issuer)
  if (url === null || !isAllowed(url, allowHttp)) {
    throw new ProviderFailure(
      'misconfigured',
      `issuer \`${issuer}\`: https is needed beyond loopback, or \`allow_http: true\``,
    )
  }
  return url
}

/** @throws ProviderFailure `misconfigured` or `invalid-answer`, naming what was expected and what was received */
export function checkMetadata(
  metadata: Readonly<Record<string, unknown>>,
  issuer: string,
  allowHttp: boolean,
): ProviderMetadata {
  if (metadata['issuer'] !== issuer) {
    throw new ProviderFailure(
      'misconfigured',
      `the issuer is configured as \`${issuer}\`, the provider calls itself \`${cleaned(String(metadata['issuer']))}\``,
    )
  }
  for (const name of NEEDED) checkEndpoint(name, metadata[name], allowHttp)
  for (const name of OPTIONAL) {
    if (metadata[name] !== undefined) checkEndpoint(name, metadata[name], allowHttp)
  }
  const algorithms = asymmetric(metadata['id_token_signing_alg_values_supported'])
  if (algorithms.length === 0) {
    throw new ProviderFailure(
      'misconfigured',
      'the provider lists no signature for ID tokens that is accepted here',
    )
  }
  const scopes = metadata['scopes_supported']
  return {
    ...(metadata as unknown as ProviderMetadata),
    // In the one spelling in which it will be asked for.
    jwks_uri: new URL(String(metadata['jwks_uri'])).href,
    scopes_supported: Array.isArray(scopes) ? scopes : [],
    id_token_signing_alg_values_supported: algorithms,
    userinfo_signing_alg_values_supported: asymmetric(
      metadata['userinfo_signing_alg_values_supported'],
    ),
  }
}

/** Whether an address of a checked provider is without TLS: on loopback, or by the opt-out. */
export function usesHttp(metadata: ProviderMetadata): boolean {
  return [...NEEDED, ...OPTIONAL].some((name) => metadata[name]?.startsWith('http:') === true)
}

function checkEndpoint(name: string, value: unknown, allowHttp: boolean): void {
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (url === null) {
    throw new ProviderFailure('invalid-answer', `the provider states no valid \`${name}\``)
  }
  if (!isAllowed(url, allowHttp)) {
    throw new ProviderFailure(
      'misconfigured',
      `\`${name}\` is \`${cleaned(url.origin)}\`: https is needed beyond loopback, or \`allow_http: true\``,
    )
  }
}

function isAllowed(url: URL, allowHttp: boolean): boolean {
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && (allowHttp || isLoopback(url.hostname))
}

/** `URL` has written IPv4 addresses in full by now. */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname) ||
    hostname === '[::1]'
  )
}

function asymmetric(listed: unknown): string[] {
  const names = Array.isArray(listed) ? listed : DEFAULT_ALGORITHMS
  return names.filter((name) => ALGORITHMS.has(name))
}
