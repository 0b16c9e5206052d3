/** What a rule's criteria have in common: found once at load, so that nothing has to be looked for per request. */

import { exact } from '../../support/exact.ts'
import type { Problem } from '../../support/problem.ts'
import { warning } from '../../support/problem.ts'
import type {
  Criterion,
  CriterionPart,
  NeedKind,
  PolicyNode,
  RuleFacets,
  StepUp,
} from '../compiled-policy.ts'

/** Facets of a rule with this body, and the warnings that it earns. */
export function facetsOf(
  effect: 'allow' | 'deny',
  body: PolicyNode,
): { readonly facets: RuleFacets; readonly warnings: readonly Problem[] } {
  const groups = new Set<string>()
  const describesGroup: ((spelling: string) => boolean)[] = []
  const kinds = new Set<NeedKind>()
  const stepUps: StepUp[] = []
  const warnings: Problem[] = []
  const bare: Criterion[] = []
  let needsGroups = false
  let asksForProof = false
  let zoned = false
  const take = (part: CriterionPart, opens: boolean): void => {
    kinds.add(part.kind)
    if (part.stepUp === undefined) return
    asksForProof = true
    if (part.stepUp.wanted === opens) stepUps.push(part.stepUp)
  }
  // Whether somebody is let in where a criterion holds, or where it does not hold.
  visit(body, effect === 'allow', (criterion, opens) => {
    for (const part of criterion.parts) take(part, opens)
    for (const naming of criterion.groups) {
      needsGroups = true
      for (const spelling of naming.exact) groups.add(spelling)
      if (naming.describes !== undefined) describesGroup.push(naming.describes)
    }
    if (opens) warnings.push(...criterion.loose)
    if (criterion.clock === 'bare') bare.push(criterion)
    if (criterion.clock === 'zoned') zoned = true
  })
  if (zoned) warnings.push(...bare.map(bareDayWarning))
  return {
    facets: {
      groups: exact([...groups]),
      describesGroup: exact(describesGroup),
      needsGroups,
      asksForProof,
      stepUps: exact(stepUps),
      kinds: [...kinds],
    },
    warnings,
  }
}

function bareDayWarning({ at }: Criterion): Problem {
  return warning(
    at,
    'this day is one of UTC, beside a time of another zone; write `{ days: ..., timezone: ... }`',
  )
}

/**
 * Calls `see` for each criterion below `node`, at most once for each side of a negation: named conditions are shared,
 * and written out they could be many. `opens` turns over with each `not` and `nor` on the way.
 */
export function visit(
  node: PolicyNode,
  opens: boolean,
  see: (criterion: Criterion, opens: boolean) => void,
): void {
  const seen = [new Set<PolicyNode>(), new Set<PolicyNode>()] as const
  const walk = (at: PolicyNode, positive: boolean): void => {
    const known = seen[positive ? 0 : 1]
    if (known.has(at)) return
    known.add(at)
    if (at.kind === 'criterion') {
      see(at, positive)
    } else if (at.kind === 'use') {
      walk(at.body, positive)
    } else {
      const flips = at.operator === 'not' || at.operator === 'nor'
      for (const item of at.items) walk(item, flips ? !positive : positive)
    }
  }
  walk(node, opens)
}
