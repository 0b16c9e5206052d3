/**
 * Decisions where not all is known of the request or of who asks: what `decide` says whatever the rest may be, or that it
 * cannot be told. Criteria that ask for what is not known are taken once for the worst and once for the best; where both
 * agree, so does everything between.
 */

import {
  type CompiledPolicy,
  type Evaluate,
  FALSE,
  type PolicyNode,
  type Rule,
  TRUE,
} from '../compiled-policy.ts'
import { decide } from '../decide.ts'
import { operatorNode } from '../language/operators.ts'
import { MissingNowError } from '../language/time-criteria.ts'
import type { Decision, Facts, Outcome, Reason, RuleRef, Subject } from '../model.ts'
import type { Tell } from './partial-facts.ts'

/** A decision; reason and rule only where they are the same whatever is not known. */
export interface PartialDecision {
  readonly outcome: Outcome
  readonly reason: Reason | undefined
  readonly rule: RuleRef | undefined
}

export interface PartialPolicy {
  /** `undefined` where the outcome depends on what is not known. */
  decide(facts: Facts, subject: Subject): PartialDecision | undefined
}

/** `policy` for facts and subjects of which not all is known; `tell` says which criteria still have a value. */
export function createPartialPolicy(policy: CompiledPolicy, tell: Tell): PartialPolicy {
  const guesses = { made: false }
  const worst = guessing(policy, tell, false, guesses)
  const best = guessing(policy, tell, true, guesses)
  return {
    decide(facts, subject) {
      guesses.made = false
      try {
        const least = decide(worst, facts, subject)
        return guesses.made ? agreement(least, decide(best, facts, subject)) : least
      } catch (cause) {
        // Whether a step-up was a moment ago depends on the time, too.
        if (cause instanceof MissingNowError) return undefined
        throw cause
      }
    },
  }
}

/**
 * INVARIANT: outcomes that agree at both ends agree between them. `allow and not deny` of each judgement lies between its
 * worst and its best, in the order false, unknown, true, because operators keep that order and negation turns it round.
 * One outcome keeps no order: a refusal because a step-up has just failed to help is the best of a second judgement, a
 * plain refusal its worst, and between them lies `unavailable`.
 */
function agreement(least: Decision, most: Decision): PartialDecision | undefined {
  if (least.outcome !== most.outcome) return undefined
  if (most.reason === 'step-up-failed' && least.reason !== most.reason) return undefined
  return {
    outcome: least.outcome,
    reason: least.reason === most.reason ? least.reason : undefined,
    rule: least.rule === most.rule ? least.rule : undefined,
  }
}

/** The policy with every criterion that cannot be told as good for who asks as can be (`best`), or as bad. */
function guessing(
  policy: CompiledPolicy,
  tell: Tell,
  best: boolean,
  guesses: { made: boolean },
): CompiledPolicy {
  const guess = createGuesser(tell, guesses)
  const guessed = <R extends Rule>(rule: R): R => {
    const body = guess(rule.body, (rule.effect === 'allow') === best)
    return { ...rule, body, evaluate: body.evaluate }
  }
  const allowRules = policy.allowRules.map(guessed)
  const denyRules = policy.denyRules.map(guessed)
  return { ...policy, rules: [...allowRules, ...denyRules], allowRules, denyRules }
}

/** Makes a node once for each side of a negation: named conditions are shared, and written out they could be many. */
function createGuesser(
  tell: Tell,
  guesses: { made: boolean },
): (node: PolicyNode, holds: boolean) => PolicyNode {
  const made = { true: new Map<PolicyNode, PolicyNode>(), false: new Map<PolicyNode, PolicyNode>() }
  const guess = (node: PolicyNode, holds: boolean): PolicyNode => {
    const known = made[`${holds}`].get(node)
    if (known !== undefined) return known
    const guessed = guessNew(node, holds)
    made[`${holds}`].set(node, guessed)
    return guessed
  }
  const guessNew = (node: PolicyNode, holds: boolean): PolicyNode => {
    switch (node.kind) {
      case 'use': {
        const body = guess(node.body, holds)
        return { ...node, body, evaluate: body.evaluate }
      }
      case 'operator': {
        const flips = node.operator === 'not' || node.operator === 'nor'
        const items = node.items.map((item) => guess(item, flips ? !holds : holds))
        return operatorNode(node.operator, items, node.at)
      }
      case 'criterion': {
        const told = tell(node)
        const otherwise = holds ? TRUE : FALSE
        const evaluate: Evaluate = (facts, subject, provedAgain) => {
          const truth = told(facts, subject, provedAgain)
          if (truth !== undefined) return truth
          guesses.made = true
          return otherwise
        }
        return { ...node, evaluate }
      }
    }
  }
  return guess
}
