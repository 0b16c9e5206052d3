/** `gatehouse diff`: what it compares, what it prints, and how it ends. */

import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type Test, test } from 'tap'
import type { Io } from '../../src/cli/io.ts'
import { gitRepository, type Repository } from '../support/git-repository.ts'
import { tempFolder, writeFiles } from '../support/temp-folder.ts'
import { GOOD_FOLDER } from './policy-folder.ts'
import { runCommand } from './run-command.ts'

interface Result {
  readonly exitCode: number
  readonly out: string
  readonly err: string
}

/** Runs `gatehouse diff ARGS` at the top of the repository. */
async function diff(
  { folder, env }: Pick<Repository, 'folder' | 'env'>,
  args: readonly string[],
  io: Partial<Io> = {},
): Promise<Result> {
  const result = await runCommand(['diff', ...args], { cwd: folder, env, ...io })
  return { exitCode: result.exitCode, out: result.stdout, err: result.stderr }
}

const APP = GOOD_FOLDER['policies/app.yaml'] ?? ''
const WIDER = APP.replace('[{ groups: staff }]', '[{ groups: staff }, { user: 00u2 }]')

/** A repository whose last commit has the good policies, and whose working tree may have others. */
function changed(t: Test, files: Readonly<Record<string, string>> = {}): Repository {
  const repository = gitRepository(t, GOOD_FOLDER)
  writeFiles(repository.folder, files)
  return repository
}

test('what is in the working tree against a revision, for people', async (t) => {
  const { exitCode, out, err } = await diff(
    changed(t, {
      'policies/app.yaml': `${WIDER}  - { name: wiki, from: "https://wiki.example.com", allowed_groups: [staff] }\n`,
    }),
    ['--base', 'main'],
  )
  t.same([exitCode, err], [0, ''])
  t.equal(
    out,
    `gains access
  app: deny -> allow
    before  no-allow-rule, rule staff  main:policies/app.yaml:3
    after   allowed, rule staff  policies/app.yaml:3
    ben  GET https://app.example.com/
  no route -> wiki: rejected -> allow
    before  UNKNOWN_HOST
    after   allowed, rule wiki.allow  policies/app.yaml:15
    ana  GET https://wiki.example.com/ (no test asks this)
refused otherwise
  no route -> wiki: rejected -> sign_in
    before  UNKNOWN_HOST
    after   sign-in-needed  policies/app.yaml:15
    anonymous  GET https://wiki.example.com/ (no test asks this)
  no route -> wiki: rejected -> deny
    before  UNKNOWN_HOST
    after   no-allow-rule, rule wiki.allow  policies/app.yaml:15
    ben  GET https://wiki.example.com/ (no test asks this)
routes
  changed  app (app.example.com)  policies/app.yaml:5
           - allow staff: {or: [{groups: staff}]}  main:policies/app.yaml:3
           + allow staff: {or: [{groups: staff}, {user: 00u2}]}  policies/app.yaml:3
  added    wiki (wiki.example.com)  policies/app.yaml:15
           + allow wiki.allow: {or: [{allowed_groups: [staff]}]}  policies/app.yaml:15
2 gain, 0 lose, 2 are refused otherwise; routes 1 added, 0 removed, 1 changed
`,
  )
})

