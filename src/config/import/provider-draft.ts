/** What both kinds of import write about a provider: its issuer, where one can be known, and what it is to expect. */

import { isLoopback } from '../../support/loopback.ts'

/** Never found by anyone: RFC 6761 §6.4. The check takes it, and nobody signs in by it. */
export const NO_ISSUER = 'https://replace-me.invalid'

export interface KnownProvider {
  /** The issuer where the file names none. */
  readonly issuer: string | undefined
  /** Something that must be known before it works. */
  readonly advice: string | undefined
}

const NOT_OIDC =
  'it speaks OAuth alone and not OpenID Connect, so nobody can sign in by it: put an OpenID provider in between'

const ENTRA =
  'Entra sends no `email_verified`, so no e-mail is known until `allow_unverified_email: true` is set, which only a tenant of your own allows; groups are ids'

const KNOWN: ReadonlyMap<string, KnownProvider> = new Map([
  ['google', { issuer: 'https://accounts.google.com', advice: 'Google sends no groups' }],
  ['gitlab', { issuer: 'https://gitlab.com', advice: undefined }],
  ['apple', { issuer: 'https://appleid.apple.com', advice: undefined }],
  ['onelogin', { issuer: 'https://openid-connect.onelogin.com/oidc', advice: undefined }],
  ['login.gov', { issuer: 'https://secure.login.gov', advice: undefined }],
  ['azure', { issuer: undefined, advice: ENTRA }],
  ['entra-id', { issuer: undefined, advice: ENTRA }],
  ...[
    'github',
    'bitbucket',
    'digitalocean',
    'facebook',
    'linkedin',
    'nextcloud',
    'srht',
    'gitea',
  ].map((name) => [name, { issuer: undefined, advice: NOT_OIDC }] as const),
])

/** What is known of a provider by the name that both proxies have for it. */
export function knownProvider(name: string): KnownProvider {
  return KNOWN.get(name.toLowerCase()) ?? { issuer: undefined, advice: undefined }
}

/** A name for the config made of `text`. */
export function providerName(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 60)
  return plain === '' || plain === 'local' ? 'oidc' : plain
}

/** Whether a URL is plain http to another machine, which Gatehouse takes only with an opt-out. */
export function isPlainHttp(url: string): boolean {
  const read = URL.parse(url)
  if (read?.protocol !== 'http:') return false
  return !isLoopback(read.hostname)
}
