/** Probes of `server.tls`: do the certificates last, are their chains whole, and do they cover the hosts of all routes? */

import { X509Certificate } from 'node:crypto'
import type { TlsKeyPair } from '../config/snapshot.ts'
import type { Finding, Probe } from './probe.ts'

const DAY_MS = 24 * 3_600_000
const SOON_MS = 21 * DAY_MS
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** That a key fits its certificate was seen when the config was loaded. */
export const probeTls: Probe = async ({ snapshot, now }) => {
  const { tls, config, table } = snapshot
  if (tls.length === 0) return []
  const chains = tls.map(chainOf)
  const findings = chains.flatMap((chain, i) => probeChain(chain, i, now()))
  const publicHost = new URL(config.server.public_url).hostname
  const hosts = new Set([publicHost, ...table.routes.map(({ origin }) => hostOf(origin))])
  const leaves = chains.flatMap(([leaf]) => leaf ?? [])
  for (const host of hosts) {
    if (leaves.some((leaf) => covers(leaf, host))) continue
    findings.push({
      level: 'error',
      what: `server.tls: no certificate covers ${host}: browsers refuse it, and the answer is 421`,
      advice: 'have one made for that name, or for its wildcard, and add it to `server.tls`',
      where: 'server.tls',
    })
  }
  return findings
}

function chainOf({ cert }: TlsKeyPair): readonly X509Certificate[] {
  return (cert.match(PEM) ?? []).map((pem) => new X509Certificate(pem))
}

function probeChain(
  chain: readonly X509Certificate[],
  index: number,
  now: number,
): readonly Finding[] {
  const [leaf] = chain
  if (leaf === undefined) return []
  const where = `server.tls[${index}].cert`
  const names = leaf.subjectAltName?.replaceAll('DNS:', '') ?? leaf.subject
  const ends = new Date(Math.min(...chain.map((one) => one.validToDate.getTime())))
  const left = ends.getTime() - now
  const day = ends.toISOString().slice(0, 10)
  const findings: Finding[] = []
  if (left <= 0) {
    const what = `server.tls: the certificate for ${names} has run out on ${day}`
    findings.push({ level: 'error', what, advice: RENEW, where })
  } else if (leaf.validFromDate.getTime() > now) {
    const what = `server.tls: the certificate for ${names} is not valid before ${leaf.validFrom}`
    findings.push({ level: 'error', what, advice: 'look at the clock of this machine', where })
  } else if (left < SOON_MS) {
    const what = `server.tls: the certificate for ${names} runs out in ${Math.floor(left / DAY_MS)} days, on ${day}`
    findings.push({ level: 'warning', what, advice: RENEW, where })
  } else {
    findings.push({ level: 'ok', what: `server.tls: ${names}, good until ${day}` })
  }
  return [...findings, ...linkFindings(chain, names, where)]
}

const RENEW = 'renew it; the files are read again when they change, without a restart'

/** Each must be signed by the next. What a browser needs besides its own authorities has to be in the file. */
function linkFindings(
  chain: readonly X509Certificate[],
  names: string,
  where: string,
): readonly Finding[] {
  const broken = chain.findIndex((one, i) => {
    const issuer = chain[i + 1]
    return issuer !== undefined && !(one.checkIssued(issuer) && one.verify(issuer.publicKey))
  })
  if (broken !== -1) {
    const what = `server.tls: in the chain for ${names} certificate ${broken + 1} is not signed by the one after it`
    const advice = 'write the certificate first, then each one with its issuer after it'
    return [{ level: 'error', what, advice, where }]
  }
  const [leaf] = chain
  const isSelfSigned = leaf?.checkIssued(leaf) === true
  if (isSelfSigned) {
    const what = `server.tls: the certificate for ${names} is signed by itself: browsers warn of it`
    return [{ level: 'warning', what, advice: 'have it made by an authority', where }]
  }
  if (chain.length > 1) return []
  const what = `server.tls: the file for ${names} has no chain: clients that do not know its issuer refuse it`
  const advice =
    'append the intermediate certificates that came with it, unless a root has issued it'
  return [{ level: 'warning', what, advice, where }]
}

function hostOf(origin: string): string {
  return origin.replace(/^[a-z]+:\/\//, '').replace(/:\d+$/, '')
}

/** A wildcard of a route needs the same wildcard in a certificate. */
function covers(certificate: X509Certificate, host: string): boolean {
  if (!host.startsWith('*.')) return certificate.checkHost(host) !== undefined
  return (certificate.subjectAltName ?? '').toLowerCase().split(', ').includes(`dns:${host}`)
}
