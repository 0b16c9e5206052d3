/** Everything that a schema cannot say of a config, section by section, with what had to be read or decoded for it. */

import { resolve } from 'node:path'
import type { Problem } from '../support/problem.ts'
import type { Secret } from '../support/secret.ts'
import type { Clock } from '../support/time.ts'
import type { YamlDocument, YamlPath } from '../support/yaml-document.ts'
import { checkIdentityHeaders } from './check-identity-headers.ts'
import { checkKubernetes } from './check-kubernetes.ts'
import { checkLocalAdmins, type LocalAdmin } from './check-local-admins.ts'
import { checkProviders } from './check-providers.ts'
import { type CheckedServer, checkForwardAuth, checkServer } from './check-server.ts'
import { type CheckedSession, checkSession } from './check-session.ts'
import { createFindings, type Findings } from './findings.ts'
import type { InputFiles } from './input-files.ts'
import { loadClientCa, loadProviderCas } from './load-ca.ts'
import { type Logo, loadLogo } from './load-logo.ts'
import { loadTls, type TlsKeyPair } from './load-tls.ts'
import { bareVariables } from './references.ts'
import type { Config } from './schema.ts'

export interface CheckContext {
  readonly document: YamlDocument
  /** Where relative paths start. */
  readonly folder: string
  readonly files: InputFiles
  readonly now: Clock
  /** A session secret that an earlier load of this process made. */
  readonly madeSecrets: readonly Uint8Array[] | undefined
  /** Where a mistake has been found already (judgeable-part.ts). */
  readonly isUnsure?: ((path: YamlPath) => boolean) | undefined
}

export interface CheckedConfig {
  readonly config: Config
  readonly server: CheckedServer
  readonly session: CheckedSession
  readonly tls: readonly TlsKeyPair[]
  readonly clientCa: string | undefined
  readonly signingKeys: readonly Secret[]
  readonly logo: Logo | undefined
  readonly localAdmins: readonly LocalAdmin[]
  /** PEM by the provider's name. */
  readonly providerCas: ReadonlyMap<string, string>
}

export interface ConfigVerdict {
  /** `undefined` where an error keeps a part from being read; what there is may stand beside other errors. */
  readonly checked: CheckedConfig | undefined
  readonly problems: readonly Problem[]
}

export async function checkConfig(config: Config, context: CheckContext): Promise<ConfigVerdict> {
  const { document, folder, files, now } = context
  const findings = createFindings(document, context.isUnsure)
  for (const path of bareVariables(document.value)) {
    findings.warn(
      path,
      'this text is taken as it stands; an environment variable is written with braces',
    )
  }
  const server = checkServer(config.server, findings)
  checkForwardAuth(config, findings)
  checkProviders(config.providers, findings)
  checkKubernetes(config.kubernetes, findings)
  const session = checkSession(config.session, context, findings)
  checkWorkers(config, session, findings)
  const signingKeys = checkIdentityHeaders(config.identity_headers, findings)
  const localAdmins = checkLocalAdmins(config.local_admins, now(), findings)
  const tls = await loadTls(config.server, files, now, findings)
  const clientCa = await loadClientCa(config.server, files, findings)
  const logo = await loadLogo(config.brand, files, findings)
  const providerCas = await loadProviderCas(config.providers, files, findings)
  if (server === undefined || session === undefined) {
    return { checked: undefined, problems: findings.problems }
  }
  const resolved: Config = {
    ...config,
    server: { ...config.server, public_url: server.publicUrl },
    logging: {
      ...config.logging,
      decisions: destination(config.logging.decisions, ['stdout'], folder),
      audit: destination(config.logging.audit, ['stdout', 'stderr'], folder),
    },
  }
  const checked = {
    config: resolved,
    server,
    session,
    tls,
    clientCa,
    signingKeys,
    logo,
    localAdmins,
    providerCas,
  }
  return { checked, problems: findings.problems }
}

/** Sessions in memory belong to one process, and each request may reach another one. */
function checkWorkers(
  { server: { workers } }: Config,
  session: CheckedSession | undefined,
  findings: Findings,
): void {
  if (workers === 1 || session?.store.kind !== 'memory') return
  findings.error(
    ['server', 'workers'],
    `\`workers: ${workers}\` cannot share \`store: memory:\`, of which each worker would have one of its own; use \`sqlite:///ABSOLUTE\` or Redis, or \`workers: 1\``,
  )
}

function destination(written: string, streams: readonly string[], folder: string): string {
  return streams.includes(written) ? written : resolve(folder, written)
}
