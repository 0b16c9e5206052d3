/** The schema of the file as people write it: keys with a default, and sections whose keys all have one, may be left out. */

import type { TSchema } from 'typebox'
import { editorSchema } from '../support/editor-schema.ts'
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
export function configEditorSchema(): PlainSchema {
  return editorSchema(schemaWithReferences(), {
    title: 'Gatehouse configuration',
    description: 'The file that `gatehouse serve --config` reads.',
  })
}

/** As editors get it, still with our own keywords. */
export function schemaWithReferences(): PlainSchema {
  return withReferences(plainSchema(WrittenConfig))
}

const REFERENCE: PlainSchema = { type: 'string', pattern: '\\$\\{[^}]+\\}' }

function withReferences(schema: PlainSchema): PlainSchema {
  if (schema.properties !== undefined || schema.patternProperties !== undefined) {
    const properties = eachSchema(schema.properties, withReferences)
    const entries = eachSchema(schema.patternProperties, withReferences)
    return {
      ...schema,
      ...(properties === undefined ? {} : { properties }),
      ...(entries === undefined ? {} : { patternProperties: entries }),
    }
  }
  const value =
    schema.items === undefined ? schema : { ...schema, items: withReferences(schema.items) }
  if (takesAnyText(schema)) return value
  const { description, default: byDefault, ...rest } = value
  return {
    ...(description === undefined ? {} : { description }),
    ...(byDefault === undefined ? {} : { default: byDefault }),
    anyOf: [rest, REFERENCE],
  }
}

function takesAnyText(schema: PlainSchema): boolean {
  if (schema.anyOf !== undefined) return schema.anyOf.some(takesAnyText)
  return (
    schema.type === 'string' &&
    schema.pattern === undefined &&
    schema.enum === undefined &&
    schema.const === undefined
  )
}

function eachSchema(
  schemas: Readonly<Record<string, PlainSchema>> | undefined,
  change: (schema: PlainSchema) => PlainSchema,
): Readonly<Record<string, PlainSchema>> | undefined {
  if (schemas === undefined) return undefined
  return Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, change(schema)]))
}
