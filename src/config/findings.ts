/** Where the checks of the config put what they find, and where in the file it then stands. */

import { valueBelow } from '../support/check-schema.ts'
import { error, type Position, type Problem, warning } from '../support/problem.ts'
import type { YamlDocument, YamlPath } from '../support/yaml-document.ts'

export interface Findings {
  readonly problems: readonly Problem[]
  error(path: YamlPath, message: string): void
  warn(path: YamlPath, message: string): void
}

/**
 * Findings are placed at the value of their key; at the section that lacks it where it is not written.
 * @param isUnsure paths about which nothing is to be said
 */
export function createFindings(
  document: YamlDocument,
  isUnsure: (path: YamlPath) => boolean = () => false,
): Findings {
  const problems: Problem[] = []
  const place = (path: YamlPath): Position =>
    valueBelow(document.value, path) === undefined ? document.keyAt(path) : document.valueAt(path)
  return {
    problems,
    error: (path, message) => {
      if (!isUnsure(path)) problems.push(error(place(path), message))
    },
    warn: (path, message) => {
      if (!isUnsure(path)) problems.push(warning(place(path), message))
    },
  }
}
