/** What the gateway would do with a request and why, stage by stage, as data. */

import { compileRouteTable, type PathMatch, type RouteTable } from '../../routing/route-table.ts'
import type { EpochMs } from '../../support/time.ts'
import type { Need } from '../compiled-policy.ts'
import type { Subject } from '../model.ts'
import type { Route } from '../route.ts'
import { type AskedRequest, factsOf, type Reading, readRequest } from '../suite/asked-request.ts'
import { subjectOnRoute } from '../suite/subjects.ts'
import { type FollowUp, followUp } from './follow-up.ts'
import { missingFor } from './missing.ts'
import { type Trace, traceDecision } from './trace.ts'

type Routed = Extract<Reading<Route>, { kind: 'routed' }>

export type Explanation =
  | Exclude<Reading<Route>, Routed>
  | (Routed &
      RouteChoice & {
        /** Whom the route sees; not always who asks. */
        readonly seenAs: Subject
        readonly trace: Trace
        /** What becomes of it where it goes on, and is more than forwarding. */
        readonly next: FollowUp | undefined
        /** What would let the subject in; empty where nothing would, or nothing is missing. */
        readonly missing: readonly Need[]
      })

/** Explains `request` by `subject` at `now`. */
export function explain(
  table: RouteTable<Route>,
  request: AskedRequest,
  subject: Subject,
  now: EpochMs,
): Explanation {
  const reading = readRequest(table, request)
  if (reading.kind !== 'routed') return reading
  const { route, host, path } = reading
  const facts = factsOf(request, path, now)
  const seenAs = subjectOnRoute(subject, route)
  const { policy } = route
  return {
    ...reading,
    ...routeChoice(reading),
    seenAs,
    trace: traceDecision(policy, facts, seenAs),
    next: followUp(route, host, path),
    missing: missingFor(policy, facts, seenAs),
  }
}

export interface RouteChoice {
  /** Why this route and no other, in words. */
  readonly why: string
  /** Other routes that take the path, and lost. */
  readonly others: readonly Route[]
}

/** Why a request has come to its route. */
export function routeChoice({ entry, route, path }: Routed): RouteChoice {
  const others = entry.routes.filter((other) => other !== route && takes(other, path.decoded))
  return { why: whyItWon(route, others), others }
}

/** Whether `route` takes the path where it is the only one. */
function takes(route: Route, path: string): boolean {
  const { host } = route.match
  const { table } = compileRouteTable([route])
  const name = host.kind === 'exact' ? host.name : `x.${host.suffix}`
  return table.host(name)?.match(path) !== undefined
}

const ORDER = { path: 'an exact path', regex: 'a regex', prefix: 'the longest prefix' } as const

function whyItWon(route: Route, others: readonly Route[]): string {
  const { path } = route.match
  const host =
    route.match.host.kind === 'exact' ? '' : ', and no route names this host without a wildcard'
  if (others.length === 0) return `the only one that takes the path, by ${pathText(path)}${host}`
  return `${ORDER[path.kind]} goes before the others: ${pathText(path)}${host}`
}

/** `prefix /adm`, `path /x`, `regex /v[0-9]+`. */
export function pathText(path: PathMatch): string {
  if (path.kind === 'prefix') return `prefix ${path.prefix}`
  return path.kind === 'path' ? `path ${path.path}` : `regex ${path.source}`
}
