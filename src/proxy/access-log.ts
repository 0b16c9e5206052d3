/** One JSON line per request, its parts kept where they are the same for many. */

import type { LiveSession } from '../identity/session.ts'
import type { Decision, Outcome, Person } from '../policy/model.ts'
import type { Route } from '../policy/route.ts'
import { flatText } from '../support/flat-text.ts'
import type { LineSink } from '../support/line-sink.ts'
import type { RecentLines } from '../support/recent-lines.ts'
import type { EpochMs } from '../support/time.ts'

/** What is known of a request when it is over. */
export interface RequestRecord {
  readonly time: EpochMs
  readonly requestId: string
  readonly method: string
  readonly sourceIp: string
  readonly host: string | undefined
  readonly path: string | undefined
  readonly route: Route | undefined
  readonly session: LiveSession | undefined
  readonly namedGroups: readonly string[]
  readonly decision: Decision | undefined
  /** What the policy said of a request that was let through because the route only reports. */
  readonly wouldBe: Outcome | undefined
  readonly status: number
  readonly durationMs: number
  readonly upstreamMs: number | undefined
  readonly revision: string
  /** Why it was refused before a decision or failed after it. */
  readonly detail: string | undefined
  /** The session store could not answer. */
  readonly storeFailed: boolean
}

export interface AccessLog {
  write(record: RequestRecord): void
  /** Hands over what waits for more. */
  flush(): void
  /** Goes on in the file that is at the path now, made where there is none. */
  reopen(): void
  /** Lines that could not be kept because the destination was too slow or could not be written. */
  lost(): number
  close(): Promise<void>
}

/** Each write goes through a thread of its own, which costs more than a hundred lines do. */
const BYTES_AT_ONCE = 96 * 1024
/** Bytes of UTF-8 for a unit of UTF-16. */
const LONGEST_CHARACTER = 3
/** Lines wait at most this long for others, so that a busy gateway writes many at once. */
const FLUSH_MS = 100

/**
 * @param sink closed with the log
 * @param recent keeps the last lines for those who ask
 */
export function createAccessLog(sink: LineSink, recent?: RecentLines): AccessLog {
  // Put together here and not by the writer: it would measure and copy each line by itself.
  let waiting = Buffer.allocUnsafeSlow(BYTES_AT_ONCE)
  let used = 0
  let flushing: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(flushing)
    flushing = undefined
    if (used === 0) return
    const bytes = Buffer.from(waiting.subarray(0, used))
    used = 0
    recent?.add(bytes)
    sink.write(bytes)
  }
  const makeRoom = (bytes: number): void => {
    flush()
    if (bytes > waiting.length) waiting = Buffer.allocUnsafeSlow(bytes)
  }
  return {
    write: (record) => {
      const line = `${formatRecord(record)}\n`
      const atMost = line.length * LONGEST_CHARACTER
      if (used + atMost > waiting.length) makeRoom(atMost)
      used += waiting.write(line, used)
      flushing ??= setTimeout(flush, FLUSH_MS)
    },
    flush,
    reopen: () => {
      flush()
      sink.reopen()
    },
    lost: sink.lost,
    close: () => {
      flush()
      return sink.close()
    },
  }
}

/** The texts of a line that are the same for every request of a session on a route. */
const identities = new WeakMap<Person, WeakMap<readonly string[], string>>()
/** The texts of a line that are the same for every request with one decision. */
const decisions = new WeakMap<Decision, string>()
/** As `decisions`, of requests that were let through because the route only reports. */
const reports = new WeakMap<Decision, string>()
const routes = new WeakMap<Route, string>()

