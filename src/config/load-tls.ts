/** The certificates of `server.tls`, read and proved to fit their keys at load, so that a bad pair never goes live. */

import type { X509Certificate } from 'node:crypto'
import { readKeyPair } from '../support/key-pair.ts'
import { Secret } from '../support/secret.ts'
import type { Clock } from '../support/time.ts'
import type { Findings } from './findings.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import type { ServerConfig } from './schema-server.ts'

/** One certificate with its chain, and its key, in PEM. */
export interface TlsKeyPair {
  readonly cert: string
  readonly key: Secret
  /** It is shown for these hosts alone (`*.example.com` for one label); left out: for all that it names. */
  readonly hosts?: readonly string[]
}

/** Reads and checks every pair; those that an error was found for are left out. */
export async function loadTls(
  server: ServerConfig,
  files: InputFiles,
  now: Clock,
  findings: Findings,
): Promise<readonly TlsKeyPair[]> {
  const pairs: TlsKeyPair[] = []
  for (const [index, entry] of (server.tls ?? []).entries()) {
    const at = ['server', 'tls', index]
    const cert = await readPem(entry.cert, [...at, 'cert'], files, findings)
    const key = await readPem(entry.key, [...at, 'key'], files, findings)
    if (cert === undefined || key === undefined) continue
    const { certificate, wrong } = readKeyPair(cert, key)
    if (wrong.includes('certificate')) {
      findings.error([...at, 'cert'], '`cert` must be a file with a PEM certificate')
    }
    if (wrong.includes('key')) {
      findings.error(
        [...at, 'key'],
        '`key` must be a file with a PEM private key without passphrase',
      )
    }
    if (wrong.includes('pair')) {
      findings.error([...at, 'key'], '`key` is not the private key of the certificate in `cert`')
    }
    if (certificate === undefined) continue
    checkDates(certificate, at, now, findings)
    pairs.push({ cert, key: new Secret(key) })
  }
  return pairs
}

async function readPem(
  path: string,
  at: readonly (string | number)[],
  files: InputFiles,
  findings: Findings,
): Promise<string | undefined> {
  try {
    return (await files.read(path)).toString('utf8')
  } catch (cause) {
    findings.error(at, `cannot read \`${at.at(-1)}\`: ${whyUnreadable(cause)}`)
    return undefined
  }
}

function checkDates(
  certificate: X509Certificate,
  at: readonly (string | number)[],
  now: Clock,
  findings: Findings,
): void {
  if (certificate.validToDate.getTime() <= now()) {
    findings.warn([...at, 'cert'], 'the certificate in `cert` has expired')
  } else if (certificate.validFromDate.getTime() > now()) {
    findings.warn([...at, 'cert'], 'the certificate in `cert` is not valid yet')
  }
}
