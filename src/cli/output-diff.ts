/** A comparison of policies for people at a terminal: who gains, who loses, where, and by which rule. */

import type { AccessChange, PolicyDiff, Untold, Verdict } from '../policy/review/diff-model.ts'
import {
  type ChangeGroup,
  causeText,
  type DiffNames,
  groupChanges,
  groupRoutes,
  KIND_TITLES,
  logLines,
  type RouteGroup,
  remarkText,
  routePlace,
  routeText,
  routeTitle,
  summaryText,
} from './output-diff-groups.ts'
import { printable } from './output-trace.ts'

/** So many lines of one group are shown; JSON has them all. */
const MAX_LINES = 50

/** The comparison as lines; the last one sums it up. */
export function diffTree(diff: PolicyDiff, names: DiffNames): string {
  const kinds = Map.groupBy(groupChanges(diff), ({ kind }) => kind)
  const routes = groupRoutes(diff, names)
  const lines = [
    ...[...kinds].flatMap(([kind, groups]) => [
      KIND_TITLES[kind],
      ...groups.flatMap((group) => indent(groupLines(group, names))),
    ]),
    ...titled(
      'routes',
      routes.flatMap((group) => routeLines(group, names)),
    ),
    ...titled('cannot tell', diff.untold.map(untoldLine)),
    ...(diff.log === undefined ? [] : titled('log', logLines(diff.log))),
    summaryText(diff),
  ]
  return `${lines.map(printable).join('\n')}\n`
}

function titled(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...indent(lines)]
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`)
}

function groupLines(group: ChangeGroup, names: DiffNames): readonly string[] {
  const { before, after, changes } = group
  return [
    `${routeText(before, after)}: ${before.outcome} -> ${after.outcome}`,
    `  before  ${verdictText(before, names.before)}`,
    `  after   ${verdictText(after, names.after)}`,
    ...indent(cut(peopleLines(changes))),
  ]
}

function verdictText(verdict: Verdict, place: DiffNames['before']): string {
  const at = verdict.rule?.at ?? verdict.route?.at
  return [causeText(verdict), ...(at === undefined ? [] : [place(at)])].join('  ')
}

/** One line for each request, the name in front of the first. */
function peopleLines(changes: readonly AccessChange[]): readonly string[] {
  const width = Math.min(Math.max(...changes.map(({ subject }) => subject.length)), 40)
  const bySubject = Map.groupBy(changes, ({ subject }) => subject)
  return [...bySubject.values()].flatMap((ofOne) =>
    ofOne.map((change, i) => {
      const remark = remarkText(change)
      const name = (i === 0 ? change.subject : '').padEnd(width)
      return `${name}  ${change.request}${remark === '' ? '' : ` (${remark})`}`
    }),
  )
}

function cut(lines: readonly string[]): readonly string[] {
  if (lines.length <= MAX_LINES) return lines
  return [...lines.slice(0, MAX_LINES), `and ${lines.length - MAX_LINES} more`]
}

const KIND_WIDTH = 'removed'.length + 2

function routeLines(group: RouteGroup, names: DiffNames): readonly string[] {
  const { kind, routes, details, rules } = group
  const titles = routes.map((route) => `${routeTitle(route)}  ${routePlace(route, names)}`)
  const lines = [
    ...cut(titles),
    ...details.map(({ what, before, after }) => `${what}: ${before} -> ${after}`),
    ...rules,
  ]
  return lines.map((line, i) => `${(i === 0 ? kind : '').padEnd(KIND_WIDTH)}${line}`)
}

function untoldLine({ source, route, count, asks }: Untold): string {
  const what = source === 'requests' ? 'logged request' : 'tested request'
  const why = asks.length === 0 ? '' : `: it asks for ${asks.join('; ')}`
  return `${route}  ${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}${why}`
}
