/** Small pieces that the policy file's schema is put together from. */

import { type TSchema, Type } from 'typebox'

export const closed = { additionalProperties: false } as const

export const Text = Type.String({ minLength: 1 })
export const Texts = Type.Array(Text, { minItems: 1 })

/** A definition of the schema by its name. */
export function ref(definition: string): TSchema {
  return Type.Unsafe({ $ref: `#/$defs/${definition}` })
}

/** `schema` with a description of its own; beside `$ref` that is allowed since draft 2019-09. */
export function named(schema: TSchema, description: string): TSchema {
  return Type.Unsafe({ ...schema, description })
}
