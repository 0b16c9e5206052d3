/** Probes of directories: are our credentials valid, what may they read, and how far does the rate limit reach? */

import type { DirectoryConfig } from '../config/schema-directory.ts'
import { DirectoryFailure } from '../identity/directory/directory.ts'
import { type OktaAnswer, type OktaFetch, readOkta } from '../identity/directory/okta-answer.ts'
import { createOktaFetch } from '../identity/directory/open-directory.ts'
import type { Finding, Probe, ProbeContext } from './probe.ts'

export const probeDirectories: Probe = async (context) => {
  const findings: Finding[] = []
  for (const [name, { directory }] of Object.entries(context.snapshot.config.providers)) {
    if (directory !== undefined) findings.push(...(await probeDirectory(name, directory, context)))
  }
  return findings
}

async function probeDirectory(
  name: string,
  config: DirectoryConfig,
  { fetchOf, now }: ProbeContext,
): Promise<readonly Finding[]> {
  const fetch = createOktaFetch(config, { fetch: fetchOf(name), now })
  const origin = new URL(config.url).origin
  const users = await ask(fetch, `${origin}/api/v1/users?limit=1`)
  if (typeof users === 'string') return [unreachable(name, users)]
  if (users.status !== 200) return [refusal(name, config, users)]
  const found: Finding[] = [
    { level: 'ok', what: `directory of ${name}: ${credentials(config)} valid, and may read users` },
  ]
  const id = users.firstId()
  const groups = await ask(fetch, `${origin}/api/v1/users/${encodeURIComponent(id ?? 'me')}/groups`)
  if (typeof groups === 'string') return [...found, unreachable(name, groups)]
  if (groups.status !== 200) return [...found, refusal(name, config, groups)]
  const unusable = whyUnusable(groups)
  if (unusable !== undefined) return [unreachable(name, unusable)]
  return [
    ...found,
    { level: 'ok', what: `directory of ${name}: it may read the groups of people` },
    windowFinding(name, config, groups),
  ]
}

async function ask(fetch: OktaFetch, url: string): Promise<OktaAnswer | string> {
  try {
    return await readOkta(fetch, url)
  } catch (error) {
    if (error instanceof DirectoryFailure) return error.message
    throw error
  }
}

function whyUnusable(answer: OktaAnswer): string | undefined {
  try {
    answer.groups()
    return undefined
  } catch (error) {
    return error instanceof DirectoryFailure ? error.message : String(error)
  }
}

function credentials({ service_app: app }: DirectoryConfig): string {
  return app === undefined ? 'the API token is' : 'the token of the service app is'
}

function unreachable(name: string, why: string): Finding {
  return {
    level: 'error',
    what: `directory of ${name}: ${why}`,
    advice:
      "`directory.url` is the organisation's origin, and its credentials must be those of that organisation",
    where: `providers.${name}.directory.url`,
  }
}

function refusal(name: string, config: DirectoryConfig, answer: OktaAnswer): Finding {
  const { code, summary } = answer.error()
  const told = [`HTTP ${answer.status}`, code, summary].filter((part) => part !== undefined)
  const what = `directory of ${name}: ${told.join(' ')}`
  const where = `providers.${name}.directory`
  if (answer.status === 429) {
    const advice = 'the rate limit of the organisation is used up; try again in a minute'
    return { level: 'error', what, advice, where }
  }
  if (config.service_app !== undefined) {
    const advice =
      'grant the service app okta.users.read and okta.groups.read, assign it the role "Read-only Administrator", and let `dpop` be what its "Require DPoP" says'
    return { level: 'error', what, advice, where: `${where}.service_app` }
  }
  const advice =
    answer.status === 401
      ? 'make a new API token as a read-only admin under Security > API > Tokens: this one was revoked, was unused for 30 days, or its admin is gone'
      : 'make the API token as an admin who may read users and groups'
  return { level: 'error', what, advice, where: `${where}.api_token` }
}

/** How many people can be kept as fresh as `refresh` says, two calls for each. */
function windowFinding(name: string, config: DirectoryConfig, { headers }: OktaAnswer): Finding {
  const limit = Number(headers.get('x-rate-limit-limit') ?? Number.NaN)
  if (!Number.isInteger(limit)) {
    return { level: 'warning', what: `directory of ${name}: it tells no rate limit` }
  }
  const share = Math.max(1, Math.floor((limit * config.rate_limit_share) / 100))
  const minutes = config.refresh / 60_000
  const people = Math.floor(share * minutes)
  return {
    level: 'ok',
    what: `directory of ${name}: Okta admits ${limit} such calls a minute; with ${config.rate_limit_share} percent of them ${people} people at a time are asked about every ${minutes} minutes, more of them less often`,
  }
}
