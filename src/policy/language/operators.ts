/** `and`, `or`, `not`, `nor` over three values, as closures. */

import { exact } from '../../support/exact.ts'
import {
  type Evaluate,
  FALSE,
  type Operator,
  type OperatorName,
  type PolicyNode,
  TRUE,
  type Truth,
  UNKNOWN,
} from '../compiled-policy.ts'
import { negate } from './criterion.ts'

export const OPERATORS: readonly OperatorName[] = ['and', 'or', 'not', 'nor']

export function isOperator(name: string): name is OperatorName {
  return (OPERATORS as readonly string[]).includes(name)
}

/** `and`: all hold. `or`: one holds. `not`: none holds. `nor`: at least one does not hold. By Kleene's logic. */
function compileOperator(operator: OperatorName, items: readonly PolicyNode[]): Evaluate {
  const tests = items.map((item) => item.evaluate)
  switch (operator) {
    case 'and':
      return all(tests)
    case 'or':
      return some(tests)
    case 'not':
      return opposite(some(tests))
    case 'nor':
      return opposite(all(tests))
  }
}

// One and two are what most rules have: they need no list, which for each of very many routes lies somewhere else.
function all(tests: readonly Evaluate[]): Evaluate {
  const [first, second] = tests
  if (first !== undefined && tests.length === 1) return first
  if (first !== undefined && second !== undefined && tests.length === 2) return both(first, second)
  return (facts, subject, provedAgain) => {
    let value: Truth = TRUE
    for (let i = 0; i < tests.length; i++) {
      const truth = (tests[i] as Evaluate)(facts, subject, provedAgain)
      if (truth === FALSE) return FALSE
      if (truth === UNKNOWN) value = UNKNOWN
    }
    return value
  }
}

function both(first: Evaluate, second: Evaluate): Evaluate {
  return (facts, subject, provedAgain) => {
    const truth = first(facts, subject, provedAgain)
    if (truth === FALSE) return FALSE
    const other = second(facts, subject, provedAgain)
    return truth === TRUE || other === FALSE ? other : UNKNOWN
  }
}

function some(tests: readonly Evaluate[]): Evaluate {
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
  return (facts, subject, provedAgain) => {
    let value: Truth = FALSE
    for (let i = 0; i < tests.length; i++) {
      const truth = (tests[i] as Evaluate)(facts, subject, provedAgain)
      if (truth === TRUE) return TRUE
      if (truth === UNKNOWN) value = UNKNOWN
    }
    return value
  }
}

function opposite(test: Evaluate): Evaluate {
  return (facts, subject, provedAgain) => negate(test(facts, subject, provedAgain))
}

/** The value of the operator over values that are known. */
export function joinTruths(operator: OperatorName, truths: readonly Truth[]): Truth {
  const decisive = operator === 'and' || operator === 'nor' ? FALSE : TRUE
  const undecided = truths.includes(UNKNOWN) ? UNKNOWN : negate(decisive)
  const joined = truths.includes(decisive) ? decisive : undecided
  return operator === 'not' || operator === 'nor' ? negate(joined) : joined
}

/** The operator over `items` as a node. */
export function operatorNode(
  operator: OperatorName,
  items: readonly PolicyNode[],
  at: Operator['at'],
): Operator {
  const always = joinTruths(
    operator,
    items.map((item) => item.always),
  )
  return {
    kind: 'operator',
    operator,
    at,
    evaluate: compileOperator(operator, items),
    always,
    items: exact(items),
  }
}
