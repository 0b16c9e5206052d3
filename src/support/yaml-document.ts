/** A YAML file as data, with the place of every key and value: what errors about config, policies and tests point at. */

import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseAllDocuments,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { error, type Position, type Problem } from './problem.ts'
import { MAX_DEPTH, refuseText, type TextProblem, TOO_DEEP } from './yaml-limits.ts'
import type { YamlEntry, YamlNode, YamlScalar } from './yaml-node.ts'

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
  /** `undefined` where `value` is. Made anew by each call. */
  tree(): YamlNode | undefined
}

/**
 * Reads one YAML 1.2 document. Duplicate keys, anchors that multiply or hold themselves, tags, several documents, control
 * characters, and files that are too large or too deep are problems, not data.
 */
export function readYaml(file: string, text: string): YamlDocument {
  const refusal = refuseText(text)
  if (refusal !== undefined) {
    const at = { file, ...placeIn(text, refusal.offset) }
    return withoutValue(file, [error(at, refusal.message)])
  }
  const lines = new LineCounter()
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset)
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  const documents = parseAllDocuments(text.replace(/^\uFEFF/, ''), {
    lineCounter: lines,
    // The parser compares each key with all before it; inspect() does it in one pass.
    uniqueKeys: false,
    strict: true,
    prettyErrors: false,
    version: '1.2',
  })
  const document = Array.isArray(documents) ? documents[0] : undefined
  if (document === undefined) return withoutValue(file, [])
  const problems = [...syntaxProblems(document, position)]
  const inspection = problems.length > 0 ? undefined : inspect(document)
  for (const { offset, message } of inspection?.problems ?? []) {
    problems.push(error(position(offset), message))
  }
  const second = documents[1]
  if (second !== undefined) {
    const at = position(second.range?.[0] ?? 0)
    problems.push(error(at, 'a second YAML document begins here; one file holds one'))
  }
  if (problems.length > 0 || inspection === undefined) return withoutValue(file, problems)
  return withValue(file, document, inspection.aliases, position)
}

function placeIn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') }
}

/** Once the syntax is broken the parser guesses, and what it says after that misleads: one mistake, one line. */
function syntaxProblems(
  document: Document.Parsed,
  position: (offset: number) => Position,
): readonly Problem[] {
  const [broken] = [...document.errors, ...document.warnings]
  const { explicit, version } = document.directives.yaml
  if (explicit === true && version !== '1.2') {
    return [error(position(0), `YAML ${version} reads values differently; take the directive out`)]
  }
  if (broken === undefined) return []
  const tooDeep = broken.message.includes('call stack')
  return [error(position(broken.pos[0]), tooDeep ? TOO_DEEP : plainMessage(broken.message))]
}

/** Every alias with what it stands for: the last node before it that has its anchor. */
type Aliases = ReadonlyMap<unknown, Node>

interface Inspection {
  readonly problems: readonly TextProblem[]
  readonly aliases: Aliases
}

/** What a node comes to with its aliases written out. */
interface Extent {
  readonly levels: number
  readonly nodes: number
}

const NOTHING: Extent = { levels: 0, nodes: 1 }
/** With its aliases written out, a document has at most so many nodes. */
const MAX_NODES = 1_000_000

