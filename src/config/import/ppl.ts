/** A policy in Pomerium's language in ours. Where it cannot be said, what is written lets in nobody whom Pomerium kept out. */

import type { YamlEntry, YamlNode } from '../../support/yaml-node.ts'
import {
  type DraftEntry,
  type DraftNode,
  type DraftPart,
  entry,
  list,
  map,
  type Origin,
  part,
} from './draft.ts'
import type { Notes } from './notes.ts'
import { constantItem, translateCriterion } from './ppl-criteria.ts'

const OPERATORS = ['and', 'or', 'not', 'nor']

/** The rules of `policy`, as items of a route's `policy`. */
export function translatePolicy(
  policy: YamlNode,
  subject: string,
  notes: Notes,
): readonly DraftPart[] {
  const rules = policy.kind === 'list' ? policy.items : [policy]
  return rules.flatMap((rule, index) => {
    const name = policy.kind === 'list' ? `${subject}[${index}]` : subject
    return translateRule(rule, name, notes) ?? []
  })
}

function translateRule(rule: YamlNode, subject: string, notes: Notes): DraftPart | undefined {
  const origin = { at: rule.at, subject }
  if (rule.kind !== 'map') {
    const message = 'is no rule in Pomerium either; everyone is refused until it is put right'
    const comment = notes.add('left-out', rule.at, subject, message)
    return part(map([refuseEveryone()]), { origin, comments: [comment] })
  }
  const actions: DraftEntry[] = []
  const comments: string[] = []
  for (const { key, keyAt, value } of rule.entries) {
    const name = `${subject}.${key}`
    const action = key.toLowerCase()
    if (action === 'allow' || action === 'deny') {
      const body = translateBody(value, action === 'allow', name, notes)
      comments.push(...body.comments)
      if (body.value !== undefined) {
        actions.push(entry(action, body.value, { origin: { at: keyAt, subject: name } }))
      }
    } else {
      comments.push(notes.add('left-out', keyAt, name, 'rules have `allow` and `deny` alone'))
    }
  }
  if (actions.length === 0) return undefined
  return part(map(actions), { origin, comments })
}

function refuseEveryone(): DraftEntry {
  return entry('deny', map([entry('or', list([constantItem(false)]))]))
}

interface Body {
  /** `undefined` where the body never matches. */
  readonly value: DraftNode | undefined
  readonly comments: readonly string[]
}

function translateBody(body: YamlNode, allows: boolean, subject: string, notes: Notes): Body {
  if (body.kind !== 'map') return brokenBody(body, allows, subject, notes)
  const comments: string[] = []
  const operators: { readonly name: string; readonly value: DraftNode; readonly origin: Origin }[] =
    []
  for (const one of body.entries) {
    const name = one.key.toLowerCase()
    const origin = { at: one.keyAt, subject: `${subject}.${one.key}` }
    if (!OPERATORS.includes(name)) {
      comments.push(...unknownOperator(one, origin, notes))
      if (name !== 'action') operators.push(...brokenOperator(allows, origin))
    } else if (one.value.kind !== 'list') {
      const message = 'takes a list; what stands there is no policy in Pomerium either'
      comments.push(notes.add('left-out', one.keyAt, origin.subject, message))
      operators.push(...brokenOperator(allows, origin))
    } else if (one.value.items.length === 0) {
      const message = 'is an empty list, which never matches; it is gone'
      comments.push(notes.add('left-out', one.keyAt, origin.subject, message))
    } else {
      const isPositive = name === 'and' || name === 'or'
      const items = one.value.items.map((item, index) =>
        translateCriterion(item, {
          grants: allows === isPositive,
          subject: `${origin.subject}[${index}]`,
          notes,
        }),
      )
      operators.push({ name, value: list(items), origin })
    }
  }
  return { value: joined(operators, comments, subject, body, notes), comments }
}

function joined(
  operators: readonly {
    readonly name: string
    readonly value: DraftNode
    readonly origin: Origin
  }[],
  comments: string[],
  subject: string,
  body: YamlNode,
  notes: Notes,
): DraftNode | undefined {
  const [first, second] = operators
  if (first === undefined) {
    comments.push(notes.add('left-out', body.at, subject, 'has no criteria and never matches'))
    return undefined
  }
  const asEntry = ({ name, value, origin }: typeof first): DraftEntry =>
    entry(name, value, { origin })
  if (second === undefined) return map([asEntry(first)])
  const names = operators.map(({ name }) => `\`${name}\``).join(', ')
  const message =
    `${names} stand side by side, and in Pomerium one of them is enough, although it reads as if all ` +
    'must hold; written out with `or`'
  comments.push(notes.add('differs', body.at, subject, message))
  return map([entry('or', list(operators.map((one) => part(map([asEntry(one)])))))])
}

/** No list of criteria: in an allow rule nobody, in a deny rule everyone. */
function brokenOperator(allows: boolean, origin: Origin) {
  return [{ name: 'or', value: list([constantItem(allows)]), origin }]
}

function brokenBody(body: YamlNode, allows: boolean, subject: string, notes: Notes): Body {
  const message = allows
    ? 'has no operator, which is no policy in Pomerium either; it lets nobody in'
    : 'has no operator, which is no policy in Pomerium either; it refuses everyone until it is put right'
  const comment = notes.add('left-out', body.at, subject, message)
  const value = allows ? undefined : map([entry('or', list([constantItem(false)]))])
  return { value, comments: [comment] }
}

function unknownOperator(one: YamlEntry, origin: Origin, notes: Notes): readonly string[] {
  const message =
    one.key.toLowerCase() === 'action'
      ? 'has no meaning in Pomerium, and does not exist here'
      : 'is no operator in Pomerium either; it counts as broken until it is put right'
  return [notes.add('left-out', one.keyAt, origin.subject, message)]
}
