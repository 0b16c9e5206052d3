/** What a schema cannot say of `providers`: issuers, client secrets, redirect paths, and what is dangerous about them. */

import { readClientKey } from '../support/client-key.ts'
import { isLoopback } from '../support/loopback.ts'
import type { Secret } from '../support/secret.ts'
import type { YamlPath } from '../support/yaml-document.ts'
import { checkDirectory } from './check-directory.ts'
import type { Findings } from './findings.ts'
import type { ProviderConfig } from './schema-provider.ts'

/** Whoever guesses it can end sessions. */
const MIN_HOOK_SECRET = 16
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
    checkEmailDomains(provider, at, findings)
    checkRedirectPath(provider.redirect_path, at, findings)
    checkPostLogout(provider, at, findings)
    const { directory, event_hook_secret: hookSecret } = provider
    if (directory !== undefined) {
      checkDirectory(directory, [...at, 'directory'], provider.allow_http, findings)
    }
    if (hookSecret !== undefined && hookSecret.reveal().length < MIN_HOOK_SECRET) {
      findings.error(
        [...at, 'event_hook_secret'],
        `\`event_hook_secret\` must have ${MIN_HOOK_SECRET} characters or more`,
      )
    }
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
  const { client_auth: method, client_secret: secret, private_key: key } = provider
  const path = [...at, 'client_auth']
  if (method === 'private_key_jwt') {
    if (key === undefined)
      findings.error(path, '`client_auth: private_key_jwt` needs `private_key`')
    if (secret !== undefined) {
      findings.error(
        [...at, 'client_secret'],
        'with `client_auth: private_key_jwt` no `client_secret` is sent; remove it',
      )
    }
  } else if (key !== undefined) {
    findings.error([...at, 'private_key'], '`private_key` is for `client_auth: private_key_jwt`')
  }
  if (key !== undefined) checkKey(key, [...at, 'private_key'], findings)
  if (method === 'none' && secret !== undefined) {
    findings.error(
      path,
      '`client_auth: none` is for a client without a secret; remove `client_secret` or choose `client_secret_basic`',
    )
  }
  const needsSecret = method === 'client_secret_basic' || method === 'client_secret_post'
  if (needsSecret && secret === undefined) {
    findings.error(path, `\`client_auth: ${method}\` needs \`client_secret\``)
  }
}

function checkKey(key: Secret, path: readonly string[], findings: Findings): void {
  const read = readClientKey(key.reveal())
  if (typeof read === 'string') findings.error(path, `\`private_key\` ${read}`)
}

/** As it stands behind the `@` of an address: labels of a host name, in ASCII (RFC 5321 §4.1.2). */
const DOMAIN = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i

function checkEmailDomains(
  { email_domains: domains = [] }: ProviderConfig,
  at: YamlPath,
  findings: Findings,
): void {
  for (const [index, domain] of domains.entries()) {
    if (DOMAIN.test(domain)) continue
    findings.error(
      [...at, 'email_domains', index],
      '`email_domains` holds domains such as `example.com`, without `@`, and in their ASCII form',
    )
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
