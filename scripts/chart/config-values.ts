/**
 * `config` of the chart's values: the schema of gatehouse.yaml, where a secret can only be a reference, and keys that the
 * chart may still fill in are not asked for.
 */

import { type TSchema, Type } from 'typebox'
import { schemaWithReferences } from '../../src/config/written-schema.ts'
import type { PlainSchema } from '../../src/support/schema-words.ts'

/** All of the text is `${NAME}` or `${file:PATH}`. */
const REFERENCE: PlainSchema = { type: 'string', pattern: '^\\$\\{[^}]+\\}$' }

export function configValues(): TSchema {
  const { properties = {} } = secretsByReference(schemaWithReferences()) as PlainSchema
  const sections = Object.entries(properties).map(([name, { required: _, ...section }]) => [
    name,
    section,
  ])
  return Type.Unsafe({
    type: 'object',
    properties: Object.fromEntries(sections),
    additionalProperties: false,
    default: {},
    description: `gatehouse.yaml (docs/configuration.md), but for what the chart writes itself: listeners, \`server.tls\`, \`session.store\` and \`policies\`. Secrets are \`\${NAME}\` only.`,
  })
}

/** `schema` with references alone where a secret is asked for; the texts of a chart's values are no place for one. */
function secretsByReference(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(secretsByReference)
  if (typeof schema !== 'object' || schema === null) return schema
  const { 'x-kind': kind, description } = schema as PlainSchema
  const about = description === undefined ? {} : { description }
  if (kind === 'secret') return { ...about, ...REFERENCE }
  if (kind === 'secrets') {
    return { ...about, anyOf: [REFERENCE, { type: 'array', items: REFERENCE, minItems: 1 }] }
  }
  const entries = Object.entries(schema).map(([key, child]) => [key, secretsByReference(child)])
  return Object.fromEntries(entries)
}
