/** Pomerium's environment names, read for what the config file leaves out, so that a deployment can be moved over in steps. */

import { isMapping, type Mapping } from '../support/mapping.ts'
import { error, type Problem, warning } from '../support/problem.ts'
import type { YamlDocument } from '../support/yaml-document.ts'
import type { Environment } from './references.ts'

export interface FromEnvironment {
  /** The data with what the environment adds. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Names that were read, for the revision. */
  readonly used: readonly string[]
}

const PROVIDER_NAMES = [
  'IDP_PROVIDER',
  'IDP_PROVIDER_URL',
  'IDP_CLIENT_ID',
  'IDP_CLIENT_SECRET',
  'IDP_SCOPES',
  'IDP_SERVICE_ACCOUNT',
] as const

/** Adds to `value` what only the environment says. A key that the file has is never changed. */
export function addPomeriumEnvironment(
  document: YamlDocument,
  value: unknown,
  env: Environment,
): FromEnvironment {
  const problems: Problem[] = []
  const used: string[] = []
  const start = document.valueAt([])
  const read = (name: string): string | undefined => {
    const text = env[name]
    if (text === undefined || text === '') return undefined
    used.push(name)
    return text
  }
  if (read('SHARED_SECRET') !== undefined) {
    problems.push(
      warning(
        start,
        'environment variable `SHARED_SECRET` is ignored: Gatehouse has no services that share one',
      ),
    )
  }
  if (!isMapping(value)) return { value, problems, used }
  const publicUrl = read('AUTHENTICATE_SERVICE_URL')
  const secret = read('COOKIE_SECRET')
  const result = {
    ...value,
    ...section(value, 'server', publicUrl === undefined ? {} : { public_url: publicUrl }),
    ...section(value, 'session', secret === undefined ? {} : { secret }),
    ...providers(value, read, (message) => problems.push(error(start, message))),
  }
  return { value: result, problems, used }
}

/** `value`'s section `key` with `additions` for the keys that it lacks; nothing where there is nothing to add. */
function section(value: Mapping, key: string, additions: Mapping): Mapping {
  const written = value[key] ?? {}
  if (!isMapping(written) || Object.keys(additions).length === 0) return {}
  return { [key]: { ...additions, ...written } }
}

function providers(
  value: Mapping,
  read: (name: string) => string | undefined,
  report: (message: string) => void,
): Mapping {
  const named = PROVIDER_NAMES.map(read)
  const [kind, issuer, clientId, clientSecret, scopes, account] = named
  if (named.every((text) => text === undefined)) return {}
  if (kind !== undefined && kind !== 'okta' && kind !== 'oidc') {
    report('environment variable `IDP_PROVIDER` must be `okta` or `oidc`')
    return {}
  }
  const written = value['providers'] ?? {}
  if (!isMapping(written)) return {}
  const name = nameOf(kind, Object.keys(written))
  if (name === undefined) return {}
  const provider = written[name] ?? {}
  if (!isMapping(provider)) return {}
  if (account !== undefined && kind !== 'okta' && (kind === 'oidc' || name !== 'okta')) {
    report(
      'environment variable `IDP_SERVICE_ACCOUNT` is for Okta alone: set `IDP_PROVIDER` to `okta`, or unset it',
    )
    return {}
  }
  const { client_auth: method } = provider
  const sendsNoSecret = method === 'none' || method === 'private_key_jwt'
  const additions = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(clientId === undefined ? {} : { client_id: clientId }),
    ...(clientSecret === undefined || sendsNoSecret ? {} : { client_secret: clientSecret }),
    ...directory(account, provider['issuer'] ?? issuer),
    ...(scopes === undefined ? {} : { scopes: scopes.split(/[\s,]+/).filter(Boolean) }),
  }
  return { providers: { ...written, [name]: { ...additions, ...provider } } }
}

/** Pomerium asks Okta for groups once it has a service account. */
function directory(account: string | undefined, issuer: unknown): Mapping {
  const url = typeof issuer === 'string' ? URL.parse(issuer)?.origin : undefined
  if (account === undefined || url === undefined) return {}
  return { directory: { kind: 'okta', url, service_account: account } }
}

/** The provider that the environment speaks of: the only one of the file, or one of Pomerium's name, or a new one. */
function nameOf(kind: string | undefined, written: readonly string[]): string | undefined {
  const [only, ...others] = written
  if (only === undefined) return kind ?? 'oidc'
  if (kind !== undefined && written.includes(kind)) return kind
  // With several of other names nothing says which is meant, and the file is complete without it or is refused.
  return others.length === 0 ? only : undefined
}
