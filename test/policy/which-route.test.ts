/** Which route a request means, from the policy file to the answer: routes are numbered from 1 in the order given. */

import { test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import { readRequest, readRequestLine } from '../../src/policy/suite/asked-request.ts'
import { hasErrors } from '../../src/support/problem.ts'

function compile(routes: readonly string[]) {
  const text = `routes:\n${routes.map((route) => `  - ${route}\n`).join('')}`
  return compilePolicies([{ file: 'routes.yaml', text }], {
    readText: () => {
      throw new Error('no such file')
    },
    providers: undefined,
    allowHttp: false,
  })
}

/** The number of the route that takes the request, or why there is none. */
function find(routes: readonly string[], request: string): number | string {
  const { table, problems, routes: compiled } = compile(routes)
  if (hasErrors(problems)) throw new Error(problems[0]?.message)
  const asked = readRequestLine(request)
  if (typeof asked === 'string') throw new Error(asked)
  const reading = readRequest(table, asked)
  if (reading.kind === 'routed') return compiled.indexOf(reading.route) + 1
  return reading.kind === 'rejected' ? reading.code : reading.kind
}

const TWO_PREFIXES = [
  '{from: https://a.example, prefix: /}',
  '{from: https://a.example, prefix: /adm}',
]
const VERSIONS = [
  '{from: https://a.example, prefix: /v1}',
  '{from: https://a.example, regex: "^/v[0-9]+/.*$"}',
]
const WILDCARD = ['{from: "https://*.a.example", path: /x}', '{from: https://b.a.example}']
const ONE_LABEL = ['{from: "https://*.a.example"}']
const WORDS = ['{from: https://a.example, regex: "/w[0-9]+"}']
const ITEMS = [
  '{from: https://a.example, regex: "/v[0-9]+/.*"}',
  '{from: https://a.example, prefix: /v1/items}',
  '{from: https://a.example, path: /v1/x}',
]
const DECODED = [
  '{from: https://a.example, path: /a b}',
  '{from: https://a.example, prefix: /café}',
  '{from: https://a.example, regex: /t.m}',
]
const PERCENT = ['{from: https://a.example, path: /a%20b}']
const KEPT = [
  '{from: https://a.example, path: /x%2Fy, encoded_slashes: keep}',
  '{from: https://a.example, prefix: /x, encoded_slashes: keep}',
]

const found: Record<string, [routes: string[], request: string, route: number | string]> = {
  'longest prefix': [TWO_PREFIXES, 'GET https://a.example/adm/x', 2],
  'a prefix ends at a segment': [TWO_PREFIXES, 'GET https://a.example/admin', 1],
  'the prefix itself': [TWO_PREFIXES, 'GET https://a.example/adm', 2],
  'an exact path': [
    ['{from: https://a.example, prefix: /adm/x}', '{from: https://a.example, path: /adm}'],
    'GET https://a.example/adm',
    2,
  ],
  'an exact path is exact': [
    ['{from: https://a.example, path: /adm}', '{from: https://a.example, prefix: /}'],
    'GET https://a.example/adm/',
    2,
  ],
  'a regex before a prefix': [VERSIONS, 'GET https://a.example/v1/x', 2],
  'a regex that does not take it': [VERSIONS, 'GET https://a.example/v1', 1],
  'an exact host before a wildcard, whatever the path': [WILDCARD, 'GET https://b.a.example/x', 2],
  'the wildcard': [WILDCARD, 'GET https://c.a.example/x', 1],
  'a wildcard is one label': [ONE_LABEL, 'GET https://d.c.a.example/', 'UNKNOWN_HOST'],
  'and not zero': [ONE_LABEL, 'GET https://a.example/', 'UNKNOWN_HOST'],
  'case, a trailing dot and the port do not count': [
    ['{from: https://a.example}'],
    'GET https://A.EXAMPLE.:8443/',
    1,
  ],
  'a host with an exact route never falls to a wildcard': [
    ['{from: "https://*.a.example"}', '{from: https://b.a.example, prefix: /x}'],
    'GET https://b.a.example/y',
    'NO_ROUTE',
  ],
  'a regex': [WORDS, 'GET https://a.example/w1', 1],
  "a route's regex is the whole path": [WORDS, 'GET https://a.example/w1/x', 'NO_ROUTE'],
  'literal beginnings exclude each other': [
    [
      '{from: https://a.example, regex: "/a[0-9]+"}',
      '{from: https://a.example, regex: "/b[0-9]+"}',
    ],
    'GET https://a.example/b7',
    2,
  ],
  'a regex before a prefix of any length': [ITEMS, 'GET https://a.example/v1/items/7', 1],
  'an exact path before a regex': [ITEMS, 'GET https://a.example/v1/x', 3],
  'found by the path that policies see': [ITEMS, 'GET https://a.example/%76%31//x?y', 3],
  'the host is chosen before the path': [
    ['{from: "https://*.a.example", regex: "/x.*"}', '{from: https://b.a.example, prefix: /}'],
    'GET https://b.a.example/x',
    2,
  ],
  'each alternative is the whole path': [
    ['{from: https://a.example, regex: "/a|/b"}'],
    'GET https://a.example/x/b',
    'NO_ROUTE',
  ],
  'names are made up; they need not differ': [
    ['{from: https://a.example, prefix: /x}', '{from: https://a.example, path: /x}'],
    'GET https://a.example/x',
    2,
  ],
  'the path decoded': [DECODED, 'GET https://a.example/a%20b', 1],
  'decoded as UTF-8': [DECODED, 'GET https://a.example/caf%c3%a9/x', 2],
  'one character': [DECODED, 'GET https://a.example/t%C3%AFm', 3],
  'a percent sign in a route is a percent sign': [
    PERCENT,
    'GET https://a.example/a%20b',
    'NO_ROUTE',
  ],
  'and is found as one': [PERCENT, 'GET https://a.example/a%2520b', 1],
  'a kept slash ends no segment': [KEPT, 'GET https://a.example/x%2fy', 1],
  'nor is %252F a kept slash': [KEPT, 'GET https://a.example/x%252Fy', 'NO_ROUTE'],
  'own endpoints are for no route': [TWO_PREFIXES, 'GET https://a.example/.gatehouse/user', 'own'],
  'nor are the keys of the assertion': [
    TWO_PREFIXES,
    'GET https://a.example/.well-known/gatehouse/jwks.json',
    'own',
  ],
  'a name that begins like ours is an ordinary one': [
    TWO_PREFIXES,
    'GET https://a.example/.gatehouses/x',
    1,
  ],
}
for (const [why, [routes, request, route]] of Object.entries(found)) {
  test(`${why}: ${request}`, async (t) => {
    t.equal(find(routes, request), route)
  })
}

const refused: Record<string, [routes: string[], line: number, message: RegExp]> = {
  'two regexes that could both win': [
    ['{from: https://a.example, regex: "/a[0-9]+"}', '{from: https://a.example, regex: "/[a-z]+"}'],
    3,
    /could both win.*regex/,
  ],
  'one host with two ports': [
    ['{from: https://a.example}', '{from: https://a.example:8443}'],
    3,
    /could both win/,
  ],
  'one name for two routes': [
    ['{name: x, from: https://a.example}', '{name: x, from: https://b.example}'],
    3,
    /the name `x`.*routes\.yaml:2/,
  ],
  'one prefix for two routes': [
    ['{from: https://a.example, prefix: /x}', '{from: https://a.example, prefix: /x}'],
    3,
    /could both win: both have prefix `\/x`/,
  ],
  'no path part is the prefix /': [
    ['{from: https://a.example}', '{from: https://a.example, prefix: /}'],
    3,
    /both have prefix `\/`/,
  ],
  'a prefix and a path at once': [['{from: https://a.example, prefix: /x, path: /x}'], 2, /./],
  'a regex that RE2 does not know': [['{from: https://a.example, regex: "^/(?!private)"}'], 2, /./],
  'an unknown key': [
    ['{from: https://a.example, prefx: /x}'],
    2,
    /unknown key `prefx`.*did you mean `prefix`/,
  ],
  'encoded slashes kept by one route alone': [
    [
      '{from: https://a.example, prefix: /x, encoded_slashes: keep}',
      '{from: https://a.example, prefix: /y}',
    ],
    3,
    /`encoded_slashes: reject`.*routes\.yaml:2.*`keep`/,
  ],
}
for (const [name, [routes, line, message]] of Object.entries(refused)) {
  test(`${name}: an error`, async (t) => {
    const errors = compile(routes).problems.filter(({ severity }) => severity === 'error')
    t.equal(errors.length, 1)
    t.match(errors[0], { file: 'routes.yaml', line, message })
  })
}
