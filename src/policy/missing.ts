/** What would have to be different for a refusal to become an allow: the smallest set, as far as it can be told. */

import type {
  CompiledPolicy,
  Criterion,
  CriterionPart,
  Need,
  NeedKind,
  PolicyNode,
} from './compiled-policy.ts'
import { FALSE, TRUE } from './compiled-policy.ts'
import type { Facts, Subject } from './model.ts'
import { truthIn } from './trace.ts'

/** A set of needs; `undefined` stands for "cannot be had". */
type Needs = readonly Need[] | undefined

/** What somebody could be given comes before what only another request, hour or machine could bring. */
const FAR: ReadonlySet<NeedKind> = new Set(['request', 'time', 'client_certificate'])
const FAR_COST = 1_000

/**
 * The smallest set of needs that together would let `subject` do what `facts` describe; empty where nothing is missing
 * and where nothing would help. Needs of the kinds `user` and `email` name other people.
 */
export function missingFor(
  policy: CompiledPolicy,
  facts: Facts,
  subject: Subject,
): readonly Need[] {
  const search = createSearch(facts, subject)
  const ways = policy.allowRules.map(({ body }) => search(body, true))
  const barriers = policy.denyRules.map(({ body }) => search(body, false))
  return joinAll([cheapest(ways), ...barriers]) ?? []
}

/** Whether a need may be shown to anyone: it names no other person. */
export function isForEveryone({ kind }: Need): boolean {
  return kind !== 'user' && kind !== 'email'
}

/** Finds what makes a node true, or false. Named conditions are shared, so each node is searched once for each. */
function createSearch(facts: Facts, subject: Subject) {
  const known = { true: new Map<PolicyNode, Needs>(), false: new Map<PolicyNode, Needs>() }

  const search = (node: PolicyNode, wanted: boolean): Needs => {
    const found = known[`${wanted}`]
    if (found.has(node)) return found.get(node)
    const needs = searchNew(node, wanted)
    found.set(node, needs)
    return needs
  }

  const searchNew = (node: PolicyNode, wanted: boolean): Needs => {
    if (node.kind === 'use') return search(node.body, wanted)
    if (node.kind === 'criterion') return ofCriterion(node, wanted)
    const { operator, items } = node
    const flips = operator === 'not' || operator === 'nor'
    const inner = flips ? !wanted : wanted
    const needs = items.map((item) => search(item, inner))
    // `and` and `nor` speak of all items, `or` and `not` of one; for the opposite value it is the other way round.
    const speaksOfAll = operator === 'and' || operator === 'nor'
    return speaksOfAll === inner ? joinAll(needs) : cheapest(needs)
  }

  const ofCriterion = (criterion: Criterion, wanted: boolean): Needs => {
    const target = wanted ? TRUE : FALSE
    if (truthIn(criterion, facts, subject, false) === target) return []
    const parts = criterion.parts.map((part): Needs => ofPart(part, wanted))
    // Without parts it is `accept` or `reject`, which nothing changes.
    if (parts.length === 0) return undefined
    return wanted ? joinAll(parts) : cheapest(parts)
  }

  const ofPart = (part: CriterionPart, wanted: boolean): Needs => {
    const target = wanted ? TRUE : FALSE
    if (truthIn(part, facts, subject, false) === target) return []
    return [{ kind: part.kind, text: part.describe(wanted) }]
  }

  return search
}

/** All of them, each once. */
function joinAll(sets: readonly Needs[]): Needs {
  const all = new Map<string, Need>()
  for (const set of sets) {
    if (set === undefined) return undefined
    for (const need of set) all.set(need.text, need)
  }
  return [...all.values()]
}

function cheapest(sets: readonly Needs[]): Needs {
  let best: Needs
  let least = Number.POSITIVE_INFINITY
  for (const set of sets) {
    if (set === undefined) continue
    const cost = set.reduce((sum, { kind }) => sum + (FAR.has(kind) ? FAR_COST : 1), 0)
    if (cost < least) {
      best = set
      least = cost
    }
  }
  return best
}
