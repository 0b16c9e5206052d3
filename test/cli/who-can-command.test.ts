/** `gatehouse who-can`: reviews of access as text, CSV and Markdown. */

import { test } from 'tap'
import { csvText } from '../../src/cli/csv-text.ts'
import { commandsIn, GOOD_FOLDER } from './policy-folder.ts'

test('all routes, with who may do what by which rule', async (t) => {
  const { exitCode, out, err } = await commandsIn(t, GOOD_FOLDER)('who-can')
  t.same([exitCode, err], [0, ''])
  t.equal(
    out,
    `app  https://app.example.com/  policies/app.yaml:5
  allow  group staff                                   everything                    staff  policies/app.yaml:3
  deny   anyone signed in, not e-mail ana@example.com  path that starts with /admin  app[0]  policies/app.yaml:10
open  https://open.example.com/  policies/app.yaml:11
  allow  everyone, without signing in  everything  open.allow  policies/app.yaml:14
`,
  )
})

test('one URL, read as the gateway reads it', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  const { out } = await gatehouse('who-can', 'https://APP.example.com:8443//%61dmin/x?y')
  t.match(out, /allow {2}group staff .* everything {2}staff/)
  t.match(out, /deny {3}anyone signed in, not e-mail ana@example\.com {2}everything {2}app\[0\]/)
  const other = await gatehouse('who-can', 'https://app.example.com/d')
  t.notMatch(other.out, 'deny')
})

test('what one subject may open', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  const ana = await gatehouse('who-can', '--as', 'ana')
  t.equal(
    ana.out,
    `allow  app   https://app.example.com/   allowed, staff  policies/app.yaml:3
allow  open  https://open.example.com/  allowed, open.allow  policies/app.yaml:14
`,
  )
  const inline = await gatehouse('who-can', '--as', '{"groups":["staff"]}')
  t.equal(
    inline.out,
    `depends  app   https://app.example.com/
  may     everything                    staff  policies/app.yaml:3
  except  path that starts with /admin  app[0]  policies/app.yaml:10
allow    open  https://open.example.com/  allowed, open.allow  policies/app.yaml:14
`,
  )
  const url = await gatehouse('who-can', 'https://app.example.com/admin', '--as', 'anonymous')
  t.equal(url.out, 'sign_in  app  https://app.example.com/  sign-in-needed\n')
})

test('CSV has a head, and one row for each way in', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  const { out } = await gatehouse('who-can', '--format', 'csv')
  t.equal(
    out,
    [
      'route,address,effect,who,what,when,rule,place',
      'app,https://app.example.com/,allow,group staff,everything,,staff,policies/app.yaml:3',
      'app,https://app.example.com/,deny,"anyone signed in, not e-mail ana@example.com",path that starts with /admin,,app[0],policies/app.yaml:10',
      'open,https://open.example.com/,allow,"everyone, without signing in",everything,,open.allow,policies/app.yaml:14',
      '',
    ].join('\r\n'),
  )
  const as = await gatehouse('who-can', '--as', '{"groups":["staff"]}', '--format', 'csv')
  t.equal(
    as.out,
    [
      'route,address,outcome,may,except,reason,rule,place',
      'app,https://app.example.com/,depends,everything (staff),path that starts with /admin (app[0]),,,policies/app.yaml:5',
      'open,https://open.example.com/,allow,,,allowed,open.allow,policies/app.yaml:14',
      '',
    ].join('\r\n'),
  )
})

test('Markdown is one table', async (t) => {
  const { out } = await commandsIn(t, GOOD_FOLDER)('who-can', '--format', 'markdown')
  t.equal(
    out,
    `| route | address | effect | who | what | when | rule | place |
| --- | --- | --- | --- | --- | --- | --- | --- |
| \`app\` | \`https://app.example.com/\` | \`allow\` | \`group staff\` | \`everything\` |  | \`staff\` | \`policies/app.yaml:3\` |
| \`app\` | \`https://app.example.com/\` | \`deny\` | \`anyone signed in, not e-mail ana@example.com\` | \`path that starts with /admin\` |  | \`app[0]\` | \`policies/app.yaml:10\` |
| \`open\` | \`https://open.example.com/\` | \`allow\` | \`everyone, without signing in\` | \`everything\` |  | \`open.allow\` | \`policies/app.yaml:14\` |
`,
  )
})

