/** Probes of identity providers: can they be found, are they whom the config names, and would a sign-in come about? */

import type { ProviderConfig } from '../config/schema-provider.ts'
import { scopesOf } from '../identity/provider/authorization-request.ts'
import { ProviderFailure } from '../identity/provider/provider.ts'
import { checkMetadata, type ProviderMetadata } from '../identity/provider/provider-metadata.ts'
import { probeClaims } from './claims-probe.ts'
import { type Finding, type Probe, type ProbeContext, readJson, tryFetch } from './probe.ts'
import { probeCredentials, probeRedirect } from './sign-in-probe.ts'

/** One provider that has been found. */
export interface FoundProvider {
  readonly name: string
  readonly config: ProviderConfig
  readonly metadata: ProviderMetadata
  readonly scopes: readonly string[]
}

/** ID tokens are taken with so much between the clocks. */
const TOLERATED_SKEW_MS = 30_000
const NOTED_SKEW_MS = 10_000

export const probeProviders: Probe = async (context) => {
  const findings: Finding[] = []
  for (const [name, config] of Object.entries(context.snapshot.config.providers)) {
    findings.push(...(await probeProvider(name, config, context)))
  }
  return findings
}

async function probeProvider(
  name: string,
  config: ProviderConfig,
  context: ProbeContext,
): Promise<readonly Finding[]> {
  const where = `providers.${name}.issuer`
  const fetch = context.fetchOf(name)
  const url = `${config.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const answer = await tryFetch(fetch, url)
  if (typeof answer === 'string') {
    const advice =
      'mend the network or `issuer`; `HTTPS_PROXY` and `ca_file` are for what lies between'
    return [{ level: 'error', what: `provider ${name}: ${answer}`, advice, where }]
  }
  const skew = skewOf(answer, context.now())
  const stated = await readJson(answer)
  if (answer.status !== 200 || stated === undefined) {
    const what = `provider ${name}: ${url} answers HTTP ${answer.status}, and no metadata`
    const advice =
      'set `issuer` to what the provider calls its issuer: of Okta the organisation (`https://acme.okta.com`) or a custom server (`.../oauth2/default`)'
    return [{ level: 'error', what, advice, where }]
  }
  const metadata = read(stated, config)
  if (typeof metadata === 'string') {
    const advice =
      'write `issuer` exactly as the provider states it; at Okta, the app\'s "Issuer" setting may have to be "Okta URL" instead of "Dynamic"'
    return [{ level: 'error', what: `provider ${name}: ${metadata}`, advice, where }]
  }
  const found = { name, config, metadata, scopes: scopesOf(config, metadata) }
  return [
    { level: 'ok', what: `provider ${name}: found; ${issuerKind(metadata)}` },
    ...skewFindings(name, skew),
    ...scopeFindings(found),
    ...(await probeRedirect(found, context)),
    {
      level: 'ok',
      what: `provider ${name}: to hand out as sign-in address: ${context.snapshot.config.server.public_url}/.gatehouse/login/${name}`,
    },
    ...(await probeCredentials(found, context)),
    ...probeClaims(found, context),
  ]
}

function read(
  stated: Readonly<Record<string, unknown>>,
  config: ProviderConfig,
): ProviderMetadata | string {
  try {
    return checkMetadata(stated, config.issuer, config.allow_http)
  } catch (error) {
    if (error instanceof ProviderFailure) return error.message
    throw error
  }
}

/** Whose authorization server it is; Okta's are told apart by where they have their keys. */
export function issuerKind({ issuer, jwks_uri: keys }: ProviderMetadata): string {
  const { origin } = new URL(issuer)
  if (keys === `${origin}/oauth2/v1/keys`) return "Okta's own server of the organisation"
  const [, id] = /\/oauth2\/([^/]+)\/v1\/keys$/.exec(keys) ?? []
  if (id === undefined) return 'an OpenID Connect provider'
  return `Okta's custom server \`${id}\`, which needs an access policy for this app`
}

function skewOf(response: Response, now: number): number | undefined {
  const date = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(date) ? undefined : now - date
}

function skewFindings(name: string, skewMs: number | undefined): readonly Finding[] {
  if (skewMs === undefined) return []
  const seconds = Math.round(Math.abs(skewMs) / 1_000)
  const what = `provider ${name}: the clock here is ${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the provider's`
  const advice = 'have the clock of this machine set by NTP; tokens are refused beyond 30 s'
  if (Math.abs(skewMs) > TOLERATED_SKEW_MS) return [{ level: 'error', what, advice }]
  if (Math.abs(skewMs) > NOTED_SKEW_MS) return [{ level: 'warning', what, advice }]
  return [{ level: 'ok', what: `provider ${name}: the clocks agree` }]
}

function scopeFindings({ name, metadata, scopes }: FoundProvider): readonly Finding[] {
  const where = `providers.${name}.scopes`
  const findings: Finding[] = []
  if (!scopes.includes('openid')) {
    const what = `provider ${name}: \`scopes\` lacks \`openid\`, without which there is no sign-in`
    findings.push({ level: 'error', what, advice: 'add `openid`', where })
  }
  const listed = metadata.scopes_supported
  const unlisted = listed === undefined ? [] : scopes.filter((scope) => !listed.includes(scope))
  if (unlisted.length > 0) {
    const what = `provider ${name}: its metadata does not list the scopes ${unlisted.join(', ')}`
    const advice =
      'that is right for private scopes; otherwise Okta refuses the sign-in as `invalid_scope`: leave them out, or make them'
    findings.push({ level: 'warning', what, advice, where })
  }
  if (!scopes.includes('offline_access')) {
    const what = `provider ${name}: \`offline_access\` is not asked for, so a session is not checked again at the provider until it ends`
    const advice = 'add it to `scopes`, and tick the grant "Refresh Token" of the app'
    findings.push({ level: 'warning', what, advice, where })
  }
  return findings
}
