/** Certificates from the Secrets that Ingresses name, each for the hosts that its Ingress has, and for no others. */

import type { CertificateOffer } from '../policy/offer.ts'
import { readKeyPair } from '../support/key-pair.ts'
import type { Clock } from '../support/time.ts'
import { readHost } from './claims.ts'
import type { IngressObject, SecretObject } from './objects.ts'
import { covers } from './ownership.ts'

/** `unknown`: it has not been read yet. */
export type FoundSecret = SecretObject | 'missing' | 'unknown'

export interface CertificateParts {
  readonly secret: (namespace: string, name: string) => FoundSecret
  readonly now: Clock
}

export interface IngressCertificates {
  readonly offers: readonly CertificateOffer[]
  readonly problems: readonly string[]
}

/** @param hosts that `ingress` has */
export function certificatesOf(
  ingress: IngressObject,
  hosts: ReadonlySet<string>,
  parts: CertificateParts,
): IngressCertificates {
  const offers: CertificateOffer[] = []
  const problems: string[] = []
  for (const { hosts: written, secretName } of ingress.tls) {
    // Without a name the certificate is whoever's ends TLS by default.
    if (secretName === '') continue
    const named = written.map((host) => readHost(host) ?? '')
    const meant = [...hosts].filter(
      (host) => named.length === 0 || named.some((pattern) => covers(pattern, host)),
    )
    if (meant.length === 0) continue
    const found = parts.secret(ingress.namespace, secretName)
    if (found === 'unknown') continue
    const read = readCertificate(found, secretName, meant, parts.now)
    problems.push(...read.problems)
    offers.push(...read.offers)
  }
  return { offers, problems }
}

function readCertificate(
  secret: SecretObject | 'missing',
  name: string,
  hosts: readonly string[],
  now: Clock,
): IngressCertificates {
  const no = (problem: string) => ({ offers: [], problems: [problem] })
  if (secret === 'missing') return no(`there is no Secret \`${name}\`, or it may not be read`)
  const { cert, key } = secret
  if (cert === undefined || key === undefined) {
    return no(`the Secret \`${name}\` lacks \`tls.crt\` or \`tls.key\``)
  }
  const { certificate, wrong } = readKeyPair(cert, key)
  if (certificate === undefined) {
    return no(
      wrong.includes('pair')
        ? `in the Secret \`${name}\` the key is not that of the certificate`
        : `in the Secret \`${name}\` the ${wrong.join(' and the ')} cannot be read: they are PEM, the key without passphrase`,
    )
  }
  const problems: string[] = []
  const fitting = hosts.filter(
    (host) => certificate.checkHost(host.replace(/^\*\./, 'any.')) !== undefined,
  )
  for (const host of hosts) {
    if (!fitting.includes(host)) {
      problems.push(`the certificate in the Secret \`${name}\` is not for \`${host}\``)
    }
  }
  if (certificate.validToDate.getTime() <= now()) {
    problems.push(`the certificate in the Secret \`${name}\` has expired`)
  }
  return { offers: fitting.length === 0 ? [] : [{ cert, key, hosts: fitting }], problems }
}

/** The Secrets that an Ingress names, as `namespace/name`. */
export function secretsOf({ namespace, tls }: IngressObject): readonly string[] {
  return tls
    .filter(({ secretName }) => secretName !== '')
    .map(({ secretName }) => `${namespace}/${secretName}`)
}
