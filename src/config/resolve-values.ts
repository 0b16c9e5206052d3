/** From what is written to what is meant: defaults filled in, durations in milliseconds, secrets wrapped, paths absolute. */

import { resolve } from 'node:path'
import { parseDurationMs } from '../support/duration.ts'
import { parseRate } from '../support/rate.ts'
import { type PlainSchema, plainSchema } from '../support/schema-words.ts'
import { Secret } from '../support/secret.ts'
import { Config } from './schema.ts'

/** The config that `written` means; INVARIANT: `written` has passed the check against the schema. */
export function resolveConfig(written: unknown, folder: string): Config {
  return resolveValue(plainSchema(Config), written, folder) as Config
}

function resolveValue(schema: PlainSchema, value: unknown, folder: string): unknown {
  switch (schema['x-kind']) {
    case 'duration':
      return parseDurationMs(String(value))
    case 'rate':
      return parseRate(String(value))
    case 'time':
      return Date.parse(String(value))
    case 'secret':
      return new Secret(String(value))
    case 'secrets':
      return asList(value).map((text) => new Secret(String(text)))
    case 'path':
      return resolve(folder, String(value))
    default:
  }
  if (Array.isArray(value)) {
    const items = schema.items
    return items === undefined ? value : value.map((item) => resolveValue(items, item, folder))
  }
  if (typeof value === 'object' && value !== null) {
    return resolveMapping(schema, value as Readonly<Record<string, unknown>>, folder)
  }
  return value
}

function resolveMapping(
  schema: PlainSchema,
  value: Readonly<Record<string, unknown>>,
  folder: string,
): unknown {
  const properties = schema.properties
  if (properties === undefined) {
    const entry = Object.values(schema.patternProperties ?? {})[0]
    return mapValues(value, (item) =>
      entry === undefined ? item : resolveValue(entry, item, folder),
    )
  }
  const filled = { ...value }
  for (const key of schema.required ?? []) {
    const property = properties[key]
    if (Object.hasOwn(filled, key) || property === undefined) continue
    filled[key] = property.default ?? {}
  }
  return mapValues(filled, (item, key) => resolveValue(properties[key] ?? {}, item, folder))
}

function mapValues(
  value: Readonly<Record<string, unknown>>,
  change: (item: unknown, key: string) => unknown,
): unknown {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item, key)]))
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}
