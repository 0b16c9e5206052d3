/** How a route speaks TLS with its upstream: `tls_skip_verify`, `tls_custom_ca_file`, `tls_server_name`, `tls_client_*`. */

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { dirname, resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { readAuthority } from '../../routing/host-name.ts'
import type { Around } from '../language/compile-conditions.ts'
import type { Route } from '../route.ts'
import { type RouteEntries, readFlag, readText } from './route-values.ts'

/** @throws where the file cannot be read */
type ReadFile = (absolutePath: string) => string

export function readTls(
  entries: RouteEntries,
  around: Around & { readonly readText: ReadFile },
): Route['tls'] | undefined {
  const skipVerify = readFlag(entries, 'tls_skip_verify', false, around.report)
  const customCa = readCustomCa(entries, around)
  const serverName = readServerName(entries, around)
  const client = readClient(entries, around)
  const broken =
    skipVerify === undefined ||
    customCa === undefined ||
    serverName === undefined ||
    client === undefined
  if (broken) return undefined
  return {
    skipVerify,
    customCa: customCa ?? undefined,
    serverName: serverName ?? undefined,
    client: client ?? undefined,
  }
}

/** The content of the file that `key` names; null where the key is not written. */
function readNamedFile(
  entries: RouteEntries,
  key: 'tls_custom_ca_file' | 'tls_client_cert_file' | 'tls_client_key_file',
  { report, readText: readFile }: Around & { readonly readText: ReadFile },
): string | null | undefined {
  const path = readText(entries, key, report)
  const at = entries.get(key)?.value.at
  if (typeof path !== 'string' || at === undefined) return path
  try {
    return readFile(resolve(dirname(at.file), path))
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unreadable'
    return report(at, `cannot read \`${path}\`: ${why}`)
  }
}

/** The PEM text of `tls_custom_ca_file`; null where it is not written. */
function readCustomCa(
  entries: RouteEntries,
  around: Around & { readonly readText: ReadFile },
): string | null | undefined {
  const pem = readNamedFile(entries, 'tls_custom_ca_file', around)
  const value = entries.get('tls_custom_ca_file')?.value
  if (typeof pem !== 'string' || value?.kind !== 'scalar') return pem
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
  return around.report(value.at, `\`${value.value}\` holds no certificate; it must be a PEM file`)
}

/** An address is verified too, but cannot be asked for: SNI carries names only. RFC 6066 §3 */
function readServerName(entries: RouteEntries, { report }: Around): string | null | undefined {
  const text = readText(entries, 'tls_server_name', report)
  const at = entries.get('tls_server_name')?.value.at
  if (typeof text !== 'string' || at === undefined) return text
  const host = readAuthority(text)
  if (
    host === undefined ||
    host.port !== undefined ||
    isIP(host.name) !== 0 ||
    text.startsWith('[')
  ) {
    return report(at, '`tls_server_name` is a host name, as in `app.internal`')
  }
  return host.name
}

/** The certificate that the upstream is shown, with its key. */
function readClient(
  entries: RouteEntries,
  around: Around & { readonly readText: ReadFile },
): { readonly cert: string; readonly key: string } | null | undefined {
  const { report } = around
  const cert = readNamedFile(entries, 'tls_client_cert_file', around)
  const key = readNamedFile(entries, 'tls_client_key_file', around)
  const certEntry = entries.get('tls_client_cert_file')
  const keyEntry = entries.get('tls_client_key_file')
  const one = certEntry ?? keyEntry
  if (one === undefined) return null
  if (certEntry === undefined || keyEntry === undefined) {
    return report(one.keyAt, '`tls_client_cert_file` and `tls_client_key_file` stand together')
  }
  if (typeof cert !== 'string' || typeof key !== 'string') return undefined
  const certificate = attempt(() => new X509Certificate(cert))
  if (certificate === undefined) {
    return report(certEntry.value.at, '`tls_client_cert_file` holds no certificate in PEM')
  }
  const privateKey = attempt(() => createPrivateKey(key))
  if (privateKey === undefined) {
    return report(keyEntry.value.at, '`tls_client_key_file` holds no PEM key without passphrase')
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    return report(keyEntry.value.at, 'the key is not that of the certificate')
  }
  const refusal = refusalByTls(cert, key)
  if (refusal !== undefined) {
    return report(certEntry.value.at, `TLS does not take \`tls_client_cert_file\`: ${refusal}`)
  }
  return { cert, key }
}

/** OpenSSL has rules of its own, for the strength of keys and signatures among others. */
function refusalByTls(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key })
    return undefined
  } catch (cause) {
    const { reason, message } = cause as Error & { readonly reason?: string }
    return reason ?? message
  }
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}