test('for programs', async (t) => {
  const { exitCode, out } = await diff(changed(t, { 'policies/app.yaml': WIDER }), [
    '--base',
    'main',
    '--format',
    'json',
  ])
  t.equal(exitCode, 0)
  t.strictSame(JSON.parse(out), {
    base: 'main',
    gains: 1,
    loses: 0,
    other: 0,
    changes: [
      {
        kind: 'gains',
        source: 'tests',
        subject: 'ben',
        request: 'GET https://app.example.com/',
        when: null,
        count: 1,
        before: {
          outcome: 'deny',
          would_be: null,
          reason: 'no-allow-rule',
          rule: 'staff',
          rule_at: 'main:policies/app.yaml:3',
          route: 'app',
          route_at: 'main:policies/app.yaml:5',
        },
        after: {
          outcome: 'allow',
          would_be: null,
          reason: 'allowed',
          rule: 'staff',
          rule_at: 'policies/app.yaml:3',
          route: 'app',
          route_at: 'policies/app.yaml:5',
        },
      },
    ],
    more_changes: 0,
    routes: [
      {
        kind: 'changed',
        name: 'app',
        before: { name: 'app', address: 'app.example.com', route_at: 'main:policies/app.yaml:5' },
        after: { name: 'app', address: 'app.example.com', route_at: 'policies/app.yaml:5' },
        details: [],
        rules_removed: [
          { rule: 'allow staff: {or: [{groups: staff}]}', rule_at: 'main:policies/app.yaml:3' },
        ],
        rules_added: [
          {
            rule: 'allow staff: {or: [{groups: staff}, {user: 00u2}]}',
            rule_at: 'policies/app.yaml:3',
          },
        ],
      },
    ],
    cannot_tell: [],
    judged: 3,
    requests: null,
  })
})

test('for a comment on a pull request', async (t) => {
  const { exitCode, out } = await diff(changed(t, { 'policies/app.yaml': WIDER }), [
    '--base',
    'main',
    '--format',
    'markdown',
  ])
  t.equal(exitCode, 0)
  t.equal(
    out,
    `## Who gains and who loses access

Against \`main\`: 1 gains, 0 lose, 0 are refused otherwise; routes 0 added, 0 removed, 1 changed.

### Gains access

| who | request | route | before | after |
| --- | --- | --- | --- | --- |
| \`ben\` | \`GET https://app.example.com/\` | \`app\` | **deny** no-allow-rule by \`staff\` \`main:policies/app.yaml:3\` | **allow** allowed by \`staff\` \`policies/app.yaml:3\` |

### Routes

|  | route | what differs |
| --- | --- | --- |
| changed | \`app (app.example.com)\` \`policies/app.yaml:5\` | \`- allow staff: {or: [{groups: staff}]}  main:policies/app.yaml:3\`<br>\`+ allow staff: {or: [{groups: staff}, {user: 00u2}]}  policies/app.yaml:3\` |
`,
  )
})

test('the exit code is 1 only when asked for, and only for a difference', async (t) => {
  const same = changed(t)
  t.match(await diff(same, ['--base', 'main', '--exit-code']), {
    exitCode: 0,
    out: 'nobody gains or loses access; 3 decisions compared\n',
  })
  const different = changed(t, { 'policies/app.yaml': WIDER })
  t.equal((await diff(different, ['--base', 'main'])).exitCode, 0)
  t.equal((await diff(different, ['--base', 'main', '--exit-code'])).exitCode, 1)
})

test('many routes that use one policy are one change', async (t) => {
  const routes = (text: string) =>
    `${text}${Array.from({ length: 5 }, (_, i) => `  - { name: r${i}, from: "https://r${i}.example.com", policy: { use: staff } }\n`).join('')}`
  const repository = gitRepository(t, { ...GOOD_FOLDER, 'policies/app.yaml': routes(APP) })
  writeFiles(repository.folder, { 'policies/app.yaml': routes(WIDER) })
  const { out } = await diff(repository, ['--base', 'HEAD'])
  t.equal(out.match(/- allow staff/g)?.length, 1)
  t.match(out, /changed {2}app .*\n {11}r0 .*\n {11}r1 .*\n {11}r2 /)
})

const badBases: Record<string, { base: string; says: RegExp }> = {
  'an unknown revision': {
    base: 'origin/main',
    says: /^gatehouse diff: `origin\/main` is no folder, and no revision: .* fetch it first\n$/,
  },
  'an option': { base: '--upload-pack=x', says: /is no folder, and no revision: it is no name/ },
  'a folder that is not there': {
    base: './old',
    says: /^gatehouse diff: `\.\/old` is no folder\n$/,
  },
  'a file': { base: 'policies/app.yaml', says: /is no folder, and no revision/ },
  'what moves a cursor': { base: 'a\u001b[2J', says: /`a\\u001b\[2J` is no folder/ },
}
for (const [name, { base, says }] of Object.entries(badBases)) {
  test(`no base is exit code 2: ${name}`, async (t) => {
    const { exitCode, out, err } = await diff(changed(t), ['--base', base])
    t.same([exitCode, out], [2, ''])
    t.match(err, says)
  })
}

