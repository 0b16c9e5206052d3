/**
 * The nodes that the reader makes. They keep an offset, and their place is found when it is asked for: in a file with
 * ten thousand routes all places would take as much memory as the rest of the tree.
 */

import type { Position } from './problem.ts'
import type { YamlEntry, YamlList, YamlMap, YamlNode, YamlScalar } from './yaml-node.ts'
import type { Places } from './yaml-places.ts'

class Placed {
  readonly #places: Places
  readonly #offset: number

  constructor(places: Places, offset: number) {
    this.#places = places
    this.#offset = offset
  }

  get at(): Position {
    return this.#places.at(this.#offset)
  }
}

export class PlacedScalar extends Placed implements YamlScalar {
  readonly kind = 'scalar'
  readonly value: YamlScalar['value']
  readonly quoted: boolean

  constructor(places: Places, offset: number, value: YamlScalar['value'], quoted: boolean) {
    super(places, offset)
    this.value = value
    this.quoted = quoted
  }
}

export class PlacedList extends Placed implements YamlList {
  readonly kind = 'list'
  readonly items: readonly YamlNode[]

  constructor(places: Places, offset: number, items: readonly YamlNode[]) {
    super(places, offset)
    this.items = items
  }
}

export class PlacedMap extends Placed implements YamlMap {
  readonly kind = 'map'
  readonly entries: readonly YamlEntry[]

  constructor(places: Places, offset: number, entries: readonly YamlEntry[]) {
    super(places, offset)
    this.entries = entries
  }
}

export class PlacedEntry implements YamlEntry {
  readonly #places: Places
  readonly #keyOffset: number
  readonly key: string
  readonly value: YamlNode

  constructor(places: Places, keyOffset: number, key: string, value: YamlNode) {
    this.#places = places
    this.#keyOffset = keyOffset
    this.key = key
    this.value = value
  }

  get keyAt(): Position {
    return this.#places.at(this.#keyOffset)
  }
}