const cells: Record<string, { cell: string; is: string }> = {
  'a word': { cell: 'a', is: 'a' },
  nothing: { cell: '', is: '' },
  'a comma': { cell: 'a,b', is: '"a,b"' },
  quotes: { cell: 'a "b"', is: '"a ""b"""' },
  'a line end': { cell: 'a\r\nb', is: 'a\\u000d\\u000ab' },
  'a space in front': { cell: ' a', is: '" a"' },
  'a formula': { cell: '=1+1', is: "'=1+1" },
  'a command': { cell: "=cmd|'/c calc'!A1", is: "'=cmd|'/c calc'!A1" },
  'a formula with quotes': { cell: '=HYPERLINK("x","y")', is: '"\'=HYPERLINK(""x"",""y"")"' },
  plus: { cell: '+1', is: "'+1" },
  minus: { cell: '-1', is: "'-1" },
  at: { cell: '@SUM(A1)', is: "'@SUM(A1)" },
  'a formula behind a space': { cell: ' =1', is: "' =1" },
  'a formula behind a tab': { cell: '\t=1', is: '\\u0009=1' },
  'a formula in full width': { cell: '\uff1d1', is: "'\uff1d1" },
}
for (const [name, { cell, is }] of Object.entries(cells)) {
  test(`a cell of CSV: ${name}`, async (t) => {
    t.equal(csvText([[cell, 'x']]), `${is},x\r\n`)
  })
}

test('a hostile name of a route is shown and never run', async (t) => {
  const name = JSON.stringify('=cmd|" /C calc"!A0')
  const files = {
    ...GOOD_FOLDER,
    'policies/x.yaml': `routes: [{ name: ${name}, from: "https://x.example.com", allowed_groups: ["@x"] }]`,
  }
  const { out } = await commandsIn(t, files)('who-can', '--format', 'csv')
  t.match(out, '\r\n"\'=cmd|"" /C calc""!A0",https://x.example.com/,allow,group @x,everything,')
})

const bad: Record<string, { args: readonly string[]; says: RegExp }> = {
  'an unknown subject': {
    args: ['--as', 'anna'],
    says: /^--as:1:1: unknown subject `anna`, did you mean `ana`\?\n$/,
  },
  'a person with a misspelt key': { args: ['--as', '{"grups":[]}'], says: /unknown key `grups`/ },
  'no URL': {
    args: ['app.example.com'],
    says: /^gatehouse who-can: `app\.example\.com` is no absolute http URL\n$/,
  },
  'a host without a route': {
    args: ['https://none.example.com/'],
    says: /matches no route: no route has the host `none\.example\.com`\n$/,
  },
  'a malformed path': {
    args: ['https://app.example.com/a/../b'],
    says: /matches no route: dot segment/,
  },
  'an endpoint of ours': {
    args: ['https://app.example.com/.gatehouse/user'],
    says: /is answered by Gatehouse, whoever asks\n$/,
  },
  'a format that is none': {
    args: ['--format', 'xls'],
    says: /Allowed choices are tree, csv, markdown/,
  },
  'a config that is not there': {
    args: ['--config', 'none.yaml'],
    says: /cannot read the config file/,
  },
}
for (const [name, { args, says }] of Object.entries(bad)) {
  test(`exit code 2: ${name}`, async (t) => {
    const { exitCode, out, err } = await commandsIn(t, GOOD_FOLDER)('who-can', ...args)
    t.same([exitCode, out], [2, ''])
    t.match(err, says)
  })
}

test('policies that do not load are not reviewed', async (t) => {
  const files = {
    ...GOOD_FOLDER,
    'policies/bad.yaml': 'routes: [{ from: "https://a.example", polcy: [] }]',
  }
  const { exitCode, err } = await commandsIn(t, files)('who-can')
  t.equal(exitCode, 2)
  t.match(err, /^policies\/bad\.yaml:1:\d+: unknown key `polcy`/)
})
