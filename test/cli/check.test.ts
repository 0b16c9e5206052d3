/** `gatehouse check`: one line for each mistake, a summary, and an exit code to build on. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { join } from 'node:path'
import { type Test, test } from 'tap'
import { type Files, GOOD, GOOD_CONFIG, GOOD_POLICY } from '../config/config-folder.ts'
import { runCommand } from './run-command.ts'

async function check(t: Test, files: Files, ...args: readonly string[]) {
  return runCommand(['check', ...args], { cwd: t.testdir({ ...files }) })
}

test('a good config is exit code 0 and one line', async (t) => {
  t.strictSame(await check(t, GOOD), {
    exitCode: 0,
    stdout: 'gatehouse.yaml: good; 1 route, 0 warnings\n',
    stderr: '',
  })
})

test('warnings are printed and are no reason to fail', async (t) => {
  const config = GOOD_CONFIG.replace('sqlite:sessions.db', '"memory:"')
  t.strictSame(await check(t, { ...GOOD, 'gatehouse.yaml': config }), {
    exitCode: 0,
    stdout: 'gatehouse.yaml: good; 1 route, 1 warning\n',
    stderr:
      'gatehouse.yaml:9:10: warning: with `store: memory:` everybody signs in again after a restart; `sqlite:///ABSOLUTE` keeps sessions\n',
  })
})

test('every error comes before every warning, with paths from where one stands', async (t) => {
  const files = {
    ...GOOD,
    'gatehouse.yaml': GOOD_CONFIG.replace('sqlite:sessions.db', '"memory:"'),
    policies: { 'a.yaml': GOOD_POLICY.replace('groups', 'grops'), 'b.yml': '' },
  }
  const { exitCode, stdout, stderr } = await check(t, files)
  t.strictSame([exitCode, stdout], [2, ''])
  t.strictSame(stderr.split('\n'), [
    'policies/a.yaml:5:32: unknown criterion `grops`, did you mean `groups`?',
    'gatehouse.yaml:9:10: warning: with `store: memory:` everybody signs in again after a restart; `sqlite:///ABSOLUTE` keeps sessions',
    'policies/b.yml:1:1: warning: the file is not read: policies end in `.yaml`',
    '1 error, 2 warnings',
    '',
  ])
})

test('the config may be named, and is then shown as it lies', async (t) => {
  const { exitCode, stdout } = await check(t, { etc: GOOD }, '--config', 'etc/gatehouse.yaml')
  t.strictSame([exitCode, stdout], [0, 'etc/gatehouse.yaml: good; 1 route, 0 warnings\n'])
})

test('a config that is not there is said once', async (t) => {
  const missing = {
    exitCode: 2,
    stdout: '',
    stderr: 'gatehouse.yaml:1:1: cannot read the config file: no such file\n1 error, 0 warnings\n',
  }
  const policies = { 'a.yaml': GOOD_POLICY }
  t.strictSame(await check(t, { elsewhere: policies }), missing)
  t.strictSame(await check(t, { policies }, '--config', 'gatehouse.yaml'), missing)
})

test('where there is no config, ./policies is checked', async (t) => {
  t.strictSame(await check(t, { policies: { 'a.yaml': GOOD_POLICY } }), {
    exitCode: 0,
    stdout: 'policies: good; 1 route, 0 warnings\n',
    stderr: '',
  })
})

test('policies are checked by themselves where there is no config', async (t) => {
  const files = { 'a.yaml': GOOD_POLICY, 'b.yaml': GOOD_POLICY.replace('groups', 'grops') }
  t.strictSame(await check(t, files, 'a.yaml'), {
    exitCode: 0,
    stdout: 'policies: good; 1 route, 0 warnings\n',
    stderr: '',
  })
  const bad = await check(t, files, 'b.yaml')
  t.equal(bad.exitCode, 2)
  t.match(bad.stderr, /^b\.yaml:5:32: unknown criterion `grops`/)
  const missing = await check(t, files, 'c.yaml')
  t.equal(missing.exitCode, 2)
  t.match(missing.stderr, /^c\.yaml:1:1: cannot read the policies: no such file/)
})

test("policies that are named take the place of the config's, judged by that config", async (t) => {
  const http = GOOD_POLICY.replace('https://app', 'http://app')
  const files = { ...GOOD, 'other.yaml': http }
  const { exitCode, stderr } = await check(t, files, 'other.yaml')
  t.equal(exitCode, 2)
  t.match(stderr, /^other\.yaml:3:11: plain http beyond loopback/)
  const missing = await check(t, files, 'nowhere')
  t.match(missing.stderr, /^nowhere:1:1: cannot read the policies: no such file/)
})

test('variables come from the environment', async (t) => {
  const config = GOOD_CONFIG.replace('0oa1', '"${CLIENT_ID}"')
  const cwd = t.testdir({ ...GOOD, 'gatehouse.yaml': config })
  t.equal((await runCommand(['check'], { cwd, env: { CLIENT_ID: '0oa1' } })).exitCode, 0)
  const { exitCode, stderr } = await runCommand(['check'], { cwd })
  t.equal(exitCode, 2)
  t.match(stderr, /^gatehouse\.yaml:6:16: environment variable `CLIENT_ID` is not set\n/)
})

test('a secret never shows in what is printed', async (t) => {
  const config = GOOD_CONFIG.replace(/sqlite:.*/, '"${STORE}"').replace(
    'client_id: 0oa1',
    'client_id: 0oa1\n    client_auth: "${STORE}"',
  )
  const cwd = t.testdir({ ...GOOD, 'gatehouse.yaml': config })
  const env = { STORE: 'redis://user:hunter2@db' }
  const { exitCode, stderr } = await runCommand(['check'], { cwd, env })
  t.equal(exitCode, 2)
  t.notMatch(stderr, 'hunter2')
})

