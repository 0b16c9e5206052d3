import { setTimeout as wait } from 'node:timers/promises'
import { test } from 'tap'
import { compileGently } from '../../src/config/compile-gently.ts'
import { compilePolicies } from '../../src/policy/compile.ts'

const OPTIONS = {
  readText: () => '',
  providers: undefined,
  allowHttp: true,
}

const route = (i: number, more = '') => `
  - name: app${i}
    from: http://app${i}.localhost
    to: http://127.0.0.1:3000
    policy: [{ allow: { or: [{ groups: team-${i} }${more}] } }]`

const routes = (from: number, to: number, more = '') =>
  `routes:${Array.from({ length: to - from }, (_, i) => route(from + i, more)).join('')}\n`

const FILES: Record<string, readonly { readonly file: string; readonly text: string }[]> = {
  'files large and small': [
    { file: 'a.yaml', text: routes(0, 50) },
    { file: 'b.yaml', text: routes(50, 52) },
    { file: 'c.yaml', text: routes(52, 100) },
  ],
  'definitions that another file uses': [
    { file: 'a.yaml', text: routes(0, 40, ', { use: staff }') },
    { file: 'b.yaml', text: 'conditions: { staff: { domain: example.com } }\n' },
  ],
  'a mistake in each file': [
    { file: 'a.yaml', text: `${routes(0, 40)}rules: []\n` },
    { file: 'b.yaml', text: `${routes(40, 80)}  - { name: "app1" }\n` },
    { file: 'c.yaml', text: `${routes(80, 120)}\n\u0000` },
  ],
  'a text that is no YAML': [{ file: 'a.yaml', text: `${routes(0, 40)}\n  ]: [` }],
  'an empty file': [{ file: 'a.yaml', text: '' }],
  'a byte order mark': [{ file: 'a.yaml', text: `\uFEFF${routes(0, 40)}` }],
  'two documents': [{ file: 'a.yaml', text: `${routes(0, 40)}---\n${routes(0, 40)}` }],
}

for (const [name, sources] of Object.entries(FILES)) {
  test(`${name} come to the same as all at once`, async (t) => {
    const gently = await compileGently(sources, OPTIONS, 2_048)
    const atOnce = compilePolicies(sources, OPTIONS)
    t.same(gently.problems, atOnce.problems)
    t.same(
      gently.routes.map(({ name, at }) => [name, at]),
      atOnce.routes.map(({ name, at }) => [name, at]),
    )
    t.same(gently.table.hosts(), atOnce.table.hosts())
  })
}

test('others have their turn many times while many routes are compiled', async (t) => {
  let turns = 0
  let isDone = false
  const others = (async () => {
    while (!isDone) {
      await wait(1)
      turns++
    }
  })()
  const { routes: compiled } = await compileGently(
    [{ file: 'a.yaml', text: routes(0, 400) }],
    OPTIONS,
    2_048,
  )
  isDone = true
  await others
  t.equal(compiled.length, 400)
  t.ok(turns > 10, `${turns} turns`)
})
