/** Certificate authorities that the config names, read at load, so that a file that is none never goes live. */

import { X509Certificate } from 'node:crypto'
import type { Findings } from './findings.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import type { ProviderConfig } from './schema-provider.ts'
import type { ServerConfig } from './schema-server.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** PEM by the provider's name; those without one, or with one that an error was found for, are left out. */
export async function loadProviderCas(
  providers: Readonly<Record<string, ProviderConfig>>,
  files: InputFiles,
  findings: Findings,
): Promise<ReadonlyMap<string, string>> {
  const loaded = new Map<string, string>()
  for (const [name, { ca_file: path }] of Object.entries(providers)) {
    if (path === undefined) continue
    const pem = await readAuthorities(path, ['providers', name, 'ca_file'], files, findings)
    if (pem !== undefined) loaded.set(name, pem)
  }
  return loaded
}

/** PEM of `server.client_ca`; `undefined` where there is none, or an error was found for it. */
export async function loadClientCa(
  { client_ca: path, tls }: ServerConfig,
  files: InputFiles,
  findings: Findings,
): Promise<string | undefined> {
  if (path === undefined) return undefined
  const at = ['server', 'client_ca']
  if (tls === undefined) {
    findings.error(at, '`client_ca` needs `server.tls`: certificates of clients are part of TLS')
  }
  return readAuthorities(path, at, files, findings)
}

async function readAuthorities(
  path: string,
  at: readonly string[],
  files: InputFiles,
  findings: Findings,
): Promise<string | undefined> {
  const key = at.at(-1)
  try {
    const pem = (await files.read(path)).toString('utf8')
    if (isFit(pem)) return pem
    findings.error(at, `\`${key}\` must be a file with one or more PEM certificates`)
  } catch (cause) {
    findings.error(at, `cannot read \`${key}\`: ${whyUnreadable(cause)}`)
  }
  return undefined
}

function isFit(pem: string): boolean {
  const certificates = pem.match(CERTIFICATE) ?? []
  try {
    for (const certificate of certificates) new X509Certificate(certificate)
  } catch {
    return false
  }
  return certificates.length > 0
}
