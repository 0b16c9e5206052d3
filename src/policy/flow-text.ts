/** YAML data back as one line of YAML: how traces and messages show what was written. */

import type { YamlNode } from '../support/yaml-node.ts'

/** Longer texts are cut: a trace is for reading. */
const MAX_LENGTH = 200

/** `node` in flow style; a plain text where that can be read back, else in quotes. */
export function flowText(node: YamlNode | string): string {
  const text = typeof node === 'string' ? quoteIfNeeded(node, false) : write(node)
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text
}

function write(node: YamlNode): string {
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'string'
        ? quoteIfNeeded(node.value, node.quoted)
        : String(node.value)
    case 'list':
      return `[${writeSome(node.items, write)}]`
    case 'map':
      return `{${writeSome(node.entries, (entry) => `${quoteIfNeeded(entry.key, false)}: ${write(entry.value)}`)}}`
  }
}

// No more than can be shown is written, however long the list.
function writeSome<T>(items: readonly T[], one: (item: T) => string): string {
  return items.slice(0, MAX_LENGTH).map(one).join(', ')
}

function quoteIfNeeded(text: string, quoted: boolean): string {
  const plain = /^[A-Za-z0-9_/.@+][A-Za-z0-9_/.@+ -]*$/.test(text) && text.trim() === text
  return plain && !quoted ? text : JSON.stringify(text)
}

/** Whether `flowText` left something out. */
export function isCut(text: string): boolean {
  return text.endsWith('…')
}
