/** Data from a YAML file against its schema: every mistake once, at its place, in words. The only user of ajv. */

import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { TSchema } from 'typebox'
import { error, type Problem } from './problem.ts'
import {
  accepts,
  definitionsIn,
  type Json,
  kindOf,
  OUR_KEYWORDS,
  type PlainSchema,
  plainSchema,
  resolveRef,
  whatIsExpected,
} from './schema-words.ts'
import { didYouMean } from './suggest.ts'
import type { YamlDocument, YamlPath } from './yaml-document.ts'

/** One mistake, before it is placed in the file. */
export interface Mistake {
  readonly path: YamlPath
  readonly at: 'key' | 'value'
  readonly message: string
}

/**
 * What is wrong with `document.value` (or with the part of it below `base`) by `schema`. Where a union fails, the
 * branch that the writer most likely meant is the one that is reported on. Values are never repeated in a message: they
 * may be secrets. Annotations that are read: `x-kind` (`duration`, ...) and `x-expects` (`a colour such as #0b5fff`).
 */
export function checkSchema(
  schema: TSchema,
  document: YamlDocument,
  base: YamlPath = [],
): Problem[] {
  const value = valueBelow(document.value, base)
  const root = plainSchema(schema)
  return mistakesIn(root, root, value, base).map((mistake) => {
    const position =
      mistake.at === 'key' ? document.keyAt(mistake.path) : document.valueAt(mistake.path)
    return error(position, mistake.message)
  })
}

/** The same for data that is in no file. */
export function findMistakes(schema: TSchema, value: unknown): readonly Mistake[] {
  const root = plainSchema(schema)
  return mistakesIn(root, root, value, [])
}

/** What `path` leads to in plain data. */
export function valueBelow(value: unknown, path: YamlPath): unknown {
  let current = value
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined
    current = Object.hasOwn(current, step) ? (current as Record<string, unknown>)[step] : undefined
  }
  return current
}

const validators = new WeakMap<PlainSchema, ValidateFunction>()

/** Compiled once for each schema. Each has an Ajv of its own, so that two schemas may use the same `$id` inside. */
function validatorOf(schema: PlainSchema, root: PlainSchema): ValidateFunction {
  const known = validators.get(schema)
  if (known !== undefined) return known
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    allowUnionTypes: true,
    keywords: [...OUR_KEYWORDS],
  })
  // A part of a schema taken by itself still refers to the definitions of the whole.
  const whole = schema === root ? schema : { ...schema, $defs: definitionsIn(root) }
  const validator = ajv.compile(whole)
  validators.set(schema, validator)
  return validator
}

function mistakesIn(
  schema: PlainSchema,
  root: PlainSchema,
  value: unknown,
  base: YamlPath,
): Mistake[] {
  const validate = validatorOf(schema, root)
  if (validate(value)) return []
  const all = validate.errors ?? []
  const unions = outermost(all.filter((issue) => unionOf(issue) !== undefined))
  const plain = all.filter(
    (issue) => !unions.some((union) => isAtOrBelow(issue.instancePath, union.instancePath)),
  )
  const mistakes: Mistake[] = []
  const seen = new Set<string>()
  for (const issue of plain) {
    // A value of the wrong type fails other keywords too; the first that Ajv names is the one to tell.
    const key = `${issue.instancePath} ${ofAKey(issue) ? JSON.stringify(issue.params) : ''}`
    if (seen.has(key)) continue
    seen.add(key)
    mistakes.push(mistakeOf(issue, [...base, ...stepsOf(value, issue.instancePath)]))
  }
  for (const union of unions) {
    const steps = stepsOf(value, union.instancePath)
    mistakes.push(...mistakesInUnion(union, root, valueBelow(value, steps), [...base, ...steps]))
  }
  return mistakes
}

function ofAKey(issue: ErrorObject): boolean {
  return issue.keyword === 'required' || issue.keyword === 'additionalProperties'
}

function mistakeOf(issue: ErrorObject, path: YamlPath): Mistake {
  const parent = (issue.parentSchema ?? {}) as PlainSchema
  const name = nameOf(path)
  switch (issue.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownKey(issue, parent, path)
    case 'required':
      return { path, at: 'key', message: `missing key \`${issue.params['missingProperty']}\`` }
    case 'minItems':
    case 'minLength':
    case 'minProperties':
      if (issue.params['limit'] === 1) return atValue(path, `${name} must not be empty`)
      return atValue(path, `${name} must have at least ${issue.params['limit']} entries`)
    case 'minimum':
      return atValue(path, `${name} must be at least ${issue.params['limit']}`)
    case 'maximum':
      return atValue(path, `${name} must be at most ${issue.params['limit']}`)
    case 'uniqueItems':
      return atValue(path, `${name} has the same entry twice`)
    case 'type':
      return wrongType(parent, issue.data, path)
    case 'propertyNames':
    case 'pattern':
    case 'const':
    case 'enum':
      return atValue(path, `${name} must be ${whatIsExpected(parent)}`)
    default:
      return atValue(path, `${name} ${issue.message ?? 'is not valid'}`)
  }
}

