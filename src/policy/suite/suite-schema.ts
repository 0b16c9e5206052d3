/** The policy test file's schema: `*_test.yaml`. */

import { type Static, Type } from 'typebox'
import type { Outcome, Reason } from '../model.ts'

const closed = { additionalProperties: false }
const Text = Type.String({ minLength: 1 })

const ClientCertificate = Type.Object(
  {
    fingerprint: Type.Optional(
      Type.String({
        pattern: '^([0-9a-fA-F]{2}:?){31}[0-9a-fA-F]{2}$',
        description: 'SHA-256, with or without colons.',
        'x-expects': '64 hex digits, with or without colons',
      }),
    ),
    san_email: Type.Optional(Type.Array(Text, { description: 'E-mail addresses in it.' })),
    san_dns: Type.Optional(Type.Array(Text, { description: 'DNS names in it.' })),
  },
  { ...closed, description: 'The client certificate that the request comes with.' },
)

const RequestFields = Type.Object(
  {
    method: Type.Optional(
      Type.String({ minLength: 1, default: 'GET', description: 'The method.' }),
    ),
    url: Type.String({ minLength: 1, description: 'An absolute URL, sent as it is written.' }),
    headers: Type.Optional(
      Type.Record(Text, Type.Union([Type.String(), Type.Array(Type.String())]), {
        description: 'Headers; a list is several lines of one name.',
      }),
    ),
    source_ip: Type.Optional(
      Type.String({ default: '192.0.2.10', description: "The client's address." }),
    ),
    client_certificate: Type.Optional(ClientCertificate),
  },
  closed,
)

const Request = Type.Union([
  Type.String({
    minLength: 1,
    description: 'METHOD URL, as in `GET https://app.example.com/`.',
    'x-expects': 'METHOD URL, as in `GET https://app.example.com/`',
  }),
  RequestFields,
])

const OUTCOMES = [
  'allow',
  'deny',
  'sign_in',
  'step_up',
  'unavailable',
] as const satisfies readonly Outcome[]
const REASONS = [
  'allowed',
  'no-allow-rule',
  'denied-by-rule',
  'no-policy',
  'sign-in-needed',
  'step-up-needed',
  'step-up-failed',
  'groups-unavailable',
] as const satisfies readonly Reason[]

/** Why a request never reaches a policy. */
const REJECTIONS = ['MALFORMED_REQUEST', 'UNKNOWN_HOST', 'NO_ROUTE'] as const
export type Rejection = (typeof REJECTIONS)[number]

const Expectation = Type.Object(
  {
    outcome: Type.Optional(
      Type.Union(
        OUTCOMES.map((outcome) => Type.Literal(outcome)),
        { description: 'What the decision is.' },
      ),
    ),
    rule: Type.Optional(
      Type.String({ minLength: 1, description: 'Name of the rule that the decision names.' }),
    ),
    reason: Type.Optional(
      Type.Union(
        REASONS.map((reason) => Type.Literal(reason)),
        { description: 'Why it is so.' },
      ),
    ),
  },
  closed,
)

/** One test of a file. */
export const Test = Type.Object(
  {
    name: Type.String({ minLength: 1, description: 'What the test shows.' }),
    description: Type.Optional(Type.String({ description: 'For readers.' })),
    request: Type.Union([...Request.anyOf, Type.Array(Request)], {
      description: 'What is asked; each of a list is tried.',
    }),
    directory: Type.Optional(
      Type.Literal('unavailable', { description: "Nobody's groups are known." }),
    ),
    step_up: Type.Optional(
      Type.Literal('done', {
        description:
          'Everybody has come back from a step-up this moment, and it gave what the subjects say.',
      }),
    ),
    allow: Type.Optional(
      Type.Array(Text, {
        description: 'Exactly these are let in; every other subject gets deny, sign_in or step_up.',
      }),
    ),
    because: Type.Optional(
      Type.Record(Type.String(), Expectation, {
        description: 'What single subjects get: outcome, rule, reason.',
      }),
    ),
    rejected: Type.Optional(
      Type.Union(
        REJECTIONS.map((code) => Type.Literal(code)),
        { description: 'The request never reaches a policy; the code that says why.' },
      ),
    ),
  },
  closed,
)
export type WrittenTest = Static<typeof Test>

/** A `*_test.yaml` file. */
export const SuiteFile = Type.Object(
  {
    suite: Type.Optional(
      Type.String({
        minLength: 1,
        pattern: '^[^/]*$',
        description: 'Name of the suite; default: the name of the file.',
        'x-expects': 'a name without a slash',
      }),
    ),
    description: Type.Optional(Type.String({ description: 'For readers.' })),
    now: Type.Optional(
      Type.String({
        description:
          'The time of all requests, as in `2026-03-02T09:00:00Z`; for criteria that ask for it.',
        'x-expects': 'a moment such as 2026-03-02T09:00:00Z',
      }),
    ),
    subjects: Type.Optional(
      Type.Array(Text, {
        uniqueItems: true,
        description:
          'Who tries each request, by the names in testdata/subjects.yaml; default: all of them, and `anonymous`.',
      }),
    ),
    tests: Type.Array(Test, { minItems: 1, description: 'The tests.' }),
  },
  { ...closed, title: 'Gatehouse policy tests' },
)

/** The same but for what its tests are: so that one that is wrong does not keep the others from being run. */
export const SuiteFrame = Type.Object(
  {
    ...SuiteFile.properties,
    tests: Type.Array(Type.Unknown(), { minItems: 1, 'x-expects': 'a list of tests' }),
  },
  closed,
)
export type SuiteFrame = Static<typeof SuiteFrame>
