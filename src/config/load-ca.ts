/** The certificate authorities of `ca_file`, read at load, so that a file that is none never goes live. */

import { X509Certificate } from 'node:crypto'
import type { Findings } from './findings.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import type { ProviderConfig } from './schema-provider.ts'

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
    const at = ['providers', name, 'ca_file']
    try {
      const pem = (await files.read(path)).toString('utf8')
      if (isFit(pem)) loaded.set(name, pem)
      else findings.error(at, '`ca_file` must be a file with one or more PEM certificates')
    } catch (cause) {
      findings.error(at, `cannot read \`ca_file\`: ${whyUnreadable(cause)}`)
    }
  }
  return loaded
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
