/** What a schema cannot say of `providers`: issuers, client secrets, redirect paths, and what is dangerous about them. */

import { isLoopback } from '../support/loopback.ts'
import type { Findings } from './findings.ts'
import type { ProviderConfig } from './schema-provider.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/

/** Checks every provider, and that no two wait for answers at one path. */
export function checkProviders(
  providers: Readonly<Record<string, ProviderConfig>>,
  findings: Findings,
): void {
  const byRedirectPath = new Map<string, string>()
  for (const [name, provider] of Object.entries(providers)) {
    const at = ['providers', name]
    checkName(name, findings)
    checkIssuer(provider, at, findings)
    checkClientAuth(provider, at, findings)
    checkRedirectPath(provider.redirect_path, at, findings)
    checkPostLogout(provider, at, findings)
    const other = byRedirectPath.get(provider.redirect_path)
    if (other !== undefined) {
      findings.error(
        [...at, 'redirect_path'],
        `providers \`${other}\` and \`${name}\` have the same \`redirect_path\`; give each its own`,
      )
    }
    byRedirectPath.set(provider.redirect_path, name)
  }
}

function checkName(name: string, findings: Findings): void {
  const path = ['providers', name]
  if (name === 'local') {
    findings.error(path, 'the provider name `local` is reserved; choose another')
  } else if (!NAME.test(name)) {
    findings.error(path, 'a provider name is made of letters, digits, `-` and `_`')
  }
}

function checkIssuer(provider: ProviderConfig, at: readonly string[], findings: Findings): void {
  const path = [...at, 'issuer']
  const url = /[\s\\]/.test(provider.issuer) ? null : URL.parse(provider.issuer)
  const isIssuer =
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    url.password === '' &&
    !provider.issuer.includes('?') &&
    !provider.issuer.includes('#')
  if (!isIssuer) {
    findings.error(
      path,
      '`issuer` must be a URL without query or fragment, such as `https://acme.okta.com`',
    )
  } else if (url.protocol === 'http:' && !isLoopback(url.hostname) && !provider.allow_http) {
    findings.error(
      path,
      `\`issuer\` is plain http beyond loopback, so anybody on the way can sign in as anybody; use https, or set \`${at.join('.')}.allow_http: true\``,
    )
  }
}

function checkClientAuth(
  provider: ProviderConfig,
  at: readonly string[],
  findings: Findings,
): void {
  const { client_auth: method, client_secret: secret } = provider
  if (method === 'none' && secret !== undefined) {
    findings.error(
      [...at, 'client_auth'],
      '`client_auth: none` is for a client without a secret; remove `client_secret` or choose `client_secret_basic`',
    )
  }
  if (method !== undefined && method !== 'none' && secret === undefined) {
    findings.error([...at, 'client_auth'], `\`client_auth: ${method}\` needs \`client_secret\``)
  }
}

/** Canonical as routing/canonical.ts reads it, so that it can be compared as text. */
const CANONICAL_PATH = /^(?:\/|(?:\/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+\/?)$/

function checkRedirectPath(path: string, at: readonly string[], findings: Findings): void {
  const key = [...at, 'redirect_path']
  const hasDots = path.split('/').some((segment) => segment === '.' || segment === '..')
  if (!CANONICAL_PATH.test(path) || hasDots) {
    findings.error(
      key,
      '`redirect_path` must be a plain path such as `/oauth2/callback`, without query, `%`, `//` or `..`',
    )
  } else if (/^\/(\.gatehouse|\.well-known\/gatehouse|\.well-known\/pomerium)(\/|$)/.test(path)) {
    findings.error(key, '`redirect_path` must not lie below a path that Gatehouse itself answers')
  }
}

function checkPostLogout(
  provider: ProviderConfig,
  at: readonly string[],
  findings: Findings,
): void {
  const text = provider.post_logout_redirect_uri
  if (text === undefined) return
  const url = /[\s\\]/.test(text) ? null : URL.parse(text)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    findings.error(
      [...at, 'post_logout_redirect_uri'],
      '`post_logout_redirect_uri` must be a URL such as `https://auth.example.com`',
    )
  }
}
