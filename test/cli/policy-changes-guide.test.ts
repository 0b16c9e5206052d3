/** docs/policy-changes.md: its commands run, and what it shows is what is printed. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { gitRepository, type Repository } from '../support/git-repository.ts'
import { writeFiles } from '../support/temp-folder.ts'
import { runCommand } from './run-command.ts'

const guide = readFileSync(join(import.meta.dirname, '../../docs/policy-changes.md'), 'utf8')
const blocks = [...guide.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
const shown = blocks.flatMap(([, language, text = '']) => (language === '' ? [text] : []))

const POLICY = `policies:
  engineering:
    - allow: { or: [{ groups: platform-engineers }, { groups: ops }] }
routes:
  - name: grafana
    from: https://grafana.example.com
    to: http://grafana.monitoring:3000
    policy:
      - use: engineering
      - deny: { and: [{ http_path: { starts_with: /api/admin/ } }, { not: [{ groups: ops }] }] }
`
const CHANGED = POLICY.replace(
  '{ groups: ops }] }\n',
  '{ groups: ops }, { groups: contractors }] }\n',
).replace('/api/admin/', '/api/')
const FILES = {
  'policies/grafana.yaml': POLICY,
  'policies/testdata/subjects.yaml': `subjects:
  ana: { sub: 00u1, groups: [platform-engineers, ops] }
  ben: { sub: 00u2, groups: [platform-engineers] }
  contractor: { sub: 00u3, groups: [contractors] }
`,
  'policies/grafana_test.yaml': `tests:
  - name: reading
    request: [GET https://grafana.example.com/d/abc, GET https://grafana.example.com/api/annotations]
    allow: [ana, ben]
  - name: administration
    request: GET https://grafana.example.com/api/admin/users
    because: { ben: { outcome: deny, rule: "grafana[0]" } }
`,
}
const LINE = {
  msg: 'request',
  route: 'grafana',
  method: 'GET',
  host: 'grafana.example.com',
  path: '/d/abc',
  outcome: 'deny',
  subject: '00u3',
  groups: [],
}
const LOG = `${JSON.stringify(LINE)}\n${JSON.stringify({ ...LINE, subject: '00u4' })}\nx\n`

/** A clone with the policies of the guide, changed as it says. */
function clone(t: Test): Repository {
  const repository = gitRepository(t, FILES)
  repository.git('update-ref', 'refs/remotes/origin/main', 'HEAD')
  writeFiles(repository.folder, {
    'policies/grafana.yaml': CHANGED,
    'decisions.ndjson': LOG,
    'policies-of-last-week/grafana.yaml': POLICY,
    'team/policies/app.yaml': POLICY,
  })
  repository.git('branch', 'elsewhere')
  return repository
}

async function gatehouse({ folder, env }: Repository, args: readonly string[]): Promise<string> {
  const { stdout } = await runCommand(args, { cwd: folder, env })
  return stdout
}

test('its difference is one', async (t) => {
  t.equal(await gatehouse(clone(t), ['diff', '--base', 'main']), shown[0])
})

test('what its log cannot tell is so', async (t) => {
  const out = await gatehouse(clone(t), [
    'diff',
    '--base',
    'main',
    '--requests',
    'decisions.ndjson',
  ])
  t.match(out, shown[1])
})

test('its review is one', async (t) => {
  const repository = clone(t)
  writeFiles(repository.folder, FILES)
  t.equal(await gatehouse(repository, ['who-can']), shown[2])
})

/** Commands of the guide's blocks, without remarks and redirections. */
const commands = guide
  .split('\n')
  .map((line) => /^(?: +- run: npx )?gatehouse (.*)$/.exec(line)?.[1])
  .filter((line) => line !== undefined)
  .map((line) => line.replace(/ [#>].*$/, '').trim())

test('there are commands of each kind in it', async (t) => {
  t.ok(commands.length >= 12, commands.join('\n'))
})

for (const command of commands) {
  test(`its command runs: ${command}`, async (t) => {
    const { folder, env } = clone(t)
    const { exitCode, stderr } = await runCommand(command.split(' '), { cwd: folder, env })
    t.equal(stderr.replace(/^.*: warning: .*\n/gm, ''), '')
    t.equal(exitCode, command.includes('--exit-code') ? 1 : command.startsWith('test') ? 1 : 0)
  })
}
