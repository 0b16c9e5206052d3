/** The YAML samples of the documentation, and what kind of file each is. */

import { Config } from '../../src/config/schema.ts'
import { isMapping } from '../../src/support/mapping.ts'
import { docPages, type Placed } from './doc-pages.ts'

/** `policies` is a key of policy files, too. */
const CONFIG_KEYS = new Set(Object.keys(Config.properties).filter((key) => key !== 'policies'))

export type Kind = 'config' | 'policy' | 'test' | 'subjects' | 'other'

/** What a file with these keys at its top is. */
export function kindOf(value: unknown): Kind {
  if (!isMapping(value)) return 'other'
  const keys = Object.keys(value)
  if (keys.includes('tests')) return 'test'
  if (keys.includes('subjects')) return 'subjects'
  if (keys.some((key) => CONFIG_KEYS.has(key)) || Array.isArray(value['policies'])) return 'config'
  return keys.some((key) => ['routes', 'conditions', 'policies'].includes(key)) ? 'policy' : 'other'
}

/** Every YAML block of the pages. */
export function documentationSamples(): readonly Placed[] {
  return docPages()
    .flatMap(({ blocks }) => blocks)
    .filter(({ language }) => language === 'yaml')
}
