/** The last lines of the decision log as a table, newest first, found by any word in them. */

import { type Mark, OPERATOR_PATHS, type OperatorPage, paged } from '../../pages/operator-page.ts'
import { OPERATOR_TEXTS as TEXTS } from '../../pages/operator-texts.ts'
import type { OperatorParts } from './operator-parts.ts'

/** A line as it stands in the log: what is missing or of another type shows as nothing. */
export type LogLine = Readonly<Record<string, unknown>>

const LINES_ON_A_PAGE = 50
const MARKS: Readonly<Record<string, Mark>> = {
  allow: 'good',
  deny: 'bad',
  rejected: 'bad',
  unavailable: 'warn',
  sign_in: 'plain',
  step_up: 'plain',
}

/** Newest first. */
export function recentLines(parts: Pick<OperatorParts, 'recentDecisions'>): readonly LogLine[] {
  return parts
    .recentDecisions()
    .map((text) => JSON.parse(text) as LogLine)
    .reverse()
}

export function decisions(
  parts: OperatorParts,
  query: URLSearchParams,
): Omit<OperatorPage, 'requestId'> {
  const asked = (query.get('q') ?? '').trim()
  const words = asked.toLowerCase().split(/\s+/)
  const found = recentLines(parts).filter((line) => {
    const text = SEARCHED.map((key) => textOf(line, key))
      .join(' ')
      .toLowerCase()
    return words.every((word) => text.includes(word))
  })
  const action = OPERATOR_PATHS.decisions
  const { items, pager } = paged(
    found,
    LINES_ON_A_PAGE,
    query.get('page') ?? undefined,
    (page) => `${action}?${new URLSearchParams({ q: asked, page: String(page) })}`,
  )
  return {
    tab: 'decisions',
    template: 'operatorDecisions',
    title: TEXTS.decisions,
    view: {
      ...{ action, query: asked, pager, filterLabel: TEXTS.filterDecisions },
      count: TEXTS.decisionsCount(found.length),
      rows: items.map(rowOf),
    },
  }
}

const SEARCHED = [
  'subject',
  'email',
  'host',
  'path',
  'route',
  'outcome',
  'reason',
  'rule',
  'request_id',
  'method',
  'source_ip',
]

function rowOf(line: LogLine) {
  const id = textOf(line, 'request_id')
  const outcome = textOf(line, 'outcome')
  const wouldBe = textOf(line, 'would_be')
  const time = textOf(line, 'time')
  return {
    iso: time,
    time: shortTime(time),
    who: whoOf(line),
    method: textOf(line, 'method'),
    host: textOf(line, 'host'),
    path: textOf(line, 'path'),
    outcome: wouldBe === '' ? outcome : `${outcome} (${wouldBe})`,
    mark: MARKS[outcome] ?? 'plain',
    reason: textOf(line, 'reason'),
    rule: textOf(line, 'rule'),
    status: textOf(line, 'status'),
    whyUrl: `${OPERATOR_PATHS.decisions}/${encodeURIComponent(id)}`,
    whyLabel: TEXTS.whyOf(id),
  }
}

/** `2026-03-02T09:00:00.000Z` as `02 Mar 09:00:00`, so that a column of them can be read. */
function shortTime(iso: string): string {
  const at = new Date(iso)
  return Number.isNaN(at.getTime()) ? iso : iso.slice(5, 19).replace('T', ' ')
}

export function markOf(outcome: string): Mark {
  return MARKS[outcome] ?? 'plain'
}

export function whoOf(line: LogLine): string {
  const person = textOf(line, 'email') || textOf(line, 'subject')
  // What is refused as malformed is refused before anybody asks who it is.
  return person || (textOf(line, 'outcome') === 'rejected' ? TEXTS.unknown : TEXTS.nobody)
}

export function textOf(line: LogLine, key: string): string {
  const value = line[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