function atValue(path: YamlPath, message: string): Mistake {
  return { path, at: 'value', message }
}

function unknownKey(issue: ErrorObject, parent: PlainSchema, path: YamlPath): Mistake {
  const written = String(
    issue.params['additionalProperty'] ?? issue.params['unevaluatedProperty'] ?? '',
  )
  const known = Object.keys(parent.properties ?? {})
  const hint = didYouMean(written, known) || `; known here: ${known.join(', ')}`
  return { path: [...path, written], at: 'key', message: `unknown key \`${written}\`${hint}` }
}

function wrongType(expected: PlainSchema, value: unknown, path: YamlPath): Mistake {
  const name = nameOf(path)
  const wanted = whatIsExpected(expected)
  if (value === null || value === undefined) {
    return path.length === 0
      ? atValue(path, 'the file is empty')
      : atValue(path, `${name} is empty; it must be ${wanted}`)
  }
  return atValue(path, `${name} must be ${wanted}, not ${kindOf(value)}`)
}

/** `key`, or `key[1]` for an entry of a list, in backticks. */
function nameOf(path: YamlPath): string {
  let index = ''
  for (let i = path.length - 1; i >= 0; i--) {
    const step = path[i]
    if (typeof step === 'string') return `\`${step}${index}\``
    index = `[${step}]${index}`
  }
  return index === '' ? 'the file' : `\`${index}\``
}

function unionOf(issue: ErrorObject): readonly PlainSchema[] | undefined {
  if (issue.keyword !== 'anyOf' && issue.keyword !== 'oneOf') return undefined
  return issue.schema as readonly PlainSchema[]
}

function outermost(unions: readonly ErrorObject[]): readonly ErrorObject[] {
  return unions.filter(
    (union, index) =>
      !unions.some(
        (other, at) =>
          other !== union &&
          isAtOrBelow(union.instancePath, other.instancePath) &&
          // Of two unions of one value the outer one is the later one: Ajv reports from the inside out.
          (other.instancePath !== union.instancePath || at > index),
      ),
  )
}

function mistakesInUnion(
  union: ErrorObject,
  root: PlainSchema,
  value: unknown,
  path: YamlPath,
): Mistake[] {
  const whole = (union.parentSchema ?? {}) as PlainSchema
  const branches = (unionOf(union) ?? []).map((branch) => resolveRef(branch, root))
  const fitting = branches.filter((branch) => accepts(branch, value, root))
  if (fitting.length === 0) return [wrongType(whole, value, path)]
  if (fitting.every((branch) => branch.const !== undefined)) {
    return [atValue(path, `${nameOf(path)} must be ${whatIsExpected(whole)}`)]
  }
  const candidates = fitting.map((branch) => ({
    shared: sharedKeys(branch, value),
    mistakes: mistakesIn(branch, root, value, path),
  }))
  candidates.sort((a, b) => b.shared - a.shared || a.mistakes.length - b.mistakes.length)
  return candidates[0]?.mistakes ?? []
}

/** How many of the keys that are written `branch` knows; a matching discriminator counts for many. */
function sharedKeys(branch: PlainSchema, value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const properties = branch.properties ?? {}
  let shared = 0
  for (const [key, written] of Object.entries(value as Record<string, Json>)) {
    const property = properties[key]
    if (property === undefined) continue
    shared += property.const !== undefined && property.const === written ? 100 : 1
  }
  return shared
}

/** The steps of a JSON pointer (RFC 6901) into `value`: numbers where it leads through a list. */
function stepsOf(value: unknown, pointer: string): YamlPath {
  const steps: (string | number)[] = []
  let current = value
  for (const segment of pointer.split('/').slice(1)) {
    const text = segment.replaceAll('~1', '/').replaceAll('~0', '~')
    const step = Array.isArray(current) ? Number(text) : text
    steps.push(step)
    current = valueBelow(current, [step])
  }
  return steps
}

function isAtOrBelow(pointer: string, above: string): boolean {
  return pointer === above || pointer.startsWith(`${above}/`)
}
