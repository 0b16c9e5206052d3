/** A JSON Schema in words: what a value should have been, and what kind of value was written instead. */

import type { TSchema } from 'typebox'

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json }

/** The part of JSON Schema (draft 2020-12) that our schemas use, as plain data. */
export interface PlainSchema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, PlainSchema>>
  readonly type?: string | readonly string[]
  readonly const?: Json
  readonly enum?: readonly Json[]
  readonly anyOf?: readonly PlainSchema[]
  readonly oneOf?: readonly PlainSchema[]
  readonly allOf?: readonly PlainSchema[]
  readonly properties?: Readonly<Record<string, PlainSchema>>
  readonly patternProperties?: Readonly<Record<string, PlainSchema>>
  readonly additionalProperties?: boolean | PlainSchema
  readonly required?: readonly string[]
  readonly items?: PlainSchema
  readonly pattern?: string
  readonly default?: Json
  readonly title?: string
  readonly description?: string
  readonly 'x-kind'?: string
  readonly 'x-expects'?: string
  readonly [keyword: string]: unknown
}

/** Annotations that JSON Schema does not have: `x-kind` says how a text is read, `x-expects` what it must be, in words. */
export const OUR_KEYWORDS: readonly string[] = ['x-kind', 'x-expects']

/** A TypeBox schema is plain JSON Schema already; this only says so to the compiler. */
export function plainSchema(schema: TSchema): PlainSchema {
  return schema as PlainSchema
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'empty',
}

const DURATION = 'a duration such as 30s, 15m, 8h or 7d'

/** What `schema` asks for, to stand behind "must be": `text`, `a list`, `one of \`a\`, \`b\``, `text or a list`. */
export function whatIsExpected(schema: PlainSchema): string {
  if (schema['x-expects'] !== undefined) return schema['x-expects']
  if (schema['x-kind'] === 'duration') return DURATION
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.enum !== undefined) return oneOf(schema.enum)
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) return eitherOf(branches)
  if (schema.pattern !== undefined) return `text that matches \`${schema.pattern}\``
  const types = typesOf(schema).map((type) => KINDS[type] ?? type)
  return types.length === 0 ? 'something else' : joined(types)
}

/** What was written, to stand behind "not": `text`, `a list`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'boolean') return `\`${value}\``
  if (typeof value === 'object') return 'a mapping'
  return KINDS[typeof value] ?? typeof value
}

/** Follows `$ref` into the definitions of `root`; anything else is returned as it is. */
export function resolveRef(schema: PlainSchema, root: PlainSchema): PlainSchema {
  if (schema.$ref === undefined) return schema
  if (schema.$ref === '#') return root
  return definitionsIn(root)[schema.$ref.replace(/^#\/\$defs\//, '')] ?? schema
}

const definitions = new WeakMap<PlainSchema, Readonly<Record<string, PlainSchema>>>()

/** Every `$defs` entry of `root` and of what it holds, by name; names are unique within a schema of ours. */
export function definitionsIn(root: PlainSchema): Readonly<Record<string, PlainSchema>> {
  const known = definitions.get(root)
  if (known !== undefined) return known
  const found: Record<string, PlainSchema> = {}
  collect(root, found)
  definitions.set(root, found)
  return found
}

function collect(value: unknown, found: Record<string, PlainSchema>): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, child] of Object.entries(value)) {
    if (key === '$defs') Object.assign(found, child)
    collect(child, found)
  }
}

/** True where `value` is of a type that `schema` takes, whatever else is wrong with it. */
export function accepts(schema: PlainSchema, value: unknown, root: PlainSchema): boolean {
  const branches = schema.anyOf ?? schema.oneOf
  if (branches !== undefined) {
    return branches.some((branch) => accepts(resolveRef(branch, root), value, root))
  }
  const types = typesOf(schema)
  return types.length === 0 || types.some((type) => isOfType(type, value))
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'null':
      return value === null
    case 'integer':
    case 'number':
      return typeof value === 'number'
    default:
      return typeof value === type
  }
}

/** The JSON types that `schema` names, those of its constants included. */
export function typesOf(schema: PlainSchema): readonly string[] {
  if (schema.type !== undefined) {
    return typeof schema.type === 'string' ? [schema.type] : schema.type
  }
  if (schema.const !== undefined) return [jsonType(schema.const)]
  if (schema.enum !== undefined) return [...new Set(schema.enum.map(jsonType))]
  if (schema.properties !== undefined) return ['object']
  return []
}

function jsonType(value: Json): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

function eitherOf(branches: readonly PlainSchema[]): string {
  const constants = branches.flatMap((branch) => (branch.const === undefined ? [] : [branch.const]))
  if (constants.length === branches.length) return oneOf(constants)
  return joined([...new Set(branches.map(whatIsExpected))])
}

function oneOf(values: readonly Json[]): string {
  const texts = values.map((value) => `\`${String(value)}\``)
  return texts.length === 1 ? texts.join('') : `one of ${texts.join(', ')}`
}

function joined(words: readonly string[]): string {
  if (words.length <= 2) return words.join(' or ')
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}
