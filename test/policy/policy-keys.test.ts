/** Keys are equal for policies that decide alike as written, and for no others. */

import { test } from 'tap'
import { createPolicyKeys } from '../../src/policy/review/policy-keys.ts'
import { compileText } from './policy-case.ts'

function keyOf(keys: ReturnType<typeof createPolicyKeys>, text: string): string {
  const route = `routes: [{ name: app, from: "https://app.example", policy: ${text} }]`
  const { routes, problems } = compileText(`${CONDITIONS}\n${route}`)
  const [compiled] = routes
  if (compiled === undefined) throw new Error(JSON.stringify(problems))
  return keys.policy(compiled.policy)
}

const CONDITIONS = `conditions: { one: { groups: a }, two: { or: [{ use: one }] } }
policies: { base: [{ allow: { or: [{ groups: a }] } }] }`

const LONG = Array.from({ length: 60 }, (_, i) => `group-${i}`)

const alike: Record<string, readonly [string, string]> = {
  'the order of rules': [
    '[{ allow: { or: [{ groups: a }] } }, { deny: { or: [{ user: x }] } }]',
    '[{ deny: { or: [{ user: x }] } }, { allow: { or: [{ groups: a }] } }]',
  ],
  'rules apart or together': [
    '[{ allow: { or: [{ groups: a }] }, deny: { or: [{ user: x }] } }]',
    '[{ deny: { or: [{ user: x }] } }, { allow: { or: [{ groups: a }] } }]',
  ],
  'the order of items': [
    '{ allow: { or: [{ groups: a }, { groups: b }] } }',
    '{ allow: { or: [{ groups: b }, { groups: a }] } }',
  ],
  'what is said twice': [
    '{ allow: { and: [{ groups: a }, { groups: a }] } }',
    '{ allow: { or: [{ groups: a }] } }',
  ],
  'operators over one item': [
    '{ allow: { not: [{ groups: a }] } }',
    '{ allow: { and: [{ nor: [{ groups: a }] }] } }',
  ],
  'a condition by its name': [
    '{ allow: { or: [{ use: two }] } }',
    '{ allow: { or: [{ groups: a }] } }',
  ],
  'a policy by its name': ['{ use: base }', '{ allow: { or: [{ groups: a }] } }'],
  'quotes around a word': [
    '{ allow: { or: [{ groups: "a" }] } }',
    "{ allow: { or: [{ groups: 'a' }] } }",
  ],
  'no quotes around a word': [
    '{ allow: { or: [{ groups: "a" }] } }',
    '{ allow: { or: [{ groups: a }] } }',
  ],
  'long lists': [
    `{ allow: { or: [{ groups: [${LONG}] }] } }`,
    `{ allow: { or: [{ groups: [${LONG}] }] } }`,
  ],
}
for (const [name, [one, other]] of Object.entries(alike)) {
  test(`alike: ${name}`, async (t) => {
    const keys = createPolicyKeys()
    t.equal(keyOf(keys, one), keyOf(keys, other))
  })
}

const different: Record<string, readonly [string, string]> = {
  'allow and deny': ['{ allow: { or: [{ groups: a }] } }', '[{ deny: { or: [{ groups: a }] } }]'],
  'and and or': [
    '{ allow: { and: [{ groups: a }, { groups: b }] } }',
    '{ allow: { or: [{ groups: a }, { groups: b }] } }',
  ],
  'or and not': ['{ allow: { or: [{ groups: a }] } }', '{ allow: { not: [{ groups: a }] } }'],
  'a number and a text': [
    '{ allow: { or: [{ claim/level: 3 }] } }',
    '{ allow: { or: [{ claim/level: "3" }] } }',
  ],
  'true and a text': [
    '{ allow: { or: [{ claim/level: true }] } }',
    '{ allow: { or: [{ claim/level: "true" }] } }',
  ],
  'two values and one with a comma': [
    '{ allow: { or: [{ groups: [a, b] }] } }',
    '{ allow: { or: [{ groups: ["a, b"] }] } }',
  ],
  'the last of a long list': [
    `{ allow: { or: [{ groups: [${LONG}, x] }] } }`,
    `{ allow: { or: [{ groups: [${LONG}, y] }] } }`,
  ],
  'the type of the last of a long list': [
    `{ allow: { or: [{ claim/level: [${LONG}, 3] }] } }`,
    `{ allow: { or: [{ claim/level: [${LONG}, "3"] }] } }`,
  ],
  'long names of claims': [
    `{ allow: { or: [{ claim/${'x'.repeat(250)}y: a }] } }`,
    `{ allow: { or: [{ claim/${'x'.repeat(250)}z: a }] } }`,
  ],
}
for (const [name, [one, other]] of Object.entries(different)) {
  test(`different: ${name}`, async (t) => {
    const keys = createPolicyKeys()
    t.not(keyOf(keys, one), keyOf(keys, other))
  })
}

test('conditions that are used a thousand times cost no more than once', async (t) => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `  c${i + 1}: { and: [{ use: c${i} }, { not: [{ use: c${i} }] }] }`,
  )
  const text = `conditions:\n  c0: { groups: a }\n${levels.join('\n')}
routes: [{ from: "https://app.example", policy: { allow: { or: [{ use: c12 }] } } }]`
  const [route] = compileText(text).routes
  t.ok(route && createPolicyKeys().policy(route.policy).length < 100)
})
