/** Simple values of a route's keys, each read or refused. `undefined` is a refusal, which has been reported. */

import { parseDurationMs } from '../../support/duration.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { YamlEntry, YamlMap, YamlNode } from '../../support/yaml-node.ts'
import type { Report } from '../language/matchers.ts'
import type { RouteKey } from './route-keys.ts'

/** The longest time that a timer takes: 2^31 - 1 milliseconds. */
const MAX_DURATION_MS = 2_147_483_647

/** The entries of one route that have a value, by key; or those of a mapping in it. */
export interface RouteEntries<K extends string = RouteKey> {
  get(key: K): YamlEntry | undefined
}

export function entriesOf(route: YamlMap): RouteEntries<string> {
  const byKey = new Map(
    route.entries.filter(({ value }) => !isEmpty(value)).map((entry) => [entry.key, entry]),
  )
  return { get: (key) => byKey.get(key) }
}

/** The entries of a mapping behind a route's key, which has no keys but `known`; `undefined` where it has others. */
export function entriesInside<K extends string>(
  { key, value }: YamlEntry,
  known: readonly K[],
  report: Report,
): RouteEntries<K> | undefined {
  const list = known.map((name) => `\`${name}\``).join(', ')
  if (value.kind !== 'map' || value.entries.length === 0) {
    return report(value.at, `\`${key}\` takes a mapping with ${list}`)
  }
  let fine = true
  for (const inner of value.entries) {
    const isKnown = (known as readonly string[]).includes(inner.key)
    if (isKnown && !isEmpty(inner.value)) continue
    fine = false
    const hint = didYouMean(inner.key, known)
    const unknown = `\`${key}\` has no key \`${inner.key}\`${hint === '' ? `; it takes ${list}` : hint}`
    report(
      inner.keyAt,
      isKnown ? `\`${inner.key}\` has no value; write one, or leave the key out` : unknown,
    )
  }
  return fine ? entriesOf(value) : undefined
}

/** A whole number from `least` to `most`; null where the key is not written. */
export function readNumber<K extends string>(
  entries: RouteEntries<K>,
  key: K,
  [least, most]: readonly [number, number],
  report: Report,
): number | null | undefined {
  const value = entries.get(key)?.value
  if (value === undefined) return null
  const written = value.kind === 'scalar' ? value.value : undefined
  const fits = Number.isInteger(written) && Number(written) >= least && Number(written) <= most
  return fits
    ? Number(written)
    : report(value.at, `\`${key}\` takes a number from ${least} to ${most}`)
}

/** Whether nothing stands behind a key. */
export function isEmpty(value: YamlNode): boolean {
  return value.kind === 'scalar' && value.value === null
}

/** The text behind `key`; null where the key is not written. */
export function readText<K extends string>(
  entries: RouteEntries<K>,
  key: K,
  report: Report,
): string | null | undefined {
  const entry = entries.get(key)
  if (entry === undefined) return null
  const { value } = entry
  if (value.kind === 'scalar' && typeof value.value === 'string') {
    return value.value === '' ? report(value.at, `\`${key}\` is empty`) : value.value
  }
  const quotes = value.kind === 'scalar' ? '; put it in quotes' : ''
  return report(value.at, `\`${key}\` takes a text${quotes}`)
}

/** The flag behind `key`, `byDefault` where the key is not written. */
export function readFlag<K extends string>(
  entries: RouteEntries<K>,
  key: K,
  byDefault: boolean,
  report: Report,
): boolean | undefined {
  const value = entries.get(key)?.value
  if (value === undefined) return byDefault
  if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value
  return report(value.at, `\`${key}\` takes \`true\` or \`false\``)
}

/** The duration behind `key` in milliseconds, `byDefault` where the key is not written. */
export function readDuration<K extends string>(
  entries: RouteEntries<K>,
  key: K,
  byDefault: number,
  report: Report,
): number | undefined {
  const ms = readAnyDuration(entries, key, report)
  if (ms === null) return byDefault
  const at = entries.get(key)?.value.at
  if (ms === undefined || at === undefined || ms <= MAX_DURATION_MS) return ms
  return report(at, `\`${key}\` is at most \`24d\``)
}

/** As `readDuration`, however long; null where the key is not written. */
export function readAnyDuration<K extends string>(
  entries: RouteEntries<K>,
  key: K,
  report: Report,
): number | null | undefined {
  const value = entries.get(key)?.value
  if (value === undefined) return null
  const written = value.kind === 'scalar' ? value.value : undefined
  const ms = typeof written === 'string' ? parseDurationMs(written) : undefined
  if (ms === undefined) {
    return report(value.at, `\`${key}\` takes a duration such as \`30s\`, \`15m\` or \`0s\``)
  }
  return ms
}

/** One of `choices`, the first of them where the key is not written. */
export function readChoice<K extends string>(
  entries: RouteEntries<K>,
  key: K,
  choices: readonly [string, ...string[]],
  report: Report,
): string | undefined {
  const value = entries.get(key)?.value
  if (value === undefined) return choices[0]
  const written = value.kind === 'scalar' ? value.value : undefined
  const found = choices.find((choice) => choice === written)
  const known = choices.map((choice) => `\`${choice}\``).join(' or ')
  return found ?? report(value.at, `\`${key}\` takes ${known}`)
}
