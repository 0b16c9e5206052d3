/** Policies as ways in: each a set of things that must hold together, in words. */

import {
  type Criterion,
  type CriterionPart,
  FALSE,
  type NeedKind,
  type PolicyNode,
  TRUE,
  type Truth,
} from '../compiled-policy.ts'

/** One thing that must hold, as in `group ops` or `not method GET`. */
export interface Literal {
  readonly kind: NeedKind
  readonly text: string
  readonly wanted: boolean
}

/** Things that must hold together; with none of them it always holds. */
export type Term = readonly Literal[]

/** What is known already: the value of a criterion or of one of its parts. */
export type Known = (part: Criterion | CriterionPart) => Truth | undefined

/** A rule with more ways than this is shown as it is written. */
const MAX_TERMS = 64

/** Any of these makes `node` hold, or with `wanted` false not hold; `undefined` where they are too many to read. */
export function termsOf(
  node: PolicyNode,
  wanted: boolean,
  known: Known,
): readonly Term[] | undefined {
  switch (node.kind) {
    case 'use':
      return termsOf(node.body, wanted, known)
    case 'criterion':
      return termsOfCriterion(node, wanted, known)
    case 'operator': {
      const flips = node.operator === 'not' || node.operator === 'nor'
      const inner = flips ? !wanted : wanted
      const items: (readonly Term[])[] = []
      for (const item of node.items) {
        const terms = termsOf(item, inner, known)
        if (terms === undefined) return undefined
        items.push(terms)
      }
      // `and` and `nor` speak of all items, `or` and `not` of one; for the opposite value it is the other way round.
      const speaksOfAll = node.operator === 'and' || node.operator === 'nor'
      return speaksOfAll === inner ? together(items) : either(items)
    }
  }
}

function termsOfCriterion(
  criterion: Criterion,
  wanted: boolean,
  known: Known,
): readonly Term[] | undefined {
  // Without parts it is a constant.
  const truth = criterion.parts.length === 0 ? criterion.always : known(criterion)
  const decided = constant(truth, wanted)
  if (decided !== undefined) return decided
  const parts = criterion.parts.map(
    (part): readonly Term[] =>
      constant(known(part), wanted) ?? [[{ kind: part.kind, text: part.describe(wanted), wanted }]],
  )
  return wanted ? together(parts) : either(parts)
}

function constant(truth: Truth | undefined, wanted: boolean): readonly Term[] | undefined {
  if (truth !== TRUE && truth !== FALSE) return undefined
  return (truth === TRUE) === wanted ? [[]] : []
}

function either(items: readonly (readonly Term[])[]): readonly Term[] | undefined {
  const all = new Map(items.flat().map((term) => [keyOf(term), term]))
  // Where one way asks for nothing, the others add nothing.
  if (all.has(keyOf([]))) return [[]]
  return all.size > MAX_TERMS ? undefined : [...all.values()]
}

function together(items: readonly (readonly Term[])[]): readonly Term[] | undefined {
  let joined: readonly Term[] = [[]]
  for (const terms of items) {
    if (joined.length * terms.length > MAX_TERMS * MAX_TERMS) return undefined
    const products = joined.flatMap((left) => terms.map((right) => joinTerms(left, right)))
    const next = either([products.filter((term) => !contradictsItself(term))])
    if (next === undefined) return undefined
    joined = next
  }
  return joined
}

function joinTerms(left: Term, right: Term): Term {
  return [...new Map([...left, ...right].map((literal) => [literal.text, literal])).values()]
}

function contradictsItself(term: Term): boolean {
  const texts = new Set(term.map(({ text }) => text))
  return term.some(({ text }) => texts.has(`not ${text}`))
}

function keyOf(term: Term): string {
  return JSON.stringify(term.map(({ text }) => text).sort())
}
