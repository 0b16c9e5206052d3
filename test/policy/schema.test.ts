/** The policy file's schema, held against the compiler and by a validator that is not ours. */

import { readdirSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { test } from 'tap'
import { CRITERION_NAMES } from '../../src/policy/language/criteria.ts'
import { ROUTE_KEYS } from '../../src/policy/route/route-keys.ts'
import { PolicyFile } from '../../src/policy/schema/schema.ts'
import { readYaml } from '../../src/support/yaml-document.ts'
import { compileText, FOLDER, loadCases, policyFile } from './policy-case.ts'

// As an editor reads it: plain JSON.
const schema: unknown = JSON.parse(JSON.stringify(PolicyFile))
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema as object)

function isValid(text: string): boolean {
  return validate(readYaml('p.yaml', text).value ?? null)
}

test('what compiles, the schema takes', async (t) => {
  for (const file of readdirSync(FOLDER)) {
    if (file === 'subjects.yaml') continue
    for (const { name, policy, error } of loadCases(file)) {
      if (error === undefined) t.ok(isValid(policyFile(policy)), `${file}: ${name}`)
    }
  }
})

test('what the schema refuses does not compile', async (t) => {
  for (const file of readdirSync(FOLDER)) {
    if (file === 'subjects.yaml') continue
    for (const { name, policy, error } of loadCases(file)) {
      if (!isValid(policyFile(policy))) t.not(error, undefined, `${file}: ${name}`)
    }
  }
})

const REFUSED = [
  'rules: []',
  'routes: [{ to: http://a.internal }]',
  'routes: [{ from: https://a.example, prefx: /x }]',
  'routes: [{ from: https://a.example, policy: [] }]',
  'routes: [{ from: https://a.example, policy: { allow: {} } }]',
  'routes: [{ from: https://a.example, policy: { allow: { and: [{ accept: true }], or: [{ accept: true }] } } }]',
  'routes: [{ from: https://a.example, policy: { use: a, allow: { or: [{ accept: true }] } } }]',
  'conditions: { a: { accept: true, reject: true } }',
  'conditions: { a: { email: { has: a } } }',
  'conditions: { a: { email: 5 } }',
  'conditions: { a: { groups: { has: 5 } } }',
  'conditions: { a: { claim/: 5 } }',
  'conditions: { a: { header/a b: x } }',
  'conditions: { a: { device: { is: x } } }',
  'conditions: { a: { not: [] } }',
  'conditions: { a: { time_of_day: { timezone: UTC } } }',
]

for (const text of REFUSED) {
  test(`refused: ${text}`, async (t) => {
    t.notOk(isValid(text))
    t.ok(compileText(text).problems.some(({ severity }) => severity === 'error'))
  })
}

test('the schema has every criterion and every route key', async (t) => {
  const { $defs } = schema as {
    $defs: Record<string, { properties: object; patternProperties: object }>
  }
  const criteria = Object.keys($defs['item']?.properties ?? {})
  const patterns = Object.keys($defs['item']?.patternProperties ?? {})
  for (const name of CRITERION_NAMES) {
    const found = name.endsWith('/')
      ? patterns.some((pattern) => pattern.startsWith(`^${name}`))
      : criteria.includes(name)
    t.ok(found, name)
  }
  t.strictSame(Object.keys($defs['route']?.properties ?? {}).sort(), [...ROUTE_KEYS].sort())
})

test('every key is explained', async (t) => {
  const unexplained: string[] = []
  const look = (node: unknown, path: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties } = node as { properties?: Record<string, { description?: string }> }
    for (const [key, value] of Object.entries(properties ?? {})) {
      if (value.description === undefined && key !== 'days' && key !== 'below') {
        unexplained.push(`${path}/${key}`)
      }
    }
    for (const [key, value] of Object.entries(node)) look(value, `${path}/${key}`)
  }
  look(schema, '')
  t.strictSame(unexplained, [])
})
