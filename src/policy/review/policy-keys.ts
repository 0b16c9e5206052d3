/** Which parts of policies are written alike: keys that are equal for what decides alike, also across two sets. */

import {
  type CompiledPolicy,
  type Criterion,
  FALSE,
  type OperatorName,
  type PolicyNode,
  TRUE,
  type Truth,
} from '../compiled-policy.ts'
import { joinTruths } from '../language/operators.ts'

export interface PolicyKeys {
  /** Equal for nodes that are written alike but for names of conditions, order and repetition. */
  node(node: PolicyNode): string
  /** Equal for policies whose rules are, but for their names and order. */
  policy(policy: CompiledPolicy): string
  /**
   * What of the decision is left open once every criterion has been asked for its value: equal for policies that then
   * decide alike. `truthOf` gives `undefined` for what is not known.
   */
  rest(policy: CompiledPolicy, truthOf: (criterion: Criterion) => Truth | undefined): string
}

/** A constant, or the number of what depends on something. */
type Rest = Truth | string

export function createPolicyKeys(): PolicyKeys {
  const numbers = new Map<string, string>()
  const known = new WeakMap<PolicyNode, string>()
  const policies = new WeakMap<CompiledPolicy, string>()

  // One short key for each distinct part: a condition that is used a thousand times costs a thousand short keys.
  const numbered = (text: string): string => {
    let number = numbers.get(text)
    if (number === undefined) {
      number = `#${numbers.size}`
      numbers.set(text, number)
    }
    return number
  }

  const keyOf = (node: PolicyNode): string => {
    let key = known.get(node)
    if (key === undefined) {
      key = newKey(node)
      known.set(node, key)
    }
    return key
  }

  const newKey = (node: PolicyNode): string => {
    if (node.kind === 'criterion') return numbered(withoutQuotes(node.written))
    if (node.kind === 'use') return keyOf(node.body)
    const key = joined(node.operator, node.items.map(keyOf))
    return key.startsWith('(') ? numbered(key) : key
  }

  const policyKey = ({ rules }: CompiledPolicy): string =>
    rules
      .map(({ effect, body }) => `${effect} ${keyOf(body)}`)
      .sort()
      .join('\n')

  const restOf = (
    nodes: readonly PolicyNode[],
    operator: OperatorName,
    truthOf: (criterion: Criterion) => Truth | undefined,
  ): Rest => {
    const rests = nodes.map((node): Rest => {
      if (node.kind === 'criterion') return truthOf(node) ?? keyOf(node)
      if (node.kind === 'use') return restOf([node.body], 'and', truthOf)
      return restOf(node.items, node.operator, truthOf)
    })
    const truths = rests.filter((rest) => typeof rest !== 'string')
    const open = rests.filter((rest) => typeof rest === 'string')
    if (open.length === 0) return joinTruths(operator, truths)
    const decisive = operator === 'and' || operator === 'nor' ? FALSE : TRUE
    if (truths.includes(decisive)) return joinTruths(operator, [decisive])
    // What is true of all the others, or false of them, adds nothing; what is unknown does.
    const neutral = decisive === TRUE ? FALSE : TRUE
    const undecided = truths.filter((truth) => truth !== neutral).map(String)
    return joined(operator, [...open, ...undecided])
  }

  return {
    node: keyOf,
    policy(policy) {
      let key = policies.get(policy)
      if (key === undefined) {
        key = policyKey(policy)
        policies.set(policy, key)
      }
      return key
    },
    rest({ allowRules, denyRules }, truthOf) {
      const bodies = (rules: CompiledPolicy['rules']) => rules.map(({ body }) => body)
      const deny = restOf(bodies(denyRules), 'or', truthOf)
      const allow = restOf(bodies(allowRules), 'or', truthOf)
      return deny === TRUE || allow === FALSE ? 'nobody' : `${allow} but not ${deny}`
    },
  }
}

/** Truth does not depend on order and repetition, and one item is itself. */
function joined(operator: OperatorName, keys: readonly string[]): string {
  const each = [...new Set(keys)].sort()
  const [only] = each
  const positive = operator === 'and' || operator === 'or'
  if (positive && each.length === 1 && only !== undefined) return only
  // Of one item `not` and `nor` are the same.
  return `(${each.length === 1 ? 'not' : operator} ${each.join(' ')})`
}

const QUOTED_WORD = /"([A-Za-z_/@][A-Za-z0-9_/.@+-]*)"/g
const NOT_A_TEXT = /^(true|false|null)$/i

/** Whether a text stands in quotes means nothing, unless it would be read as something else without them. */
function withoutQuotes(written: string): string {
  if (!written.includes('"')) return written
  return written.replace(QUOTED_WORD, (quoted, word: string) =>
    NOT_A_TEXT.test(word) ? quoted : word,
  )
}
