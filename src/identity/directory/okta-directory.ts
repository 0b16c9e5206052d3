/**
 * Okta as a directory: the status of a person and their groups, by the management API. Reads only, follows pages on the same
 * origin only, and stays within its share of the rate limit.
 * @see Okta, "Users API" and "Rate limits"
 */

import { LRUCache } from 'lru-cache'
import { allGroups, MAX_GROUPS, UNKNOWN_GROUPS } from '../../policy/groups.ts'
import type { Group, Groups } from '../../policy/model.ts'
import { type Every, every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import { DirectoryFailure, type DirectorySource, NOBODY } from './directory.ts'
import { type OktaAnswer, type OktaFetch, readOkta } from './okta-answer.ts'
import { createRateWindow, type RateWindow } from './okta-window.ts'

/** How a question ended, for the metrics: a closed list. */
export type OktaResult = 'ok' | 'not_found' | 'rate_limited' | 'refused' | 'unavailable'

export interface OktaDirectoryOptions {
  /** The provider's name. */
  readonly provider: string
  /** `https://acme.okta.com`, without a slash at its end. */
  readonly origin: string
  /** Asks with credentials. */
  readonly fetch: OktaFetch
  /** Percent of each window that this process may use. */
  readonly sharePercent: number
  readonly now: Clock
  readonly every?: Every
  readonly random?: () => number
  readonly log: Log
  readonly onResult: (result: OktaResult) => void
  /** Counts calls of all replicas in a window; rejects where it cannot. */
  readonly countShared?: (window: string, seconds: number) => Promise<number>
  /** An API token dies after 30 days without use; a service app's never do. */
  readonly keepAlive: boolean
}

export interface OktaDirectory extends DirectorySource {
  /** Calls left in the narrower of the windows; undefined before the first answer. */
  remaining(): number | undefined
}

const MAX_PAGES = 50
const ENDED: ReadonlySet<string> = new Set(['SUSPENDED', 'DEPROVISIONED'])
/** Groups that many people share are held once. */
const MAX_KNOWN_GROUPS = 50_000
const KEEP_ALIVE_MS = 24 * 3_600_000
const KEEP_ALIVE_LOOK_MS = 3_600_000

export function createOktaDirectory(options: OktaDirectoryOptions): OktaDirectory {
  const { origin, now, log, random = Math.random } = options
  const window = () => createRateWindow({ sharePercent: options.sharePercent, now, random })
  // Okta limits the two calls apart.
  const windows = { user: window(), groups: window() }
  const known = new LRUCache<string, Group>({ max: MAX_KNOWN_GROUPS })
  let lastCallAt: EpochMs = now()

  async function call(url: string, which: keyof typeof windows): Promise<OktaAnswer> {
    const rate = windows[which]
    await reserve(options, rate, which)
    lastCallAt = now()
    let answer: OktaAnswer
    try {
      answer = await readOkta(options.fetch, url)
    } catch (error) {
      rate.heard(0, new Headers())
      options.onResult('unavailable')
      throw error
    }
    rate.heard(answer.status, answer.headers)
    const result = resultOf(answer.status)
    options.onResult(result)
    if (result === 'ok' || result === 'not_found') return answer
    throw failureOf(answer, result, options)
  }

  async function groupsOf(sub: string): Promise<Groups> {
    const groups: Group[] = []
    let next: string | undefined = `${userUrl(origin, sub)}/groups`
    for (let page = 0; next !== undefined && page < MAX_PAGES; page++) {
      const answer: OktaAnswer = await call(next, 'groups')
      for (const group of answer.groups()) groups.push(intern(group))
      if (groups.length > MAX_GROUPS) return UNKNOWN_GROUPS
      next = answer.nextPage(origin)
    }
    return next === undefined ? allGroups(groups) : UNKNOWN_GROUPS
  }

  function intern(group: Group): Group {
    const key = `${group.id}\n${group.name}`
    const held = known.get(key)
    if (held !== undefined) return held
    known.set(key, group)
    return group
  }

  const keepAlive = (): void => {
    if (!options.keepAlive || now() - lastCallAt < KEEP_ALIVE_MS) return
    call(`${origin}/api/v1/users/me`, 'user').catch((err: unknown) => {
      const detail = err instanceof Error ? err.message : String(err)
      log.warn(
        { provider: options.provider, detail },
        'the call that keeps the API token alive failed',
      )
    })
  }
  const stop = (options.every ?? every)(KEEP_ALIVE_LOOK_MS, keepAlive)

  return {
    ask: async (sub) => {
      const user = await call(userUrl(origin, sub), 'user')
      if (user.status === 404) return NOBODY
      if (ENDED.has(user.userStatus())) return { groups: UNKNOWN_GROUPS, standing: 'ended' }
      return { groups: await groupsOf(sub), standing: 'good' }
    },
    mayAsk: () => windows.user.mayCall() && windows.groups.mayCall(),
    remaining: () => {
      const left = Object.values(windows).map((rate) => rate.remaining())
      const told = left.filter((count) => count !== undefined)
      return told.length === 0 ? undefined : Math.min(...told)
    },
    close: stop,
  }
}

/** A subject is whatever a token says: it stays one segment of the path. */
function userUrl(origin: string, sub: string): string {
  return `${origin}/api/v1/users/${encodeURIComponent(sub)}`
}

/** Takes one call out of what is ours: here, and where replicas count together, there. */
async function reserve(
  { countShared, provider, sharePercent }: OktaDirectoryOptions,
  rate: RateWindow,
  which: string,
): Promise<void> {
  if (!rate.mayCall()) throw overShare(sharePercent)
  rate.called()
  const endsAt = rate.endsAt()
  if (countShared === undefined || endsAt === undefined) return
  // Clocks and answers differ by a little: within five seconds it is the same window.
  const window = `${provider}:${which}:${Math.round(endsAt / 5_000)}`
  const used = await countShared(window, 60).catch(() => undefined)
  if (used !== undefined && !rate.isWithin(used)) throw overShare(sharePercent)
}

function overShare(percent: number): DirectoryFailure {
  return new DirectoryFailure(
    'rate-limited',
    `the ${percent} percent of Okta's rate limit that \`directory.rate_limit_share\` admits are used up`,
  )
}

function resultOf(status: number): OktaResult {
  if (status === 200) return 'ok'
  if (status === 404) return 'not_found'
  if (status === 429) return 'rate_limited'
  return status === 401 || status === 403 ? 'refused' : 'unavailable'
}

/** What to do about it stands in the log, with the id by which Okta's support finds the call. */
function failureOf(answer: OktaAnswer, result: OktaResult, options: OktaDirectoryOptions) {
  const { log, provider } = options
  const { code, summary } = answer.error()
  const kind =
    result === 'rate_limited' ? 'rate-limited' : result === 'refused' ? result : 'unavailable'
  const what = `Okta: HTTP ${answer.status}${code === undefined ? '' : ` ${code}`}${summary === undefined ? '' : ` (${summary})`}`
  const advice = ADVICE[`${answer.status} ${code ?? ''}`] ?? ADVICE[String(answer.status)]
  const detail = advice === undefined ? what : `${what}: ${advice}`
  const fields = { provider, status: answer.status, code, okta_request_id: answer.requestId }
  if (result === 'refused') log.error(fields, detail)
  else log.warn(fields, detail)
  return new DirectoryFailure(kind, detail)
}

const ADVICE: Readonly<Record<string, string>> = {
  '401':
    'the access token of the service app is refused; look at its keys and its "Require DPoP" setting',
  '401 E0000011':
    'the API token is not valid (revoked, unused for 30 days, or its admin was deactivated); make a new one under Security > API > Tokens as a read-only admin, and set it in `directory.api_token`',
  '403':
    'the credentials may not read users; give the service app the scopes okta.users.read and okta.groups.read and an admin role, or make the API token as a read-only admin',
}
