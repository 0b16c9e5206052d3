/** A schema of ours as other tools take it: plain JSON Schema (draft 2020-12), without the keywords that only we read. */

import { OUR_KEYWORDS, type PlainSchema } from './schema-words.ts'

/** `schema` for editors and other validators; `about` goes before what it says itself. */
export function editorSchema(
  schema: PlainSchema,
  about: { readonly title: string; readonly description: string },
): PlainSchema {
  const { $schema: _, title: __, description: ___, ...rest } = plain(schema) as PlainSchema
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...about, ...rest }
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => !OUR_KEYWORDS.includes(key))
  return Object.fromEntries(kept.map(([key, item]) => [key, plain(item)]))
}
