/** Which route is meant, and which routes cannot stand beside each other. */

import { RE2JS } from 're2js'
import { test } from 'tap'
import { compileRouteTable, type PathMatch, type Routable } from '../../src/routing/route-table.ts'

interface TestRoute extends Routable {
  readonly keepEncodedSlashes: boolean
}

/** `a.example/x` is a prefix, `a.example =/x` an exact path, `a.example ~/x.*` a regex. */
function route(text: string, line = 1, keepEncodedSlashes = false): TestRoute {
  const [, host = '', kind, path = ''] = /^([^ /]+) ?([=~]?)(.*)$/.exec(text) ?? []
  return {
    name: text,
    at: { file: 'policies/a.yaml', line, column: 5 },
    keepEncodedSlashes,
    match: {
      host: host.startsWith('*.')
        ? { kind: 'wildcard', suffix: host.slice(2) }
        : { kind: 'exact', name: host },
      path: pathMatch(kind, path || '/'),
    },
  }
}

function pathMatch(kind: string | undefined, path: string): PathMatch {
  if (kind === '=') return { kind: 'path', path }
  if (kind === '~') return { kind: 'regex', regex: RE2JS.compile(path), source: path }
  return { kind: 'prefix', prefix: path }
}

function find(texts: readonly string[], host: string, path: string): string | undefined {
  const { table, problems } = compileRouteTable(texts.map((text) => route(text)))
  if (problems.length > 0) throw new Error(problems[0]?.message)
  return table.host(host)?.match(path)?.name
}

const WILD = ['*.a.example =/x', 'b.a.example']
const ITEMS = ['a.example ~/v[0-9]+/.*', 'a.example/v1/items', 'a.example =/v1/x']
const TEXTS = ['a.example =/a b', 'a.example/café', 'a.example ~/t.m']

const cases: [
  why: string,
  routes: string[],
  host: string,
  path: string,
  found?: string | undefined,
][] = [
  ['longest prefix', ['a.example', 'a.example/adm'], 'a.example', '/adm/x', 'a.example/adm'],
  [
    'a prefix ends at a segment',
    ['a.example', 'a.example/adm'],
    'a.example',
    '/admin',
    'a.example',
  ],
  ['the prefix itself', ['a.example', 'a.example/adm'], 'a.example', '/adm', 'a.example/adm'],
  ['with a slash', ['a.example', 'a.example/adm'], 'a.example', '/adm/', 'a.example/adm'],
  ['exact', ['a.example/adm/x', 'a.example =/adm'], 'a.example', '/adm', 'a.example =/adm'],
  ['exact is exact', ['a.example =/adm', 'a.example'], 'a.example', '/adm/', 'a.example'],
  ['exact root', ['a.example =/', 'a.example'], 'a.example', '/', 'a.example =/'],
  [
    'regex first',
    ['a.example/v1', 'a.example ~^/v[0-9]+/.*$'],
    'a.example',
    '/v1/x',
    'a.example ~^/v[0-9]+/.*$',
  ],
  ['no regex', ['a.example/v1', 'a.example ~^/v[0-9]+/.*$'], 'a.example', '/v1', 'a.example/v1'],
  ['exact host', WILD, 'b.a.example', '/x', 'b.a.example'],
  ['wildcard', WILD, 'c.a.example', '/x', '*.a.example =/x'],
  ['wildcard, other path', WILD, 'c.a.example', '/y'],
  ['one label', ['*.a.example'], 'd.c.a.example', '/'],
  ['not zero labels', ['*.a.example'], 'a.example', '/'],
  ['no fall to the wildcard', ['*.a.example', 'b.a.example/x'], 'b.a.example', '/y'],
  ['no prefix', ['a.example/x'], 'a.example', '/'],
  ['regex is the whole path', ['a.example ~/w[0-9]+'], 'a.example', '/w1', 'a.example ~/w[0-9]+'],
  ['and no more', ['a.example ~/w[0-9]+'], 'a.example', '/w1/x'],
  ['nor less', ['a.example ~/w[0-9]+'], 'a.example', '/x/w1'],
  [
    'two regexes',
    ['a.example ~/a[0-9]+', 'a.example ~/b[0-9]+'],
    'a.example',
    '/b7',
    'a.example ~/b[0-9]+',
  ],
  ['regex over long prefix', ITEMS, 'a.example', '/v1/items/7', ITEMS[0]],
  ['exact over regex', ITEMS, 'a.example', '/v1/x', ITEMS[2]],
  ['host before path', ['*.a.example ~/x.*', 'b.a.example'], 'b.a.example', '/x', 'b.a.example'],
  ['each alternative is whole', ['a.example ~/a|/b'], 'a.example', '/x/b'],
  ['an alternative', ['a.example ~/a|/b'], 'a.example', '/b', 'a.example ~/a|/b'],
  ['path and prefix', ['a.example/x', 'a.example =/x'], 'a.example', '/x', 'a.example =/x'],
  ['decoded space', TEXTS, 'a.example', '/a b', TEXTS[0]],
  ['decoded letter', TEXTS, 'a.example', '/café/x', TEXTS[1]],
  ['one character', TEXTS, 'a.example', '/tïm', TEXTS[2]],
  ['one character of two units', TEXTS, 'a.example', '/t😀m', TEXTS[2]],
  ['a percent sign', ['a.example =/a%20b'], 'a.example', '/a b'],
  ['a kept slash ends no segment', ['a.example/x'], 'a.example', '/x%2Fy'],
  ['a prefix with a slash', ['a.example/x/', 'a.example/x'], 'a.example', '/x/y', 'a.example/x/'],
  ['and its slash', ['a.example/x/', 'a.example/x'], 'a.example', '/x/', 'a.example/x/'],
  ['and without', ['a.example/x/', 'a.example/x'], 'a.example', '/x', 'a.example/x'],
  [
    'a deep prefix, half of it',
    ['a.example/a/b/c', 'a.example/a'],
    'a.example',
    '/a/b/x',
    'a.example/a',
  ],
  ['names of objects are names', ['a.example/a'], 'a.example', '/constructor'],
  ['no such host', ['a.example'], 'b.example', '/'],
  ['no such host, no dot', ['*.a.example'], 'localhost', '/'],
  ['an IPv6 host', ['[::1]/x'], '[::1]', '/x/y', '[::1]/x'],
]
for (const [why, routes, host, path, found] of cases) {
  test(`${why}: ${host}${path} is for ${found ?? 'no route'}`, async (t) => {
    t.equal(find(routes, host, path), found)
    t.equal(find(routes.toReversed(), host, path), found, 'in whatever order')
  })
}

