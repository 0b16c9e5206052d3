/** What was read, as what is to be written: plain copies, without a look at what they mean. */

import type { YamlNode } from '../../support/yaml-node.ts'
import { type DraftNode, entry, inlineList, list, map, part, scalar } from './draft.ts'

/** Up to about here a mapping or list stays on one line. */
const LINE = 70

/** A copy of `node`. Nothing at all becomes an empty text, which is refused wherever it matters. */
export function copyOf(node: YamlNode): DraftNode {
  switch (node.kind) {
    case 'scalar':
      return scalar(node.value ?? '')
    case 'list': {
      const items = node.items.map((item) => part(copyOf(item)))
      return { ...list(items), inline: isShort(node) }
    }
    case 'map': {
      const entries = node.entries.map(({ key, value }) => entry(key, copyOf(value)))
      return { ...map(entries), inline: isShort(node) }
    }
  }
}

/** A list of texts, on one line where it fits. */
export function listOf(values: readonly (string | number | boolean)[]): DraftNode {
  const length = values.reduce<number>((sum, value) => sum + String(value).length + 2, 0)
  return length <= LINE ? inlineList(values) : list(values.map((value) => part(scalar(value))))
}

function isShort(node: YamlNode): boolean {
  return lengthOf(node, LINE) <= LINE
}

/** About as many characters as it takes, counted no further than `limit`. */
function lengthOf(node: YamlNode, limit: number): number {
  if (node.kind === 'scalar') return String(node.value).length + 2
  let length = 4
  const parts = node.kind === 'list' ? node.items : node.entries
  for (const one of parts) {
    length += 'key' in one ? one.key.length + 2 + lengthOf(one.value, limit) : lengthOf(one, limit)
    if (length > limit) break
  }
  return length
}
