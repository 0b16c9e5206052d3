/** Probes of upstreams: does somebody answer there, is the certificate good, and is it not this gateway itself? */

import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import { ERRORS } from '../errors.ts'
import type { Route, UpstreamUrl } from '../policy/route.ts'
import { isLoopback } from '../support/loopback.ts'
import type { Finding, Probe, ProbeContext } from './probe.ts'
import { askUpstream, NoAnswer, type UpstreamAnswer } from './upstream-request.ts'

interface Upstream {
  readonly url: UpstreamUrl
  /** The first of the routes that lead there. */
  readonly route: Route
}

/** Asked at the same time. */
const AT_ONCE = 20
/** So many that answer are named one by one. */
const NAMED = 20
const SOON_MS = 14 * 24 * 3_600_000
/** Answered by a gateway, and by hardly anybody else. */
const OWN_PATH = '/.gatehouse/user'

export const probeUpstreams: Probe = async (context) => {
  const upstreams = [...distinct(context.snapshot.table.routes)]
  const findings: Finding[] = []
  for (let i = 0; i < upstreams.length; i += AT_ONCE) {
    const some = upstreams.slice(i, i + AT_ONCE).map((one) => probeUpstream(one, context))
    findings.push(...(await Promise.all(some)).flat())
  }
  const good = findings.filter(({ level }) => level === 'ok')
  if (good.length <= NAMED) return findings
  const rest = findings.filter(({ level }) => level !== 'ok')
  return [{ level: 'ok', what: `upstreams: ${good.length} answer` }, ...rest]
}

/** One for each place and way to reach it. */
function distinct(routes: readonly Route[]): Iterable<Upstream> {
  const found = new Map<string, Upstream>()
  for (const route of routes) {
    for (const url of route.to?.urls ?? []) {
      const key = JSON.stringify([url.origin, url.socketPath, url.h2c, route.tls])
      if (!found.has(key)) found.set(key, { url, route })
    }
  }
  return found.values()
}

async function probeUpstream(
  { url, route }: Upstream,
  context: ProbeContext,
): Promise<readonly Finding[]> {
  const name = `upstream ${nameOf(url)}`
  const at = route.at
  const loop = await leadsHere(url, context)
  if (loop !== undefined) {
    const advice = 'name the app itself in `to`, not the address under which people reach it'
    return [{ level: 'error', what: `${name}: ${loop}`, advice, at }]
  }
  const headers = { accept: 'application/json', 'user-agent': 'gatehouse-doctor' }
  let answer: UpstreamAnswer
  try {
    answer = await askUpstream(url, route.tls, { path: OWN_PATH, headers })
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    const what = `${name}: it cannot be reached: ${error.message}`
    return [{ level: 'error', what, advice: adviceFor(error.code), at }]
  }
  if (isOurs(answer.body)) {
    const what = `${name}: a Gatehouse answers there, so that requests may go in a circle`
    const advice = 'name the app itself in `to`, not the address under which people reach it'
    return [{ level: 'error', what, advice, at }]
  }
  return [
    { level: 'ok', what: `${name}: it answers${route.tls.skipVerify ? '' : tlsText(url)}` },
    ...certificateFindings(name, route, answer.certificateEnds, context.now()),
  ]
}

export function nameOf({ origin, socketPath }: UpstreamUrl): string {
  return socketPath === undefined ? origin : `unix:${socketPath}`
}

function tlsText({ scheme }: UpstreamUrl): string {
  return scheme === 'https' ? ', by a certificate that holds' : ''
}

function certificateFindings(
  name: string,
  { tls, at }: Route,
  ends: Date | undefined,
  now: number,
): readonly Finding[] {
  if (ends === undefined) return []
  if (tls.skipVerify) {
    const what = `${name}: its certificate is not verified, whoever stands between can read along`
    const advice =
      'give its authority as `tls_custom_ca_file`, its name as `tls_server_name`, and take `tls_skip_verify` out'
    return [{ level: 'warning', what, advice, at }]
  }
  const left = ends.getTime() - now
  if (left > SOON_MS) return []
  const days = Math.max(0, Math.floor(left / 86_400_000))
  const what = `${name}: its certificate runs out in ${days} days (${ends.toISOString().slice(0, 10)})`
  return [{ level: 'warning', what, advice: 'renew it; past that day requests fail with 502', at }]
}

/** Whether the address is one of our own listeners, running or not. */
async function leadsHere(
  { hostname, port, socketPath }: UpstreamUrl,
  { snapshot }: ProbeContext,
): Promise<string | undefined> {
  if (socketPath !== undefined) return undefined
  const { listen, adminListen, redirectListen } = snapshot
  const listeners = [
    ['`server.listen`', listen],
    ['`server.admin_listen`', adminListen],
    ['`server.redirect_listen`', redirectListen],
  ] as const
  const same = listeners.filter(([, one]) => one?.port === port && port !== 0)
  if (same.length === 0) return undefined
  const addresses = await lookup(hostname, { all: true }).catch(() => [])
  for (const [key, one] of same) {
    const host = one?.host ?? ''
    if (addresses.some(({ address }) => reaches(host, address))) {
      return `that is this gateway's own ${key}, so that requests would go in a circle`
    }
  }
  return undefined
}

/** Whether a listener on `host` takes connections to `address`. */
function reaches(host: string, address: string): boolean {
  if (host === address) return true
  if (isLoopback(host)) return isLoopback(address)
  const isAny = host === '0.0.0.0' || host === '::'
  return isAny && (isLoopback(address) || isOwnAddress(address))
}

function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((all) =>
    all?.some((one) => one.address === address),
  )
}

/** An error as we write it: a code of ours with a request id. */
function isOurs(body: string): boolean {
  try {
    const { error, request_id: id } = JSON.parse(body) as Readonly<Record<string, unknown>>
    return typeof error === 'string' && Object.hasOwn(ERRORS, error) && typeof id === 'string'
  } catch {
    return false
  }
}

function adviceFor(code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'start the app, or mend host and port in `to`; nobody listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'mend the host in `to`: this machine does not find the name'
    case 'ENOENT':
    case 'EACCES':
      return 'mend the path of the socket in `to`, and let this user open it'
    case 'CERT_HAS_EXPIRED':
      return "renew the app's certificate"
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'write the name of its certificate as `tls_server_name`, or have one made for this name'
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'give the authority of its certificate as `tls_custom_ca_file`'
    default:
      return 'mend the network, or host, port and scheme in `to`'
  }
}
