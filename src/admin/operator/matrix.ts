/** The people of the policy tests by the routes that are in force: who gets what where. */

import { type Mark, OPERATOR_PATHS, type OperatorPage, paged } from '../../pages/operator-page.ts'
import { OPERATOR_TEXTS as TEXTS } from '../../pages/operator-texts.ts'
import type { Subject } from '../../policy/model.ts'
import { whatCan } from '../../policy/review/who-can.ts'
import type { Route } from '../../policy/route.ts'
import { formatProblem } from '../../support/problem.ts'
import { markOf } from './decisions.ts'
import type { OperatorParts } from './operator-parts.ts'

const ROUTES_ON_A_PAGE = 40
/** A table with more columns is no overview. */
const PEOPLE_SHOWN = 24

export async function matrix(
  parts: OperatorParts,
  query: URLSearchParams,
): Promise<Omit<OperatorPage, 'requestId'>> {
  const { subjects, problems } = await parts.testPeople()
  const asked = (query.get('q') ?? '').trim()
  const words = asked.toLowerCase().split(/\s+/)
  const found = parts
    .snapshot()
    .table.routes.filter((route) => words.every((word) => searched(route).includes(word)))
  const action = OPERATOR_PATHS.policies
  const { items, pager } = paged(
    found,
    ROUTES_ON_A_PAGE,
    query.get('page') ?? undefined,
    (page) => `${action}?${new URLSearchParams({ q: asked, page: String(page) })}`,
  )
  const people = [...subjects].slice(0, PEOPLE_SHOWN)
  const others = subjects.size - people.length
  return {
    tab: 'policies',
    template: 'operatorMatrix',
    title: TEXTS.policies,
    view: {
      ...{ action, query: asked, pager, filterLabel: TEXTS.filterRoutes },
      problems: problems.map(formatProblem),
      // `anonymous` alone is built in and says little.
      people: subjects.size === 1 ? [] : people.map(([name]) => name),
      rows: items.map((route) => ({
        name: route.name,
        from: addressOf(route),
        cells: people.map(([, subject]) => cellOf(route, subject)),
      })),
      more: others > 0 ? TEXTS.morePeople(others) : undefined,
    },
  }
}

function searched(route: Route): string {
  return `${route.name} ${addressOf(route)}`.toLowerCase()
}

function addressOf({ match }: Route): string {
  const { host, path } = match
  const name = host.kind === 'exact' ? host.name : `*.${host.suffix}`
  if (path.kind === 'regex') return `${name} ${path.source}`
  return name + (path.kind === 'path' ? path.path : path.prefix)
}

interface Cell {
  readonly text: string
  readonly mark: Mark
  readonly rule: string | undefined
}

function cellOf(route: Route, subject: Subject): Cell {
  const { outcome, rule, may } = whatCan(route, subject, undefined)
  if (outcome !== 'depends') return { text: outcome, mark: markOf(outcome), rule: rule?.name }
  const [first] = may
  return { text: TEXTS.depends, mark: 'warn', rule: first?.text ?? undefined }
}
