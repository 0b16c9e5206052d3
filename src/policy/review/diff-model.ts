/** What a comparison of two versions of the policies comes to. Data only. */

import type { RouteTable } from '../../routing/route-table.ts'
import type { Position } from '../../support/problem.ts'
import type { Rule } from '../compiled-policy.ts'
import type { Outcome, Reason, RuleRef } from '../model.ts'
import type { Route } from '../route.ts'
import type { Subjects } from '../suite/subjects.ts'
import type { Suite } from '../suite/suite-file.ts'
import type { Rejection } from '../suite/suite-schema.ts'

/** One version of the policies, with its people and tests. */
export interface Version {
  readonly table: RouteTable<Route>
  readonly subjects: Subjects
  readonly suites: readonly Suite[]
}

/** What one version says about one request by one subject. */
export interface Verdict {
  readonly outcome: Outcome | 'rejected' | 'own_endpoint'
  /** Only where it is the same whatever is not known. */
  readonly reason: Reason | Rejection | undefined
  readonly rule: RuleRef | undefined
  /** What `report_only` lets through all the same; `unknown` where that depends on what is not known. */
  readonly wouldBe: Outcome | 'unknown' | undefined
  readonly route: { readonly name: string; readonly at: Position } | undefined
}

/** Where the request comes from: a test file, a route whose policy differs, or a log. */
export type Source = 'tests' | 'routes' | 'requests'

/** Somebody who gets something else than before. */
export interface AccessChange {
  /** `other`: refused before and after, but not alike. */
  readonly kind: 'gains' | 'loses' | 'other'
  readonly source: Source
  readonly subject: string
  /** METHOD URL; of a log the first of those that are alike. */
  readonly request: string
  /** What else a test says of the request; empty where it says nothing. */
  readonly when: string
  readonly before: Verdict
  readonly after: Verdict
  /** How many requests are alike: one of a test, any number of a log. */
  readonly count: number
}

/** Requests on a route of which it cannot be told whether they are decided otherwise. */
export interface Untold {
  readonly source: Source
  readonly route: string
  readonly count: number
  /** Criteria that ask for what is not known: those of the first such request, a few of them. */
  readonly asks: readonly string[]
}

/** A key of a route that says who passes or where it applies. */
export interface RouteDetail {
  readonly what: 'name' | 'address' | 'provider' | 'bearer' | 'report_only' | 'encoded_slashes'
  readonly before: string
  readonly after: string
}

/** A route that only one version has, or that differs in who passes. */
export interface RouteChange {
  readonly kind: 'added' | 'removed' | 'changed'
  readonly before: Route | undefined
  readonly after: Route | undefined
  readonly details: readonly RouteDetail[]
  /** Rules that only the one version has; of an added or removed route all of them. */
  readonly rulesBefore: readonly Rule[]
  readonly rulesAfter: readonly Rule[]
}

/** What became of the lines of a decision log. */
export interface LogCounts {
  /** All of them. */
  readonly lines: number
  /** Requests that both versions judged alike. */
  readonly same: number
  readonly changed: number
  readonly cannotTell: number
  /** Requests that were refused before any policy and have no host or path. */
  readonly notJudged: number
  /** Lines of another kind than requests. */
  readonly others: number
  readonly unreadable: number
  /** Requests that the base judges otherwise than was logged: the log is one of other policies. */
  readonly loggedOtherwise: number
}

export interface PolicyDiff {
  readonly routes: readonly RouteChange[]
  readonly changes: readonly AccessChange[]
  /** Changes beyond those that are kept; only of logs. */
  readonly moreChanges: number
  readonly untold: readonly Untold[]
  /** How often somebody was judged by both versions, logs not counted. */
  readonly judged: number
  /** Where there was a log. */
  readonly log: LogCounts | undefined
}

/** Whether the two versions differ in who gets in, or could. */
export function isDifferent({ routes, changes }: PolicyDiff): boolean {
  return routes.length > 0 || changes.length > 0
}
