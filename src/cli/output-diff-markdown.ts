/** A comparison of policies as Markdown, short enough for a comment on a pull request whatever it finds. */

import type { AccessChange, PolicyDiff, Verdict } from '../policy/review/diff-model.ts'
import { codeText, tableHead, tableRow } from './markdown-text.ts'
import {
  type ChangeGroup,
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

/** GitHub takes 65,536 characters; what does not fit is counted. */
const MAX_LENGTH = 60_000
/** So many people or requests are named in one row. */
const MAX_NAMED = 5

/** Headings, tables, and a sum at the top. */
export function diffMarkdown(diff: PolicyDiff, names: DiffNames): string {
  const page = createPage()
  page.add(['## Who gains and who loses access', ''])
  page.add([`Against ${codeText(names.base)}: ${summaryText(diff)}.`])
  const kinds = Map.groupBy(groupChanges(diff), ({ kind }) => kind)
  for (const [kind, groups] of kinds) {
    const head = ['who', 'request', 'route', 'before', 'after']
    page.table(
      `${capital(KIND_TITLES[kind])}`,
      head,
      groups.map((group) => changeRow(group, names)),
    )
  }
  const routes = groupRoutes(diff, names).map((group) => routeRow(group, names))
  page.table('Routes', ['', 'route', 'what differs'], routes)
  const untold = diff.untold.map(({ source, route, count, asks }) =>
    tableRow([
      codeText(route),
      `${count.toLocaleString('en-US')} ${source === 'requests' ? 'logged' : 'tested'}`,
      asks.map((text) => codeText(text)).join('; '),
    ]),
  )
  page.table('Cannot tell', ['route', 'requests', 'asks for'], untold)
  if (diff.log !== undefined) page.add(['', '### Log', '', ...logLines(diff.log).map(sentence)])
  return page.text()
}

/** Takes lines while there is room. */
function createPage() {
  const lines: string[] = []
  let length = 0
  const fits = (line: string): boolean => length + line.length < MAX_LENGTH
  const add = (more: readonly string[]): void => {
    for (const line of more) {
      lines.push(line)
      length += line.length + 1
    }
  }
  return {
    add,
    table(title: string, head: readonly string[], rows: readonly string[]): void {
      if (rows.length === 0) return
      add(['', `### ${title}`, '', ...tableHead(head)])
      const first = rows.findIndex((row) => {
        if (!fits(row)) return true
        add([row])
        return false
      })
      if (first !== -1) add(['', `and ${rows.length - first} more`])
    },
    text: () => `${lines.join('\n')}\n`,
  }
}

function changeRow({ before, after, changes }: ChangeGroup, names: DiffNames): string {
  const people = [...new Set(changes.map(({ subject }) => subject))]
  const requests = [...new Set(changes.map(requestCell))]
  return tableRow([
    some(people.map((name) => codeText(name, 80))),
    some(requests),
    codeText(routeText(before, after)),
    verdictCell(before, names.before),
    verdictCell(after, names.after),
  ])
}

function requestCell(change: AccessChange): string {
  const remark = remarkText(change)
  return `${codeText(change.request)}${remark === '' ? '' : ` (${plain(remark)})`}`
}

/** Remarks hold headers of tests; whatever those are, they are no markup. */
function plain(remark: string): string {
  return /^[\w ,.:]*$/.test(remark) ? remark : codeText(remark)
}

function verdictCell(verdict: Verdict, place: DiffNames['before']): string {
  const { outcome, reason, rule, wouldBe, route } = verdict
  const at = rule?.at ?? route?.at
  const by = rule === undefined ? [] : [`by ${codeText(rule.name, 80)}`]
  const why = wouldBe === undefined ? (reason ?? []) : `report_only, would be ${wouldBe}`
  return [`**${outcome}**`, why, by, at === undefined ? [] : codeText(place(at))].flat().join(' ')
}

function routeRow(group: RouteGroup, names: DiffNames): string {
  const { kind, routes, details, rules } = group
  const titles = routes.map(
    (route) => `${codeText(routeTitle(route), 100)} ${codeText(routePlace(route, names))}`,
  )
  const what = [
    ...details.map(({ what, before, after }) => codeText(`${what}: ${before} -> ${after}`)),
    ...rules.map((rule) => codeText(rule, 400)),
  ]
  return tableRow([kind, some(titles), some(what, 20)])
}

/** The first few, and how many more there are. */
function some(cells: readonly string[], most = MAX_NAMED): string {
  const named = cells.slice(0, most).join('<br>')
  const more = cells.length - most
  return more > 0 ? `${named}<br>and ${more.toLocaleString('en-US')} more` : named
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function sentence(text: string): string {
  return `${capital(text)}.`
}
