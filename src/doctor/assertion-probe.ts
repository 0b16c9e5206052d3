/** `doctor --probe-assertion ROUTE`: does the app behind a route verify who is said to ask? It is asked, with good and bad proof. */

import { access } from 'node:fs/promises'
import type { Snapshot } from '../config/snapshot.ts'
import { GatehouseError } from '../errors.ts'
import { readSigningKey, type SigningKey } from '../identity/assertion.ts'
import { makeProbedAssertions, type ProbedAssertion } from '../identity/forged-assertions.ts'
import { loadSigningPems } from '../identity/signing-keys.ts'
import { openStore } from '../identity/store/open-store.ts'
import type { Route } from '../policy/route.ts'
import type { Finding, ProbeContext } from './probe.ts'
import { nameOf } from './upstream-probe.ts'
import { askUpstream, NoAnswer } from './upstream-request.ts'

/** Nobody's: an app that knows its people refuses this one. */
const SUBJECT = 'gatehouse-doctor'
const EMAIL = 'doctor@gatehouse.invalid'
const GUIDE = 'docs/verifying-the-assertion.md'

const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** The route of this name; a text says why there is none to ask. */
export function routeToProbe(snapshot: Snapshot, name: string): Route | string {
  const found = snapshot.table.routes.filter((route) => route.name === name)
  const [route] = found
  if (route === undefined) return `there is no route \`${name}\``
  if (found.length > 1)
    return `${found.length} routes are called \`${name}\`: give the one a \`name\``
  if (route.to === undefined) return `route \`${name}\` has no upstream`
  return route
}

/** @param path what to ask for; default the beginning of the route */
export async function probeAssertion(
  route: Route,
  path: string | undefined,
  context: ProbeContext,
): Promise<readonly Finding[]> {
  const key = await signingKeyOf(context)
  if ('level' in key) return [key]
  const { config } = context.snapshot
  const made = await makeProbedAssertions(
    key,
    { issuer: config.server.public_url, audience: route.origin, subject: SUBJECT },
    context.now(),
  )
  const name = `route ${route.name}`
  const target = path ?? frontOf(route)
  const ask = (assertion: ProbedAssertion) => askWith(assertion, route, target, context)
  const control = await ask(made.good)
  if (typeof control === 'string')
    return [{ level: 'error', what: `${name}: ${control}`, at: route.at }]
  if (control >= 400) return [refusesGood(name, target, control, route)]
  const findings: Finding[] = [
    { level: 'ok', what: `${name}: ${target} accepts an assertion that is good (HTTP ${control})` },
  ]
  for (const assertion of made.bad) {
    const status = await ask(assertion)
    findings.push(judge(name, assertion, status, route))
  }
  return findings
}

function judge(
  name: string,
  { what, value }: ProbedAssertion,
  status: number | string,
  { at }: Route,
): Finding {
  const shown =
    value === undefined ? 'a request whose assertion is missing' : `an assertion ${what}`
  if (typeof status === 'string')
    return { level: 'warning', what: `${name}: ${shown}: ${status}`, at }
  if (status >= 400) return { level: 'ok', what: `${name}: it refuses ${shown} (HTTP ${status})` }
  const advice = `verify signature, algorithm, issuer, audience and expiry of each request, as in ${GUIDE}`
  return { level: 'error', what: `${name}: it ACCEPTS ${shown} (HTTP ${status})`, advice, at }
}

function refusesGood(name: string, target: string, status: number, { at }: Route): Finding {
  return {
    level: 'error',
    what: `${name}: ${target} refuses even an assertion that is good (HTTP ${status}), so that nothing can be said of bad ones`,
    advice: `let the app fetch the keys from /.gatehouse/jwks.json of the running gateway, and let \`${SUBJECT}\` open that path; or name another one with --probe-path`,
    at,
  }
}

/** The status, or why there is none. */
async function askWith(
  { value }: ProbedAssertion,
  route: Route,
  path: string,
  { snapshot }: ProbeContext,
): Promise<number | string> {
  const url = route.to?.urls[0]
  if (url === undefined) return 'it has no upstream'
  try {
    const headers = headersFor(route, snapshot, value)
    const answer = await askUpstream(url, route.tls, { path: url.basePath + path, headers })
    return answer.status
  } catch (error) {
    if (error instanceof NoAnswer) return `${nameOf(url)} cannot be reached: ${error.message}`
    throw error
  }
}

/** What the gateway would send of a person, in all probes alike: only the assertion is another. */
function headersFor(
  route: Route,
  { config }: Snapshot,
  assertion: string | undefined,
): Record<string, string> {
  const person: Readonly<Record<string, string>> = {
    sub: SUBJECT,
    email: EMAIL,
    preferred_username: SUBJECT,
    name: SUBJECT,
  }
  const plain = Object.entries(config.identity_headers.headers).flatMap(([header, claim]) =>
    person[claim] === undefined ? [] : [[header, person[claim]] as const],
  )
  const host = route.preserveHostHeader ? new URL(route.origin).host : route.hostRewrite
  return {
    ...Object.fromEntries(plain),
    accept: '*/*',
    'user-agent': 'gatehouse-doctor',
    'x-forwarded-proto': new URL(route.origin).protocol.slice(0, -1),
    'x-forwarded-host': new URL(route.origin).host,
    ...(host === undefined ? {} : { host }),
    ...(assertion === undefined ? {} : { [config.identity_headers.assertion]: assertion }),
  }
}

function frontOf({ match: { path } }: Route): string {
  const front = path.kind === 'path' ? path.path : path.kind === 'prefix' ? path.prefix : '/'
  return front.split('/').map(encodeURIComponent).join('/')
}

/** The key by which the gateway signs, or a finding that there is none to be had. */
async function signingKeyOf({ snapshot, now }: ProbeContext): Promise<SigningKey | Finding> {
  const { store, signingKeys, sessionSecrets: secrets } = snapshot
  const configured = signingKeys.map((key) => key.reveal())
  const [first] = configured
  if (first !== undefined) return readSigningKey(first)
  const where = 'identity_headers.signing_key'
  const advice = 'start the gateway once, or set `identity_headers.signing_key`'
  const hasRun =
    store.kind === 'redis' ||
    (store.kind === 'sqlite' &&
      (await access(store.file).then(
        () => true,
        () => false,
      )))
  if (!hasRun) {
    const what = 'assertion: the key that the gateway signs with is not kept anywhere'
    return { level: 'error', what, advice, where }
  }
  const opened = await openStore(store, { now, log: SILENT })
  try {
    const [pem = ''] = await loadSigningPems({ configured, secrets, store: opened })
    return readSigningKey(pem)
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return { level: 'error', what: `assertion: ${error.message}`, advice, where }
  } finally {
    await opened.close()
  }
}
