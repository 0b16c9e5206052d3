/** YAML data back as one line of YAML: how traces and messages show what was written. */

import type { YamlNode } from '../../support/yaml-node.ts'

/** Longer texts are cut: a trace is for reading. */
const MAX_LENGTH = 200

/** `node` in flow style; a plain text where that can be read back, else in quotes. */
export function flowText(node: YamlNode | string): string {
  // No more than can be shown is written, however long a list is.
  const text = typeof node === 'string' ? quoteIfNeeded(node, false) : write(node, MAX_LENGTH)
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 1)}…` : text
}

/** The same in full, for comparing: what is written differently reads differently. */
export function wholeFlowText(node: YamlNode | string): string {
  return typeof node === 'string'
    ? quoteIfNeeded(node, false)
    : write(node, Number.POSITIVE_INFINITY)
}

function write(node: YamlNode, most: number): string {
  switch (node.kind) {
    case 'scalar':
      return typeof node.value === 'string'
        ? quoteIfNeeded(node.value, node.quoted)
        : plainText(node.value)
    case 'list': {
      const items = node.items.slice(0, most).map((item) => write(item, most))
      return `[${items.join(', ')}]`
    }
    case 'map': {
      const entries = node.entries
        .slice(0, most)
        .map(({ key, value }) => `${quoteIfNeeded(key, false)}: ${write(value, most)}`)
      return `{${entries.join(', ')}}`
    }
  }
}

/** What the text `NaN` is not: numbers of this kind begin with a dot. */
function plainText(value: number | boolean | null): string {
  if (typeof value !== 'number' || Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf'
}

function quoteIfNeeded(text: string, quoted: boolean): string {
  const plain = /^[A-Za-z0-9_/.@+][A-Za-z0-9_/.@+ -]*$/.test(text) && text.trim() === text
  return plain && !quoted ? text : JSON.stringify(text)
}

/** Whether `flowText` left something out. */
export function isCut(text: string): boolean {
  return text.endsWith('…')
}
