/**
 * The policy file's schema: what editors complete and check from. The compiler says the same and more, in better words;
 * a test holds both against each other.
 */

import { type TSchema, Type } from 'typebox'
import { DURATION_PATTERN } from '../support/duration.ts'
import { criterionPatterns, criterionProperties, matcherDefinitions } from './schema-criteria.ts'
import { closed, named, ref, Text, Texts } from './schema-parts.ts'

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

const flag = (description: string, byDefault = false) =>
  Type.Optional(Type.Boolean({ default: byDefault, description }))
const duration = (description: string, byDefault: string) =>
  Type.Optional(Type.String({ pattern: DURATION_PATTERN, default: byDefault, description }))
const text = (description: string) => Type.Optional({ ...Text, description })
const texts = (description: string) => Type.Optional({ ...Texts, description })
const pathText = (description: string) => Type.Optional(Type.String({ pattern: '^/', description }))

const Route = Type.Object(
  {
    name: text('What logs, tests and pages call the route; unique. Left out: host and path.'),
    description: text('For people: what is behind it.'),
    from: Type.String({
      pattern: '^[hH][tT][tT][pP][sS]?://[^/?#]+/?$',
      description:
        'Scheme and host that browsers ask for; `https://*.example.com` takes one label.',
    }),
    to: Type.Optional(
      Type.Union([Text, Type.Array(Text, { minItems: 1, maxItems: 1 })], {
        description: 'URL of the upstream.',
      }),
    ),
    prefix: pathText('Takes this path and all below it, by segment.'),
    path: pathText('Takes exactly this path.'),
    regex: text('Takes the paths that this RE2 pattern matches as a whole.'),
    allow_public_unauthenticated_access: flag('Lets everyone in without a sign-in.'),
    allow_any_authenticated_user: flag('Lets in everyone who is signed in.'),
    allowed_users: texts('Lets in these people, by e-mail or sub.'),
    allowed_domains: texts('Lets in people with an e-mail of these domains.'),
    allowed_groups: texts('Lets in members of these groups, by name or id.'),
    allowed_idp_claims: Type.Optional(
      Type.Record(Type.String({ minLength: 1 }), ref('scalars'), {
        minProperties: 1,
        description: 'Lets in people with one of these values in one of these claims.',
      }),
    ),
    cors_allow_preflight: flag('Lets CORS preflights through without a sign-in.'),
    allow_websockets: flag('Forwards WebSocket upgrades.'),
    preserve_host_header: flag('Sends the Host of the request instead of the upstream’s own.'),
    timeout: duration(
      'Longest time that the upstream may take to begin its answer. 0s: no limit.',
      '30s',
    ),
    idle_timeout: duration(
      'Ends streams and WebSockets that are quiet for so long. 0s: never.',
      '5m',
    ),
    tls_skip_verify: flag('Believes any certificate of the upstream. Dangerous.'),
    tls_custom_ca_file: text('PEM file with the authority that signs the upstream’s certificate.'),
    pass_identity_headers: flag('Tells the upstream who is signed in.', true),
    provider: text('Identity provider of the config that people of this route sign in with.'),
    encoded_slashes: Type.Optional(
      Type.Union([Type.Literal('reject'), Type.Literal('keep')], {
        default: 'reject',
        description: 'Whether `%2F` and `%5C` in paths are refused, or kept as they are.',
      }),
    ),
    policy: Type.Optional(named(ref('policy'), 'Who may pass, and who may not.')),
  },
  { ...closed, description: 'A host and path, the upstream behind it, and who may pass.' },
)

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
    route: Route,
    ...matcherDefinitions,
  },
})
