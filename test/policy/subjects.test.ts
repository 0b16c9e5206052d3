/** People of tests: what the file says, and what the decision then knows of them. */

import { test } from 'tap'
import { readInlineSubject, readSubjects, subjectOnRoute } from '../../src/policy/suite/subjects.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

function read(text: string) {
  return readSubjects(readYaml('subjects.yaml', text))
}

function person(text: string) {
  return read(`subjects:\n  ana: ${text}\n`).subjects.get('ana')
}

test('anonymous is always there', async (t) => {
  t.same([...read('').subjects], [['anonymous', { kind: 'anonymous' }]])
})

test('a person in full', async (t) => {
  const ana =
    person(`{ sub: 00u1, email: ana@example.com, provider: okta, acr: high, amr: [pwd, mfa],
    groups: [staff, { id: 00g7, name: ops }, { id: 00g8 }], auth_time: 2026-03-02T08:30:00Z,
    claims: { department: Platform } }`)
  t.same(ana, {
    kind: 'person',
    sub: '00u1',
    provider: 'okta',
    email: 'ana@example.com',
    groups: {
      list: [{ name: 'staff' }, { id: '00g7', name: 'ops' }, { id: '00g8' }],
      spellings: new Set(['staff', '00g7', 'ops', '00g8']),
      complete: true,
    },
    claims: {
      sub: '00u1',
      email: 'ana@example.com',
      email_verified: true,
      acr: 'high',
      amr: ['pwd', 'mfa'],
      auth_time: 1_772_440_200,
      department: 'Platform',
    },
    acr: 'high',
    amr: ['pwd', 'mfa'],
    authTime: 1_772_440_200_000,
    steppedUpAt: undefined,
  })
})

test('a person of whom nothing is said has no groups, and that is known', async (t) => {
  t.match(person('{}'), {
    kind: 'person',
    sub: '',
    groups: { list: [], complete: true },
    claims: {},
  })
})

test('an e-mail that is not verified is no e-mail', async (t) => {
  const ana = person('{ email: ana@example.com, email_verified: false }')
  t.match(ana, { email: undefined, claims: { email: 'ana@example.com', email_verified: false } })
})

test('groups that are unavailable are not known to be absent', async (t) => {
  const unknown = { groups: { list: [], spellings: new Set(), complete: false } }
  t.match(person('{ groups: unavailable }'), unknown)
  const groups = (count: number) => person(`{ groups: [${'g,'.repeat(count)}] }`)
  t.match(groups(1_001), unknown)
  t.match(groups(1_000), { groups: { complete: true } })
})

const wrong: Record<string, [text: string, line: number, message: RegExp]> = {
  'a misspelt key': ['subjects:\n  ana: { mail: a@b.c }', 2, /unknown key `mail`.*`email`/],
  'groups that are one text': ['subjects:\n  ana: { groups: staff }', 2, /groups/],
  'a group without id and name': ['subjects:\n  ana: { groups: [{}] }', 2, /./],
  'email_verified as text': ['subjects:\n  ana: { email_verified: "yes" }', 2, /email_verified/],
  'an auth_time that is none': ['subjects:\n  ana:\n    auth_time: noon', 3, /`auth_time`/],
  anonymous: ['subjects:\n  anonymous: {}', 2, /built in/],
  'a person who is a text': ['subjects:\n  ana: ana@example.com', 2, /mapping/],
  'a person twice': ['subjects:\n  ana: {}\n  ana: {}', 3, /unique|already/],
  'another section': ['people:\n  ana: {}', 1, /./],
}
for (const [name, [text, line, message]] of Object.entries(wrong)) {
  test(`an error: ${name}`, async (t) => {
    const { problems } = read(text)
    t.match(problems[0], { severity: 'error', file: 'subjects.yaml', line, message })
  })
}

test('a person may be written inline as JSON', async (t) => {
  const { subject, problems } = readInlineSubject(readYaml('--as', '{"groups":["staff"]}'))
  t.same(problems, [])
  t.match(subject, { kind: 'person', groups: { list: [{ name: 'staff' }] } })
})

for (const text of ['{"grups":[]}', '[]', '', '{"groups":']) {
  test(`an error: inline ${text || 'nothing'}`, async (t) => {
    const { subject, problems } = readInlineSubject(readYaml('--as', text))
    t.equal(subject, undefined)
    t.ok(problems.length > 0)
  })
}

test('on a route that fixes a provider, people of another are nobody', async (t) => {
  const okta = { provider: 'okta', bearer: undefined }
  const { subjects } = read('subjects: { a: { provider: okta }, b: { provider: x }, c: {} }')
  const seen = ['a', 'b', 'c', 'anonymous'].map((name) => {
    const subject = subjects.get(name)
    return subject && subjectOnRoute(subject, okta).kind
  })
  t.same(seen, ['person', 'anonymous', 'person', 'anonymous'])
})

test('where access tokens of another provider are admitted, its people are somebody', async (t) => {
  const at = { file: 'p.yaml', line: 1, column: 1 }
  const bearer = { provider: 'x', audiences: ['api'], forward: false, at }
  const { subjects } = read(
    'subjects: { a: { provider: okta }, b: { provider: x }, c: { provider: y } }',
  )
  const seen = ['a', 'b', 'c'].map((name) => {
    const subject = subjects.get(name)
    return subject && subjectOnRoute(subject, { provider: 'okta', bearer }).kind
  })
  t.same(seen, ['person', 'person', 'anonymous'])
})
