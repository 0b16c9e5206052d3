/** The reader against another parser, which is strict: what both take, they read alike, and what one refuses is refused. */

import fc from 'fast-check'
import { test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { readYaml } from '../../src/support/yaml-document.ts'

/** Pieces of YAML that fit together often enough. */
const PIECES = [
  'a',
  'b: ',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '\n    ',
  ' ',
  '[',
  ']',
  '{',
  '}',
  ', ',
  '"',
  "'",
  '# c',
  '|\n',
  '>-\n',
  '? ',
  '1',
  'true',
  '~',
  '0x1f',
  '.5',
  '\\n',
  '!!str ',
  '@',
]

function other(text: string): unknown {
  const documents = parseAllDocuments(text, {
    logLevel: 'silent',
    strict: true,
    uniqueKeys: true,
    version: '1.2',
  })
  if (!Array.isArray(documents) || documents.length !== 1) return undefined
  const [document] = documents
  if (document === undefined || document.errors.length + document.warnings.length > 0) {
    return undefined
  }
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) as unknown }
  } catch {
    return undefined
  }
}

test('what two parsers take, they read alike', async (t) => {
  let compared = 0
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 14 }), (pieces) => {
      const text = `k: ${pieces.join('')}`
      const ours = readYaml('a.yaml', text)
      const theirs = other(text)
      if (ours.problems.length > 0 || theirs === undefined) return
      compared++
      const { value } = theirs as { value: unknown }
      if (JSON.stringify(value ?? null) !== JSON.stringify(ours.value ?? null)) {
        throw new Error(`${JSON.stringify(value)} is not ${JSON.stringify(ours.value)}`)
      }
    }),
    { numRuns: 5_000, seed: 7 },
  )
  t.ok(compared > 800, `${compared} compared`)
})
