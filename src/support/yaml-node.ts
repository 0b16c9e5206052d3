/** A YAML document as a tree that knows its places. Data only. */

import type { Position } from './problem.ts'

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

/** INVARIANT: no two entries have the same key. */
export interface YamlMap {
  readonly kind: 'map'
  readonly at: Position
  readonly entries: readonly YamlEntry[]
}

/** What is used through an alias stands in the tree as the same object. */
export type YamlNode = YamlScalar | YamlList | YamlMap
