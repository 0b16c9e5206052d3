/** What is made from the chart's values: the values file, its JSON Schema, and the table of the chart's README. */

import { stringify } from 'yaml'
import { editorSchema } from '../../src/support/editor-schema.ts'
import { type PlainSchema, plainSchema } from '../../src/support/schema-words.ts'
import { chartValues } from './values-schema.ts'

const WIDTH = 120

/** helm/values.yaml: every value with its default, its meaning above it. */
export function valuesFile(): string {
  const intro = [
    '# Values of the Gatehouse chart with their defaults; README.md has them as a table.',
    '# Made by `npm run generate`.',
  ]
  return `${[...intro, ...linesOf(plainSchema(chartValues()), '')].join('\n')}\n`
}

function linesOf({ properties = {} }: PlainSchema, indent: string): readonly string[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const comment = commentOf(value.description ?? '', indent)
    const space = indent === '' ? [''] : []
    if (isGroup(value)) {
      return [...space, ...comment, `${indent}${key}:`, ...linesOf(value, `${indent}  `)]
    }
    const written = stringify({ [key]: value.default }, { lineWidth: 0 })
    const lines = written.trimEnd().split('\n')
    return [...space, ...comment, ...lines.map((line) => `${indent}${line}`)]
  })
}

function commentOf(description: string, indent: string): readonly string[] {
  const lines: string[] = []
  for (const word of description.split(' ')) {
    const last = lines.at(-1)
    const room = WIDTH - indent.length - 2
    if (last === undefined || last.length + 1 + word.length > room) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines.map((line) => `${indent}# ${line}`)
}

/** A mapping that is told key by key; the config is not, it has a page of its own. */
function isGroup(value: PlainSchema): boolean {
  return value.properties !== undefined && value.default === undefined
}

/** helm/values.schema.json: draft 7, which every Helm 3 reads. */
export function valuesSchema(): string {
  const about = {
    title: 'Values of the Gatehouse chart',
    description: 'Helm refuses values that do not fit.',
  }
  const schema = editorSchema(plainSchema(chartValues()), about)
  const properties = {
    ...schema.properties,
    // A chart that holds this one may hand these down.
    global: { type: 'object' },
  }
  const draft7 = { ...schema, $schema: 'http://json-schema.org/draft-07/schema#', properties }
  return `${JSON.stringify(withoutRequired(draft7), null, 2)}\n`
}

/** Of the values none must be given; what a config needs, Gatehouse and the templates say in words. */
function withoutRequired({ required: _, ...schema }: PlainSchema): PlainSchema {
  const properties = Object.entries(schema.properties ?? {}).map(([key, value]) => [
    key,
    isGroup(value) ? withoutRequired(value) : value,
  ])
  return { ...schema, properties: Object.fromEntries(properties) }
}

/** The table of helm/README.md. */
export function valuesTable(): string {
  const rows = rowsOf(plainSchema(chartValues()), '')
  return ['| value | default | meaning |', '| --- | --- | --- |', ...rows].join('\n')
}

function rowsOf({ properties = {} }: PlainSchema, above: string): readonly string[] {
  return Object.entries(properties).flatMap(([key, value]) => {
    const name = `${above}${key}`
    if (!isGroup(value)) return [row(name, `\`${JSON.stringify(value.default)}\``, value)]
    return [row(name, '', value), ...rowsOf(value, `${name}.`)]
  })
}

function row(name: string, byDefault: string, { description = '', enum: options }: PlainSchema) {
  const oneOf = options === undefined ? '' : ` One of ${options.map(quoted).join(', ')}.`
  return `| \`${name}\` | ${byDefault} | ${`${description}${oneOf}`.replaceAll('|', '\\|')} |`
}

function quoted(value: unknown): string {
  return `\`${JSON.stringify(value)}\``
}