/** Looks for what the syntax allows and we do not: keys that come twice or are no text, aliases that multiply, depth. */
function inspect(document: Document.Parsed): Inspection {
  const problems: TextProblem[] = []
  const anchors = new Map<string, Node>()
  const aliases = new Map<unknown, Node>()
  // A node that is still being looked at has no extent yet.
  const extents = new Map<unknown, Extent | undefined>()
  let isTooLarge = false
  const report = (node: unknown, message: string): void => {
    const place = isPair(node) ? node.key : node
    problems.push({ offset: (isNode(place) && place.range?.[0]) || 0, message })
  }

  const extentOf = (node: unknown): Extent => {
    if (isAlias(node)) return extentOfAlias(node)
    if (isNode(node) && node.anchor !== undefined) anchors.set(node.anchor, node)
    if (!isMap(node) && !isSeq(node)) return NOTHING
    extents.set(node, undefined)
    const extent = extentOfAll(node)
    extents.set(node, extent)
    if (extent.levels === MAX_DEPTH + 1) report(node, TOO_DEEP)
    return extent
  }

  const extentOfAlias = (alias: Alias): Extent => {
    const target = anchors.get(alias.source)
    if (target === undefined) {
      report(
        alias,
        `the alias \`*${alias.source}\` stands for nothing: no anchor \`&${alias.source}\` is before it`,
      )
      return NOTHING
    }
    aliases.set(alias, target)
    if (!extents.has(target)) return NOTHING
    const extent = extents.get(target)
    if (extent !== undefined) return extent
    report(alias, `the alias \`*${alias.source}\` stands inside of what it stands for`)
    return NOTHING
  }

  const extentOfAll = (node: YAMLMap | YAMLSeq): Extent => {
    const keys = new Set<string>()
    let levels = 0
    let nodes = 1
    for (const item of node.items) {
      if (isPair(item)) checkKey(item, keys)
      const extent = extentOf(isPair(item) ? item.value : item)
      levels = Math.max(levels, extent.levels)
      const total = nodes + extent.nodes
      if (total > MAX_NODES && !isTooLarge) {
        isTooLarge = true
        report(item, 'aliases that stand for aliases make this file too large')
      }
      nodes = total
    }
    return { levels: levels + 1, nodes }
  }

  const checkKey = ({ key, value }: Pair, keys: Set<string>): void => {
    if (!isScalar(key) || key.value === null) {
      report(key ?? value, 'a key is a text')
      return
    }
    if (key.anchor !== undefined) anchors.set(key.anchor, key)
    const text = String(key.value)
    if (keys.has(text)) report(key, `the key \`${text}\` is already in this mapping`)
    keys.add(text)
  }

  extentOf(document.contents)
  return { problems, aliases }
}

function withValue(
  file: string,
  document: Document.Parsed,
  aliases: Aliases,
  position: (offset: number) => Position,
): YamlDocument {
  const start: Position = { file, line: 1, column: 1 }
  const at = (node: unknown): Position | undefined =>
    isNode(node) && node.range ? position(node.range[0]) : undefined
  const tree = (): YamlNode | undefined => {
    const node = treeOf(document, aliases, position)
    return node.kind === 'scalar' && node.value === null ? undefined : node
  }
  let value: { readonly made: unknown } | undefined
  return {
    file,
    get value() {
      value ??= { made: plainOf(tree()) }
      return value.made
    },
    problems: [],
    valueAt: (path) => {
      const { node, key } = find(document, aliases, path)
      return at(node) ?? at(key) ?? start
    },
    keyAt: (path) => {
      const { node, key } = find(document, aliases, path)
      return at(key) ?? at(node) ?? start
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

function treeOf(
  document: Document.Parsed,
  aliases: Aliases,
  position: (offset: number) => Position,
): YamlNode {
  // One object for each anchor, so that aliases cost no more than they take in the file.
  const made = new Map<Node, YamlNode>()
  const build = (node: unknown, otherwise: Position): YamlNode => {
    const source = isAlias(node) ? aliases.get(node) : node
    if (!isNode(source)) return { kind: 'scalar', at: otherwise, value: null, quoted: false }
    const known = made.get(source)
    if (known !== undefined) return known
    const [start, end] = source.range ?? [0, 0]
    const at = start === end ? otherwise : position(start)
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
function find(
  document: Document.Parsed,
  aliases: Aliases,
  path: YamlPath,
): { node: Node | null; key: unknown } {
  let node: Node | null = document.contents
  let key: unknown
  for (const step of path) {
    if (isAlias(node)) node = aliases.get(node) ?? null
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
