/** A line of the decision log, read as what it is: text that anybody may have had a part in. */

import type { EpochMs } from '../../support/time.ts'
import { parseInstant } from '../language/time-texts.ts'
import { type AskedRequest, readSourceIp } from '../suite/asked-request.ts'

/** A request as a line tells it. */
export interface LoggedRequest {
  readonly method: string
  readonly host: string
  /** Canonical, as it was sent upstream. */
  readonly path: string
  /** `undefined` where the line does not tell. */
  readonly sourceIp: string | undefined
  readonly now: EpochMs | undefined
  /** `unknown`: it was refused before anybody asked who it is. */
  readonly who: 'anonymous' | 'unknown' | LoggedPerson
  /** The name of the route that took it then. */
  readonly route: string | undefined
  /** What came out then. */
  readonly outcome: string | undefined
}

export interface LoggedPerson {
  readonly sub: string
  readonly email: string | undefined
  readonly provider: string | undefined
  /** Those that the logged route's policy named; `undefined` where it is not known which they are. */
  readonly groups: readonly string[] | undefined
}

/** `not-judged`: refused before any policy, and not even read. `other`: a line about something else. */
export type LogLine = LoggedRequest | 'not-judged' | 'other' | 'unreadable'

/** Reads one line. Never throws; what has another type than it should makes the line unreadable. */
export function readLogLine(text: string): LogLine {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch {
    return 'unreadable'
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) return 'unreadable'
  const fields = line as Readonly<Record<string, unknown>>
  if (fields['msg'] !== 'request') return typeof fields['msg'] === 'string' ? 'other' : 'unreadable'
  return readRequestFields(fields)
}

function readRequestFields(fields: Readonly<Record<string, unknown>>): LogLine {
  const { time, method, host, path, route, source_ip, outcome } = fields
  const areTexts =
    typeof method === 'string' &&
    isTextOrAbsent(time) &&
    isTextOrAbsent(host) &&
    isTextOrAbsent(path) &&
    isTextOrAbsent(route) &&
    isTextOrAbsent(source_ip) &&
    isTextOrAbsent(outcome)
  if (!areTexts) return 'unreadable'
  const who = readWho(fields)
  const now = typeof time === 'string' ? parseInstant(time) : undefined
  const sourceIp = typeof source_ip === 'string' ? readSourceIp(source_ip) : undefined
  const isWrong =
    who === undefined ||
    (typeof time === 'string' && now === undefined) ||
    (typeof source_ip === 'string' && sourceIp === undefined)
  if (isWrong) return 'unreadable'
  if (typeof host !== 'string' || typeof path !== 'string') return 'not-judged'
  return {
    method,
    host,
    path,
    sourceIp,
    now,
    who,
    route: typeof route === 'string' ? route : undefined,
    outcome: typeof outcome === 'string' ? outcome : undefined,
  }
}

function readWho(fields: Readonly<Record<string, unknown>>): LoggedRequest['who'] | undefined {
  const { subject, email, provider, groups, outcome, reason } = fields
  if (subject === undefined || subject === null) {
    return outcome === 'rejected' ? 'unknown' : 'anonymous'
  }
  const isWhole =
    typeof subject === 'string' &&
    isTextOrAbsent(email) &&
    isTextOrAbsent(provider) &&
    (groups === undefined || groups === null || areTexts(groups))
  if (!isWhole) return undefined
  const areKnown = Array.isArray(groups) && reason !== 'groups-unavailable'
  return {
    sub: subject,
    email: typeof email === 'string' ? email : undefined,
    provider: typeof provider === 'string' ? provider : undefined,
    groups: areKnown ? groups : undefined,
  }
}

function isTextOrAbsent(value: unknown): boolean {
  return typeof value === 'string' || value === undefined || value === null
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

/** The request of the line as it was read then; what was canonical stays so. */
export function askedIn({ method, host, path }: LoggedRequest): AskedRequest {
  return {
    method,
    url: '',
    authority: host,
    target: path,
    headers: [],
    sourceIp: '',
    clientCertificate: undefined,
  }
}
