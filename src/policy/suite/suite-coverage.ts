/** Which routes and rules the policy tests reached, and which they did not. */

import { TRUE } from '../compiled-policy.ts'
import { truthIn } from '../explain/trace.ts'
import type { Decision, Facts, RuleRef, Subject } from '../model.ts'
import type { Route } from '../route.ts'

export interface CoverageOf {
  readonly hit: number
  readonly total: number
  /** In the order of the policy files. */
  readonly missed: readonly RuleRef[]
}

export interface Coverage {
  readonly routes: CoverageOf
  readonly rules: CoverageOf
}

/** What was judged. */
interface Seen {
  readonly route: Route
  readonly facts: Facts
  readonly subject: Subject
}

/**
 * Counts routes that a request was judged on, and rules that held for somebody or that a decision named. A rule of a
 * named policy counts once however many routes use it; one with `allow` and `deny` only when both were reached.
 */
export function createCoverage(routes: readonly Route[]): {
  see(seen: Seen, decision: Decision): void
  result(): Coverage
} {
  const routesHit = new Set<Route>()
  const rulesHit = new Set<string>()
  return {
    see({ route, facts, subject }, decision) {
      routesHit.add(route)
      if (decision.rule !== undefined) rulesHit.add(keyOf(decision.rule))
      for (const rule of route.policy.rules) {
        if (truthIn(rule, facts, subject, false) === TRUE) rulesHit.add(keyOf(rule))
      }
    },
    result() {
      const rules = Map.groupBy(
        routes.flatMap((route) => route.policy.rules),
        ({ name, ruleAt }) => keyOf({ name, at: ruleAt }),
      )
      const missed = [...rules.values()].flatMap(
        (parts) => parts.find((part) => !rulesHit.has(keyOf(part))) ?? [],
      )
      return {
        routes: {
          hit: routesHit.size,
          total: routes.length,
          missed: routes.filter((route) => !routesHit.has(route)).map(refOf),
        },
        rules: { hit: rules.size - missed.length, total: rules.size, missed: missed.map(refOf) },
      }
    },
  }
}

/** The lesser of the two shares, in percent; nothing to cover is all of it. */
export function coveragePercent({ routes, rules }: Coverage): number {
  const share = ({ hit, total }: CoverageOf) => (total === 0 ? 100 : (hit / total) * 100)
  return Math.min(share(routes), share(rules))
}

function refOf({ name, at }: RuleRef): RuleRef {
  return { name, at }
}

/** A decision names a rule by name and place alone. */
function keyOf({ name, at }: RuleRef): string {
  return JSON.stringify([name, at.file, at.line, at.column])
}
