/** The schema of the file as people write it: keys with a default, and sections whose keys all have one, may be left out. */

import type { TSchema } from 'typebox'
import { type PlainSchema, plainSchema } from '../support/schema-words.ts'
import { Config } from './schema.ts'

/** Config, as it is written; what the file is checked against. */
export const WrittenConfig = mayLeaveOut(plainSchema(Config)) as TSchema

/** `schema` without those `required` keys that the loader fills in. */
function mayLeaveOut(schema: PlainSchema): PlainSchema {
  const properties = eachSchema(schema.properties, mayLeaveOut)
  const entries = eachSchema(schema.patternProperties, mayLeaveOut)
  const required = schema.required?.filter((key) => !isFilledIn(properties?.[key]))
  return {
    ...schema,
    ...(properties === undefined ? {} : { properties }),
    ...(entries === undefined ? {} : { patternProperties: entries }),
    ...(required === undefined ? {} : { required }),
  }
}

function isFilledIn(schema: PlainSchema | undefined): boolean {
  if (schema === undefined) return false
  if (schema.default !== undefined) return true
  return schema.properties !== undefined && (schema.required ?? []).length === 0
}

/**
 * The same for editors: besides what a value must be, every value may be a text with a `${NAME}` or `${file:PATH}` in
 * it. The loader checks what that stands for.
 */
export function editorSchema(): PlainSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Gatehouse configuration',
    description: 'The file that `gatehouse serve --config` reads.',
    ...withReferences(plainSchema(WrittenConfig)),
  }
}

const REFERENCE: PlainSchema = { type: 'string', pattern: '\\$\\{[^}]+\\}' }

function withReferences(schema: PlainSchema): PlainSchema {
  const plain = withoutOurKeywords(schema)
  if (schema.properties !== undefined || schema.patternProperties !== undefined) {
    const properties = eachSchema(schema.properties, withReferences)
    const entries = eachSchema(schema.patternProperties, withReferences)
    return {
      ...plain,
      ...(properties === undefined ? {} : { properties }),
      ...(entries === undefined ? {} : { patternProperties: entries }),
    }
  }
  if (takesAnyText(schema)) {
    return schema.items === undefined ? plain : { ...plain, items: withReferences(schema.items) }
  }
  const { title, description, default: byDefault, ...rest } = plain
  const value = schema.items === undefined ? rest : { ...rest, items: withReferences(schema.items) }
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    anyOf: [value, REFERENCE],
  }
}

function takesAnyText(schema: PlainSchema): boolean {
  if (schema.anyOf !== undefined) return schema.anyOf.some(takesAnyText)
  return schema.type === 'string' && schema.pattern === undefined && schema.enum === undefined
}

function withoutOurKeywords(schema: PlainSchema): PlainSchema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !key.startsWith('x-')))
}

function eachSchema(
  schemas: Readonly<Record<string, PlainSchema>> | undefined,
  change: (schema: PlainSchema) => PlainSchema,
): Readonly<Record<string, PlainSchema>> | undefined {
  if (schemas === undefined) return undefined
  return Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, change(schema)]))
}
