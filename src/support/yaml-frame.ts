/** What a YAML tree is built of while it is not done: mappings and lists that are open, and anchors. */

import type { YamlEntry, YamlNode } from './yaml-node.ts'

/** What a node comes to with its aliases written out. */
export interface Extent {
  readonly levels: number
  readonly nodes: number
}

export const SCALAR: Extent = { levels: 0, nodes: 1 }

/** A mapping or list that is still open, or the document around it. */
export interface YamlFrame {
  readonly kind: 'map' | 'list'
  readonly offset: number
  readonly anchor: string | undefined
  readonly items: YamlNode[]
  readonly entries: YamlEntry[]
  manyKeys: Set<string> | undefined
  /** The key whose value comes next; `refused` where what stands there is none, which has been reported. */
  key: { readonly text: string; readonly offset: number } | 'refused' | undefined
  levels: number
  nodes: number
}

/** What an anchor stands for; `open` while that goes on. */
export type Anchored = { readonly node: YamlNode; readonly extent: Extent } | 'open'

const NO_ITEMS: YamlNode[] = []
const NO_ENTRIES: YamlEntry[] = []
/** A mapping with more keys has a set of them: comparing each with all before it would take too long. */
const FEW_KEYS = 16

export function openFrame(
  kind: YamlFrame['kind'],
  offset: number,
  anchor: string | undefined,
): YamlFrame {
  return {
    kind,
    offset,
    anchor,
    items: kind === 'list' ? [] : NO_ITEMS,
    entries: kind === 'map' ? [] : NO_ENTRIES,
    manyKeys: undefined,
    key: undefined,
    levels: 0,
    nodes: 1,
  }
}

/** Whether the mapping has `key` already. To be asked once for each key. */
export function isTaken(frame: YamlFrame, key: string): boolean {
  const { entries } = frame
  if (entries.length < FEW_KEYS) return entries.some((entry) => entry.key === key)
  frame.manyKeys ??= new Set(entries.map((entry) => entry.key))
  const isKnown = frame.manyKeys.has(key)
  frame.manyKeys.add(key)
  return isKnown
}
