/** A YAML file as data, with the place of every key and value: what errors about config, policies and tests point at. */

import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  type YAMLError,
} from 'yaml'
import { error, type Position, type Problem } from './problem.ts'

/** Steps from the top: keys of mappings and indexes of lists. */
export type YamlPath = readonly (string | number)[]

export interface YamlScalar {
  readonly kind: 'scalar'
  readonly at: Position
  readonly value: string | number | boolean | null
  /** Whether it stands in quotes or is a block of text. */
  readonly quoted: boolean
}

export interface YamlList {
  readonly kind: 'list'
  readonly at: Position
  readonly items: readonly YamlNode[]
}

export interface YamlEntry {
  readonly key: string
  readonly keyAt: Position
  /** A key with nothing behind it has the value null, at the key's own place. */
  readonly value: YamlNode
}

export interface YamlMap {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: readonly YamlEntry[]
}

/** The document as a tree that knows its places. A list or mapping used through an alias stands in it as the same object. */
export type YamlNode = YamlScalar | YamlList | YamlMap

export interface YamlDocument {
  readonly file: string
  /** Plain data; `undefined` where the file is empty or cannot be read. */
  readonly value: unknown
  readonly problems: readonly Problem[]
  /** Where the value at `path` begins; of the nearest parent that exists where it does not. */
  valueAt(path: YamlPath): Position
  /** Where the key of the mapping entry at `path` stands. */
  keyAt(path: YamlPath): Position
  /** `undefined` where `value` is. Made anew by each call. */
  tree(): YamlNode | undefined
}

/** No hand-written file comes near; a larger one is refused before it costs time. */
const MAX_BYTES = 8 * 1024 * 1024
/** Far beyond any policy that a person can read. */
const MAX_DEPTH = 100

/**
 * Reads one YAML 1.2 document. Duplicate keys, anchors that multiply, tags, several documents and files past 8 MiB
 * are problems, not data.
 */
export function readYaml(file: string, text: string): YamlDocument {
  const start: Position = { file, line: 1, column: 1 }
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return withoutValue(file, [error(start, 'the file is larger than 8 MiB; split it')])
  }
  const tooDeep = firstTooDeep(text)
  if (tooDeep !== undefined) {
    return withoutValue(file, [
      error({ file, ...tooDeep }, `nested more than ${MAX_DEPTH} levels deep`),
    ])
  }
  const lines = new LineCounter()
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const documents = parseAllDocuments(text.replace(/^\uFEFF/, ''), {
    lineCounter: lines,
    uniqueKeys: true,
    strict: true,
    prettyErrors: false,
    // What it would print as a warning is an error of the schema afterwards.
    logLevel: 'error',
    version: '1.2',
  })
  if (!Array.isArray(documents)) return withoutValue(file, [])
  const document = documents[0]
  if (document === undefined) return withoutValue(file, [])
  const problems: Problem[] = independent([...document.errors, ...document.warnings]).map((issue) =>
    error(position(issue.pos[0]), plainMessage(issue.message)),
  )
  const second = documents[1]
  if (second !== undefined) {
    problems.push(
      error(
        position(second.range?.[0] ?? 0),
        'a second YAML document begins here; one file holds one',
      ),
    )
  }
  if (problems.length > 0) return withoutValue(file, problems)
  return withValue(file, document, position)
}

/** Once the syntax is broken the parser guesses, and what it says after that misleads: one mistake, one line. */
function independent(issues: readonly YAMLError[]): readonly YAMLError[] {
  const broken = issues.find((issue) => issue.code !== 'DUPLICATE_KEY')
  return issues.filter((issue) => issue === broken || issue.code === 'DUPLICATE_KEY')
}

