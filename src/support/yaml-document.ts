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
} from 'yaml'
import { error, type Position, type Problem } from './problem.ts'

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
    version: '1.2',
  })
  if (!Array.isArray(documents)) return withoutValue(file, [])
  const document = documents[0]
  if (document === undefined) return withoutValue(file, [])
  const problems: Problem[] = [...document.errors, ...document.warnings].map((issue) =>
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
  }
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
  return { file, value: undefined, problems, valueAt: () => start, keyAt: () => start }
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
