/**
 * Who a client says it is by a certificate. Clients are asked for one, which they need not have, and it is believed only
 * where an authority of `server.client_ca` vouches for it, and while it is valid.
 */

import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '../policy/model.ts'
import type { EpochMs } from '../support/time.ts'
import type { Certificates } from './tls.ts'

const CLIENT: unique symbol = Symbol('client certificate')
type SocketOfClient = Socket & { [CLIENT]?: Verified }

interface Verified {
  readonly x509: X509Certificate
  readonly facts: ClientCertificate
  readonly validFrom: EpochMs
  readonly validTo: EpochMs
  readonly certificates: Certificates
  /** Those whom it was last held against, and what came out. */
  against: readonly X509Certificate[]
  holds: boolean
}

/** Notes on a new connection the certificate that its client has shown, if it was asked for and holds. */
export function rememberClient(
  socket: TLSSocket & SocketOfClient,
  certificates: Certificates,
): void {
  const against = certificates.clientCas()
  // A resumed session of TLS 1.3 is authorized also where its client never had a certificate.
  if (against.length === 0 || !socket.authorized) return
  const x509 = socket.getPeerX509Certificate()
  if (x509 === undefined) return
  socket[CLIENT] = {
    x509,
    facts: factsOf(x509),
    validFrom: x509.validFromDate.getTime(),
    validTo: x509.validToDate.getTime(),
    certificates,
    against,
    holds: true,
  }
}

/** The certificate by which the client of this connection is known now. */
export function clientCertificate(
  socket: SocketOfClient,
  now: EpochMs,
): ClientCertificate | undefined {
  const client = socket[CLIENT]
  if (client === undefined || now < client.validFrom || now > client.validTo) return undefined
  const authorities = client.certificates.clientCas()
  if (authorities !== client.against) {
    client.holds = isVouchedFor(client.x509, authorities)
    client.against = authorities
  }
  return client.holds ? client.facts : undefined
}

/** Of a connection that was opened before the authorities were others: does one of the new ones vouch for it too? */
function isVouchedFor(x509: X509Certificate, authorities: readonly X509Certificate[]): boolean {
  const isBy = (authority: X509Certificate) =>
    x509.fingerprint256 === authority.fingerprint256 ||
    (x509.checkIssued(authority) && x509.verify(authority.publicKey))
  return authorities.some(isBy)
}

function factsOf(x509: X509Certificate): ClientCertificate {
  const names = alternativeNames(x509.subjectAltName ?? '')
  return {
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
    sanEmail: names.filter(([kind]) => kind === 'email').map(([, value]) => value),
    sanDns: names.filter(([kind]) => kind === 'DNS').map(([, value]) => value),
  }
}

/** As Node writes them: `DNS:a.example, email:"with \u002c a comma"`; in quotes, as JSON, where one holds odd characters. */
const ALTERNATIVE_NAME = /(?:^|, )([^:",]+):(?:("(?:[^"\\]|\\.)*")|([^",]*))(?=, |$)/gy

function alternativeNames(text: string): readonly (readonly [kind: string, value: string])[] {
  return [...text.matchAll(ALTERNATIVE_NAME)].map(([, kind = '', quoted, plain = '']) => [
    kind,
    quoted === undefined ? plain : unquoted(quoted),
  ])
}

/** What cannot be read is a name that nobody has. */
function unquoted(text: string): string {
  try {
    return String(JSON.parse(text))
  } catch {
    return ''
  }
}
