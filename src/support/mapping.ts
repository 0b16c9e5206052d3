/** Data from a file whose shape is not known yet. */

export type Mapping = Readonly<Record<string, unknown>>

/** True for a mapping; false for lists, single values and nothing. */
export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
