/** Every kind of mistake against a schema: one problem each, at its place, in words. */

import { test } from 'tap'
import { Type } from 'typebox'
import { checkSchema } from '../../src/support/check-schema.ts'
import { DURATION_PATTERN } from '../../src/support/duration.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

const closed = { additionalProperties: false }
const Node = Type.Cyclic(
  {
    Node: Type.Union([
      Type.Object({ name: Type.String({ minLength: 1 }) }, closed),
      Type.Object({ and: Type.Array(Type.Ref('Node'), { minItems: 1 }) }, closed),
      Type.Object({ not: Type.Ref('Node') }, closed),
    ]),
  },
  'Node',
)
const Schema = Type.Object(
  {
    listen: Type.Optional(Type.String()),
    enabled: Type.Optional(Type.Boolean()),
    count: Type.Optional(Type.Integer({ minimum: 1 })),
    idle: Type.Optional(
      Type.Unsafe<number>({ type: 'string', pattern: DURATION_PATTERN, 'x-kind': 'duration' }),
    ),
    color: Type.Optional(
      Type.String({ pattern: '^#[0-9a-f]{6}$', 'x-expects': 'a colour such as `#0b5fff`' }),
    ),
    level: Type.Optional(Type.Union([Type.Literal('info'), Type.Literal('warn')])),
    claims: Type.Optional(
      Type.Union([
        Type.String({ minLength: 1 }),
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
      ]),
    ),
    hosts: Type.Optional(Type.Record(Type.String(), Type.Object({ url: Type.String() }, closed))),
    node: Type.Optional(Node),
  },
  closed,
)

const cases: Record<string, { yaml: string; problems: readonly string[] }> = {
  'nothing wrong': { yaml: 'listen: here\nnode: { and: [{ not: { name: x } }] }\n', problems: [] },
  'an unknown key with a near one': {
    yaml: 'lisen: here\n',
    problems: ['1:1 unknown key `lisen`, did you mean `listen`?'],
  },
  'an unknown key below': {
    yaml: 'hosts:\n  a: { url: x, zone: 2 }\n',
    problems: ['2:16 unknown key `zone`; known here: url'],
  },
  'a missing key': { yaml: 'hosts:\n  a: {}\n', problems: ['2:3 missing key `url`'] },
  'a number for text': {
    yaml: 'listen: 8080\n',
    problems: ['1:9 `listen` must be text, not a number'],
  },
  'text for true or false': {
    yaml: 'enabled: "yes"\n',
    problems: ['1:10 `enabled` must be true or false, not text'],
  },
  'nothing for text': {
    yaml: 'listen:\n',
    problems: ['1:1 `listen` is empty; it must be text'],
  },
  'a broken number': {
    yaml: 'count: 1.5\n',
    problems: ['1:8 `count` must be a whole number, not a number'],
  },
  'too small a number': { yaml: 'count: 0\n', problems: ['1:8 `count` must be at least 1'] },
  'a word for a duration': {
    yaml: 'idle: soon\n',
    problems: ['1:7 `idle` must be a duration such as 30s, 15m, 8h or 7d'],
  },
  'a number for a duration': {
    yaml: 'idle: 30\n',
    problems: ['1:7 `idle` must be a duration such as 30s, 15m, 8h or 7d, not a number'],
  },
  'a pattern with a description': {
    yaml: 'color: blue\n',
    problems: ['1:8 `color` must be a colour such as `#0b5fff`'],
  },
  'none of the constants': {
    yaml: 'level: loud\n',
    problems: ['1:8 `level` must be one of `info`, `warn`'],
  },
  'a mapping for text or a list': {
    yaml: 'claims: { a: b }\n',
    problems: ['1:9 `claims` must be text or a list, not a mapping'],
  },
  'an empty list': { yaml: 'claims: []\n', problems: ['1:9 `claims` must not be empty'] },
  'an empty text in a list': {
    yaml: 'claims: [a, ""]\n',
    problems: ['1:13 `claims[1]` must not be empty'],
  },
  'a list for the file': {
    yaml: '- a\n',
    problems: ['1:1 the file must be a mapping, not a list'],
  },
  'a mistake deep in a union that contains itself': {
    yaml: 'node:\n  and:\n    - not:\n        name: 7\n',
    problems: ['4:15 `name` must be text, not a number'],
  },
  'an unknown key in a union': {
    yaml: 'node: { and: [{ name: a }], adn: 1 }\n',
    problems: ['1:29 unknown key `adn`, did you mean `and`?'],
  },
  'several mistakes': {
    yaml: 'listen: 1\nclaims: 2\nlevel: x\n',
    problems: [
      '1:9 `listen` must be text, not a number',
      '2:9 `claims` must be text or a list, not a number',
      '3:8 `level` must be one of `info`, `warn`',
    ],
  },
}

for (const [name, { yaml, problems }] of Object.entries(cases)) {
  test(`schema check: ${name}`, async (t) => {
    const found = checkSchema(Schema, readYaml('a.yaml', yaml))
    t.strictSame(
      found.map((problem) => `${problem.line}:${problem.column} ${problem.message}`).sort(),
      [...problems].sort(),
    )
  })
}

test('a part of a file is checked by itself, with its places in the whole', async (t) => {
  const document = readYaml('a.yaml', 'a:\n  b: { listn: 1 }\n')
  const found = checkSchema(Schema, document, ['a', 'b'])
  t.match(found, [{ line: 2, column: 8, message: 'unknown key `listn`, did you mean `listen`?' }])
})

test('an empty file is said to be empty', async (t) => {
  t.match(checkSchema(Schema, readYaml('a.yaml', '')), [{ message: 'the file is empty' }])
})
