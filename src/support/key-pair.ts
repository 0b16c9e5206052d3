/** A certificate and its private key in PEM, held against each other. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'

export interface KeyPair {
  /** Only where nothing is wrong. */
  readonly certificate: X509Certificate | undefined
  /** Which part cannot be read; `pair` where the two do not belong together. */
  readonly wrong: readonly ('certificate' | 'key' | 'pair')[]
}

export function readKeyPair(cert: string, key: string): KeyPair {
  const certificate = parsed(() => new X509Certificate(cert))
  const privateKey = parsed(() => createPrivateKey(key))
  if (certificate === undefined || privateKey === undefined) {
    return {
      certificate: undefined,
      wrong: [
        ...(certificate === undefined ? (['certificate'] as const) : []),
        ...(privateKey === undefined ? (['key'] as const) : []),
      ],
    }
  }
  return fits(certificate, privateKey, cert, key)
    ? { certificate, wrong: [] }
    : { certificate: undefined, wrong: ['pair'] }
}

function fits(certificate: X509Certificate, privateKey: KeyObject, cert: string, key: string) {
  if (!certificate.checkPrivateKey(privateKey)) return false
  return parsed(() => createSecureContext({ cert, key })) !== undefined
}

/** What `parse` returns, or `undefined` where it throws. */
function parsed<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
