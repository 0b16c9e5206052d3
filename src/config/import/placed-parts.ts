/** Which part of a draft stands at a place of the file that was written from it. */

import type { Position } from '../../support/problem.ts'
import type { YamlNode } from '../../support/yaml-node.ts'
import { isWritten } from '../../support/yaml-writer.ts'
import type { DraftMap, DraftNode, DraftPart } from './draft.ts'

/** A part, and the part that it is in. */
export interface PlacedPart {
  readonly part: DraftPart
  readonly around: PlacedPart | undefined
}

/** Finds the innermost part that begins at a place, or else the last one that begins before it. */
export type FindPart = (at: Position) => PlacedPart | undefined

/** @param tree what was read back of the file that `root` was written to */
export function placeParts(tree: YamlNode, root: DraftMap): FindPart {
  const exact = new Map<string, PlacedPart>()
  const starts: { readonly at: Position; readonly placed: PlacedPart }[] = []
  const put = (at: Position, placed: PlacedPart): void => {
    // What is further inside comes later and stays.
    exact.set(`${at.line}:${at.column}`, placed)
    starts.push({ at, placed })
  }
  const walk = (node: YamlNode, draft: DraftNode, around: PlacedPart | undefined): void => {
    if (node.kind === 'list' && draft.kind === 'list') {
      const written = draft.items.filter(isWritten)
      for (const [index, item] of node.items.entries()) {
        const part = written[index]
        if (part === undefined) continue
        const placed = { part, around }
        put(item.at, placed)
        walk(item, part.value, placed)
      }
    } else if (node.kind === 'map' && draft.kind === 'map') {
      const written = draft.entries.filter(isWritten)
      for (const [index, { keyAt, value }] of node.entries.entries()) {
        const part = written[index]
        if (part === undefined) continue
        const placed = { part, around }
        put(keyAt, placed)
        put(value.at, placed)
        walk(value, part.value, placed)
      }
    }
  }
  walk(tree, root, undefined)
  starts.sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
  return (at) => {
    const found = exact.get(`${at.line}:${at.column}`)
    if (found !== undefined) return found
    return starts.findLast(
      (start) =>
        start.at.line < at.line || (start.at.line === at.line && start.at.column <= at.column),
    )?.placed
  }
}
