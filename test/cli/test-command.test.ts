/** `gatehouse test`: what it prints, in each format, and with which exit code. */

import { test } from 'tap'
import { commandsIn, GOOD_FOLDER } from './policy-folder.ts'

/** The good folder with another test file. */
function withTest(text: string): Readonly<Record<string, string>> {
  return { ...GOOD_FOLDER, 'policies/app_test.yaml': text }
}

const FAILING = withTest(`suite: app
subjects: [ana, ben]
tests:
  - name: staff gets in
    request: GET https://app.example.com/
    allow: [ana, ben]
  - name: traversal is refused
    request: GET https://app.example.com/x
    rejected: MALFORMED_REQUEST
`)

const BROKEN = withTest(`suite: app
tests:
  - name: staff gets in
    request: GET https://app.example.com/
    allow: [anna]
  - name: somewhere
    request: GET https://nowhere.example.com/
    allow: []
`)

test('green is short, and what is untested is named above the last line', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  const { exitCode, out, err } = await gatehouse('test')
  t.equal(exitCode, 0)
  t.equal(err, '')
  t.equal(
    out,
    `ok     app (4)
untested route open  policies/app.yaml:11
untested rule app[0]  policies/app.yaml:10
untested rule open.allow  policies/app.yaml:14
4 passed, 0 failed, 0 errors; routes 1/2, rules 1/3
`,
  )
})

test('red shows what was expected, what came, and the trace with its lines', async (t) => {
  const gatehouse = commandsIn(t, FAILING)
  const { exitCode, out, err } = await gatehouse('test')
  t.equal(exitCode, 1)
  t.equal(err, '')
  t.equal(
    out.slice(0, out.indexOf('untested')),
    `       app (1 passed)
FAIL   staff gets in
         ben  GET https://app.example.com/  policies/app_test.yaml:6
           expected allow
           got      deny by rule staff because no-allow-rule
           route app  policies/app.yaml:5
             false    allow staff  policies/app.yaml:3
             false      or  policies/app.yaml:3
             false        groups: staff  policies/app.yaml:3
             false    deny app[0]  policies/app.yaml:10
             false      and  policies/app.yaml:10
             false        http_path: {starts_with: /admin}  policies/app.yaml:10
             true         not  policies/app.yaml:10
             false          email: ana@example.com  policies/app.yaml:10
FAIL   traversal is refused
         GET https://app.example.com/x  policies/app_test.yaml:7
           expected rejected as MALFORMED_REQUEST
           got      no rejection
           it is no malformed request: it is for route \`app\`, as \`/x\`
`,
  )
  t.match(out, /\n1 passed, 2 failed, 0 errors; routes 1\/2, rules 1\/3\n$/)
})