const rivals: Record<string, [earlier: string, later: string, message: RegExp]> = {
  'equal prefixes': ['a.example/x', 'a.example/x', /both have prefix `\/x` on `a.example`/],
  'two roots': ['a.example', 'a.example/', /both have prefix `\/`/],
  'equal paths': ['a.example =/x', 'a.example =/x', /both have path `\/x`/],
  'equal prefixes on wildcards': ['*.a.example', '*.a.example', /on `\*.a.example`/],
  'two regexes': ['a.example ~/a[0-9]+', 'a.example ~/[a-z]+', /both have a regex/],
  'a regex that begins like another': ['a.example ~/a.*', 'a.example ~/ab.*', /both have a regex/],
  'the same the other way round': ['a.example ~/ab.*', 'a.example ~/a.*', /both have a regex/],
  'a regex without regard to case': ['a.example ~(?i)/a.*', 'a.example ~/b.*', /both have a regex/],
  'a regex with an alternative': ['a.example ~/ab|/c', 'a.example ~/d', /both have a regex/],
  'a regex whose text may be missing': ['a.example ~/a?.*', 'a.example ~/b', /both have a regex/],
}
for (const [name, [earlier, later, message]] of Object.entries(rivals)) {
  test(`${name} are an error that names both routes and places`, async (t) => {
    const { problems } = compileRouteTable([route(earlier, 3), route(later, 9)])
    t.equal(problems.length, 1)
    t.match(problems[0], {
      severity: 'error',
      file: 'policies/a.yaml',
      line: 9,
      column: 5,
      message,
    })
    t.ok(problems[0]?.message.includes(`route \`${later}\` and route \`${earlier}\``))
    t.ok(problems[0]?.message.includes('(policies/a.yaml:3)'))
  })
}

const neighbours: Record<string, string[]> = {
  'regexes with other beginnings': ['a.example ~/a[0-9]+', 'a.example ~/b.*', 'a.example ~^/c$'],
  'regexes on two hosts': ['a.example ~/.*', 'b.example ~/.*'],
  'a prefix, a path and a regex': ['a.example/x', 'a.example =/x', 'a.example ~/x'],
  'a host and the wildcard over it': ['a.example', '*.example'],
}
for (const [name, routes] of Object.entries(neighbours)) {
  test(`${name} may stand beside each other`, async (t) => {
    const { table, problems } = compileRouteTable(routes.map((text) => route(text)))
    t.same(problems, [])
    t.equal(table.routes.length, routes.length)
  })
}

test('of many regexes the one that matches is found, and each pair in conflict is told', async (t) => {
  const texts = Array.from({ length: 500 }, (_, i) => `a.example ~/r${1000 + i}/[a-z]+`)
  t.equal(find(texts, 'a.example', '/r1333/x'), texts[333])
  t.equal(find(texts, 'a.example', '/r0/x'), undefined)
  t.equal(find(texts, 'a.example', '/z'), undefined)
  const { problems } = compileRouteTable([...texts, 'a.example ~/r1'].map((text) => route(text)))
  t.equal(problems.length, 500, 'each of the 500 with the one')
})

test('routes of one host agree on encoded slashes', async (t) => {
  const { problems } = compileRouteTable([
    route('a.example/x', 2, true),
    route('a.example/y', 7),
    route('b.example/y', 9),
  ])
  t.equal(problems.length, 1)
  t.match(problems[0], { line: 7, message: /`encoded_slashes: reject`.*a\.yaml:2.*`keep`/ })
})

test('a host says how its paths are read, and the table which hosts there are', async (t) => {
  const { table } = compileRouteTable([
    route('a.example', 1, true),
    route('*.b.example', 2),
    route('a.example/x', 3, true),
  ])
  t.equal(table.host('a.example')?.keepEncodedSlashes, true)
  t.equal(table.host('x.b.example')?.keepEncodedSlashes, false)
  t.equal(table.host('x.b.example')?.host, '*.b.example')
  t.same(table.hosts(), ['a.example', '*.b.example'])
})

test('a table without routes finds nothing', async (t) => {
  const { table, problems } = compileRouteTable<TestRoute>([])
  t.same([table.hosts(), problems, table.host('a.example')], [[], [], undefined])
})

test('among 10,000 prefixes, regexes and hosts the right one is found', async (t) => {
  const texts = Array.from({ length: 10_000 }, (_, i) => [
    `a.example/p${i}/q`,
    `h${i}.example`,
  ]).flat()
  const { table, problems } = compileRouteTable(texts.map((text) => route(text)))
  t.same(problems, [])
  t.equal(table.host('a.example')?.match('/p7777/q/r')?.name, 'a.example/p7777/q')
  t.equal(table.host('a.example')?.match('/p7777/r'), undefined)
  t.equal(table.host('h9999.example')?.match('/x')?.name, 'h9999.example')
})