export function formatRecord(record: RequestRecord): string {
  const { host, path, route, session, decision, wouldBe, upstreamMs, detail } = record
  // One row of parts, see flatText.
  let line = timeText(record.time)
  line += escaped(record.requestId)
  line += '"'
  if (route !== undefined) line += routeText(route)
  line += ',"method":"'
  line += escaped(record.method)
  if (host !== undefined) {
    line += '","host":"'
    line += escaped(host)
  }
  if (path !== undefined) {
    line += '","path":"'
    line += escaped(path)
  }
  line += '","status":'
  line += record.status
  line += decision === undefined ? ',"outcome":"rejected"' : decisionText(decision, wouldBe)
  if (session !== undefined) line += identityText(session, record.namedGroups)
  line += ',"source_ip":"'
  line += record.sourceIp
  line += '","duration_ms":'
  line += milliseconds(record.durationMs)
  if (upstreamMs !== undefined) {
    line += ',"upstream_ms":'
    line += milliseconds(upstreamMs)
  }
  if (detail !== undefined) line += `,"detail":${quote(detail)}`
  line += ',"policy_revision":"'
  line += record.revision
  return `${line}"}`
}

function routeText(route: Route): string {
  let text = routes.get(route)
  if (text === undefined) {
    text = flatText(`,"route":${quote(route.name)}`)
    routes.set(route, text)
  }
  return text
}

/** A request that was let through has been allowed; reason and rule are those of what it would have been. */
function decisionText(decision: Decision, wouldBe: Outcome | undefined): string {
  const known = wouldBe === undefined ? decisions : reports
  let text = known.get(decision)
  if (text === undefined) {
    const outcome = wouldBe === undefined ? decision.outcome : 'allow'
    text = `,"outcome":"${outcome}","reason":"${decision.reason}"`
    if (decision.rule !== undefined) {
      const { name, at } = decision.rule
      text += `,"rule":${quote(name)},"rule_at":${quote(`${at.file}:${at.line}`)}`
    }
    if (wouldBe !== undefined) text += `,"would_be":"${wouldBe}"`
    text = flatText(text)
    known.set(decision, text)
  }
  return text
}

function identityText(session: LiveSession, namedGroups: readonly string[]): string {
  // Not by the session: what its provider says of the person may change.
  const { subject, record, id } = session
  let byGroups = identities.get(subject)
  if (byGroups === undefined) {
    byGroups = new WeakMap()
    identities.set(subject, byGroups)
  }
  let text = byGroups.get(namedGroups)
  if (text === undefined) {
    text = `,"subject":${quote(subject.sub)}`
    if (subject.email !== undefined) text += `,"email":${quote(subject.email)}`
    text += `,"provider":${quote(record.provider)}`
    // Where not all groups are known, those that are would read as all: whoever judges the log later must see the gap.
    if (subject.groups.complete) text += `,"groups":${JSON.stringify(namedGroups)}`
    text += `,"session":${quote(id)}`
    text = flatText(text)
    byGroups.set(namedGroups, text)
  }
  return text
}

/** `000` to `999`. */
const THREE_DIGITS = Array.from({ length: 1_000 }, (_, i) => String(i).padStart(3, '0'))

let second = Number.NaN
let secondText = ''

/** How a line begins. Many requests have one second, and most of the text is the same for all of them. */
function timeText(time: EpochMs): string {
  const millisecond = Math.trunc(time % 1_000)
  if (time - millisecond !== second) {
    second = time - millisecond
    secondText = flatText(`{"time":"${new Date(second).toISOString().slice(0, -4)}`)
  }
  return `${secondText}${THREE_DIGITS[millisecond]}Z","level":"info","msg":"request","request_id":"`
}

/** Microseconds are enough, and fifteen decimals are noise. */
function milliseconds(value: number): string {
  const microseconds = Math.round(value * 1_000)
  const rest = microseconds % 1_000
  return `${(microseconds - rest) / 1_000}.${THREE_DIGITS[rest]}`
}

const NEEDS_ESCAPE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

function quote(text: string): string {
  return `"${escaped(text)}"`
}

/** What stands between the quotes. */
function escaped(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text).slice(1, -1) : text
}