test('without --base there is nothing to compare with', async (t) => {
  const { exitCode, err } = await diff(changed(t), [])
  t.equal(exitCode, 2)
  t.match(err, /required option '--base/)
})

const errors: Record<string, { base?: string; now?: string; file?: string; says: RegExp }> = {
  'in the base': {
    base: `${APP}  - { from: "https://x.example.com", polcy: [] }\n`,
    says: /^main:policies\/app\.yaml:15:38: unknown key `polcy`, did you mean `policy`\?\n$/,
  },
  'in the working tree': {
    now: `${APP}  - { from: "https://x.example.com", polcy: [] }\n`,
    says: /^policies\/app\.yaml:15:38: unknown key `polcy`/,
  },
  'in the people of the base': {
    file: 'policies/testdata/subjects.yaml',
    base: 'subjects:\n  ana: { grups: [] }\n',
    says: /^main:policies\/testdata\/subjects\.yaml:2:10: unknown key `grups`/,
  },
  'in a test of the base': {
    file: 'policies/app_test.yaml',
    base: (GOOD_FOLDER['policies/app_test.yaml'] ?? '').replace('ben: {', 'benn: {'),
    says: /^main:policies\/app_test\.yaml:9:16: unknown subject `benn`, did you mean `ben`\?\n$/,
  },
  'in a test of the working tree': {
    file: 'policies/app_test.yaml',
    now: 'tests: []\n',
    says: /^policies\/app_test\.yaml:1:8: /,
  },
}
for (const [name, { base, now, file = 'policies/app.yaml', says }] of Object.entries(errors)) {
  test(`an error is exit code 2, at its place: ${name}`, async (t) => {
    const good = GOOD_FOLDER[file] ?? ''
    const repository = gitRepository(t, { ...GOOD_FOLDER, [file]: base ?? good })
    writeFiles(repository.folder, { [file]: now ?? good })
    const { exitCode, out, err } = await diff(repository, ['--base', 'main'])
    t.same([exitCode, out], [2, ''])
    t.match(err, says)
  })
}

test('policies that did not exist yet are all new, and that is said', async (t) => {
  const repository = gitRepository(t, { 'README.md': 'x' })
  writeFiles(repository.folder, GOOD_FOLDER)
  const { exitCode, out, err } = await diff(repository, ['--base', 'main', '--exit-code'])
  t.equal(exitCode, 1)
  t.equal(err, 'gatehouse diff: main has nothing at policies, so all routes there are new\n')
  t.match(out, /routes 2 added, 0 removed, 0 changed\n$/)
})

test('policies that are gone are an error, not a removal of everything', async (t) => {
  const repository = changed(t)
  rmSync(join(repository.folder, 'policies'), { recursive: true })
  const { exitCode, err } = await diff(repository, ['--base', 'main'])
  t.equal(exitCode, 2)
  t.match(err, /policies:1:1: cannot read the policies: no such file/)
  const nowhere = await diff(changed(t), ['--base', 'main', 'nowhere'])
  t.equal(nowhere.exitCode, 2)
  t.equal(nowhere.err, 'nowhere:1:1: cannot read the policies: no such file\n')
})

test('a folder of policies is a base', async (t) => {
  const folder = tempFolder(t, GOOD_FOLDER)
  writeFiles(folder, {
    'old/app.yaml': WIDER,
    'old/testdata/subjects.yaml': GOOD_FOLDER['policies/testdata/subjects.yaml'] ?? '',
  })
  const { exitCode, out, err } = await diff({ folder, env: {} }, ['--base', 'old', '--exit-code'])
  t.same([exitCode, err], [1, ''])
  t.match(
    out,
    /^loses access\n {2}app: allow -> deny\n {4}before {2}allowed, rule staff {2}old\/app\.yaml:3\n/,
  )
  const two = await diff({ folder, env: {} }, ['--base', './policies', 'old'])
  t.match(two.out, /^gains access\n/)
})

test('a copy of the checkout is a base, by the place that its policies have there', async (t) => {
  const folder = tempFolder(t, GOOD_FOLDER)
  const copy = tempFolder(t, { ...GOOD_FOLDER, 'policies/app.yaml': WIDER, 'other/x.yaml': 'bad' })
  const { out, err } = await diff({ folder, env: {} }, ['--base', copy])
  t.equal(err, '')
  t.match(out, /^loses access\n/)
})

test('a copy of the checkout may have its policies elsewhere, as its own config says', async (t) => {
  const rules = Object.fromEntries(
    Object.entries(GOOD_FOLDER).map(([path, text]) => [path.replace('policies', 'rules'), text]),
  )
  const folder = tempFolder(t, {
    ...GOOD_FOLDER,
    'policies/app.yaml': WIDER,
    'gatehouse.yaml': CONFIG.replace('[rules]', '[policies]'),
  })
  const copy = tempFolder(t, { ...rules, 'gatehouse.yaml': CONFIG })
  const { out, err } = await diff({ folder, env: {} }, ['--base', copy])
  t.equal(err, '')
  t.match(out, /^gains access\n/)
  const broken = tempFolder(t, { ...rules, 'gatehouse.yaml': 'server: [' })
  const { exitCode, err: why } = await diff({ folder, env: {} }, ['--base', broken])
  t.equal(exitCode, 2)
  t.match(why, /gatehouse\.yaml:1:\d+: /)
})

test('a config of the base that cannot be read is an error at its place there', async (t) => {
  const repository = gitRepository(t, { ...GOOD_FOLDER, 'gatehouse.yaml': 'server: [' })
  writeFiles(repository.folder, { 'gatehouse.yaml': CONFIG.replace('[rules]', '[policies]') })
  const { exitCode, err } = await diff(repository, ['--base', 'main'])
  t.equal(exitCode, 2)
  t.match(err, /^main:gatehouse\.yaml:1:\d+: /)
})

test('a path goes before what both configs say', async (t) => {
  const repository = gitRepository(t, {
    ...GOOD_FOLDER,
    'gatehouse.yaml': CONFIG.replace('[rules]', '[policies]'),
    'other/x.yaml': 'routes: [{ name: x, from: "https://x.example.com", allowed_groups: [a] }]',
  })
  writeFiles(repository.folder, {
    'other/x.yaml': 'routes: [{ name: x, from: "https://x.example.com", allowed_groups: [b] }]',
  })
  const { out, err } = await diff(repository, ['--base', 'main', 'other'])
  t.equal(err, '')
  t.match(out, /- allow x\.allow: .* {2}main:other\/x\.yaml:1\n/)
})

test('of very many requests the first are shown, and JSON has them all', async (t) => {
  const people = Array.from({ length: 80 }, (_, i) => `  p${i}: { sub: "s${i}", groups: [new] }\n`)
  const repository = gitRepository(t, {
    ...GOOD_FOLDER,
    'policies/testdata/subjects.yaml': `subjects:\n  ana: {}\n  ben: {}\n${people.join('')}`,
  })
  writeFiles(repository.folder, {
    'policies/app.yaml': APP.replace('[{ groups: staff }]', '[{ groups: staff }, { groups: new }]'),
  })
  const { out } = await diff(repository, ['--base', 'main'])
  t.match(out, '\n    and 30 more\n')
  const json = await diff(repository, ['--base', 'main', '--format', 'json'])
  t.equal(JSON.parse(json.out).gains, 80)
})

test('a folder that is called like a branch means neither', async (t) => {
  const repository = changed(t)
  mkdirSync(join(repository.folder, 'main'))
  const both = await diff(repository, ['--base', 'main'])
  t.equal(both.exitCode, 2)
  t.match(both.err, /is a folder and a revision as well; write `\.\/main` .* `refs\/heads\/main`/)
  t.equal((await diff(repository, ['--base', 'refs/heads/main'])).exitCode, 0)
  t.match((await diff(repository, ['--base', './main'])).err, /no policies found/)
})

const CONFIG = `server: { public_url: "https://auth.example.com" }
providers: { okta: { issuer: "https://acme.okta.com", client_id: x, client_secret: "\${NOT_SET}" } }
policies: [rules]
`

test('each version has the policies that its own config names', async (t) => {
  const { 'policies/app.yaml': app = '', ...others } = GOOD_FOLDER
  const repository = gitRepository(t, {
    ...GOOD_FOLDER,
    'gatehouse.yaml': CONFIG.replace('[rules]', '[policies]'),
  })
  const { folder } = repository
  renameSync(join(folder, 'policies'), join(folder, 'rules'))
  writeFiles(folder, { 'gatehouse.yaml': CONFIG, 'rules/app.yaml': WIDER })
  const { exitCode, out, err } = await diff(repository, ['--base', 'main'])
  t.same([exitCode, err], [0, ''])
  t.match(out, /before {2}no-allow-rule, rule staff {2}main:policies\/app\.yaml:3\n/)
  t.match(out, /after {3}allowed, rule staff {2}rules\/app\.yaml:3\n/)
  t.ok(app !== '' && Object.keys(others).length > 0)
})

test('a config that is not under version control is that of both', async (t) => {
  const rules = Object.fromEntries(
    Object.entries(GOOD_FOLDER).map(([path, text]) => [path.replace('policies', 'rules'), text]),
  )
  const repository = gitRepository(t, rules)
  writeFiles(repository.folder, { 'etc/g.yaml': CONFIG.replace('[rules]', '[../rules]') })
  writeFileSync(join(repository.folder, 'rules/app.yaml'), WIDER)
  const { out, err } = await diff(repository, ['--base', 'main', '--config', 'etc/g.yaml'])
  t.equal(err, '')
  t.match(out, /^gains access\n/)
  const missing = await diff(repository, ['--base', 'main', '--config', 'none.yaml'])
  t.equal(missing.exitCode, 2)
  t.match(missing.err, /cannot read the config file: no such file/)
})

test('policies of another place than the repository have no revision', async (t) => {
  const repository = changed(t)
  const outside = tempFolder(t, GOOD_FOLDER)
  writeFiles(repository.folder, {
    'gatehouse.yaml': CONFIG.replace('[rules]', `[policies, ${outside}/policies]`),
  })
  const { exitCode, err } = await diff(repository, ['--base', 'main'])
  t.equal(exitCode, 2)
  t.match(err, /lies outside of the repository, so `main` does not tell of it/)
})

test('a path stands for the root that it lies in, in both versions', async (t) => {
  const repository = gitRepository(t, {
    'team/app.yaml': APP,
    'team/deep/more.yaml': 'routes: [{ name: more, from: "https://more.example.com" }]',
  })
  writeFiles(repository.folder, {
    'team/app.yaml': WIDER,
    'team/testdata/subjects.yaml': GOOD_FOLDER['policies/testdata/subjects.yaml'] ?? '',
  })
  const { out, err } = await diff(repository, ['--base', 'main', 'team/deep'])
  t.equal(err, '')
  t.match(out, /routes 0 added, 0 removed, 1 changed\n$/)
})

const LINE = {
  time: '2026-03-02T09:00:00.123Z',
  msg: 'request',
  route: 'app',
  method: 'GET',
  host: 'app.example.com',
  path: '/',
  outcome: 'deny',
  reason: 'no-allow-rule',
  subject: '00u2',
  email: 'ben@example.com',
  provider: 'okta',
  groups: [],
  source_ip: '192.0.2.1',
}
const LOG = [
  JSON.stringify(LINE),
  JSON.stringify({ ...LINE, path: '/x' }),
  JSON.stringify({ ...LINE, subject: '00u9', email: 'zoe@example.com', path: '/admin' }),
  'garbage',
  '{"msg":"started"}',
  JSON.stringify({ msg: 'request', method: 'GET', outcome: 'rejected' }),
]
  .join('\n')
  .concat('\n')

test('a decision log is judged by both versions', async (t) => {
  const repository = changed(t, { 'policies/app.yaml': WIDER, 'log.ndjson': LOG })
  const { exitCode, out, err } = await diff(repository, [
    '--base',
    'main',
    '--requests',
    'log.ndjson',
  ])
  t.same([exitCode, err], [0, ''])
  t.match(
    out,
    `    ben              GET https://app.example.com/
    ben@example.com  GET https://app.example.com/ (2 times in the log)
`,
  )
  t.match(
    out,
    `log
  6 lines: 1 request decided alike, 2 otherwise, 0 cannot tell, 1 refused before any policy, 1 about something else, 1 unreadable
2 gain, 0 lose, 0 are refused otherwise; `,
  )
  const json = await diff(repository, [
    '--base',
    'main',
    '--requests',
    'log.ndjson',
    '--format',
    'json',
  ])
  t.strictSame(JSON.parse(json.out).requests, {
    lines: 6,
    same: 1,
    changed: 2,
    cannot_tell: 0,
    not_judged: 1,
    others: 1,
    unreadable: 1,
    logged_otherwise: 0,
  })
})

test('a log comes from standard input as well', async (t) => {
  const stdin = new PassThrough()
  stdin.end(LOG)
  const repository = changed(t, { 'policies/app.yaml': WIDER })
  const { out } = await diff(repository, ['--base', 'main', '--requests', '-'], { stdin })
  t.match(out, / 6 lines: 1 request decided alike, 2 otherwise/)
})

test('what the log cannot tell is listed with what is asked for', async (t) => {
  const after = APP.replace('groups: staff', 'groups: editors')
  const repository = changed(t, { 'policies/app.yaml': after, 'log.ndjson': LOG })
  const { out } = await diff(repository, ['--base', 'main', '--requests', 'log.ndjson'])
  t.match(out, '\ncannot tell\n  app  2 logged requests: it asks for groups: editors\n')
  const markdown = await diff(repository, [
    '--base',
    'main',
    '--requests',
    'log.ndjson',
    '--format',
    'markdown',
  ])
  t.match(markdown.out, '| `app` | 2 logged | `groups: editors` |')
})

test('a log that cannot be read is exit code 2', async (t) => {
  const repository = changed(t)
  const missing = await diff(repository, ['--base', 'main', '--requests', 'none.ndjson'])
  t.same([missing.exitCode, missing.out], [2, ''])
  t.match(missing.err, /^none\.ndjson:1:1: cannot read the log: no such file\n$/)
  const folder = await diff(repository, ['--base', 'main', '--requests', 'policies'])
  t.equal(folder.exitCode, 2)
  t.match(folder.err, /cannot read the log: it is a folder/)
})

test('how far it has come is shown on a terminal alone, and taken away', async (t) => {
  const repository = changed(t, { 'policies/app.yaml': WIDER, 'log.ndjson': LOG })
  const args = ['--base', 'main', '--requests', 'log.ndjson']
  const { err } = await diff(repository, args, { isErrTty: true })
  t.equal(err, `\r[${'#'.repeat(30)}] 100 %  6 lines compared\u001b[K\r\u001b[K`)
  t.equal((await diff(repository, args, { isTty: true })).err, '')
})

test('the checkout stays as it is', async (t) => {
  const repository = changed(t, { 'policies/app.yaml': WIDER, untracked: 'x' })
  const state = () => [repository.git('status', '--porcelain'), repository.git('stash', 'list')]
  const before = state()
  await diff(repository, ['--base', 'main'])
  t.strictSame(state(), before)
})
