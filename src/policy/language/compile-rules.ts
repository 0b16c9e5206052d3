/** Rules: `allow`, `deny` and `use`, of a route's policy or of a named one. */

import type { Position } from '../../support/problem.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { YamlEntry, YamlMap, YamlNode } from '../../support/yaml-node.ts'
import type {
  AllowDecisions,
  AllowRule,
  DenyRule,
  Operator,
  PolicyNode,
  Rule,
} from '../compiled-policy.ts'
import type { Decision, Outcome, Reason, RuleRef } from '../model.ts'
import {
  type Around,
  type ConditionCompiler,
  createConditionCompiler,
  MAX_CRITERIA,
  type Sized,
} from './compile-conditions.ts'
import { createDefinitions, type Definitions } from './definitions.ts'
import { isOperator } from './operators.ts'
import { facetsOf } from './rule-facets.ts'

/** A policy with the ones that it uses has at most so many rules. */
const MAX_RULES = 1_000

export interface RuleList {
  readonly rules: readonly Rule[]
  readonly criteria: number
}

export interface RuleCompiler {
  readonly conditions: ConditionCompiler['conditions']
  readonly policies: Definitions<RuleList>
  /** The rules of a route's `policy`, named `ROUTE[n]`, and those of the policies that it uses, named as they are. */
  ownRules(policy: YamlNode, routeName: string): RuleList | undefined
}

/** Compiles what stands behind `conditions`, `policies` and `policy`. `add` all definitions before any rule. */
export function createRuleCompiler(around: Around): RuleCompiler {
  const { report } = around
  const conditionCompiler = createConditionCompiler(around, (name) => policyNames.has(name))
  const { conditions } = conditionCompiler
  const policyNames = new Set<string>()
  const conditionNames = new Set<string>()
  const policies = createDefinitions<RuleList>({
    what: 'policy',
    report,
    compile: (entry) => compileList(entry.value, () => entry.key),
    hint: (name) =>
      conditionNames.has(name) ? '; a condition of that name is used where a criterion stands' : '',
  })

  function compileList(data: YamlNode, nameOf: (index: number) => string): RuleList | undefined {
    const items = data.kind === 'list' ? data.items : [data]
    if (items.length === 0) {
      return report(data.at, 'an empty policy has no meaning; write a rule, or leave it out')
    }
    const rules: Rule[] = []
    let criteria = 0
    let own = 0
    let broken = false
    for (const item of items) {
      const used = usedPolicy(item)
      const compiled =
        used !== undefined ? compileUse(used, item) : compileRule(item, nameOf(own++))
      if (compiled === undefined) {
        broken = true
        continue
      }
      criteria += compiled.criteria
      if (rules.length + compiled.rules.length > MAX_RULES || criteria > MAX_CRITERIA) {
        return report(
          item.at,
          `with all that it uses this policy has more than ${MAX_RULES} rules or ${MAX_CRITERIA} criteria`,
        )
      }
      rules.push(...compiled.rules)
    }
    return broken ? undefined : { rules, criteria }
  }

  function usedPolicy(item: YamlNode): YamlEntry | undefined {
    return item.kind === 'map' ? item.entries.find(({ key }) => key === 'use') : undefined
  }

  function compileUse({ value }: YamlEntry, item: YamlNode): RuleList | undefined {
    const other = item.kind === 'map' ? item.entries.find(({ key }) => key !== 'use') : undefined
    if (other !== undefined) {
      return report(
        other.keyAt,
        `\`use\` stands alone in a rule; write \`${other.key}\` as a rule of its own`,
      )
    }
    if (value.kind !== 'scalar' || typeof value.value !== 'string' || value.value === '') {
      return report(value.at, '`use` takes the name of a policy')
    }
    return policies.use(value.value, value.at)
  }

  function compileRule(item: YamlNode, name: string): RuleList | undefined {
    if (item.kind !== 'map') {
      return report(item.at, 'a rule is a mapping with `allow`, `deny` or both, or with `use`')
    }
    if (item.entries.length === 0) {
      return report(item.at, 'an empty rule has no meaning; write `allow`, `deny` or `use`')
    }
    const rules: Rule[] = []
    let criteria = 0
    let broken = false
    const ruleAt = item.at
    for (const entry of item.entries) {
      const effect = entry.key
      const body =
        effect === 'allow' || effect === 'deny' ? compileBody(entry, effect) : unknownAction(entry)
      if (body === undefined || (effect !== 'allow' && effect !== 'deny')) {
        broken = true
        continue
      }
      criteria += body.criteria
      const create = effect === 'allow' ? createAllowRule : createDenyRule
      rules.push(create({ name, at: entry.keyAt }, body.node, around, ruleAt))
    }
    return broken ? undefined : { rules, criteria }
  }

  function unknownAction({ key, keyAt }: YamlEntry): undefined {
    const hint = didYouMean(key, ['allow', 'deny', 'use'])
    return report(
      keyAt,
      `unknown key \`${key}\` in a rule${hint || '; it takes `allow` and `deny`'}`,
    )
  }

  function compileBody({ keyAt, value }: YamlEntry, effect: string): Sized<Operator> | undefined {
    if (value.kind !== 'map') {
      const what = value.kind === 'list' ? 'the operator is missing' : 'it takes an operator'
      return report(value.at, `\`${effect}\`: ${what}; write \`${effect}: { or: [...] }\``)
    }
    return compileOnlyOperator(value, keyAt, effect)
  }

  function compileOnlyOperator(
    body: YamlMap,
    keyAt: Position,
    effect: string,
  ): Sized<Operator> | undefined {
    const [first, second] = body.entries
    if (first === undefined) {
      return report(
        body.at,
        `\`${effect}\` is empty; write one of \`and\`, \`or\`, \`not\`, \`nor\``,
      )
    }
    const unknown = body.entries.filter(({ key }) => !isOperator(key))
    for (const entry of unknown) report(entry.keyAt, notAnOperator(entry.key, effect))
    if (unknown.length > 0) return undefined
    if (second !== undefined) {
      return report(
        second.keyAt,
        `one operator in a body: nest them, as in \`${effect}: { and: [{ ${first.key}: [...] }, { ${second.key}: [...] }] }\`, ` +
          'or with `or` in place of `and`, which is what Pomerium means',
      )
    }
    return isOperator(first.key) ? conditionCompiler.operator(first, first.key) : report(keyAt, '')
  }

  return {
    conditions: { ...conditions, add: remember(conditions, conditionNames) },
    policies: { ...policies, add: remember(policies, policyNames) },
    ownRules: (policy, routeName) => compileList(policy, (index) => `${routeName}[${index}]`),
  }
}

