/** Routes as they would stand in a policy file, made from values: no text is parsed, so that none can say more than it should. */

import type { Position } from '../support/problem.ts'
import type { YamlMap, YamlNode } from '../support/yaml-node.ts'

export type PlainValue = string | number | boolean | readonly PlainValue[] | PlainMap
export interface PlainMap {
  readonly [key: string]: PlainValue
}

/** @param source the `file` of all places in it */
export function routeNode(route: PlainMap, source: string): YamlMap {
  return mapOf(route, { file: source, line: 1, column: 1 })
}

function mapOf(value: PlainMap, at: Position): YamlMap {
  const entries = Object.entries(value)
  return {
    kind: 'map',
    at,
    entries: entries.map(([key, child]) => ({ key, keyAt: at, value: nodeOf(child, at) })),
  }
}

function nodeOf(value: PlainValue, at: Position): YamlNode {
  if (typeof value === 'string') return { kind: 'scalar', at, value, quoted: true }
  if (typeof value !== 'object') return { kind: 'scalar', at, value, quoted: false }
  if (isList(value)) return { kind: 'list', at, items: value.map((item) => nodeOf(item, at)) }
  return mapOf(value, at)
}

function isList(value: PlainValue): value is readonly PlainValue[] {
  return Array.isArray(value)
}
