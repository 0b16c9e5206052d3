/** Items of a policy - criteria, operators, uses of conditions - as a tree of closures. */

import type { YamlEntry, YamlMap, YamlNode } from '../../support/yaml-node.ts'
import type { Operator, OperatorName, PolicyNode } from '../compiled-policy.ts'
import { createCriterionCompiler } from './criteria.ts'
import type { CriterionContext } from './criterion.ts'
import { createDefinitions, type Definitions } from './definitions.ts'
import { isOperator, operatorNode } from './operators.ts'

/** With its conditions written out, a policy has at most so many criteria, */
export const MAX_CRITERIA = 10_000
/** and so many levels. */
const MAX_LEVELS = 200

/** A node with its size as if every condition were written out where it is used. */
export interface Sized<T> {
  readonly node: T
  readonly criteria: number
  readonly levels: number
}

export type Around = Pick<CriterionContext, 'report' | 'warn' | 'zone' | 'providers'>

export interface ConditionCompiler {
  readonly conditions: Definitions<Sized<PolicyNode>>
  /** The operator with the list behind it, as in `or: [...]`. */
  operator(entry: YamlEntry, name: OperatorName): Sized<Operator> | undefined
}

/** `isPolicy` tells whether a name that no condition has is that of a policy, for the message. */
export function createConditionCompiler(
  around: Around,
  isPolicy: (name: string) => boolean,
): ConditionCompiler {
  const { report } = around
  const compileCriterion = createCriterionCompiler(around)
  const conditions = createDefinitions<Sized<PolicyNode>>({
    what: 'condition',
    report,
    compile: (entry) => compileItem(entry.value),
    hint: (name) => (isPolicy(name) ? '; a policy of that name is used where a rule stands' : ''),
  })

  function compileItem(item: YamlNode): Sized<PolicyNode> | undefined {
    const entry = onlyEntry(item)
    if (entry === undefined) return undefined
    if (entry.key === 'use') return compileUse(entry)
    if (isOperator(entry.key)) return compileOperatorEntry(entry, entry.key)
    const criterion = compileCriterion(entry)
    return criterion === undefined ? undefined : { node: criterion, criteria: 1, levels: 1 }
  }

  function onlyEntry(item: YamlNode): YamlEntry | undefined {
    if (item.kind !== 'map') return report(item.at, notAnItem(item))
    const [first, second] = item.entries
    if (first === undefined) return report(item.at, 'an empty item means nothing; leave it out')
    if (second !== undefined) {
      return report(
        second.keyAt,
        `an item has one key; write \`${second.key}\` as an item of its own`,
      )
    }
    return first
  }

  function compileUse({ keyAt, value }: YamlEntry): Sized<PolicyNode> | undefined {
    if (value.kind !== 'scalar' || typeof value.value !== 'string' || value.value === '') {
      return report(value.at, '`use` takes the name of a condition')
    }
    const name = value.value
    const found = conditions.use(name, value.at)
    if (found === undefined) return undefined
    const { node: body, criteria, levels } = found
    const { evaluate, always } = body
    const node: PolicyNode = { kind: 'use', name, at: keyAt, evaluate, always, body }
    return { node, criteria, levels }
  }

  function compileOperatorEntry(
    { key, keyAt, value }: YamlEntry,
    operator: OperatorName,
  ): Sized<Operator> | undefined {
    if (value.kind !== 'list') {
      return report(
        value.at,
        `\`${key}\` takes a list, as in \`${key}: [{ domain: example.com }]\``,
      )
    }
    if (value.items.length === 0) {
      return report(value.at, `an empty \`${key}\` is never a rule; name a criterion in it`)
    }
    const items: PolicyNode[] = []
    let criteria = 0
    let levels = 0
    for (const item of value.items) {
      const compiled = compileItem(item)
      if (compiled === undefined) continue
      items.push(compiled.node)
      criteria += compiled.criteria
      levels = Math.max(levels, compiled.levels + 1)
    }
    if (items.length !== value.items.length) return undefined
    if (criteria > MAX_CRITERIA || levels > MAX_LEVELS) {
      return report(
        keyAt,
        `with its conditions written out this has more than ${MAX_CRITERIA} criteria or ${MAX_LEVELS} levels`,
      )
    }
    return { node: operatorNode(operator, items, keyAt), criteria, levels }
  }

  return { conditions, operator: compileOperatorEntry }
}

function notAnItem(item: Exclude<YamlNode, YamlMap>): string {
  if (item.kind === 'list')
    return 'an item is one criterion, not a list; write the list behind `and` or `or`'
  if (item.value === 'accept' || item.value === 'reject' || item.value === 'authenticated_user') {
    return `an item is a mapping; write \`${item.value}: true\``
  }
  return 'an item is a mapping with one key, as in `domain: example.com`'
}
