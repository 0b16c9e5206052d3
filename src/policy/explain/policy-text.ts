/** Compiled rules back as one line each, close to how they are written. */

import type { PolicyNode, Rule } from '../compiled-policy.ts'

/** `allow engineering: {or: [{groups: ops}]}`; a condition by its name, or with `isWhole` what it stands for. */
export function ruleText({ effect, name, body }: Rule, isWhole = false): string {
  return `${effect} ${name}: ${nodeText(body, isWhole)}`
}

function nodeText(node: PolicyNode, isWhole: boolean): string {
  switch (node.kind) {
    case 'criterion':
      return `{${node.text}}`
    case 'use':
      return isWhole ? nodeText(node.body, isWhole) : `{use: ${node.name}}`
    case 'operator': {
      const items = node.items.map((item) => nodeText(item, isWhole))
      return `{${node.operator}: [${items.join(', ')}]}`
    }
  }
}
