/** What would have to be different for a refusal to become an allow: the smallest set, as far as it can be told. */

import type {
  CompiledPolicy,
  Criterion,
  CriterionPart,
  Need,
  NeedKind,
  PolicyNode,
} from '../compiled-policy.ts'
import { FALSE, TRUE, type Truth, UNKNOWN } from '../compiled-policy.ts'
import { joinTruths } from '../language/operators.ts'
import type { Facts, Subject } from '../model.ts'
import { truthIn } from './trace.ts'

/** A set of needs; `undefined` stands for "cannot be had". */
type Needs = readonly Need[] | undefined

/** What somebody could be given comes before what only another request, hour or machine could bring. */
const FAR: ReadonlySet<NeedKind> = new Set(['request', 'time', 'client_certificate'])
const FAR_COST = 1_000

/**
 * The smallest set of needs found that together would let `subject` do what `facts` describe; empty where nothing is
 * missing and where nothing would help. Needs of the kinds `user` and `email` name other people.
 */
export function missingFor(
  policy: CompiledPolicy,
  facts: Facts,
  subject: Subject,
): readonly Need[] {
  // Preflights alone are let in: no person is missing anything.
  if (policy.refusal.reason === 'no-policy') return []
  const search = createSearch(facts, subject)
  const barriers = policy.denyRules.map(({ body }) => search(body, false))
  const ways = policy.allowRules
    .map(({ body }) => joinAll([search(body, true), ...barriers]))
    .filter((way) => way !== undefined)
    .sort((one, other) => costOf(one) - costOf(other))
  // What opens one rule may close another: a group that is asked for here and denied there helps nobody.
  return ways.find((way) => wouldAllow(policy, facts, subject, way)) ?? []
}

function wouldAllow(
  policy: CompiledPolicy,
  facts: Facts,
  subject: Subject,
  needs: readonly Need[],
): boolean {
  const texts = new Set(needs.map(({ text }) => text))
  const judge = createJudge(facts, subject, texts)
  return (
    policy.allowRules.some(({ body }) => judge(body) === TRUE) &&
    policy.denyRules.every(({ body }) => judge(body) === FALSE)
  )
}

/** Judges nodes as if the needs with these texts were met. */
function createJudge(
  facts: Facts,
  subject: Subject,
  met: ReadonlySet<string>,
): (node: PolicyNode) => Truth {
  const known = new Map<PolicyNode, Truth>()
  const ofPart = (part: CriterionPart): Truth => {
    if (met.has(part.describe(true))) return TRUE
    if (met.has(part.describe(false))) return FALSE
    return truthIn(part, facts, subject, false) ?? UNKNOWN
  }
  const judgeNew = (node: PolicyNode): Truth => {
    if (node.kind === 'use') return judge(node.body)
    if (node.kind === 'operator') return joinTruths(node.operator, node.items.map(judge))
    // Without parts it is a constant.
    return node.parts.length === 0 ? node.always : joinTruths('and', node.parts.map(ofPart))
  }
  const judge = (node: PolicyNode): Truth => {
    const truth = known.get(node) ?? judgeNew(node)
    known.set(node, truth)
    return truth
  }
  return judge
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
  for (const set of sets) {
    if (set === undefined) continue
    if (best === undefined || costOf(set) < costOf(best)) best = set
  }
  return best
}

function costOf(needs: readonly Need[]): number {
  return needs.reduce((sum, { kind }) => sum + (FAR.has(kind) ? FAR_COST : 1), 0)
}
