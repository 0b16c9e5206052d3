/** What `check` warns about: allowed, but hardly meant. */

import { test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import type { ProviderFacts } from '../../src/policy/language/policy-warnings.ts'

interface Case {
  readonly text: string
  readonly providers?: Readonly<Record<string, ProviderFacts>>
  readonly says: readonly string[]
}

const FROM = 'from: https://app.example'

function withPolicy(policy: string): string {
  return `routes:\n  - { name: app, ${FROM}, policy: ${policy} }\n`
}

const CASES: Readonly<Record<string, Case>> = {
  'nothing to warn about': {
    text: withPolicy('{ allow: { or: [{ domain: app.example }] } }'),
    says: [],
  },
  'an allow that the same deny covers': {
    text: withPolicy(
      '[{ allow: { or: [{ user: a }] } }, { deny: { or: [{ user: a }, { user: b }] } }]',
    ),
    says: ['whomever this lets in, the deny rule `app[1]` (p.yaml:2) keeps out'],
  },
  'an allow that a part of the deny covers': {
    text: withPolicy(
      '[{ allow: { and: [{ user: a }, { http_method: GET }] } }, { deny: { or: [{ not: [{ user: b }] }, { and: [{ user: a }] }] } }]',
    ),
    says: ['whomever this lets in, the deny rule `app[1]` (p.yaml:2) keeps out'],
  },
  'an allow that the deny covers through a condition': {
    text: `conditions: { c: { not: [{ user: a }, { user: b }] } }\n${withPolicy('[{ allow: { or: [{ use: c }] } }, { deny: { not: [{ user: a }, { user: b }] } }]')}`,
    says: ['whomever this lets in, the deny rule `app[1]` (p.yaml:3) keeps out'],
  },
  'an allow that the deny covers for some': {
    text: withPolicy(
      '[{ allow: { or: [{ user: a }, { user: c }] } }, { deny: { and: [{ user: a }, { user: b }] } }, { deny: { nor: [{ user: a }] } }]',
    ),
    says: [],
  },
  'open to everyone by the long way': {
    text: withPolicy('{ allow: { nor: [{ and: [{ user: a }, { reject: true }] }] } }'),
    says: ['route `app` is open to everyone, without a sign-in'],
  },
  'open to everyone but for a deny that never holds': {
    text: withPolicy(
      '[{ allow: { or: [{ accept: true }] } }, { deny: { or: [{ reject: true }] } }]',
    ),
    says: ['route `app` is open to everyone, without a sign-in'],
  },
  'open to all but some': {
    text: withPolicy('[{ allow: { or: [{ accept: true }] } }, { deny: { or: [{ user: a }] } }]'),
    says: [],
  },
  'the end of a domain without a dot': {
    text: withPolicy('{ allow: { or: [{ domain: { ends_with: app.example } }] } }'),
    says: [
      '`ends_with: app.example` also takes `notapp.example`; write `.app.example` for its sub-domains, or `is` for the domain itself',
    ],
  },
  'the end of a domain with a dot': {
    text: withPolicy('{ allow: { or: [{ domain: { ends_with: .app.example } }] } }'),
    says: [],
  },
  'the beginning of a path where it lets in': {
    text: withPolicy('{ allow: { or: [{ http_path: { starts_with: /a } }] } }'),
    says: [
      '`starts_with: /a` also takes `/ax`; write `/a/`, or `matches: /a(/.*)?` for it and all below',
    ],
  },
  'the beginning of a path where it keeps out': {
    text: withPolicy(
      '{ allow: { not: [{ http_path: { starts_with: /a } }] }, deny: { or: [{ http_path: { starts_with: /b } }] } }',
    ),
    says: [],
  },
  'the beginning of a path where not keeping out lets in': {
    text: withPolicy(
      '{ allow: { or: [{ user: a }] }, deny: { not: [{ http_path: { starts_with: /a } }] } }',
    ),
    says: [
      '`starts_with: /a` also takes `/ax`; write `/a/`, or `matches: /a(/.*)?` for it and all below',
    ],
  },
  'a day of UTC beside hours of a zone, in conditions': {
    text: `conditions:\n  d: { day_of_week: mon }\n  h: { time_of_day: { timezone: UTC, after: "8:00" } }\n${withPolicy('{ allow: { and: [{ use: d }, { use: h }, { user: a }] } }')}`,
    says: [
      'this day is one of UTC, beside a time of another zone; write `{ days: ..., timezone: ... }`',
    ],
  },
  'definitions that are never used': {
    text: `conditions: { c: { accept: true } }\npolicies: { p: { allow: { or: [{ accept: true }] } } }\n`,
    says: ['the condition `c` is never used', 'the policy `p` is never used'],
  },
  'an address with bits of the host': {
    text: withPolicy('{ allow: { or: [{ source_ip: ["10.1.2.3/8", "2001:db8::1/32"] }] } }'),
    says: [
      '`10.1.2.3/8` means the whole network; write `10.0.0.0/8`',
      '`2001:db8::1/32` means the whole network; write `2001:db8::/32`',
    ],
  },
  'people of two providers': {
    text: withPolicy(
      '[{ allow: { or: [{ user: a }] } }, { allow: { or: [{ domain: app.example }] } }]',
    ),
    providers: { okta: {}, partners: {} },
    says: [
      'rule `app[0]` compares subs, which two providers may give to two people; fix `provider` at the route or in the rule',
      'rule `app[1]` compares e-mails, which two providers may give to two people; fix `provider` at the route or in the rule',
    ],
  },
  'people of two providers whose e-mails are apart': {
    text: withPolicy('{ allow: { or: [{ domain: app.example }] } }'),
    providers: {
      okta: { emailDomains: ['app.example'] },
      partners: { emailDomains: ['b.example'] },
    },
    says: [],
  },
  'people of two providers whose e-mails are not': {
    text: withPolicy('{ allow: { or: [{ domain: app.example }] } }'),
    providers: {
      okta: { emailDomains: ['app.example'] },
      partners: { emailDomains: ['APP.example'] },
    },
    says: [
      'rule `app[0]` compares e-mails, which two providers may give to two people; fix `provider` at the route or in the rule',
    ],
  },
  'people of one of two providers': {
    text: withPolicy('{ allow: { and: [{ provider: okta }, { user: a }] } }'),
    providers: { okta: {}, partners: {} },
    says: [],
  },
  'people of two providers, beside a provider': {
    text: withPolicy('{ allow: { or: [{ provider: okta }, { user: a }] } }'),
    providers: { okta: {}, partners: {} },
    says: [
      'rule `app[0]` compares subs, which two providers may give to two people; fix `provider` at the route or in the rule',
    ],
  },
  'keys that are narrower than another': {
    text: `routes:\n  - { name: app, ${FROM}, allow_any_authenticated_user: true, allowed_groups: [a], allowed_users: [b] }\n`,
    says: [
      '`allowed_groups` means nothing beside `allow_any_authenticated_user: true`, which lets in all who sign in',
      '`allowed_users` means nothing beside `allow_any_authenticated_user: true`, which lets in all who sign in',
    ],
  },
  'keys beside one that is false': {
    text: `routes:\n  - { name: app, ${FROM}, allow_any_authenticated_user: false, allowed_groups: [a] }\n`,
    says: [],
  },
  'an id of a group where only names are known': {
    text: withPolicy('{ allow: { or: [{ groups: [staff, 00g1abcd] }] } }'),
    providers: { okta: { groupSpellings: 'names' } },
    says: [
      '`00g1abcd` is an id of a group, and provider `okta` knows groups by name alone: for its people this never holds; write the name, or give the provider a `directory`',
    ],
  },
  'a name of a group where only ids are known': {
    text: `routes:\n  - { name: app, ${FROM}, allowed_groups: [staff, 00g1abcd] }\n`,
    providers: { okta: { groupSpellings: 'ids' } },
    says: [
      '`staff` is a name of a group, and provider `okta` knows groups by id alone: for its people this never holds; write the id, or give the provider a `directory`',
    ],
  },
  'an id of a group where both are known': {
    text: withPolicy(
      '[{ allow: { or: [{ groups: 00g1 }] } }, { deny: { or: [{ groups: staff }] } }]',
    ),
    providers: { okta: { groupSpellings: 'both' } },
    says: [],
  },
  'an id of a group on a route that the provider does not serve': {
    text: `routes:\n  - { name: app, ${FROM}, provider: partners, policy: { deny: { or: [{ groups: 00g1 }] }, allow: { or: [{ groups: { starts_with: a } }] } } }\n`,
    providers: { okta: { groupSpellings: 'names' }, partners: { groupSpellings: 'both' } },
    says: [],
  },
  'a provider that the config does not have': {
    text: withPolicy('{ allow: { or: [{ provider: [octa, local, partners] }] } }'),
    providers: { okta: {}, partners: {} },
    says: ['the config has no provider `octa`, did you mean `okta`?'],
  },
  'people of the one provider of the route': {
    text: `routes:\n  - { name: app, ${FROM}, provider: okta, allowed_users: [a] }\n`,
    providers: { okta: {}, partners: {} },
    says: [],
  },
}

for (const [name, { text, providers, says }] of Object.entries(CASES)) {
  test(name, async (t) => {
    const { problems } = compilePolicies([{ file: 'p.yaml', text }], {
      readText: () => '',
      providers: providers && new Map(Object.entries(providers)),
      allowHttp: false,
    })
    t.strictSame(
      problems.map(({ message }) => message),
      says,
    )
    t.ok(problems.every(({ severity }) => severity === 'warning'))
  })
}

/** An id where only names are known, in places where it would let somebody in. */
const LETS_IN: Readonly<Record<string, string>> = {
  'under deny': '[{ allow: { or: [{ accept: true }] } }, { deny: { or: [{ groups: 00g1 }] } }]',
  'under deny, in the negative': '{ deny: { not: [{ groups: 00g1 }] } }',
  'under a negative key': '{ allow: { or: [{ groups: { exclude: 00g1 } }] } }',
  'under a negative list': '{ allow: { or: [{ groups: { not_in: [00g1] } }] } }',
  'under `not`': '{ allow: { not: [{ groups: 00g1 }] } }',
  'under `nor`, in a condition': '{ allow: { nor: [{ use: c }] } }',
}

for (const [name, policy] of Object.entries(LETS_IN)) {
  test(`an id of a group where only names are known, ${name}, is an error`, async (t) => {
    const text = `conditions: { c: { or: [{ groups: 00g1 }] }, d: { use: c } }\n${withPolicy(policy)}`
    const { problems } = compilePolicies([{ file: 'p.yaml', text }], {
      readText: () => '',
      providers: new Map([['okta', { groupSpellings: 'names' }]]),
      allowHttp: false,
    })
    const [found, ...others] = problems.filter(({ severity }) => severity === 'error')
    t.match(
      found?.message,
      /^`00g1` is an id of a group.*lets in whom it should keep out; write the name/,
    )
    t.strictSame(others, [])
  })
}
