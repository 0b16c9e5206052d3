/** The decision: a pure, synchronous function of plain data, on the path of every request. What it does not know, it says. */

import {
  type AllowDecisions,
  type AllowRule,
  type CompiledPolicy,
  type DenyRule,
  type Rule,
  TRUE,
  UNKNOWN,
} from './compiled-policy.ts'
import { MissingNowError } from './language/time-criteria.ts'
import type { Decision, Facts, Person, Subject } from './model.ts'

/** For so long after a step-up none is asked for again: a provider that cannot do better must cause no loop. */
const STEP_UP_PAUSE_MS = 5 * 60_000

const SIGN_IN: Decision = { outcome: 'sign_in', reason: 'sign-in-needed', rule: undefined }
const UNAVAILABLE: Decision = {
  outcome: 'unavailable',
  reason: 'groups-unavailable',
  rule: undefined,
}

/**
 * Whether `subject` may do what `facts` describe. Allocates nothing: decisions are made at load.
 * @throws MissingNowError where a rule asks for the time and `facts.now` is undefined; the gateway always gives it
 */
export function decide(policy: CompiledPolicy, facts: Facts, subject: Subject): Decision {
  const denying = judgeRules(policy.denyRules, facts, subject, false)
  const allowing = judgeRules(policy.allowRules, facts, subject, false)
  const value = allowAndNotDeny(allowing, denying)
  if (value === HOLDS) return allowedBy(policy, allowing).holds
  if (subject.kind === 'anonymous') {
    if (value === IS_UNKNOWN) return SIGN_IN
    return refusalOf(policy, denying)
  }
  if (policy.asksForProof) return decideAfterProof(policy, facts, subject, value, denying)
  return value === IS_UNKNOWN ? UNAVAILABLE : refusalOf(policy, denying)
}

/** The second judgement: would a new sign-in, as good as the policy asks for, change the answer? */
function decideAfterProof(
  policy: CompiledPolicy,
  facts: Facts,
  person: Person,
  first: number,
  denying: number,
): Decision {
  const denyingThen = judgeRules(policy.denyRules, facts, person, true)
  const allowingThen = judgeRules(policy.allowRules, facts, person, true)
  const then = allowAndNotDeny(allowingThen, denyingThen)
  if (then === HOLDS) {
    const { stepUp, stepUpFailed, stepUpFailedUnavailable } = allowedBy(policy, allowingThen)
    if (!hasJustSteppedUp(person, facts)) return stepUp
    return first === IS_UNKNOWN ? stepUpFailedUnavailable : stepUpFailed
  }
  if (first === IS_UNKNOWN || then === IS_UNKNOWN) return UNAVAILABLE
  return refusalOf(policy, denying)
}

function hasJustSteppedUp(person: Person, facts: Facts): boolean {
  if (person.steppedUpAt === undefined) return false
  if (facts.now === undefined) throw new MissingNowError()
  return facts.now - person.steppedUpAt < STEP_UP_PAUSE_MS
}

// One number says both the value and, where it is true, which rule made it so: the hot path allocates nothing.
const IS_FALSE = -1
const IS_UNKNOWN = -2
const HOLDS = 0

/** Index of the first rule that holds; else IS_UNKNOWN where one may hold, or IS_FALSE. */
function judgeRules(
  rules: readonly Rule[],
  facts: Facts,
  subject: Subject,
  provedAgain: boolean,
): number {
  let value = IS_FALSE
  for (let i = 0; i < rules.length; i++) {
    const truth = (rules[i] as Rule).evaluate(facts, subject, provedAgain)
    if (truth === TRUE) return i
    if (truth === UNKNOWN) value = IS_UNKNOWN
  }
  return value
}

/** HOLDS, IS_FALSE or IS_UNKNOWN. */
function allowAndNotDeny(allowing: number, denying: number): number {
  if (allowing === IS_FALSE || denying >= 0) return IS_FALSE
  return allowing >= 0 && denying === IS_FALSE ? HOLDS : IS_UNKNOWN
}

function allowedBy(policy: CompiledPolicy, index: number): AllowDecisions {
  return (policy.allowRules[index] as AllowRule).decisions
}

function refusalOf(policy: CompiledPolicy, denying: number): Decision {
  return denying >= 0 ? (policy.denyRules[denying] as DenyRule).decisions.holds : policy.refusal
}
