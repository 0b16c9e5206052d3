/** What a log or a policy file holds stays text in a comment on a pull request, and the comment stays short. */

import { test } from 'tap'
import { codeText, tableRow } from '../../src/cli/markdown-text.ts'
import { diffMarkdown } from '../../src/cli/output-diff-markdown.ts'
import type { AccessChange, PolicyDiff, Verdict } from '../../src/policy/review/diff-model.ts'

const at = { file: 'policies/app.yaml', line: 3, column: 1 }
const names = {
  base: 'main',
  before: () => 'main:policies/app.yaml:3',
  after: () => 'policies/app.yaml:3',
}

const DENY: Verdict = {
  outcome: 'deny',
  reason: 'no-allow-rule',
  rule: { name: 'staff', at },
  wouldBe: undefined,
  route: { name: 'app', at },
}
const ALLOW: Verdict = { ...DENY, outcome: 'allow', reason: 'allowed' }

function changeOf(more: Partial<AccessChange>): AccessChange {
  return {
    kind: 'gains',
    source: 'requests',
    subject: 'ben@example.com',
    request: 'GET https://app.example.com/',
    when: '',
    before: DENY,
    after: ALLOW,
    count: 1,
    ...more,
  }
}

function diffWith(changes: readonly AccessChange[]): PolicyDiff {
  return { routes: [], changes, moreChanges: 0, untold: [], judged: 0, log: undefined }
}

const texts: Record<string, { text: string; is: string }> = {
  'a word': { text: 'ana', is: '`ana`' },
  nothing: { text: '', is: '' },
  'a mention': { text: '@everyone', is: '`@everyone`' },
  'a link': { text: '[x](https://evil.example)', is: '`[x](https://evil.example)`' },
  markup: { text: '<img src=x onerror=y>', is: '`<img src=x onerror=y>`' },
  'the end of code': { text: 'a`b``c', is: '```a`b``c```' },
  'code at the edge': { text: '`x`', is: '`` `x` ``' },
  'the end of a cell': { text: 'a|b', is: '`a\\|b`' },
  'the end of a line': { text: 'a\n\n# b', is: '`a\\u000a\\u000a# b`' },
  'another direction': { text: 'a\u202eb', is: '`a\\u202eb`' },
  'a long text': { text: 'x'.repeat(500), is: `\`${'x'.repeat(199)}…\`` },
}
for (const [name, { text, is }] of Object.entries(texts)) {
  test(`as code: ${name}`, async (t) => {
    t.equal(codeText(text), is)
  })
}

test('a row is one line', async (t) => {
  t.equal(tableRow([codeText('a|b'), codeText('c')]), '| `a\\|b` | `c` |')
})

test('whatever a log says, each change is one row of the table', async (t) => {
  const page = diffMarkdown(
    diffWith([
      changeOf({
        subject: '|`\n@team <b>',
        request: 'GET https://app.example.com/|`\u001b[2J',
        when: 'with X: |`',
        source: 'tests',
        before: { ...DENY, rule: { name: 'a|`\nb', at }, route: { name: '`|', at } },
      }),
    ]),
    names,
  )
  const rows = page.split('\n').filter((line) => line.startsWith('|'))
  t.equal(rows.length, 3)
  t.equal(rows[2]?.replaceAll('\\|', '').split('|').length, 7)
  t.notMatch(page.replaceAll('\n', ''), /\p{Cc}/u)
})

test('many people of one change are one row', async (t) => {
  const changes = Array.from({ length: 2_000 }, (_, i) =>
    changeOf({ subject: `u${i}@example.com` }),
  )
  const page = diffMarkdown(diffWith(changes), names)
  t.match(page, '`u4@example.com`<br>and 1,995 more |')
  t.match(page, 'Against `main`: 2000 gain, 0 lose')
})

test('a comment stays within what is taken, and counts what it leaves out', async (t) => {
  const changes = Array.from({ length: 3_000 }, (_, i) =>
    changeOf({ before: { ...DENY, route: { name: `route-${i}-${'x'.repeat(100)}`, at } } }),
  )
  const page = diffMarkdown(diffWith(changes), names)
  t.ok(page.length < 65_536, String(page.length))
  const rows = page.split('\n').filter((line) => line.startsWith('| `')).length
  t.match(page, `and ${3_000 - rows} more`)
})
