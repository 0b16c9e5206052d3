/** The listener's certificates: chosen by SNI, swapped when their files change, and held against the Host header. */

import { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import type { Secret } from '../support/secret.ts'

export interface CertificatePem {
  readonly cert: string
  readonly key: Secret
  /** It is shown for these hosts alone, whatever it names; left out: for all that it names. */
  readonly hosts?: readonly string[]
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
  /** By the text of their pair. */
  readonly known: ReadonlyMap<string, Certificate>
  /** Those of the config, for all that they name. */
  readonly certificates: readonly Certificate[]
  /** Those that are for certain hosts, by host: a thousand of them cost a handshake no more than one. */
  readonly byHost: ReadonlyMap<string, Certificate>
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
  const choose = (servername: string): Certificate | undefined => {
    const { certificates, byHost } = inForce
    const named = certificates.find(({ x509 }) => x509.checkHost(servername) !== undefined)
    if (named !== undefined || byHost.size === 0) return named ?? certificates[0]
    const name = servername.toLowerCase()
    const wildcard = `*${name.slice(name.indexOf('.'))}`
    return byHost.get(name) ?? byHost.get(wildcard) ?? certificates[0]
  }
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
      const made = read(next, inForce)
      return () => {
        inForce = made
        for (const listener of listeners) listener()
      }
    },
  }
}

/** @param previous whose contexts are taken over where nothing of them changes: each costs as much as a handshake */
function read(material: TlsMaterial, previous?: InForce): InForce {
  const { pairs, clientCa } = material
  const kept = previous?.material.clientCa === clientCa ? previous?.known : undefined
  const known = new Map<string, Certificate>()
  const certificates: Certificate[] = []
  const byHost = new Map<string, Certificate>()
  for (const pair of pairs) {
    const text = `${pair.cert}\n${pair.key.reveal()}`
    const certificate = known.get(text) ??
      kept?.get(text) ?? {
        x509: new X509Certificate(pair.cert),
        context: createSecureContext(contextOptions(pair, clientCa)),
      }
    known.set(text, certificate)
    if (pair.hosts === undefined) certificates.push(certificate)
    for (const host of pair.hosts ?? []) {
      if (!byHost.has(host)) byHost.set(host, certificate)
    }
  }
  return { material, known, certificates, byHost, clientCas: readCertificates(clientCa ?? '') }
}

function contextOptions({ cert, key }: CertificatePem, clientCa: string | undefined) {
  return { cert, key: key.reveal(), ...(clientCa === undefined ? {} : { ca: clientCa }) }
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const text = ({ pairs, clientCa }: TlsMaterial) =>
    JSON.stringify([clientCa, ...pairs.map(({ cert, key, hosts }) => [cert, key.reveal(), hosts])])
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
