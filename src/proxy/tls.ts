/** The listener's certificates: chosen by SNI, swapped when their files change, and held against the Host header. */

import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Secret } from '../support/secret.ts'

export interface CertificatePem {
  readonly cert: string
  readonly key: Secret
}

interface Certificate {
  readonly pem: CertificatePem
  readonly x509: X509Certificate
  readonly context: SecureContext
}

export interface Certificates {
  /** For `tls.createServer`. Without a fitting name the first certificate is shown, as servers do. */
  readonly sniCallback: (
    servername: string,
    done: (error: Error | null, context?: SecureContext) => void,
  ) => void
  /** The certificate that a connection for `servername` is shown. */
  shownFor(servername: string | false | null | undefined): X509Certificate | undefined
  /** For clients that send no name: what `setSecureContext` takes. */
  byDefault(): { cert?: string; key?: string }
  onReplace(listener: () => void): void
  /** Throws where one cannot be read. New connections get these once what is returned is called, which cannot fail. */
  prepare(pems: readonly CertificatePem[]): () => void
}

export function createCertificates(pems: readonly CertificatePem[]): Certificates {
  let certificates = pems.map(readCertificate)
  const listeners: (() => void)[] = []
  const choose = (servername: string): Certificate | undefined =>
    certificates.find(({ x509 }) => x509.checkHost(servername) !== undefined) ?? certificates[0]
  return {
    sniCallback: (servername, done) => done(null, choose(servername)?.context),
    shownFor: (servername) => choose(servername || '')?.x509,
    byDefault: () => {
      const pem = certificates[0]?.pem
      return pem === undefined ? {} : { cert: pem.cert, key: pem.key.reveal() }
    },
    onReplace: (listener) => {
      listeners.push(listener)
    },
    prepare: (pems) => {
      const next = pems.map(readCertificate)
      return () => {
        certificates = next
        for (const listener of listeners) listener()
      }
    },
  }
}

function readCertificate(pem: CertificatePem): Certificate {
  const { cert } = pem
  const key = pem.key.reveal()
  return { pem, x509: new X509Certificate(cert), context: createSecureContext({ cert, key }) }
}

const SHOWN: unique symbol = Symbol('certificate shown')
interface ShownCertificate {
  readonly x509: X509Certificate
  readonly covered: Map<string, boolean>
}
type SocketWithCertificate = Socket & { [SHOWN]?: ShownCertificate }

/** Remembers on a new connection which certificate it was shown, for `hostIsCovered`. */
export function rememberCertificate(
  socket: TLSSocket & SocketWithCertificate,
  certificates: Certificates,
): void {
  const x509 = certificates.shownFor(socket.servername)
  if (x509 !== undefined) socket[SHOWN] = { x509, covered: new Map() }
}

/**
 * Whether the certificate of this connection is for `host`. A browser that reuses a connection for another name would
 * else get an answer under a certificate, and a client-certificate check, that was never meant for it. RFC 9110 §7.4
 */
export function hostIsCovered(socket: Socket, host: string): boolean {
  if (!(socket instanceof TLSSocket)) return true
  const chosen = (socket as SocketWithCertificate)[SHOWN]
  if (chosen === undefined) return true
  let covered = chosen.covered.get(host)
  if (covered === undefined) {
    covered = covers(chosen.x509, host)
    // One client may ask for many names on one connection; few are real.
    if (chosen.covered.size < 100) chosen.covered.set(host, covered)
  }
  return covered
}

function covers(x509: X509Certificate, host: string): boolean {
  const address = host.replace(/^\[|\]$/g, '')
  return (isIP(address) === 0 ? x509.checkHost(host) : x509.checkIP(address)) !== undefined
}
