/** A TOML file as the tree that YAML files are read to, so that what comes after need not know which it was. The only user of smol-toml. */

import { parse, TomlError } from 'smol-toml'
import { error, type Position, type Problem } from '../../support/problem.ts'
import { refuseText } from '../../support/yaml-limits.ts'
import type { YamlMap, YamlNode } from '../../support/yaml-node.ts'

/** Real files have two levels. */
const MAX_DEPTH = 100

export interface TomlFile {
  readonly tree: YamlMap | undefined
  readonly problems: readonly Problem[]
}

/** Reads one TOML 1.0 document. A value's place is that of its key at the top, which is as far as the parser tells. */
export function readToml(file: string, text: string): TomlFile {
  const start: Position = { file, line: 1, column: 1 }
  const refusal = refuseText(text)
  if (refusal !== undefined) {
    const before = text.slice(0, refusal.offset)
    const column = refusal.offset - before.lastIndexOf('\n')
    const at = { file, line: before.split('\n').length, column }
    return { tree: undefined, problems: [error(at, refusal.message)] }
  }
  try {
    const data = parse(text.replace(/^\uFEFF/, ''), { maxDepth: MAX_DEPTH })
    const places = placesOf(file, text)
    const placeOf = (key: string): Position => places.get(key) ?? start
    const entries = Object.entries(data).map(([key, value]) => {
      const at = placeOf(key)
      return { key, keyAt: at, value: toNode(value, at) }
    })
    return {
      tree: entries.length === 0 ? undefined : { kind: 'map', at: start, entries },
      problems: [],
    }
  } catch (cause) {
    return { tree: undefined, problems: [problemOf(cause, file)] }
  }
}

function problemOf(cause: unknown, file: string): Problem {
  if (cause instanceof TomlError) {
    const at = { file, line: cause.line, column: cause.column }
    // The rest shows the lines around it, which may hold a secret.
    const [first = ''] = cause.message.replace(/^Invalid TOML document: /, '').split('\n', 1)
    return error(at, `not TOML: ${first}`)
  }
  return error({ file, line: 1, column: 1 }, 'not TOML')
}

/** Where the keys at the top stand: the first line that begins with each. */
function placesOf(file: string, text: string): ReadonlyMap<string, Position> {
  const places = new Map<string, Position>()
  for (const [index, line] of text.split('\n').entries()) {
    const match = /^(\s*\[{0,2}\s*"?)([A-Za-z0-9_-]+)/.exec(line)
    const key = match?.[2]
    if (match === null || key === undefined || places.has(key)) continue
    places.set(key, { file, line: index + 1, column: (match[1]?.length ?? 0) + 1 })
  }
  return places
}

function toNode(value: unknown, at: Position): YamlNode {
  if (Array.isArray(value)) {
    return { kind: 'list', at, items: value.map((item) => toNode(item, at)) }
  }
  if (value instanceof Date) {
    return { kind: 'scalar', at, value: value.toISOString(), quoted: true }
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => {
      return { key, keyAt: at, value: toNode(item, at) }
    })
    return { kind: 'map', at, entries }
  }
  const plain = typeof value === 'number' || typeof value === 'boolean' ? value : String(value)
  return { kind: 'scalar', at, value: plain, quoted: typeof value === 'string' }
}