test('paths outside the folder one stands in are absolute', async (t) => {
  const folder = t.testdir({ here: {}, there: { 'gatehouse.yaml': 'server: 1\n' } })
  const file = join(folder, 'there', 'gatehouse.yaml')
  const { stderr } = await runCommand(['check', '--config', '../there/gatehouse.yaml'], {
    cwd: join(folder, 'here'),
  })
  t.match(stderr, `${file}:1:9: \`server\` must be a mapping, not a number`)
})

const POLICY_WITH_RULES = `conditions: { ops: { groups: operators } }
routes:
  - name: app
    from: https://app.example.com
    policy:
      - allow: { or: [{ groups: [staff, contractors] }, { use: ops }] }
      - deny: { or: [{ user: mallory }] }
`
const SUBJECTS = 'subjects: { ana: { sub: a, groups: [staff] }, ben: { sub: b } }\n'
const SUITE =
  'subjects: [ana, ben]\ntests: [{ name: t, request: GET https://app.example.com/, allow: [ana] }]\n'

test('what the tests leave out is a warning', async (t) => {
  const policies = {
    'app.yaml': POLICY_WITH_RULES,
    'app_test.yaml': SUITE,
    testdata: { 'subjects.yaml': SUBJECTS },
  }
  const files = { ...GOOD, policies }
  const { exitCode, stdout, stderr } = await check(t, files)
  t.strictSame([exitCode, stdout], [0, 'gatehouse.yaml: good; 1 route, 3 warnings\n'])
  const warnings = [
    'policies/app.yaml:1:22: warning: no test subject has the group `operators`',
    'policies/app.yaml:6:25: warning: no test subject has the group `contractors`',
    'policies/app.yaml:7:9: warning: no test reaches the rule `app[1]`',
  ]
  t.strictSame(stderr.trimEnd().split('\n'), warnings)
  const alone = await check(t, { policies }, 'policies')
  t.strictSame(alone.stderr.trimEnd().split('\n'), warnings)
})

test('without tests nothing is said about tests', async (t) => {
  const { stderr } = await check(t, { ...GOOD, policies: { 'app.yaml': POLICY_WITH_RULES } })
  t.equal(stderr, '')
})

test('tests that cannot be read are no reason to fail', async (t) => {
  const policies = { 'app.yaml': GOOD_POLICY, testdata: { 'subjects.yaml': 'subjects: [ana]\n' } }
  const { exitCode, stderr } = await check(t, { ...GOOD, policies })
  t.equal(exitCode, 0)
  t.match(stderr, /^policies\/testdata\/subjects\.yaml:1:11: warning: `subjects` must be /)
})

test('two hundred thousand mistakes are all told, each with paths from where one stands', async (t) => {
  const policies = { 'a.yaml': `routes: [${'a,'.repeat(199_999)}a]`, 'b.yaml': GOOD_POLICY }
  const { exitCode, stderr } = await check(t, { ...GOOD, policies })
  t.equal(exitCode, 2)
  t.equal(stderr.trimEnd().split('\n').length, 200_001)
  const twice = { 'a.yaml': GOOD_POLICY, 'b.yaml': GOOD_POLICY }
  const again = await check(t, { ...GOOD, policies: twice })
  t.match(again.stderr, /^policies\/b\.yaml:2:11: the name `app` .*\(policies\/a\.yaml:2\)$/m)
})
