/** The YAML samples of the documentation, and what kind of file each is. */

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { isMapping } from '../../src/support/mapping.ts'

export const ROOT = join(import.meta.dirname, '../..')

export interface Sample {
  /** `docs/configuration.md:12` */
  readonly at: string
  readonly text: string
}

function samplesIn(file: string): readonly Sample[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/^```yaml[^\n]*\n([\s\S]*?)^```/gm)].map((match) => {
    const line = text.slice(0, match.index).split('\n').length + 1
    return { at: `${relative(ROOT, file)}:${line}`, text: match[1] ?? '' }
  })
}

function markdownFiles(): readonly string[] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  const inDocs = docs.filter((name) => name.endsWith('.md')).map((name) => join(ROOT, 'docs', name))
  const readmes = readdirSync(ROOT).filter((name) => name === 'README.md')
  return [...inDocs, ...readmes.map((name) => join(ROOT, name)), join(ROOT, 'policies/README.md')]
}

const CONFIG_KEYS = new Set([
  'server',
  'providers',
  'session',
  'identity_headers',
  'brand',
  'logging',
  'forward_auth',
  'local_admins',
])

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

/** Every YAML block of the guides, the README and the page on the policy language. */
export function documentationSamples(): readonly Sample[] {
  return markdownFiles().flatMap(samplesIn)
}
