/** Keys that Gatehouse will have and does not have yet: refused by name, never ignored. */

import { error, type Problem } from '../support/problem.ts'
import type { YamlDocument, YamlPath } from '../support/yaml-document.ts'

/** `*` stands for any key or index. */
const UNSUPPORTED: readonly YamlPath[] = [['providers', '*', 'dpop']]

export interface Supported {
  /** The data without the keys that were refused. */
  readonly value: unknown
  readonly problems: readonly Problem[]
}

/** Refuses what is written for later versions, and returns the rest. */
export function refuseUnsupported(document: YamlDocument, value: unknown): Supported {
  const problems: Problem[] = []
  const refuse = (path: YamlPath) => {
    problems.push(error(document.keyAt(path), `\`${path.join('.')}\` is not supported yet`))
  }
  const strip = (current: unknown, path: YamlPath): unknown => {
    if (typeof current !== 'object' || current === null || Array.isArray(current)) return current
    const kept = Object.entries(current).filter(([key]) => {
      const isRefused = UNSUPPORTED.some((refused) => matches(refused, [...path, key]))
      if (isRefused) refuse([...path, key])
      return !isRefused
    })
    return Object.fromEntries(kept.map(([key, item]) => [key, strip(item, [...path, key])]))
  }
  return { value: strip(value, []), problems }
}

function matches(pattern: YamlPath, path: YamlPath): boolean {
  return (
    pattern.length === path.length && pattern.every((step, i) => step === '*' || step === path[i])
  )
}
