/** The same decision, told: every rule, every criterion, its value and its line. For explain and for tests that fail. */

import type { Position } from '../../support/problem.ts'
import {
  type CompiledPolicy,
  type Criterion,
  FALSE,
  type PolicyNode,
  TRUE,
  type Truth,
  UNKNOWN,
} from '../compiled-policy.ts'
import { decide } from '../decide.ts'
import { joinTruths } from '../language/operators.ts'
import { MissingNowError } from '../language/time-criteria.ts'
import type { Decision, Facts, Subject } from '../model.ts'

export type TruthName = 'true' | 'false' | 'unknown'

export interface NodeTrace {
  readonly kind: PolicyNode['kind']
  /** A criterion as written, `use: NAME`, or the operator's name. */
  readonly text: string
  readonly at: Position
  readonly value: TruthName
  /** Why an unknown criterion is unknown. */
  readonly because:
    | 'sign-in needed'
    | 'groups unavailable'
    | 'no time given'
    | 'not in the log'
    | undefined
  /** In the second judgement, as if a new sign-in had met every `acr`, `amr` and `auth_age` key. */
  readonly afterStepUp: TruthName
  readonly items: readonly NodeTrace[]
}

export interface RuleTrace {
  readonly name: string
  readonly at: Position
  readonly effect: 'allow' | 'deny'
  readonly value: TruthName
  readonly afterStepUp: TruthName
  readonly body: NodeTrace
}

export interface Trace {
  readonly decision: Decision
  /** Whether a second judgement was made, so that `afterStepUp` says something. */
  readonly judgedTwice: boolean
  readonly rules: readonly RuleTrace[]
}

/**
 * What `decide` says, with the value of every part. Judges all of it, also what `decide` had no need to look at.
 * @throws MissingNowError where `decide` does
 */
export function traceDecision(policy: CompiledPolicy, facts: Facts, subject: Subject): Trace {
  const decision = decide(policy, facts, subject)
  const rules = traceRules(policy, {
    truthOf: (criterion, provedAgain) => truthIn(criterion, facts, subject, provedAgain),
    because: (value) => reasonOf(value, subject),
  })
  const judgedTwice =
    policy.asksForProof && subject.kind === 'person' && decision.outcome !== 'allow'
  return { decision, judgedTwice, rules }
}

/** How the criteria of a trace get their values. */
export interface Judging {
  /** `undefined` where it cannot be told. */
  truthOf(criterion: Criterion, provedAgain: boolean): Truth | undefined
  /** Why a value is unknown, or is not told; `undefined` for any other. */
  because(value: Truth | undefined): NodeTrace['because']
}

/** Every rule with the values that `judging` gives its parts. */
export function traceRules(policy: CompiledPolicy, judging: Judging): readonly RuleTrace[] {
  return policy.rules.map(({ name, at, effect, body }) => {
    const traced = traceNode(body, judging)
    const { value, afterStepUp } = traced
    return { name, at, effect, value, afterStepUp, body: traced }
  })
}

function traceNode(node: PolicyNode, judging: Judging): NodeTrace {
  switch (node.kind) {
    case 'criterion':
      return traceCriterion(node, judging)
    case 'use': {
      const body = traceNode(node.body, judging)
      const { value, afterStepUp } = body
      const text = `use: ${node.name}`
      return {
        kind: 'use',
        text,
        at: node.at,
        value,
        because: undefined,
        afterStepUp,
        items: [body],
      }
    }
    case 'operator': {
      const items = node.items.map((item) => traceNode(item, judging))
      const join = (values: readonly TruthName[]): TruthName =>
        nameOf(joinTruths(node.operator, values.map(truthOf)))
      return {
        kind: 'operator',
        text: node.operator,
        at: node.at,
        value: join(items.map((item) => item.value)),
        because: undefined,
        afterStepUp: join(items.map((item) => item.afterStepUp)),
        items,
      }
    }
  }
}

function traceCriterion(criterion: Criterion, judging: Judging): NodeTrace {
  const value = judging.truthOf(criterion, false)
  const afterStepUp = judging.truthOf(criterion, true)
  return {
    kind: 'criterion',
    text: criterion.text,
    at: criterion.at,
    value: nameOf(value ?? UNKNOWN),
    because: judging.because(value),
    afterStepUp: nameOf(afterStepUp ?? UNKNOWN),
    items: [],
  }
}

/** `undefined` where the time is asked for and not given. */
export function truthIn(
  part: Pick<Criterion, 'evaluate'>,
  facts: Facts,
  subject: Subject,
  provedAgain: boolean,
): Truth | undefined {
  try {
    return part.evaluate(facts, subject, provedAgain)
  } catch (cause) {
    if (cause instanceof MissingNowError) return undefined
    throw cause
  }
}

function reasonOf(value: Truth | undefined, subject: Subject): NodeTrace['because'] {
  if (value === undefined) return 'no time given'
  if (value !== UNKNOWN) return undefined
  return subject.kind === 'anonymous' ? 'sign-in needed' : 'groups unavailable'
}

function nameOf(truth: Truth): TruthName {
  if (truth === UNKNOWN) return 'unknown'
  return truth === TRUE ? 'true' : 'false'
}

function truthOf(name: TruthName): Truth {
  if (name === 'unknown') return UNKNOWN
  return name === 'true' ? TRUE : FALSE
}
