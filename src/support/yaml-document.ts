/** A YAML file as data, with the place of every key and value: what errors about config, policies and tests point at. */

import { type Event, parseEvents } from 'js-yaml'
import { error, type Position, type Problem } from './problem.ts'
import { MAX_DEPTH, refuseText, type TextProblem } from './yaml-limits.ts'
import { explainRefusal } from './yaml-mistake.ts'
import type { YamlEntry, YamlMap, YamlNode } from './yaml-node.ts'
import { placesIn } from './yaml-places.ts'
import { TreeBuilder } from './yaml-tree.ts'

/** Steps from the top: keys of mappings and indexes of lists. */
export type YamlPath = readonly (string | number)[]

export interface YamlDocument {
  readonly file: string
  /** Plain data; `undefined` where the file is empty or cannot be read. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Where the value at `path` begins; of the nearest parent that exists where it does not. */
  valueAt(path: YamlPath): Position
  /** Where the key of the mapping entry at `path` stands. */
  keyAt(path: YamlPath): Position
  /** `undefined` where `value` is. */
  readonly tree: YamlNode | undefined
}

/**
 * Reads one YAML 1.2 document. Duplicate keys, anchors that multiply or hold themselves, tags, several documents, control
 * characters, and files that are too large or too deep are problems, not data.
 */
export function readYaml(file: string, text: string): YamlDocument {
  const reading = beginYaml(file, text)
  const parsed = parseYaml(text)
  if ('message' in parsed) return reading.refuse(parsed)
  reading.take(parsed)
  return reading.done()
}

/** What the parser sees of a text, as plain data that may come from another thread; or why it sees nothing. */
export type ParsedYaml = readonly Event[] | TextProblem

/** The first half of `readYaml`, which cannot be interrupted. */
export function parseYaml(text: string): ParsedYaml {
  const refusal = refuseText(text)
  if (refusal !== undefined) return refusal
  const plain = withoutMark(text)
  try {
    // The tree is measured with its aliases written out; this keeps the parser, which recurses, from going too far.
    return parseEvents(plain, { maxDepth: 2 * MAX_DEPTH })
  } catch (cause) {
    return explainRefusal(plain, cause)
  }
}

/** The second half, bit by bit: events are taken in their order, as many at a time as there is time for. */
export interface YamlReading {
  take(events: readonly Event[]): void
  done(): YamlDocument
  refuse(problem: TextProblem): YamlDocument
}

export function beginYaml(file: string, text: string): YamlReading {
  const plain = withoutMark(text)
  const builder = new TreeBuilder(file, plain)
  return {
    take: (events) => builder.take(events),
    done: () => {
      const { tree, problems } = builder.built()
      return problems.length > 0 ? withoutValue(file, problems) : withValue(file, tree)
    },
    refuse: (problem) => refused(file, plain, problem),
  }
}

/** The byte order mark that some editors put first. */
function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '')
}

function withValue(file: string, whole: YamlNode | undefined): YamlDocument {
  const start: Position = { file, line: 1, column: 1 }
  const tree = whole?.kind === 'scalar' && whole.value === null ? undefined : whole
  let value: { readonly made: unknown } | undefined
  return {
    file,
    get value() {
      value ??= { made: plainOf(tree) }
      return value.made
    },
    problems: [],
    valueAt: (path) => {
      const { node, keyAt } = find(tree, path)
      return node?.at ?? keyAt ?? start
    },
    keyAt: (path) => {
      const { node, keyAt } = find(tree, path)
      return keyAt ?? node?.at ?? start
    },
    tree,
  }
}

/** Plain data; what was shared through aliases is shared in it too. */
function plainOf(tree: YamlNode | undefined): unknown {
  const made = new Map<YamlNode, unknown>()
  const plain = (node: YamlNode): unknown => {
    if (node.kind === 'scalar') return node.value
    const known = made.get(node)
    if (known !== undefined) return known
    const value =
      node.kind === 'list'
        ? node.items.map(plain)
        : // Keys become own properties, `__proto__` too.
          Object.fromEntries(node.entries.map((entry) => [entry.key, plain(entry.value)]))
    made.set(node, value)
    return value
  }
  return tree === undefined ? undefined : plain(tree)
}

/** The node at `path` and the place of its key or of itself in a list, or the last ones on the way that exist. */
function find(
  tree: YamlNode | undefined,
  path: YamlPath,
): { readonly node: YamlNode | undefined; readonly keyAt: Position | undefined } {
  let node = tree
  let keyAt: Position | undefined
  for (const step of path) {
    if (node?.kind === 'map') {
      const entry = entryOf(node, String(step))
      if (entry === undefined) break
      keyAt = entry.keyAt
      node = entry.value
    } else if (node?.kind === 'list' && typeof step === 'number') {
      const item = node.items[step]
      if (item === undefined) break
      keyAt = item.at
      node = item
    } else break
  }
  return { node, keyAt }
}

function refused(file: string, text: string, { offset, message }: TextProblem): YamlDocument {
  return withoutValue(file, [error(placesIn(file, text).at(offset), message)])
}

function withoutValue(file: string, problems: readonly Problem[]): YamlDocument {
  const start: Position = { file, line: 1, column: 1 }
  return {
    file,
    value: undefined,
    problems,
    valueAt: () => start,
    keyAt: () => start,
    tree: undefined,
  }
}

/** Mappings up to this size are looked through; in larger ones thousands of mistakes would take for ever. */
const SMALL = 32
const indexes = new WeakMap<YamlMap, ReadonlyMap<string, YamlEntry>>()

function entryOf(map: YamlMap, key: string): YamlEntry | undefined {
  if (map.entries.length <= SMALL) return map.entries.find((entry) => entry.key === key)
  let index = indexes.get(map)
  if (index === undefined) {
    index = new Map(map.entries.map((entry) => [entry.key, entry]))
    indexes.set(map, index)
  }
  return index.get(key)
}
