/** YAML files as people would write them, with comments at their places. Knows the form alone, nothing of what is written. */

import { Document, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'

export interface WritableScalar {
  readonly kind: 'scalar'
  readonly value: string | number | boolean
}

export interface WritableList {
  readonly kind: 'list'
  readonly items: readonly WritablePart[]
  /** On one line, as in `[a, b]`. */
  readonly inline: boolean
}

export interface WritableMap {
  readonly kind: 'map'
  readonly entries: readonly WritableEntry[]
  /** On one line, as in `{ is: a }`. */
  readonly inline: boolean
}

export type WritableNode = WritableScalar | WritableList | WritableMap

/** An item of a list, or with a key the entry of a mapping. */
export interface WritablePart {
  readonly value: WritableNode
  /** Stand above it. */
  readonly comments: readonly string[]
  /** Written as a comment, so that it has no effect. */
  readonly off: boolean
  /** An empty line goes before it, unless it is the first. */
  readonly gap: boolean
}

export interface WritableEntry extends WritablePart {
  readonly key: string
}

/** Comments are broken into lines of about this length. */
const COMMENT_WIDTH = 96

/**
 * Whether a reader of the file sees this part: it is not off, and not a mapping or list whose parts all are. One that
 * never had any is meant to be empty.
 */
export function isWritten({ off, value }: WritablePart): boolean {
  if (off) return false
  const parts = partsOf(value)
  return parts.length === 0 || parts.some(isWritten)
}

/** The file for `root`, with `head` as comments on top. */
export function writeYaml(root: WritableMap, head: readonly string[]): string {
  const contents = toMap(root)
  if (contents.items.length === 0) return onlyComments([commentText(head), contents.comment ?? ''])
  const document = new Document()
  if (head.length > 0) document.commentBefore = commentText(head)
  document.contents = contents
  return render(document)
}

/** A file of nothing else: the library would write an empty mapping besides. */
function onlyComments(blocks: readonly string[]): string {
  const written = blocks.filter((block) => block !== '')
  return `${written.map((block) => block.replace(/^/gm, '#')).join('\n\n')}\n`
}

function partsOf(node: WritableNode): readonly WritablePart[] {
  if (node.kind === 'scalar') return []
  return node.kind === 'list' ? node.items : node.entries
}

function toNode(node: WritableNode): Scalar | YAMLMap | YAMLSeq {
  if (node.kind === 'map') return toMap(node)
  return node.kind === 'list' ? toList(node) : toScalar(node.value)
}

function toScalar(value: string | number | boolean): Scalar {
  const scalar = new Scalar(value)
  // Within braces and brackets a plain `${NAME}` is a syntax error; in quotes it may be moved anywhere.
  if (typeof value === 'string' && value.includes('${')) scalar.type = Scalar.QUOTE_DOUBLE
  return scalar
}

function toMap({ entries, inline }: WritableMap): YAMLMap {
  const map = new YAMLMap()
  map.flow = inline
  const waiting = createWaitingComments()
  for (const entry of entries) {
    if (!isWritten(entry)) {
      waiting.addOff(entry, new Pair(new Scalar(entry.key), toNode(allOn(entry.value))))
      continue
    }
    const key = new Scalar(entry.key)
    waiting.takeInto(key, entry, map.items.length === 0)
    map.items.push(new Pair(key, toNode(entry.value)))
  }
  waiting.leaveBehind(map)
  return map
}

function toList({ items, inline }: WritableList): YAMLSeq {
  const list = new YAMLSeq()
  list.flow = inline
  const waiting = createWaitingComments()
  for (const item of items) {
    if (!isWritten(item)) {
      waiting.addOff(item, toNode(allOn(item.value)))
      continue
    }
    const node = toNode(item.value)
    waiting.takeInto(node, item, list.items.length === 0)
    list.items.push(node)
  }
  waiting.leaveBehind(list)
  return list
}

interface Commented {
  commentBefore?: string | null
  spaceBefore?: boolean
}

/** Comments, and parts that are off, stand above the next part that is written; behind the last one if there is none. */
function createWaitingComments() {
  let lines: string[] = []
  let gap = false
  return {
    addOff(part: WritablePart, content: Pair | Scalar | YAMLMap | YAMLSeq): void {
      gap ||= part.gap && lines.length === 0
      lines.push(...part.comments.map(wrap), offText(content))
    },
    takeInto(node: Commented, part: WritablePart, isFirst: boolean): void {
      const all = [...lines, ...part.comments.map(wrap)]
      if (all.length > 0) node.commentBefore = all.map(indented).join('\n')
      if ((part.gap || gap) && !isFirst) node.spaceBefore = true
      lines = []
      gap = false
    },
    leaveBehind(collection: { comment?: string | null }): void {
      if (lines.length > 0) collection.comment = lines.map(indented).join('\n')
    },
  }
}

/** What is off is shown whole, its own parts that are off too. */
function allOn(node: WritableNode): WritableNode {
  if (node.kind === 'scalar') return node
  if (node.kind === 'list') {
    return { ...node, items: node.items.map((item) => ({ ...item, ...switchedOn(item) })) }
  }
  return { ...node, entries: node.entries.map((entry) => ({ ...entry, ...switchedOn(entry) })) }
}

function switchedOn({ value }: WritablePart): { value: WritableNode; off: boolean } {
  return { value: allOn(value), off: false }
}

function offText(content: Pair | Scalar | YAMLMap | YAMLSeq): string {
  const document = new Document()
  if (content instanceof Pair) {
    const map = new YAMLMap()
    map.items.push(content)
    document.contents = map
  } else {
    const list = new YAMLSeq()
    list.items.push(content)
    document.contents = list
  }
  return render(document).trimEnd()
}

function render(document: Document): string {
  return document.toString({ lineWidth: 0, minContentWidth: 0 })
}

function commentText(comments: readonly string[]): string {
  return comments.map(wrap).map(indented).join('\n')
}

/** The library writes `#` before each line and no space. */
function indented(lines: string): string {
  return lines.replace(/^/gm, ' ')
}

/** One comment as lines. Only signs that show are written: a line break in a message would end the comment. */
function wrap(comment: string): string {
  const words = comment.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, ' ').split(' ')
  const lines: string[] = []
  let line = ''
  for (const word of words) {
    if (line !== '' && line.length + word.length >= COMMENT_WIDTH) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line].join('\n')
}