test('an error is no failure: exit code 2, and the place on stderr', async (t) => {
  const gatehouse = commandsIn(t, BROKEN)
  const { exitCode, out, err } = await gatehouse('test')
  t.equal(exitCode, 2)
  t.match(out, /ERROR {2}staff gets in\n/)
  t.match(out, /\n0 passed, 0 failed, 2 errors; /)
  t.match(err, /^policies\/app_test\.yaml:5:13: unknown subject `anna`, did you mean `ana`\?$/m)
  t.match(err, /^policies\/app_test\.yaml:6:5: `GET https:\/\/nowhere.* matches no route/m)
})

test('JSON has the shape that is documented, and nothing else is on stdout', async (t) => {
  const gatehouse = commandsIn(t, FAILING)
  const { exitCode, out } = await gatehouse('test', '--format', 'json')
  t.equal(exitCode, 1)
  const report = JSON.parse(out)
  t.same(Object.keys(report), ['passed', 'failed', 'errors', 'checks', 'coverage'])
  t.same([report.passed, report.failed, report.errors], [1, 2, 0])
  t.same(report.checks[1], {
    suite: 'app',
    name: 'staff gets in',
    subject: 'ben',
    request: 'GET https://app.example.com/',
    status: 'failed',
    expected: 'allow',
    outcome: 'deny',
    reason: 'no-allow-rule',
    rule: 'staff',
    file: 'policies/app_test.yaml',
    line: 6,
  })
  t.match(report.checks[2], {
    subject: null,
    outcome: null,
    expected: 'rejected as MALFORMED_REQUEST',
  })
  t.same(report.coverage, {
    routes: { hit: 1, total: 2, missed: ['open'] },
    rules: { hit: 1, total: 3, missed: ['app[0]', 'open.allow'] },
  })
})

test('JUnit tells suites, cases, failures with their trace, and errors', async (t) => {
  const red = await commandsIn(t, FAILING)('test', '--format', 'junit')
  t.match(
    red.out,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites name="gatehouse" tests="3" failures="2" errors="0">/,
  )
  t.match(
    red.out,
    /<testcase classname="app" name="staff gets in \/ ana \/ GET https:.*" time="0"\/>/,
  )
  t.match(
    red.out,
    /<failure message="expected allow, got deny by rule staff because no-allow-rule">false {4}allow staff/,
  )
  const broken = await commandsIn(t, BROKEN)('test', '--format', 'junit')
  t.match(broken.out, /<error message="unknown subject `anna`, did you mean `ana`\?"><\/error>/)
})

test('JUnit stays well-formed whatever a test is called', async (t) => {
  const name = '<b> & "c" \u0001 \u{1f600}'
  const text = (GOOD_FOLDER['policies/app_test.yaml'] ?? '').replace(
    'others are told why',
    JSON.stringify(name),
  )
  const { out } = await commandsIn(t, withTest(text))('test', '--format', 'junit')
  t.match(out, 'name="&lt;b&gt; &amp; &quot;c&quot; \\u0001 \u{1f600} / ben / ')
})

test('--run picks tests by SUITE/TEST', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  t.match((await gatehouse('test', '--run', 'app/*why')).out, /\n1 passed, 0 failed/)
  t.match((await gatehouse('test', '--run', 'app/staff*')).out, /\n3 passed, 0 failed/)
  t.match((await gatehouse('test', '--run', '*/others?are told why')).out, /\n1 passed/)
  const none = await gatehouse('test', '--run', 'staff')
  t.same([none.exitCode, none.out], [2, ''])
  t.match(none.err, /no test whose SUITE\/TEST matches `staff`/)
})

test('--coverage-min asks for a share of the routes and of the rules', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  t.equal((await gatehouse('test', '--coverage-min', '33')).exitCode, 0)
  const low = await gatehouse('test', '--coverage-min', '50')
  t.equal(low.exitCode, 1)
  t.match(low.err, /33 % of routes or rules are reached, less than 50 %/)
  t.equal((await gatehouse('test', '--coverage-min', 'all')).exitCode, 2)
  t.equal((await gatehouse('test', '--coverage-min', '101')).exitCode, 2)
})

test('policies that do not load are not tested', async (t) => {
  const bad = {
    ...GOOD_FOLDER,
    'policies/bad.yaml': 'routes:\n  - from: https://a.example\n    polcy: []\n',
  }
  const { exitCode, out, err } = await commandsIn(t, bad)('test', '--format', 'json')
  t.same([exitCode, out], [2, ''])
  t.match(err, /^policies\/bad\.yaml:3:5: unknown key `polcy`/)
})

test('nor are people that cannot be read', async (t) => {
  const bad = {
    ...GOOD_FOLDER,
    'policies/testdata/subjects.yaml': 'subjects:\n  ana: { grups: [] }\n',
  }
  const { exitCode, err } = await commandsIn(t, bad)('test')
  t.equal(exitCode, 2)
  t.match(err, /^policies\/testdata\/subjects\.yaml:2:10: unknown key `grups`/)
})

test('no tests at all are no success', async (t) => {
  const { 'policies/app_test.yaml': _, ...without } = GOOD_FOLDER
  const { exitCode, err } = await commandsIn(t, without)('test')
  t.equal(exitCode, 2)
  t.match(err, /there is no test/)
})

const OTHER_ROOT: Readonly<Record<string, string>> = {
  'team/wiki.yaml':
    'routes:\n  - { name: wiki, from: "https://wiki.example.com", to: "http://127.0.0.1:1", allowed_users: [00u9] }\n',
  'team/testdata/subjects.yaml': 'subjects:\n  zoe: { sub: 00u9 }\n',
  'team/deep/wiki_test.yaml':
    'subjects: [zoe]\ntests:\n  - { name: zoe reads, request: GET https://wiki.example.com/, allow: [zoe] }\n',
}

test('a test file is run with the policies and people of the root that it lies in', async (t) => {
  const gatehouse = commandsIn(t, { ...GOOD_FOLDER, ...OTHER_ROOT })
  const one = await gatehouse('test', 'team/deep/wiki_test.yaml')
  t.equal(one.err, '')
  t.equal(one.out, 'ok     wiki (1)\n1 passed, 0 failed, 0 errors; routes 1/1, rules 1/1\n')
  const folder = await gatehouse('test', 'team')
  t.equal(folder.out, one.out)
  const both = await gatehouse('test', 'team', 'policies/app_test.yaml')
  t.match(both.out, /\n5 passed, 0 failed, 0 errors; routes 2\/3, rules 2\/4\n$/)
})

test('a path that is no test file, or not there, is an error', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  const policy = await gatehouse('test', 'policies/app.yaml')
  t.equal(policy.exitCode, 2)
  t.match(policy.err, /no test file: their names end in `_test\.yaml`/)
  const missing = await gatehouse('test', 'policies/none_test.yaml')
  t.equal(missing.exitCode, 2)
  t.match(missing.err, /^policies\/none_test\.yaml:1:1: .*no such file/)
})

const CONFIGURED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    Object.entries(GOOD_FOLDER).map(([path, text]) => [path.replace('policies', 'rules'), text]),
  ),
  'etc/gatehouse.yaml': `server: { public_url: "https://auth.example.com" }
providers: { okta: { issuer: "https://acme.okta.com", client_id: x, client_secret: "\${NOT_SET}" } }
policies: [../rules]
`,
}

test('the config says where policies are; a secret that is not set here is no matter', async (t) => {
  const gatehouse = commandsIn(t, CONFIGURED)
  const named = await gatehouse('test', '--config', 'etc/gatehouse.yaml')
  t.equal(named.err, '')
  t.match(named.out, /\n4 passed, /)
  const without = await gatehouse('test')
  t.equal(without.exitCode, 2)
  t.match(without.err, /policies:1:1: cannot read the policies: no such file/)
  const missing = await gatehouse('test', '--config', 'gatehouse.yml')
  t.equal(missing.exitCode, 2)
  t.match(missing.err, /cannot read the config file/)
  const nowhere = await gatehouse('test', 'etc/nowhere')
  t.equal(nowhere.err, 'etc/nowhere:1:1: cannot read the file: no such file\n')
})

test('with a config, a route of a provider that it does not have is an error', async (t) => {
  const files = {
    ...CONFIGURED,
    'rules/app.yaml': (GOOD_FOLDER['policies/app.yaml'] ?? '').replace(
      '    policy:\n',
      '    provider: oktta\n    policy:\n',
    ),
  }
  const { exitCode, err } = await commandsIn(t, files)('test', '--config', 'etc/gatehouse.yaml')
  t.equal(exitCode, 2)
  t.match(err, /`oktta`/)
})

test('the sample policies of the project pass', async (t) => {
  const { exitCode, out } = await commandsIn(t, {})('test', `${import.meta.dirname}/../../policies`)
  t.equal(exitCode, 0)
  t.match(out, / passed, 0 failed, 0 errors; routes (\d+)\/\1, rules (\d+)\/\2\n$/)
})
