/** The config's keys as Markdown tables, made from the schema: type, default and meaning of each. */

import { WrittenConfig } from '../src/config/written-schema.ts'
import { type PlainSchema, plainSchema } from '../src/support/schema-words.ts'

interface Row {
  readonly key: string
  readonly type: string
  readonly byDefault: string
  readonly meaning: string
}

/** One heading and table for each section of the file, then one for the keys that stand by themselves. */
export function configReference(): string {
  const properties = Object.entries(plainSchema(WrittenConfig).properties ?? {})
  const sections = properties.filter(([, schema]) => schema.type === 'object')
  const single = properties.filter(([, schema]) => schema.type !== 'object')
  const parts = sections.map(([name, schema]) => section(name, schema))
  parts.push('### Other keys', table(single.flatMap(([name, schema]) => rows(name, schema, false))))
  return parts.join('\n\n')
}

function section(name: string, schema: PlainSchema): string {
  const entry = Object.values(schema.patternProperties ?? {})[0]
  const isRecord = entry?.properties !== undefined
  const keys = isRecord ? entry : schema
  const intro = schema.description === undefined ? [] : [schema.description]
  const required = new Set(keys.required ?? [])
  const all = Object.entries(keys.properties ?? {}).flatMap(([key, child]) =>
    rows(key, child, required.has(key)),
  )
  return [`### \`${isRecord ? `${name}.NAME` : name}\``, ...intro, table(all)].join('\n\n')
}

function rows(key: string, schema: PlainSchema, isRequired: boolean): readonly Row[] {
  const row: Row = {
    key,
    type: typeInWords(schema),
    byDefault: isRequired ? 'required' : defaultInWords(schema),
    meaning: schema.description ?? '',
  }
  if (schema.type === 'object' && schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, child]) =>
      rows(`${key}.${name}`, child, (schema.required ?? []).includes(name)),
    )
  }
  const items = schema.items
  if (items?.properties === undefined) return [row]
  const required = new Set(items.required ?? [])
  return [
    row,
    ...Object.entries(items.properties).flatMap(([name, child]) =>
      rows(`${key}[].${name}`, child, required.has(name)),
    ),
  ]
}

const KINDS: Readonly<Record<string, string>> = {
  duration: 'duration',
  rate: 'rate',
  time: 'time',
  secret: 'secret',
  secrets: 'secret, or a list',
  path: 'path',
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: 'true or false',
  integer: 'number',
  number: 'number',
  object: 'mapping',
}

function typeInWords(schema: PlainSchema): string {
  const kind = KINDS[schema['x-kind'] ?? '']
  if (kind !== undefined) return kind
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeInWords).join(', ')
  if (schema.type === 'array') {
    if (schema.items?.properties !== undefined) return 'list of mappings'
    return schema.items === undefined ? 'list' : `list of ${typeInWords(schema.items)}`
  }
  return TYPES[String(schema.type)] ?? ''
}

function defaultInWords(schema: PlainSchema): string {
  if (schema.default === undefined) return ''
  if (typeof schema.default === 'string') return `\`${schema.default}\``
  if (Array.isArray(schema.default)) return `\`[${schema.default.join(', ')}]\``
  if (typeof schema.default !== 'object' || schema.default === null) return `\`${schema.default}\``
  return Object.entries(schema.default)
    .map(([key, value]) => `\`${key}: ${String(value)}\``)
    .join(', ')
}

function table(all: readonly Row[]): string {
  const lines = all.map(
    (row) => `| \`${row.key}\` | ${row.type} | ${row.byDefault} | ${row.meaning} |`,
  )
  return ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...lines].join('\n')
}
