/** Access reviews as text, CSV and Markdown: the same rows, for people, spreadsheets and reports. */

import { pathText } from '../policy/explain/explain.ts'
import type { AccessRow, OpenRow, Way } from '../policy/review/who-can.ts'
import type { Route } from '../policy/route.ts'
import { csvText } from './csv-text.ts'
import { codeText, tableHead, tableRow } from './markdown-text.ts'
import { placeText, printable } from './output-trace.ts'

/** A review as a table, and the lines in which people read it. */
export interface Review {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly lines: readonly string[]
}

export const REVIEW_FORMATS = {
  tree: ({ lines }: Review) => `${lines.map(printable).join('\n')}\n`,
  csv: ({ columns, rows }: Review) => csvText([columns, ...rows]),
  markdown: ({ columns, rows }: Review) =>
    [
      ...tableHead(columns),
      ...rows.map((cells) => tableRow(cells.map((cell) => codeText(cell, 1_000)))),
      '',
    ].join('\n'),
} as const

const ACCESS_COLUMNS = ['route', 'address', 'effect', 'who', 'what', 'when', 'rule', 'place']

/** Who may do what, route by route. */
export function accessReview(rows: readonly AccessRow[], cwd: string): Review {
  const cells = rows.map(({ route, effect, who, what, when, rule }) => [
    route.name,
    siteText(route),
    effect,
    who,
    what,
    when,
    rule?.name ?? '',
    placeText(rule?.at ?? route.at, cwd),
  ])
  const byRoute = Map.groupBy(rows, ({ route }) => route)
  const lines = [...byRoute].flatMap(([route, ofRoute]) => [
    titleOf(route, cwd),
    ...columns(
      ofRoute.map(({ effect, who, what, when, rule }) => [
        effect,
        who,
        [what, ...(when === '' ? [] : [when])].join(', '),
        rule === undefined ? '' : `${rule.name}  ${placeText(rule.at, cwd)}`,
      ]),
    ),
  ])
  return { columns: ACCESS_COLUMNS, rows: cells, lines }
}

const OPEN_COLUMNS = ['route', 'address', 'outcome', 'may', 'except', 'reason', 'rule', 'place']

/** What one subject may open, route by route. */
export function openReview(rows: readonly OpenRow[], cwd: string): Review {
  const cells = rows.map(({ route, outcome, may, except, reason, rule }) => [
    route.name,
    siteText(route),
    outcome,
    waysCell(may),
    waysCell(except),
    reason ?? '',
    rule?.name ?? '',
    placeText(rule?.at ?? route.at, cwd),
  ])
  const lines = columns(
    rows.map(({ route, outcome, reason, rule }) => [
      outcome,
      route.name,
      siteText(route),
      [reason ?? '', rule === undefined ? '' : `${rule.name}  ${placeText(rule.at, cwd)}`]
        .filter((text) => text !== '')
        .join(', '),
    ]),
  ).flatMap((line, i) => [line.slice(2), ...dependsLines(rows[i], cwd)])
  return { columns: OPEN_COLUMNS, rows: cells, lines }
}

function waysCell(ways: readonly Way[]): string {
  return ways.map(({ text, rule }) => `${text} (${rule.name})`).join('; ')
}

function dependsLines(row: OpenRow | undefined, cwd: string): readonly string[] {
  const named = (label: string, ways: readonly Way[]) =>
    ways.map(({ text, rule }) => [label, text, `${rule.name}  ${placeText(rule.at, cwd)}`])
  return columns([...named('may', row?.may ?? []), ...named('except', row?.except ?? [])])
}

function titleOf(route: Route, cwd: string): string {
  return `${route.name}  ${siteText(route)}  ${placeText(route.at, cwd)}`
}

/** `https://app.example.com/adm`, with all below it unless it says otherwise. */
function siteText({ origin, match: { path } }: Route): string {
  if (path.kind === 'prefix') return `${origin}${path.prefix}`
  return path.kind === 'path' ? `${origin}${path.path} alone` : `${origin} ${pathText(path)}`
}

/** Cells under each other, but for the last; no column is wider than that. */
const MAX_WIDTH = 60

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.min(Math.max(...rows.map((cells) => (cells[column] ?? '').length)), MAX_WIDTH),
  )
  return rows.map((cells) =>
    `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd(),
  )
}
