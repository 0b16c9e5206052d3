/** Two versions of the policies compared: over their routes, and over everybody at every request of their tests. */

import { type AskedRequest, factsOf } from '../suite/asked-request.ts'
import { sampleRequest } from '../suite/sample-request.ts'
import { type CaseRequest, peopleOf, plainCase, testRequests } from './diff-cases.ts'
import type { AccessChange, PolicyDiff, RouteChange, Untold, Version } from './diff-model.ts'
import { compareRoutes } from './diff-routes.ts'
import { type BothReadings, kindOf, type Versions } from './diff-verdict.ts'
import { tellByAsking } from './partial-facts.ts'

/**
 * Who gains and who loses between `before` and `after`, without a log. `versions` is made of the tables of both;
 * `baseName` is what `before` is called.
 */
export function comparePolicies(
  before: Version,
  after: Version,
  versions: Versions,
  baseName: string,
): PolicyDiff {
  const routes = compareRoutes(before.table.routes, after.table.routes, versions.keys)
  const people = peopleOf(before, after, baseName)
  const changes: AccessChange[] = []
  const untold = new Map<string, Untold>()
  const requests = [...testRequests(before, after), ...samplesOf(routes, before, after)]
  for (const asked of requests) {
    const readings = versions.read(asked.request)
    for (const [name, person] of people) {
      const subject = asked.meet(person)
      const facts = (reading: { path: Parameters<typeof factsOf>[1] }) =>
        factsOf(asked.request, reading.path, asked.now)
      const result = versions.compare(readings, subject, facts, tellByAsking)
      if (result === 'same') continue
      if (result === 'untold') {
        const asks = versions.asks(readings, subject, facts, tellByAsking)
        countUntold(untold, asked, readings, asks)
        continue
      }
      changes.push({
        kind: kindOf(result.before, result.after),
        source: asked.source,
        subject: name,
        request: textOf(asked.request),
        when: asked.when,
        ...result,
        count: 1,
      })
    }
  }
  return {
    routes,
    changes,
    moreChanges: 0,
    untold: [...untold.values()],
    judged: requests.length * people.size,
    log: undefined,
  }
}

/** A request for each route that differs, unless a test makes it: not every route has tests. */
function samplesOf(
  routes: readonly RouteChange[],
  before: Version,
  after: Version,
): readonly CaseRequest[] {
  const known = new Set(
    testRequests(before, after)
      .filter(({ isPlain }) => isPlain)
      .map(({ request }) => textOf(request)),
  )
  const samples = new Map<string, CaseRequest>()
  for (const change of routes) {
    for (const [version, route] of [
      [before, change.before],
      [after, change.after],
    ] as const) {
      const request = route && sampleRequest(version.table, route)
      if (request !== undefined && !known.has(textOf(request))) {
        samples.set(textOf(request), plainCase(request))
      }
    }
  }
  return [...samples.values()]
}

function countUntold(
  untold: Map<string, Untold>,
  { source }: CaseRequest,
  readings: BothReadings,
  asks: readonly string[],
): void {
  const route = routeName(readings)
  const key = JSON.stringify([source, route])
  const known = untold.get(key)
  untold.set(key, { source, route, count: (known?.count ?? 0) + 1, asks: known?.asks ?? asks })
}

/** The route that the request finds now, or found before. */
export function routeName({ before, after }: BothReadings): string {
  if (after.kind === 'routed') return after.route.name
  return before.kind === 'routed' ? before.route.name : ''
}

function textOf({ method, url }: AskedRequest): string {
  return `${method} ${url}`
}
