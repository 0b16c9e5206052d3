/** Of a config in which something is wrong, the rest: so that one run shows all mistakes and not the first stage's. */

import { findMistakes, type Mistake, valueBelow } from '../support/check-schema.ts'
import type { YamlPath } from '../support/yaml-document.ts'
import { resolveConfig } from './resolve-values.ts'
import type { Config } from './schema.ts'
import { WrittenConfig } from './written-schema.ts'

export interface JudgeablePart {
  /** Of the right shape. What was wrong has been left out, or is still the text of a reference. */
  readonly config: Config
  /** Whether something is wrong at `path`, or close to it, already: what else there is to say would mislead. */
  readonly isUnsure: (path: YamlPath) => boolean
}

/** Leaving one thing out may show that another was wrong; so often at the most. */
const MOST_ROUNDS = 5

/**
 * What can be judged of `written`; `undefined` where too much of it is wrong.
 * @param unfilled where references could not be filled
 */
export function judgeablePart(
  written: unknown,
  unfilled: readonly YamlPath[],
  folder: string,
): JudgeablePart | undefined {
  const value: unknown = structuredClone(written)
  const leftOut: YamlPath[] = []
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const mistakes = findMistakes(WrittenConfig, value)
    if (mistakes.length === 0) {
      return {
        config: resolveConfig(value, folder),
        isUnsure: (path) =>
          unfilled.some((step) => isSame(step, path)) ||
          leftOut.some((step) => isSame(sectionOf(step), sectionOf(path))),
      }
    }
    for (const mistake of mistakes) {
      if (mistake.path.length === 0) return undefined
      remove(value, mistake.path)
      if (!isUnknownKey(mistake)) leftOut.push(mistake.path)
    }
  }
  return undefined
}

/** Without it the rest means what it would mean with the key spelt right, or with its default. */
function isUnknownKey({ at, message }: Mistake): boolean {
  return at === 'key' && message.startsWith('unknown key')
}

/** A part of the file that is judged by itself: a section, or one provider. */
function sectionOf(path: YamlPath): YamlPath {
  return path.slice(0, path[0] === 'providers' ? 2 : 1)
}

function isSame(one: YamlPath, other: YamlPath): boolean {
  return one.length === other.length && one.every((step, index) => step === other[index])
}

function remove(value: unknown, path: YamlPath): void {
  const parent = valueBelow(value, path.slice(0, -1))
  const last = path.at(-1)
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else if (typeof parent === 'object' && parent !== null && last !== undefined) {
    Reflect.deleteProperty(parent, last)
  }
}
