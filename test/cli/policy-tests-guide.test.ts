/** docs/policy-tests.md: its three files work together, and what it shows is what is printed. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { commandsIn } from './policy-folder.ts'

const guide = readFileSync(join(import.meta.dirname, '../../docs/policy-tests.md'), 'utf8')
const [policy = '', subjects = '', suite = ''] = [
  ...guide.matchAll(/^```yaml\n([\s\S]*?)^```/gm),
].map((match) => match[1] ?? '')

const files = {
  'policies/grafana.yaml': policy,
  'policies/testdata/subjects.yaml': subjects,
  'policies/grafana_test.yaml': suite,
}

test('its tests pass and reach everything', async (t) => {
  const { exitCode, out } = await commandsIn(t, files)('test', '--coverage-min', '100')
  t.equal(exitCode, 0)
  t.equal(out, 'ok     grafana (14)\n14 passed, 0 failed, 0 errors; routes 1/1, rules 2/2\n')
})

test('its failure is one', async (t) => {
  const failing = suite.replace('allow: [ana, ben]', 'allow: [ana, ben, contractor]')
  const { out } = await commandsIn(t, { ...files, 'policies/grafana_test.yaml': failing })('test')
  const shown = /^FAIL[\s\S]*?(?=^```)/m.exec(guide)?.[0] ?? 'nothing'
  t.ok(out.includes(shown), out)
})

test('its explanation is one', async (t) => {
  const { out } = await commandsIn(t, files)(
    'explain',
    '--as',
    'ben',
    'POST',
    'https://grafana.example.com//api/%61dmin',
  )
  const shown = /^request [\s\S]*?(?=^```)/m.exec(guide)?.[0] ?? 'nothing'
  t.equal(out, shown)
})
