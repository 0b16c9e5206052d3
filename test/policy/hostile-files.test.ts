/** Policy files that are made to hurt: each is a clear error, or harmless, in bounded time. */

import { test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import { decide } from '../../src/policy/decide.ts'
import { ANONYMOUS } from '../../src/policy/model.ts'
import { NO_SUBJECTS, readSubjects } from '../../src/policy/suite/subjects.ts'
import { readSuite } from '../../src/policy/suite/suite-file.ts'
import { formatProblem, hasErrors } from '../../src/support/problem.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

/** Far more than any of them takes, far less than a parser needs that falls for one. */
const LONGEST_MS = 30_000
const TOO_DEEP = /nested more than 100 levels deep/
const DEEP = 10_000

function staircase(text: string, steps: number): string {
  return Array.from({ length: steps }, (_, i) => `${' '.repeat(i)}${text}`).join('\n')
}

function aliasBomb(): string {
  const levels = [...'bcdefghijklmnopqrstuvwxyz'].map(
    (name, i) =>
      `  ${name}: &${name} { or: [*${'abcdefghijklmnopqrstuvwxy'[i]}, *${'abcdefghijklmnopqrstuvwxy'[i]}] }\n`,
  )
  return `conditions:\n  a: &a { accept: true }\n${levels.join('')}`
}

const FILES: Readonly<Record<string, readonly [text: () => string, says: RegExp]>> = {
  'brackets without end': [() => '['.repeat(DEEP), TOO_DEEP],
  'brackets that close': [() => '['.repeat(DEEP) + ']'.repeat(DEEP), TOO_DEEP],
  'mappings in mappings': [() => '{a: '.repeat(DEEP) + '}'.repeat(DEEP), TOO_DEEP],
  'brackets that the parser could still take': [
    () => `routes: ${'['.repeat(300)}${']'.repeat(300)}`,
    TOO_DEEP,
  ],
  'dashes in a line': [() => `${'- '.repeat(DEEP)}x`, TOO_DEEP],
  'dashes with tabs': [() => `${'-\t'.repeat(DEEP)}x`, TOO_DEEP],
  'question marks': [() => `${'? '.repeat(DEEP)}x`, TOO_DEEP],
  'stairs of mappings': [() => staircase('a:', 2_500), TOO_DEEP],
  'stairs of lists': [() => staircase('-', 2_500), TOO_DEEP],
  'aliases of aliases': [aliasBomb, /aliases that stand for aliases make this file too large/],
  'an alias within itself': [
    () => 'conditions: &a { b: *a }',
    /^p\.yaml:1:21: the alias `\*a` stands inside of what it stands for/,
  ],
  'an alias of nothing': [
    () => 'conditions: *b',
    /^p\.yaml:1:13: the alias `\*b` stands for nothing: no anchor `&b` is before it/,
  ],
  'deep by aliases': [
    () =>
      `conditions:\n  c0: &c0 { accept: true }\n${Array.from({ length: 120 }, (_, i) => `  c${i + 1}: &c${i + 1} { not: [*c${i}] }\n`).join('')}`,
    TOO_DEEP,
  ],
  'ten megabytes': [() => `# ${'x'.repeat(10 * 1024 * 1024)}`, /larger than 8 MiB/],
  'a million dashes': [() => '-\n'.repeat(1_000_000), /more than 500000 lines and entries/],
  'a NUL byte': [
    () => 'routes: []\n\0',
    /^p\.yaml:2:1: the file holds the control character U\+0000/,
  ],
  'an escape character': [() => 'routes: [] # \x1b[2J', /^p\.yaml:1:14: .*U\+001B/],
  'a key without its colon': [
    () => 'routes\n  - from: x\n',
    /^p\.yaml:1:1: a `:` is missing after this key/,
  ],
  'a brace that is not closed': [
    () => 'routes:\n  - { from: x\n',
    /^p\.yaml:3:1: a `\{` before this is not closed/,
  ],
  'a key that is indented too little': [
    () => 'routes:\n  - name: a\n    from: x\n   to: y\n',
    /^p\.yaml:4:1: this is indented less/,
  ],
  'a tab as indentation': [() => 'routes:\n\t- from: x\n', /^p\.yaml:2:1: tabs are not allowed/],
  'a byte order mark': [
    () => '\uFEFFroutse: []',
    /^p\.yaml:1:1: unknown key `routse`, did you mean/,
  ],
  'lines that end in CR and LF': [
    () => 'routes:\r\n  - from: https://a.example\r\n    fro: x\r\n',
    /^p\.yaml:3:5: unknown key `fro`/,
  ],
  'a tag': [() => 'routes: !!js/function "x"', /^p\.yaml:1:9: unresolved tag/],
  'another YAML': [() => '%YAML 1.1\n---\nroutes: []\n', /YAML 1\.1 reads values differently/],
  'two documents': [() => 'routes: []\n---\nroutes: []\n', /^p\.yaml:2:1: a second YAML document/],
  'a key twice': [() => 'routes: []\nroutes: []\n', /^p\.yaml:2:1: the key `routes` is already/],
  'a key that is a list': [() => '? [a]\n: b\n', /^p\.yaml:1:3: a key is a text/],
  'a key that is nothing': [() => ': b\n', /^p\.yaml:1:1: a key is a text/],
  'a merge key': [() => 'conditions: { a: { <<: { accept: true } } }', /unknown criterion `<<`/],
  'a key of every object': [() => '__proto__: { a: 1 }\n', /unknown key `__proto__`/],
  'a name of every object': [
    () => 'conditions: { toString: { use: hasOwnProperty } }\n',
    /there is no condition `hasOwnProperty`/,
  ],
  'a quote that does not close': [() => `routes: "${'x\n'.repeat(100_000)}`, /missing closing/],
  'twenty thousand unknown keys': [
    () => Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n'),
    /^p\.yaml:1:1: unknown key `k0`/,
  ],
  'conditions that double': [
    () =>
      `conditions:\n  c0: { accept: true }\n${Array.from({ length: 45 }, (_, i) => `  c${i + 1}: { or: [{ use: c${i} }, { use: c${i} }] }\n`).join('')}`,
    /more than 10000 criteria/,
  ],
}

for (const [name, [text, says]] of Object.entries(FILES)) {
  test(name, async (t) => {
    const started = performance.now()
    const written = text()
    const { problems } = compilePolicies([{ file: 'p.yaml', text: written }], {
      readText: () => '',
      providers: undefined,
      allowHttp: false,
    })
    const first = problems.find(({ severity }) => severity === 'error')
    t.match(first === undefined ? 'no error' : formatProblem(first), says)
    // The same as a file of tests and of people, which hold other keys.
    const document = readYaml('p.yaml', written)
    const [ofTests] = readSuite(document, NO_SUBJECTS, 'p').mistakes
    const [ofPeople] = readSubjects(document).problems
    for (const problem of [ofTests, ofPeople]) {
      const message = problem === undefined ? 'no error' : formatProblem(problem)
      t.match(message, hasErrors(document.problems) ? says : /^p\.yaml:\d+:\d+: /)
    }
    t.ok(performance.now() - started < LONGEST_MS)
  })
}

test('a byte order mark and CRLF do no harm to tests and people', async (t) => {
  const plain = (text: string) => readYaml('p.yaml', `\uFEFF${text.replaceAll('\n', '\r\n')}`)
  const { subjects, problems } = readSubjects(plain('subjects:\n  ana: { sub: 00u1 }\n'))
  t.same([problems, [...subjects.keys()]], [[], ['anonymous', 'ana']])
  const text = 'suite: s\ntests:\n  - { name: a, request: GET https://a.example/, allow: [ana] }\n'
  const { tests, mistakes } = readSuite(plain(text), subjects, 'p')
  t.same([mistakes, tests.map((one) => [one.name, one.mistakes])], [[], [['a', []]]])
})

test('an anchor may be used as often as one likes', async (t) => {
  const routes = Array.from(
    { length: 2_000 },
    (_, i) => `  - { from: "https://a${i}.example", policy: *p }\n`,
  )
  const text = `policies:\n  p: &p { allow: { or: [{ user: a }] } }\n  q: { use: p }\nroutes:\n${routes.join('')}`
  const set = compilePolicies([{ file: 'p.yaml', text }], {
    readText: () => '',
    providers: undefined,
    allowHttp: false,
  })
  t.equal(set.routes.length, 2_000)
})

test('a pattern takes time that is linear in the path', async (t) => {
  const text =
    'routes: [{ from: https://a.example, policy: { allow: { or: [{ http_path: { matches: "^/(a+)+$" } }] } } }]'
  const { routes } = compilePolicies([{ file: 'p.yaml', text }], {
    readText: () => '',
    providers: undefined,
    allowHttp: false,
  })
  const [route] = routes
  if (route === undefined) throw new Error('no route')
  const started = performance.now()
  const { outcome } = decide(
    route.policy,
    {
      method: 'GET',
      path: `/${'a'.repeat(60_000)}!`,
      sourceIp: '192.0.2.1',
      rawHeaders: [],
      now: 0,
      clientCertificate: undefined,
    },
    ANONYMOUS,
  )
  t.equal(outcome, 'deny')
  t.ok(performance.now() - started < 1_000)
})
