/** The parser's events as a tree that knows its places. What the syntax allows and we do not is a problem here. */

import {
  type AliasEvent,
  COLLECTION_STYLE,
  type DocumentEvent,
  EVENT_ID,
  type Event,
  type MappingEvent,
  type ScalarEvent,
  type SequenceEvent,
} from 'js-yaml'
import { exact } from './exact.ts'
import { error, type Problem } from './problem.ts'
import {
  type Anchored,
  type Extent,
  isTaken,
  openFrame,
  SCALAR,
  type YamlFrame,
} from './yaml-frame.ts'
import { MAX_DEPTH, TOO_DEEP } from './yaml-limits.ts'
import type { YamlNode } from './yaml-node.ts'
import { PlacedEntry, PlacedList, PlacedMap, PlacedScalar } from './yaml-placed.ts'
import { type Places, placesIn } from './yaml-places.ts'
import { collectionTagProblem, isPlain, scalarStart, scalarValue } from './yaml-scalars.ts'

export interface BuiltTree {
  /** The first document; `undefined` where there is none. */
  readonly tree: YamlNode | undefined
  readonly problems: readonly Problem[]
}

/** With its aliases written out, a document has at most so many nodes. */
const MAX_NODES = 1_000_000

/** Takes the events of one text in their order, all at once or bit by bit. */
export class TreeBuilder {
  readonly #text: string
  readonly #places: Places
  /** The same few keys stand in every route. */
  readonly #keys = new Map<string, string>()
  readonly #problems: Problem[] = []
  readonly #anchors = new Map<string, Anchored>()
  readonly #outer: YamlFrame[] = []
  #frame: YamlFrame = openFrame('list', 0, undefined)
  #documents = 0
  #isTooLarge = false
  /** Behind all that has been read. */
  #offset = 0

  /** @param text what the events are read from */
  constructor(file: string, text: string) {
    this.#text = text
    this.#places = placesIn(file, text)
  }

  take(events: readonly Event[]): void {
    for (const event of events) {
      // What stands behind the first document is of no interest.
      if (this.#documents > 1) return
      this.#take(event)
    }
  }

  built(): BuiltTree {
    return { tree: this.#frame.items[0], problems: this.#problems }
  }

  #take(event: Event): void {
    if (event.type === EVENT_ID.SCALAR) this.#takeScalar(event)
    else if (event.type === EVENT_ID.MAPPING) this.#open(event, 'map')
    else if (event.type === EVENT_ID.SEQUENCE) this.#open(event, 'list')
    else if (event.type === EVENT_ID.ALIAS) this.#takeAlias(event)
    else if (event.type === EVENT_ID.POP) this.#close()
    else this.#beginDocument(event)
  }

  #beginDocument({ directives }: DocumentEvent): void {
    if (++this.#documents > 1) {
      const at = startOfDocument(this.#text, this.#offset)
      this.#report(at, 'a second YAML document begins here; one file holds one')
    }
    for (const directive of directives) {
      if (directive.kind === 'tag') this.#report(0, 'tags mean nothing here; take `%TAG` out')
      else if (directive.version !== '1.2') {
        const message = `YAML ${directive.version} reads values differently; take the directive out`
        this.#report(0, message)
      }
    }
  }

  #takeScalar(event: ScalarEvent): void {
    const text = this.#text
    const at = scalarStart(text, event, this.#offset) ?? this.#nearest()
    const result = scalarValue(text, event)
    if ('problem' in result) this.#report(event.tagStart, result.problem)
    const value = 'problem' in result ? null : result.value
    this.#offset = Math.max(this.#offset, event.valueEnd, event.anchorEnd, event.tagEnd)
    const isKey = this.#awaitsKey()
    if (isKey) this.#takeKey(at, value)
    if (isKey && event.anchorStart < 0) return
    const node = new PlacedScalar(this.#places, at, value, !isPlain(event))
    if (event.anchorStart >= 0) this.#anchors.set(this.#name(event), { node, extent: SCALAR })
    if (!isKey) this.#add(node, at, SCALAR)
  }

  #takeAlias(event: AliasEvent): void {
    const name = this.#name(event)
    const at = event.anchorStart - 1
    const target = this.#anchors.get(name)
    this.#offset = event.anchorEnd
    if (typeof target === 'object') return this.#add(target.node, at, target.extent)
    this.#report(
      at,
      target === undefined
        ? `the alias \`*${name}\` stands for nothing: no anchor \`&${name}\` is before it`
        : `the alias \`*${name}\` stands inside of what it stands for`,
    )
    this.#add(new PlacedScalar(this.#places, at, null, false), at, SCALAR)
  }

