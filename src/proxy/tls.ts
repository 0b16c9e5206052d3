/** The listener's certificates: chosen by SNI, swapped when their files change, and held against the Host header. */

import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Secret } from '../support/secret.ts'

export interface CertificatePem {
  readonly cert: string
  readonly key: Secret
}

/** What `server.tls` and `server.client_ca` name, as it was read. */
export interface TlsMaterial {
  readonly pairs: readonly CertificatePem[]
  /** PEM of one or more authorities; `undefined`: clients are not asked for certificates. */
  readonly clientCa: string | undefined
}

interface Certificate {
  readonly x509: X509Certificate
  readonly context: SecureContext
}

interface InForce {
  readonly material: TlsMaterial
  readonly certificates: readonly Certificate[]
  readonly clientCas: readonly X509Certificate[]
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
  byDefault(): { cert?: string; key?: string; ca?: string }
  /** Who vouches for clients now; empty: they are not asked for certificates. */
  clientCas(): readonly X509Certificate[]
  onReplace(listener: () => void): void
  /** Throws where one cannot be read. New connections get these once what is returned is called, which cannot fail. */
  prepare(material: TlsMaterial): () => void
}

export function createCertificates(material: TlsMaterial): Certificates {
  let inForce = read(material)
  const listeners: (() => void)[] = []
  const choose = (servername: string): Certificate | undefined =>
    inForce.certificates.find(({ x509 }) => x509.checkHost(servername) !== undefined) ??
    inForce.certificates[0]
  return {
    sniCallback: (servername, done) => done(null, choose(servername)?.context),
    shownFor: (servername) => choose(servername || '')?.x509,
    byDefault: () => {
      const { pairs, clientCa } = inForce.material
      const [pair] = pairs
      return pair === undefined ? {} : contextOptions(pair, clientCa)
    },
    clientCas: () => inForce.clientCas,
    onReplace: (listener) => {
      listeners.push(listener)
    },
    prepare: (next) => {
      // Sessions are resumed by keys that belong to what is in force: it is replaced only where it changes.
      if (isSame(next, inForce.material)) return () => undefined
      const made = read(next)
      return () => {
        inForce = made
        for (const listener of listeners) listener()
      }
    },
  }
}

function read(material: TlsMaterial): InForce {
  const { pairs, clientCa } = material
  return {
    material,
    certificates: pairs.map((pair) => ({
      x509: new X509Certificate(pair.cert),
      context: createSecureContext(contextOptions(pair, clientCa)),
    })),
    clientCas: readCertificates(clientCa ?? ''),
  }
}

function contextOptions({ cert, key }: CertificatePem, clientCa: string | undefined) {
  return { cert, key: key.reveal(), ...(clientCa === undefined ? {} : { ca: clientCa }) }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const text = ({ pairs, clientCa }: TlsMaterial) =>
    JSON.stringify([clientCa, ...pairs.map(({ cert, key }) => [cert, key.reveal()])])
  return text(one) === text(other)
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function readCertificates(pem: string): readonly X509Certificate[] {
  return [...pem.matchAll(PEM_CERTIFICATE)].map(([text]) => new X509Certificate(text))
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
