/** String and list matchers: what is written in the file becomes keys that test one value, or an error that says what to write. */

import { RE2JS } from 're2js'
import type { Position } from '../../support/problem.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { YamlNode, YamlScalar } from '../../support/yaml-node.ts'

/** Notes a problem; returns `undefined` so that a failing check can end with it. */
export type Report = (at: Position, message: string) => undefined

/** What a matcher compares: text, and in claims also numbers and booleans, never equal to each other. */
export type Scalar = string | number | boolean

/** One key of a matcher. All keys of a matcher must hold. */
export interface MatcherKey {
  readonly operator: string
  readonly at: Position
  /** A negative key is the exact opposite of its positive twin, which is what the rest describes. */
  readonly negative: boolean
  /** `is` of a list: there is one element, and it is this one. */
  readonly only: boolean
  /** Whether one value or element satisfies the positive twin. */
  readonly holds: (value: unknown) => boolean
  /** The values that it lists; `undefined` where it describes them, as `starts_with` does. */
  readonly values: readonly Scalar[] | undefined
  /** For a sentence: `a`, `a or b`, `that starts with a`. */
  readonly phrase: string
}

/** How a criterion compares. */
export interface MatcherKind {
  /** The criterion, for messages. */
  readonly name: string
  readonly list: boolean
  /** Whether numbers and booleans may be written, too. */
  readonly scalars: boolean
  /** Brings a text of the policy to the form in which values are compared. */
  readonly fold: (text: string) => string
  readonly ignoreCase: boolean
  /** What is wrong with a text written behind `operator`, if anything. */
  readonly check?: (text: string, operator: string) => string | undefined
}

const MAX_PATTERN_LENGTH = 2_000

const NEGATIVE = new Set(['not', 'not_in', 'exclude'])
const TAKES_LIST = new Set(['in', 'not_in', 'has_any', 'has_all'])
const DESCRIBING = new Map<string, string>([
  ['contains', 'that contains'],
  ['starts_with', 'that starts with'],
  ['ends_with', 'that ends with'],
  ['matches', 'that matches'],
])
export const TEXT_OPERATORS = ['is', 'not', ...DESCRIBING.keys(), 'in', 'not_in']
const ONLY_LIST_OPERATORS = ['has', 'exclude', 'has_any', 'has_all']
export const LIST_OPERATORS = [...ONLY_LIST_OPERATORS, ...TEXT_OPERATORS]

/** The keys of the matcher `data`; `undefined`, with what is wrong reported, where it is none. */
export function compileMatcher(
  data: YamlNode,
  kind: MatcherKind,
  report: Report,
): readonly MatcherKey[] | undefined {
  if (data.kind === 'scalar')
    return compileKey(kind.list ? 'has' : 'is', data, data.at, kind, report)
  if (data.kind === 'list')
    return compileKey(kind.list ? 'has_any' : 'in', data, data.at, kind, report)
  if (data.entries.length === 0) {
    return report(data.at, `the matcher of \`${kind.name}\` is empty; write one of ${known(kind)}`)
  }
  const keys: MatcherKey[] = []
  let broken = false
  for (const { key, keyAt, value } of data.entries) {
    const compiled = isOperator(key, kind)
      ? compileKey(key, value, keyAt, kind, report)
      : report(keyAt, unknownOperator(key, kind))
    if (compiled === undefined) broken = true
    else keys.push(...compiled)
  }
  return broken ? undefined : keys
}

function isOperator(key: string, kind: MatcherKind): boolean {
  return (kind.list ? LIST_OPERATORS : TEXT_OPERATORS).includes(key)
}

function unknownOperator(key: string, kind: MatcherKind): string {
  if (!kind.list && ONLY_LIST_OPERATORS.includes(key)) {
    const instead = { has: 'is', exclude: 'not', has_any: 'in' }[key]
    const hint = instead === undefined ? '' : `; write \`${instead}\``
    return `\`${key}\` is for lists, and \`${kind.name}\` is one text${hint}`
  }
  const operators = kind.list ? LIST_OPERATORS : TEXT_OPERATORS
  const suggestion = didYouMean(key, operators)
  const hint = suggestion === '' ? `; a matcher's keys are ${known(kind)}` : suggestion
  return `unknown key \`${key}\` in the matcher of \`${kind.name}\`${hint}`
}

function known(kind: MatcherKind): string {
  return (kind.list ? LIST_OPERATORS : TEXT_OPERATORS).map((name) => `\`${name}\``).join(', ')
}

function compileKey(
  operator: string,
  data: YamlNode,
  at: Position,
  kind: MatcherKind,
  report: Report,
): readonly MatcherKey[] | undefined {
  const values = TAKES_LIST.has(operator)
    ? readValues(operator, data, kind, report)
    : readValue(operator, data, kind, report)
  if (values === undefined) return undefined
  const negative = NEGATIVE.has(operator)
  const describing = DESCRIBING.get(operator)
  if (describing !== undefined) {
    const text = values[0]
    if (typeof text !== 'string') return undefined
    const holds = describe(operator, text, data.at, kind, report)
    if (holds === undefined) return undefined
    const phrase = `${describing} ${text}`
    return [{ operator, at, negative, only: false, holds, values: undefined, phrase }]
  }
  if (operator === 'has_all') {
    return values.map((value) => exactKey('has', at, false, false, [value]))
  }
  return [exactKey(operator, at, negative, operator === 'is' && kind.list, values)]
}