  #open(event: MappingEvent | SequenceEvent, kind: 'map' | 'list'): void {
    const problem = collectionTagProblem(this.#text, event, kind)
    if (problem !== undefined) this.#report(event.tagStart, problem)
    const anchor = event.anchorStart < 0 ? undefined : this.#name(event)
    if (anchor !== undefined) this.#anchors.set(anchor, 'open')
    this.#outer.push(this.#frame)
    this.#frame = openFrame(kind, event.start, anchor)
    const sign = event.style === COLLECTION_STYLE.FLOW ? 1 : 0
    this.#offset = Math.max(this.#offset, event.start + sign)
  }

  #close(): void {
    const parent = this.#outer.pop()
    // The end of the document.
    if (parent === undefined) return
    const { anchor, levels, nodes, offset } = this.#frame
    const node = this.#nodeOf(this.#frame)
    this.#frame = parent
    const extent = { levels: Math.max(levels, 1), nodes }
    if (extent.levels === MAX_DEPTH + 1) this.#report(offset, TOO_DEEP)
    // A node within may have taken the name meanwhile; it began later.
    if (anchor !== undefined && this.#anchors.get(anchor) === 'open') {
      this.#anchors.set(anchor, { node, extent })
    }
    this.#add(node, offset, extent)
  }

  #nodeOf({ kind, items, entries, offset }: YamlFrame): YamlNode {
    return kind === 'list'
      ? new PlacedList(this.#places, offset, exact(items))
      : new PlacedMap(this.#places, offset, exact(entries))
  }

  #takeKey(at: number, value: unknown): void {
    const frame = this.#frame
    if (value === null || value === undefined) {
      this.#report(at, 'a key is a text')
      frame.key = 'refused'
      return
    }
    const keys = this.#keys
    const written = String(value)
    const text = keys.get(written) ?? written
    if (text === written) keys.set(text, text)
    if (isTaken(frame, text)) this.#report(at, `the key \`${text}\` is already in this mapping`)
    frame.key = { text, offset: at }
  }

  #add(node: YamlNode, at: number, extent: Extent): void {
    if (this.#awaitsKey()) return this.#takeKey(at, undefined)
    const frame = this.#frame
    const { key } = frame
    frame.levels = Math.max(frame.levels, extent.levels + 1)
    frame.nodes += extent.nodes
    if (frame.nodes > MAX_NODES && !this.#isTooLarge) {
      this.#isTooLarge = true
      this.#report(at, 'aliases that stand for aliases make this file too large')
    }
    if (frame.kind === 'list') frame.items.push(node)
    else if (typeof key === 'object') {
      frame.entries.push(new PlacedEntry(this.#places, key.offset, key.text, node))
    }
    frame.key = undefined
  }

  #awaitsKey(): boolean {
    return this.#frame.kind === 'map' && this.#frame.key === undefined
  }

  /** For what has no place of its own: that of its key, or of what it stands in. */
  #nearest(): number {
    const { key, offset } = this.#frame
    return typeof key === 'object' ? key.offset : offset
  }

  #name(event: { readonly anchorStart: number; readonly anchorEnd: number }): string {
    return this.#text.slice(event.anchorStart, event.anchorEnd)
  }

  #report(offset: number, message: string): void {
    this.#problems.push(error(this.#places.at(offset), message))
  }
}

/** The line that parts it from the first one, whose last value ends before `from`. */
function startOfDocument(text: string, from: number): number {
  const found = text.slice(from).search(/^(?:---|%)/m)
  return found < 0 ? from : from + found
}
