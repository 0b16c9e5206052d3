/** Whole results, as they are printed: a change of theirs is meant, or it is a mistake. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { importSummary } from '../../../src/cli/output-import.ts'
import type { ImportKind } from '../../../src/config/import/import.ts'
import { importFixture, listing } from './imported.ts'

const GOLDENS: readonly (readonly [ImportKind, string])[] = [
  ['pomerium', 'pomerium-quickstart.yaml'],
  ['oauth2-proxy', 'oauth2-proxy.cfg'],
]

for (const [kind, name] of GOLDENS) {
  test(`${name} becomes what it became before`, async (t) => {
    const imported = await importFixture(kind, name)
    const path = join(import.meta.dirname, 'fixtures', `${name}.expected.txt`)
    const text = `${listing(imported)}\n=== summary ===\n${importSummary(imported, '/old')}`
    // How many warnings the check has is its own matter.
    t.equal(text.replace(/, with \d+ warnings?;/, ';'), readFileSync(path, 'utf8'))
  })
}
