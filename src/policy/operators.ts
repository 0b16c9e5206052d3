/** `and`, `or`, `not`, `nor` over three values, as closures. */

import {
  type Evaluate,
  FALSE,
  type OperatorName,
  type PolicyNode,
  TRUE,
  type Truth,
  UNKNOWN,
} from './compiled-policy.ts'
import { negate } from './criterion.ts'

export const OPERATORS: readonly OperatorName[] = ['and', 'or', 'not', 'nor']

export function isOperator(name: string): name is OperatorName {
  return (OPERATORS as readonly string[]).includes(name)
}

/** `and`: all hold. `or`: one holds. `not`: none holds. `nor`: at least one does not hold. By Kleene's logic. */
export function compileOperator(operator: OperatorName, items: readonly PolicyNode[]): Evaluate {
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

function all(tests: readonly Evaluate[]): Evaluate {
  const [only] = tests
  if (tests.length === 1 && only !== undefined) return only
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
