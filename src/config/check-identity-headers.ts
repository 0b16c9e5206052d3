/** What a schema cannot say of `identity_headers`: names that may be sent, and keys that may sign. */

import { createPrivateKey, type KeyObject } from 'node:crypto'
import { Secret } from '../support/secret.ts'
import type { YamlPath } from '../support/yaml-document.ts'
import type { Findings } from './findings.ts'
import type { IdentityHeadersConfig } from './schema.ts'

/** RFC 9110 §5.1. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** Fields that say how a message travels, or that are set by other parts of the gateway or by the client. */
const TAKEN = new Set([
  'accept',
  'accept-encoding',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'date',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'origin',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'referer',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-request-id',
])

const MIN_RSA_BITS = 2048

/** Checks `identity_headers`, and returns its signing keys as PKCS #8 PEM, the one that signs first. */
export function checkIdentityHeaders(
  config: IdentityHeadersConfig,
  findings: Findings,
): readonly Secret[] {
  const seen = new Map<string, string>()
  const check = (name: string, path: YamlPath) => {
    const message = whyNotAName(name, seen)
    if (message !== undefined) findings.error(path, message)
    seen.set(folded(name), name)
  }
  for (const name of Object.keys(config.headers)) {
    check(name, ['identity_headers', 'headers', name])
  }
  check(config.assertion, ['identity_headers', 'assertion'])
  return readSigningKeys(config, findings)
}

/** Upstreams often read `-` and `_` as the same, so we do. */
function folded(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

function whyNotAName(name: string, seen: ReadonlyMap<string, string>): string | undefined {
  if (!TOKEN.test(name)) return `\`${name}\` is no header name; use letters, digits and \`-\``
  const key = folded(name)
  if (TAKEN.has(key) || key.startsWith('sec-')) {
    return `\`${name}\` has a meaning of its own and cannot carry an identity; use another, such as \`X-Forwarded-User\``
  }
  const other = seen.get(key)
  return other === undefined ? undefined : `\`${name}\` and \`${other}\` are one header`
}

function readSigningKeys(config: IdentityHeadersConfig, findings: Findings): readonly Secret[] {
  const secrets = config.signing_key ?? []
  return secrets.flatMap((secret, index) => {
    const path: YamlPath =
      secrets.length === 1
        ? ['identity_headers', 'signing_key']
        : ['identity_headers', 'signing_key', index]
    const key = parseKey(secret)
    if (key === undefined) {
      findings.error(
        path,
        '`signing_key` must be a PEM private key without passphrase; `gatehouse keygen` makes one',
      )
      return []
    }
    const weakness = whyUnfit(key)
    if (weakness !== undefined) {
      findings.error(path, weakness)
      return []
    }
    return [new Secret(String(key.export({ type: 'pkcs8', format: 'pem' })))]
  })
}

function parseKey(secret: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(secret.reveal())
  } catch {
    return undefined
  }
}

/** Why `key` can make neither ES256 nor RS256 signatures worth having (RFC 7518 §3.3 and §3.4). */
function whyUnfit(key: KeyObject): string | undefined {
  const details = key.asymmetricKeyDetails
  switch (key.asymmetricKeyType) {
    case 'ec':
      return details?.namedCurve === 'prime256v1'
        ? undefined
        : '`signing_key` must be an EC key on P-256 (ES256); `gatehouse keygen` makes one'
    case 'rsa':
      return (details?.modulusLength ?? 0) >= MIN_RSA_BITS
        ? undefined
        : `\`signing_key\` must be an RSA key of ${MIN_RSA_BITS} bits or more`
    default:
      return '`signing_key` must be an EC key on P-256 (ES256) or an RSA key (RS256)'
  }
}