function exactKey(
  operator: string,
  at: Position,
  negative: boolean,
  only: boolean,
  values: readonly Scalar[],
): MatcherKey {
  return {
    operator,
    at,
    negative,
    only,
    holds: oneOf(values),
    values,
    phrase: alternatives(values),
  }
}

/** Types are told apart: text, numbers and booleans are never equal to each other. */
function oneOf(values: readonly Scalar[]): (value: unknown) => boolean {
  const [first] = values
  if (values.length === 1) return (value) => value === first
  const set = new Set<unknown>(values)
  return (value) => set.has(value)
}

function alternatives(values: readonly Scalar[]): string {
  const last = String(values.at(-1))
  return values.length === 1 ? last : `${values.slice(0, -1).join(', ')} or ${last}`
}

function describe(
  operator: string,
  text: string,
  at: Position,
  kind: MatcherKind,
  report: Report,
): MatcherKey['holds'] | undefined {
  switch (operator) {
    case 'contains':
      return (value) => typeof value === 'string' && value.includes(text)
    case 'starts_with':
      return (value) => typeof value === 'string' && value.startsWith(text)
    case 'ends_with':
      return (value) => typeof value === 'string' && value.endsWith(text)
    default: {
      const pattern = compilePattern(text, kind.ignoreCase, at, report)
      if (pattern === undefined) return undefined
      return (value) => typeof value === 'string' && pattern.testExact(value)
    }
  }
}

/** An RE2 pattern, which takes time linear in what it is tried on; `undefined` and reported where it is none. */
export function compilePattern(
  pattern: string,
  ignoreCase: boolean,
  at: Position,
  report: Report,
): RE2JS | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return report(at, `the pattern is longer than ${MAX_PATTERN_LENGTH} characters`)
  }
  try {
    return RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
  } catch (cause) {
    const detail =
      cause instanceof Error
        ? cause.message.replace('error parsing regexp: ', '').replace('(?i)', '')
        : ''
    const hint = /\(\?<?[=!]|\\[1-9]/.test(pattern)
      ? '; RE2 has no look-around and no back-references'
      : ''
    return report(at, `not an RE2 pattern: ${detail}${hint}`)
  }
}

function readValues(
  operator: string,
  data: YamlNode,
  kind: MatcherKind,
  report: Report,
): readonly Scalar[] | undefined {
  if (data.kind !== 'list') {
    return report(data.at, `\`${operator}\` takes a list, as in \`${operator}: [a, b]\``)
  }
  if (data.items.length === 0) {
    return report(data.at, 'an empty list never holds; name a value, or leave the criterion out')
  }
  const values: Scalar[] = []
  let broken = false
  for (const item of data.items) {
    const value = readScalar(operator, item, kind, report)
    if (value === undefined) broken = true
    else values.push(value)
  }
  return broken ? undefined : values
}

function readValue(
  operator: string,
  data: YamlNode,
  kind: MatcherKind,
  report: Report,
): readonly Scalar[] | undefined {
  if (data.kind === 'list' && !DESCRIBING.has(operator)) {
    const several = kind.list ? 'has_any' : 'in'
    const instead = NEGATIVE.has(operator) ? 'not_in' : several
    return report(data.at, `\`${operator}\` takes one value; for several write \`${instead}\``)
  }
  const value = readScalar(operator, data, kind, report)
  return value === undefined ? undefined : [value]
}

function readScalar(
  operator: string,
  data: YamlNode,
  kind: MatcherKind,
  report: Report,
): Scalar | undefined {
  if (data.kind !== 'scalar') {
    return report(data.at, `\`${kind.name}\` compares with a text here, not with a ${data.kind}`)
  }
  const { value } = data
  if (value === null) {
    return report(data.at, `a value is missing; a text \`null\` or \`~\` is written in quotes`)
  }
  if (typeof value === 'string') return readText(operator, value, data.at, kind, report)
  if (!kind.scalars || DESCRIBING.has(operator)) {
    return report(data.at, `${needsQuotes(data)}: \`${kind.name}\` compares text`)
  }
  if (typeof value === 'number' && !isExact(value)) {
    return report(data.at, 'the number is too large or too small to be compared exactly')
  }
  return value
}

function needsQuotes({ value }: YamlScalar): string {
  return `\`${value}\` is a ${typeof value} unless it is written in quotes`
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

function readText(
  operator: string,
  text: string,
  at: Position,
  kind: MatcherKind,
  report: Report,
): string | undefined {
  if (text === '') return report(at, 'an empty text is never meant; leave it out')
  const wrong = kind.check?.(text, operator)
  if (wrong !== undefined) return report(at, wrong)
  // A pattern has its own way to ignore case; folding would change `\D` into `\d`.
  return operator === 'matches' ? text : kind.fold(text)
}
