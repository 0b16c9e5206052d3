/** Certificates from the Secrets that Ingresses name, each for the hosts that its Ingress has, and for no others. */

import type { CertificateOffer } from '../policy/offer.ts'
import { type KeyPair, readKeyPair } from '../support/key-pair.ts'
import type { Clock } from '../support/time.ts'
import { readHost } from './claims.ts'
import type { IngressObject, SecretObject } from './objects.ts'
import { covers } from './ownership.ts'

/** `unknown`: it has not been read yet. `beyond`: it is not read, since its namespace names too many. */
export type FoundSecret = SecretObject | 'missing' | 'unknown' | 'beyond'

export interface CertificateParts {
  readonly secret: (namespace: string, name: string) => FoundSecret
  readonly now: Clock
}

export interface IngressCertificates {
  readonly offers: readonly CertificateOffer[]
  readonly problems: readonly string[]
}

/** Each certificate is read and held against each host, at each change of the cluster. */
const MOST_TLS = 100

/** @param hosts that `ingress` has */
export function certificatesOf(
  ingress: IngressObject,
  hosts: ReadonlySet<string>,
  parts: CertificateParts,
): IngressCertificates {
  const offers: CertificateOffer[] = []
  const problems: string[] = []
  if (ingress.tls.length > MOST_TLS) {
    problems.push(`of its ${ingress.tls.length} entries in \`tls\` the first ${MOST_TLS} count`)
  }
  for (const { hosts: written, secretName } of ingress.tls.slice(0, MOST_TLS)) {
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

const known = new WeakMap<SecretObject, KeyPair>()

/** All Ingresses are looked at with each change of the cluster, and reading a pair costs as much as a handshake. */
function readOnce(secret: SecretObject, cert: string, key: string): KeyPair {
  const pair = known.get(secret) ?? readKeyPair(cert, key)
  known.set(secret, pair)
  return pair
}

function readCertificate(
  secret: SecretObject | 'missing' | 'beyond',
  name: string,
  hosts: readonly string[],
  now: Clock,
): IngressCertificates {
  const no = (problem: string) => ({ offers: [], problems: [problem] })
  if (secret === 'missing') return no(`there is no Secret \`${name}\`, or it may not be read`)
  if (secret === 'beyond') {
    return no(
      `the Secret \`${name}\` is not read: the older Ingresses of its namespace name ${MOST_SECRETS} already`,
    )
  }
  const { cert, key } = secret
  if (cert === undefined || key === undefined) {
    return no(`the Secret \`${name}\` lacks \`tls.crt\` or \`tls.key\``)
  }
  const { certificate, wrong } = readOnce(secret, cert, key)
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

/** Each is a connection to the API server, and an Ingress can name thousands. In one namespace. */
export const MOST_SECRETS = 200

/** The Secrets that these Ingresses name, as `namespace/name`; of each namespace no more than may be followed. */
export function secretsOf(ingresses: readonly IngressObject[]): ReadonlySet<string> {
  const byNamespace = new Map<string, Set<string>>()
  for (const { namespace, tls } of ingresses) {
    const named = byNamespace.get(namespace) ?? new Set<string>()
    byNamespace.set(namespace, named)
    for (const { secretName } of tls.slice(0, MOST_TLS)) {
      if (secretName !== '' && named.size < MOST_SECRETS) named.add(`${namespace}/${secretName}`)
    }
  }
  return new Set([...byNamespace.values()].flatMap((keys) => [...keys]))
}
