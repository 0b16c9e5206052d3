/** Named things of all files, `conditions` or `policies`: defined once, compiled when first used, never in a circle. */

import type { Position } from '../../support/problem.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { YamlEntry, YamlMap } from '../../support/yaml-node.ts'
import type { Report } from './matchers.ts'

/** Conditions may use conditions, but not through more of them than this. */
const MAX_CHAIN = 50

export interface Definitions<T> {
  /** Takes over the definitions of one file. */
  add(map: YamlMap): void
  /** The thing called `name`; `undefined` where it is unknown or broken, which has then been reported. */
  use(name: string, at: Position): T | undefined
  /** Compiles all, used or not, and names those that are not used. */
  finish(): readonly { readonly name: string; readonly at: Position }[]
}

interface Definition<T> {
  readonly entry: YamlEntry
  state: 'new' | 'compiling' | 'done'
  compiled: T | undefined
  used: boolean
}

export interface DefinitionsOptions<T> {
  /** `condition` or `policy`, for messages. */
  readonly what: string
  readonly report: Report
  readonly compile: (entry: YamlEntry) => T | undefined
  /** Called with a name that is not known: whether something of another kind has it. */
  readonly hint: (name: string) => string
}

export function createDefinitions<T>(options: DefinitionsOptions<T>): Definitions<T> {
  const { what, report } = options
  const all = new Map<string, Definition<T>>()
  const chain: string[] = []

  const add = (map: YamlMap): void => {
    for (const entry of map.entries) {
      const { key, keyAt } = entry
      const earlier = all.get(key)
      if (key === '') {
        report(keyAt, `a ${what} has a name`)
      } else if (earlier !== undefined) {
        const { file, line } = earlier.entry.keyAt
        report(keyAt, `the ${what} \`${key}\` is already defined (${file}:${line})`)
      } else {
        all.set(key, { entry, state: 'new', compiled: undefined, used: false })
      }
    }
  }

  const use = (name: string, at: Position): T | undefined => {
    const found = all.get(name)
    if (found === undefined) {
      const hint = options.hint(name) || didYouMean(name, all.keys())
      return report(at, `there is no ${what} \`${name}\`${hint}`)
    }
    found.used = true
    if (found.state === 'compiling') {
      const circle = [...chain.slice(chain.indexOf(name)), name].join(' -> ')
      return report(at, `the ${what} \`${name}\` uses itself: ${circle}`)
    }
    if (found.state === 'done') return found.compiled
    if (chain.length >= MAX_CHAIN) {
      return report(at, `\`use\` leads through more than ${MAX_CHAIN} names`)
    }
    return compile(name, found)
  }

  const compile = (name: string, definition: Definition<T>): T | undefined => {
    definition.state = 'compiling'
    chain.push(name)
    definition.compiled = options.compile(definition.entry)
    chain.pop()
    definition.state = 'done'
    return definition.compiled
  }

  const finish = () => {
    for (const [name, definition] of all) {
      if (definition.state === 'new') compile(name, definition)
    }
    return [...all]
      .filter(([, { used }]) => !used)
      .map(([name, { entry }]) => ({ name, at: entry.keyAt }))
  }

  return { add, use, finish }
}