function withValue(
  file: string,
  document: Document.Parsed,
  position: (offset: number) => Position,
): YamlDocument {
  const start: Position = { file, line: 1, column: 1 }
  let value: unknown
  try {
    value = document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    return withoutValue(file, [
      error(start, cause instanceof Error ? plainMessage(cause.message) : 'unreadable'),
    ])
  }
  const at = (node: unknown): Position | undefined =>
    isNode(node) && node.range ? position(node.range[0]) : undefined
  return {
    file,
    value: value ?? undefined,
    problems: [],
    valueAt: (path) => {
      const { node, key } = find(document, path)
      return at(node) ?? at(key) ?? start
    },
    keyAt: (path) => {
      const { node, key } = find(document, path)
      return at(key) ?? at(node) ?? start
    },
    tree: () => (value === null ? undefined : treeOf(document, position)),
  }
}

function treeOf(document: Document.Parsed, position: (offset: number) => Position): YamlNode {
  // One object for each anchor, so that aliases cost no more than they take in the file.
  const made = new Map<Node, YamlNode>()
  const build = (node: unknown, otherwise: Position): YamlNode => {
    const source = isAlias(node) ? node.resolve(document) : node
    if (!isNode(source)) return { kind: 'scalar', at: otherwise, value: null, quoted: false }
    const known = made.get(source)
    if (known !== undefined) return known
    const at = source.range ? position(source.range[0]) : otherwise
    const tree = buildNew(source, at)
    made.set(source, tree)
    return tree
  }
  const buildNew = (source: Node, at: Position): YamlNode => {
    if (isMap(source))
      return { kind: 'map', at, entries: source.items.map((pair) => entry(pair, at)) }
    if (isSeq(source))
      return { kind: 'list', at, items: source.items.map((item) => build(item, at)) }
    return scalarOf(source, at)
  }
  const entry = (pair: { key: unknown; value: unknown }, at: Position): YamlEntry => {
    const keyAt = isNode(pair.key) && pair.key.range ? position(pair.key.range[0]) : at
    const key = isScalar(pair.key) ? String(pair.key.value ?? '') : String(pair.key)
    return { key, keyAt, value: build(pair.value, keyAt) }
  }
  return build(document.contents, position(0))
}

function scalarOf(source: unknown, at: Position): YamlScalar {
  const value: unknown = isScalar(source) ? source.value : null
  const plain =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null
  const quoted = isScalar(source) && source.type !== undefined && source.type !== 'PLAIN'
  return { kind: 'scalar', at, value: plain, quoted }
}

/** The node at `path` and its key, or the last ones on the way that exist. */
function find(document: Document.Parsed, path: YamlPath): { node: Node | null; key: unknown } {
  let node: Node | null = document.contents
  let key: unknown
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document) ?? null
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step),
      )
      if (pair === undefined) return { node, key }
      key = pair.key
      node = isNode(pair.value) ? pair.value : null
    } else if (isSeq(node) && typeof step === 'number') {
      const item = node.items[step]
      if (!isNode(item)) return { node, key }
      key = item
      node = item
    } else {
      return { node, key }
    }
  }
  return { node, key }
}

function withoutValue(file: string, problems: readonly Problem[]): YamlDocument {
  const start: Position = { file, line: 1, column: 1 }
  return {
    file,
    value: undefined,
    problems,
    valueAt: () => start,
    keyAt: () => start,
    tree: () => undefined,
  }
}

function plainMessage(message: string): string {
  const firstLine = message.split('\n', 1)[0] ?? ''
  return firstLine.charAt(0).toLowerCase() + firstLine.slice(1).replace(/\.$/, '')
}

/**
 * Where nesting passes the limit, by brackets or by indentation. The parser recurses, so it must not see such a file.
 */
function firstTooDeep(text: string): { line: number; column: number } | undefined {
  let brackets = 0
  let line = 1
  let lineStart = 0
  let dashes = 0
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (char === 10) {
      line++
      lineStart = i + 1
      dashes = 0
    } else if (char === 91 || char === 123) {
      if (++brackets > MAX_DEPTH * 10) return { line, column: i - lineStart + 1 }
    } else if ((char === 93 || char === 125) && brackets > 0) {
      brackets--
    } else if (char === 45 && text.charCodeAt(i + 1) === 32) {
      if (++dashes > MAX_DEPTH * 10) return { line, column: i - lineStart + 1 }
    }
  }
  return undefined
}
