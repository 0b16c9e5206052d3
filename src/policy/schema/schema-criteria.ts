/** The criteria and matchers of the policy file's schema, with what editors say about each. */

import { type TSchema, Type } from 'typebox'
import { DURATION_PATTERN } from '../../support/duration.ts'
import { closed, named, ref, Text, Texts } from './schema-parts.ts'

const textOperators = {
  is: named(Text, 'Equals this text.'),
  not: named(Text, 'Does not equal this text.'),
  contains: named(Text, 'Has this text in it.'),
  starts_with: named(Text, 'Begins with this text.'),
  ends_with: named(Text, 'Ends with this text.'),
  in: named(Texts, 'Equals one of these texts.'),
  not_in: named(Texts, 'Equals none of these texts.'),
  matches: named(Text, 'An RE2 pattern for the whole text.'),
}

function matcher(properties: Record<string, TSchema>, description: string): TSchema {
  return Type.Unsafe({ type: 'object', ...closed, minProperties: 1, properties, description })
}

function listOperators(value: TSchema, values: TSchema): Record<string, TSchema> {
  return {
    has: named(value, 'One element equals this.'),
    has_any: named(values, 'One element equals one of these.'),
    has_all: named(values, 'For each of these one element equals it.'),
    exclude: named(value, 'No element equals this.'),
    is: named(value, 'There is one element, and it equals this.'),
    not: named(value, 'The same as `exclude`.'),
    contains: named(Text, 'One element has this text in it.'),
    starts_with: named(Text, 'One element begins with this text.'),
    ends_with: named(Text, 'One element ends with this text.'),
    in: named(values, 'The same as `has_any`.'),
    not_in: named(values, 'No element equals any of these.'),
    matches: named(Text, 'One element matches this RE2 pattern as a whole.'),
  }
}

const Scalar = Type.Union([Text, Type.Number(), Type.Boolean()])
const Scalars = Type.Array(Scalar, { minItems: 1 })

/** Definitions that the criteria refer to. */
export const matcherDefinitions: Readonly<Record<string, TSchema>> = {
  text: Type.Union([Text, Texts, matcher(textOperators, 'All keys must hold.')], {
    description: 'A text is `is`, a list of texts is `in`.',
  }),
  texts: Type.Union([Text, Texts, matcher(listOperators(Text, Texts), 'All keys must hold.')], {
    description: 'A text is `has`, a list of texts is `has_any`.',
  }),
  claim: Type.Union(
    [Scalar, Scalars, matcher(listOperators(Scalar, Scalars), 'All keys must hold.')],
    { description: 'A value is `has`, a list of values is `has_any`.' },
  ),
  scalars: Type.Union([Scalar, Scalars]),
  days: Type.Union([Text, Texts], { description: '`mon-fri`, `sat,sun` or `"*"`.' }),
}

const Always = Type.Literal(true)
const time = '`08:00`, `17:30:15`, `8 AM` or `8:15 PM`; itself outside.'
const instant = '`2026-03-01`, `2026-03-01T09:00:00Z` or with an offset; itself outside.'
const zone = named(Text, 'IANA time zone, as in `Europe/Berlin`.')

/** Criteria with a fixed name. */
export const criterionProperties: Readonly<Record<string, TSchema>> = {
  accept: named(Always, 'Always holds.'),
  reject: named(Always, 'Never holds.'),
  authenticated_user: named(Always, 'Somebody is signed in.'),
  user: named(ref('text'), 'The `sub` of the person.'),
  email: named(ref('text'), 'The verified e-mail, without regard to case.'),
  domain: named(ref('text'), 'The domain of the verified e-mail, without regard to case.'),
  provider: named(ref('text'), 'The identity provider, by its name in the config.'),
  groups: named(ref('texts'), 'The groups of the person, each by name or id.'),
  acr: named(ref('text'), 'How the sign-in was done, by the provider’s name for it.'),
  amr: named(ref('texts'), 'The means that the sign-in used, such as `mfa`.'),
  auth_age: named(
    Type.Object({ below: Type.String({ pattern: DURATION_PATTERN }) }, closed),
    'Time since the person last proved who they are.',
  ),
  http_method: named(ref('text'), 'The method, in upper case.'),
  http_path: named(ref('text'), 'The path decoded once, without the query.'),
  source_ip: named(Type.Union([Text, Texts]), 'Addresses or CIDR networks of the client.'),
  cors_preflight: named(Always, 'OPTIONS with Origin and Access-Control-Request-Method.'),
  date: matcher(
    { after: named(Text, instant), before: named(Text, instant) },
    'The moment of the request, UTC unless an offset is written.',
  ),
  day_of_week: Type.Union(
    [ref('days'), Type.Object({ days: ref('days'), timezone: Type.Optional(zone) }, closed)],
    { description: 'The day, of UTC unless a time zone is written.' },
  ),
  time_of_day: Type.Object(
    {
      timezone: zone,
      after: Type.Optional(named(Text, time)),
      before: Type.Optional(named(Text, time)),
    },
    {
      ...closed,
      minProperties: 2,
      description: 'By the wall clock of the time zone; a window may cross midnight.',
    },
  ),
  client_certificate: matcher(
    {
      fingerprint: named(ref('text'), 'SHA-256, with or without colons.'),
      san_email: named(ref('text'), 'E-mail addresses in it, without regard to case.'),
      san_dns: named(ref('text'), 'DNS names in it, without regard to case.'),
    },
    'The certificate of the client; without one this never holds.',
  ),
}

/** Criteria whose name goes on behind a slash. */
export const criterionPatterns: Readonly<Record<string, TSchema>> = {
  '^claim/.': named(ref('claim'), 'A claim of the person; steps into objects are `/` or `.`.'),
  "^header/[!#$%&'*+.^_`|~0-9A-Za-z-]+$": named(
    ref('text'),
    'The lines of a header: a positive key needs one, a negative one all.',
  ),
}
