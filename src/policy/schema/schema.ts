/**
 * The policy file's schema: what editors complete and check from. The compiler says the same and more, in better words;
 * a test holds both against each other.
 */

import { type TSchema, Type } from 'typebox'
import { criterionPatterns, criterionProperties, matcherDefinitions } from './schema-criteria.ts'
import { closed, named, ref, Text } from './schema-parts.ts'
import { RouteSchema } from './schema-route.ts'

const onlyOne = { minProperties: 1, maxProperties: 1 }

const operators = {
  and: named(ref('items'), 'All of these hold.'),
  or: named(ref('items'), 'At least one of these holds.'),
  not: named(ref('items'), 'None of these holds.'),
  nor: named(ref('items'), 'At least one of these does not hold.'),
}

const Item = Type.Unsafe({
  type: 'object',
  ...closed,
  ...onlyOne,
  description: 'One criterion, one operator with a list, or the use of a condition.',
  properties: {
    ...operators,
    use: { ...Text, description: 'Name of a condition.' },
    ...criterionProperties,
  },
  patternProperties: criterionPatterns,
})

const Body = Type.Unsafe({
  type: 'object',
  ...closed,
  ...onlyOne,
  description: 'Exactly one operator; several are nested in each other.',
  properties: operators,
})

const Rule = Type.Union([
  Type.Unsafe({
    type: 'object',
    ...closed,
    minProperties: 1,
    properties: {
      allow: named(ref('body'), 'Lets in whoever this holds for, unless a deny rule holds too.'),
      deny: named(ref('body'), 'Keeps out whoever this holds for, whatever allows.'),
    },
  }),
  Type.Object({ use: { ...Text, description: 'Name of a policy whose rules are added.' } }, closed),
])

const Policy = Type.Union([ref('rule'), Type.Array(ref('rule'), { minItems: 1 })], {
  description: 'A rule, or a list of rules: somebody is let in where one allows and none denies.',
})

/** JSON Schema, draft 2020-12, of a policy file. */
export const PolicyFile: TSchema = Type.Unsafe({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Gatehouse policies',
  description: 'Routes, who may pass them, and the conditions and policies that they share.',
  type: ['object', 'null'],
  ...closed,
  properties: {
    conditions: Type.Record(Type.String({ minLength: 1 }), ref('item'), {
      description: 'Named criteria, used in any place where a criterion stands.',
    }),
    policies: Type.Record(Type.String({ minLength: 1 }), ref('policy'), {
      description: 'Named lists of rules, used in place of a rule.',
    }),
    routes: Type.Array(ref('route'), { description: 'In any order: the most specific wins.' }),
  },
  $defs: {
    item: Item,
    items: Type.Array(ref('item'), { minItems: 1 }),
    body: Body,
    rule: Rule,
    policy: Policy,
    route: RouteSchema,
    ...matcherDefinitions,
  },
})
