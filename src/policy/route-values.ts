/** Simple values of a route's keys, each read or refused. `undefined` is a refusal, which has been reported. */

import { parseDurationMs } from '../support/duration.ts'
import type { YamlEntry, YamlMap, YamlNode } from '../support/yaml-node.ts'
import type { Report } from './matchers.ts'
import type { RouteKey } from './route-keys.ts'

/** The longest time that a timer takes: 2^31 - 1 milliseconds. */
const MAX_DURATION_MS = 2_147_483_647

/** The entries of one route that have a value, by key. */
export interface RouteEntries {
  get(key: RouteKey): YamlEntry | undefined
}

export function entriesOf(route: YamlMap): RouteEntries {
  const byKey = new Map(
    route.entries.filter(({ value }) => !isEmpty(value)).map((entry) => [entry.key, entry]),
  )
  return { get: (key) => byKey.get(key) }
}

/** Whether nothing stands behind a key. */
export function isEmpty(value: YamlNode): boolean {
  return value.kind === 'scalar' && value.value === null
}

/** The text behind `key`; null where the key is not written. */
export function readText(
  entries: RouteEntries,
  key: RouteKey,
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
export function readFlag(
  entries: RouteEntries,
  key: RouteKey,
  byDefault: boolean,
  report: Report,
): boolean | undefined {
  const value = entries.get(key)?.value
  if (value === undefined) return byDefault
  if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value
  return report(value.at, `\`${key}\` takes \`true\` or \`false\``)
}

/** The duration behind `key` in milliseconds, `byDefault` where the key is not written. */
export function readDuration(
  entries: RouteEntries,
  key: RouteKey,
  byDefault: number,
  report: Report,
): number | undefined {
  const value = entries.get(key)?.value
  if (value === undefined) return byDefault
  const written = value.kind === 'scalar' ? value.value : undefined
  const ms = typeof written === 'string' ? parseDurationMs(written) : undefined
  if (ms === undefined) {
    return report(value.at, `\`${key}\` takes a duration such as \`30s\`, \`15m\` or \`0s\``)
  }
  return ms <= MAX_DURATION_MS ? ms : report(value.at, `\`${key}\` is at most \`24d\``)
}

/** One of `choices`, the first of them where the key is not written. */
export function readChoice(
  entries: RouteEntries,
  key: RouteKey,
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