function remember<T>(definitions: Definitions<T>, names: Set<string>): (map: YamlMap) => void {
  return (map) => {
    for (const { key } of map.entries) names.add(key)
    definitions.add(map)
  }
}

function notAnOperator(key: string, effect: string): string {
  if (key === 'action')
    return '`action` has no meaning here; the rule itself says `allow` or `deny`'
  const hint = didYouMean(key, ['and', 'or', 'not', 'nor'])
  const instead = hint === '' ? `; write \`${effect}: { or: [{ ${key}: ... }] }\`` : hint
  return `unknown operator \`${key}\`${instead}`
}

/** A rule with its decisions; what is remarkable about its criteria is warned of. */
export function createAllowRule(
  ref: RuleRef,
  body: PolicyNode,
  around: Warn,
  ruleAt: Position = ref.at,
): AllowRule {
  const parts = ruleParts('allow', body, around)
  const { name, at } = ref
  return { ...parts, decisions: allowDecisions(ref), effect: 'allow', name, at, ruleAt }
}

function createDenyRule(ref: RuleRef, body: PolicyNode, around: Warn, ruleAt: Position): DenyRule {
  const parts = ruleParts('deny', body, around)
  const holds: Decision = { outcome: 'deny', reason: 'denied-by-rule', rule: ref }
  const { name, at } = ref
  return { ...parts, decisions: { holds }, effect: 'deny', name, at, ruleAt }
}

type Warn = Pick<Around, 'warn'>

function ruleParts(effect: Rule['effect'], body: PolicyNode, { warn }: Warn) {
  const { facets, warnings } = facetsOf(effect, body)
  for (const { message, ...at } of warnings) warn(at, message)
  return { evaluate: body.evaluate, body, facets }
}

// Decisions outlive the policy's tree in logs; they hold the name and place alone.
function allowDecisions(rule: RuleRef): AllowDecisions {
  const made = (outcome: Outcome, reason: Reason): Decision => ({ outcome, reason, rule })
  return {
    holds: made('allow', 'allowed'),
    nothingAllowed: made('deny', 'no-allow-rule'),
    stepUp: made('step_up', 'step-up-needed'),
    stepUpFailed: made('deny', 'step-up-failed'),
    stepUpFailedUnavailable: made('unavailable', 'step-up-failed'),
  }
}
