/** One line of the decision log judged again by what is in force now, told as `explain` tells it; what the log does not hold stays open. */

import type { RouteTable } from '../../routing/route-table.ts'
import { type CompiledPolicy, type Need, UNKNOWN } from '../compiled-policy.ts'
import { type RouteChoice, routeChoice } from '../explain/explain.ts'
import { missingFor } from '../explain/missing.ts'
import { type RuleTrace, traceRules } from '../explain/trace.ts'
import type { Facts, Subject } from '../model.ts'
import type { Route } from '../route.ts'
import { type Reading, readRequest } from '../suite/asked-request.ts'
import { subjectOnRoute } from '../suite/subjects.ts'
import { askedIn, type LoggedRequest } from './diff-log-line.ts'
import { createLogged } from './diff-logged.ts'
import { createPartialPolicy, type PartialDecision } from './partial-decision.ts'
import { UntoldError } from './partial-facts.ts'
import { createPolicyKeys } from './policy-keys.ts'

type Routed = Extract<Reading<Route>, { kind: 'routed' }>

export type Rejudged =
  | Exclude<Reading<Route>, Routed>
  | (Routed &
      RouteChoice & {
        readonly rules: readonly RuleTrace[]
        /** `undefined` where it depends on what the log does not hold. */
        readonly decision: PartialDecision | undefined
        /** What would have let the person in; empty where nothing is missing, nothing would help, or it cannot be told. */
        readonly missing: readonly Need[]
      })

/**
 * @param isSameVersion whether the line was logged under `table`: only then is it known which groups the log would hold
 * if the person were in them
 */
export function rejudge(
  table: RouteTable<Route>,
  line: LoggedRequest,
  isSameVersion: boolean,
): Rejudged {
  const reading = readRequest(table, askedIn(line))
  if (reading.kind !== 'routed') return reading
  const { route, path } = reading
  const logged = createLogged(createPolicyKeys())
  logged.turnTo(line)
  const facts = logged.facts(path.decoded)
  const subject = line.who === 'unknown' ? undefined : subjectOnRoute(logged.subject, route)
  const isLoggedHere = isSameVersion && line.route === route.name
  const tell = logged.tellFor(isLoggedHere ? route.policy : undefined)
  const rules = traceRules(route.policy, {
    truthOf: (criterion, provedAgain) =>
      subject === undefined ? undefined : tell(criterion)(facts, subject, provedAgain),
    because: (value) => {
      if (value === undefined) return 'not in the log'
      return value === UNKNOWN ? 'sign-in needed' : undefined
    },
  })
  const decision =
    subject === undefined
      ? undefined
      : createPartialPolicy(route.policy, tell).decide(facts, subject)
  const missing =
    subject === undefined || decision?.outcome !== 'deny'
      ? []
      : missingWhereTold(route.policy, facts, subject)
  return { ...reading, ...routeChoice(reading), rules, decision, missing }
}

function missingWhereTold(policy: CompiledPolicy, facts: Facts, subject: Subject): readonly Need[] {
  try {
    return missingFor(policy, facts, subject)
  } catch (cause) {
    if (cause instanceof UntoldError) return []
    throw cause
  }
}
