import { test } from 'tap'
import {
  type ClaimRules,
  lacksClaims,
  readPerson,
  type UserInfo,
} from '../../src/identity/provider/claims.ts'

const rules: ClaimRules = { groupsClaims: ['groups'], allowUnverifiedEmail: false }
const notAsked: UserInfo = { kind: 'not-asked' }
const failed: UserInfo = { kind: 'failed' }
const answered = (claims: Record<string, unknown>): UserInfo => ({ kind: 'answered', claims })
const names = (list: readonly string[]) => list.map((name) => ({ name }))

const groupValues: Record<string, [value: unknown, list: readonly string[], complete: boolean]> = {
  'a list of texts': [['a', 'b'], ['a', 'b'], true],
  'one text': ['a', ['a'], true],
  'a text with commas is one group': ['a,b', ['a,b'], true],
  'an empty list': [[], [], true],
  'an empty text': ['', [], true],
  'spaces and case stay as they are': [[' A ', 'a'], [' A ', 'a'], true],
  'doubles count once': [['a', 'a'], ['a'], true],
  'null is unknown': [null, [], false],
  'a number is unknown': [7, [], false],
  'true is unknown': [true, [], false],
  'an object is unknown': [{ admins: true }, [], false],
  'a list with a number is unknown': [['admins', 7], [], false],
  'a list of lists is unknown': [[['admins']], [], false],
  'a list of objects is unknown': [[{ name: 'admins' }], [], false],
  'a thousand groups': [list(1_000), list(1_000), true],
  'more than a thousand are unknown': [list(1_001), [], false],
  'ten thousand are unknown': [list(10_000), [], false],
}
for (const [name, [value, expected, complete]] of Object.entries(groupValues)) {
  test(`groups claim: ${name}`, (t) => {
    for (const [idToken, userInfo] of [
      [{ groups: value }, notAsked],
      [{ groups: value }, failed],
      [{}, answered({ groups: value })],
    ] as const) {
      t.same(readPerson(idToken, userInfo, rules).groups, { list: names(expected), complete })
    }
    t.end()
  })
}

test('an absent groups claim is none when nothing is left to ask, and unknown when asking failed', (t) => {
  t.same(readPerson({}, notAsked, rules).groups, { list: [], complete: true })
  t.same(readPerson({}, answered({}), rules).groups, { list: [], complete: true })
  t.same(readPerson({}, failed, rules).groups, { list: [], complete: false })
  t.end()
})

test('groups of several claims are joined, and each may be unknown', (t) => {
  const several = { ...rules, groupsClaims: ['groups', 'https://example.com/roles'] }
  const both = { groups: ['a'], 'https://example.com/roles': ['b', 'a'] }
  t.same(readPerson(both, notAsked, several).groups, { list: names(['a', 'b']), complete: true })
  t.same(
    readPerson({ groups: ['a'] }, answered({ 'https://example.com/roles': 'b' }), several).groups,
    {
      list: names(['a', 'b']),
      complete: true,
    },
  )
  t.same(readPerson({ ...both, groups: 7 }, notAsked, several).groups, {
    list: names(['b', 'a']),
    complete: false,
  })
  t.same(readPerson({ groups: ['a'] }, failed, several).groups, {
    list: names(['a']),
    complete: false,
  })
  const halves = { groups: list(600), 'https://example.com/roles': list(600, 'r') }
  t.same(readPerson(halves, notAsked, several).groups, { list: [], complete: false })
  t.end()
})

const markers: Record<string, [claims: Record<string, unknown>, complete: boolean]> = {
  'the groups stand elsewhere': [{ _claim_names: { groups: 'src1' } }, false],
  'the groups stand elsewhere, and some are here': [
    { _claim_names: { groups: 'src1' }, groups: ['a'] },
    false,
  ],
  'another claim stands elsewhere': [{ _claim_names: { address: 'src1' } }, true],
  'a marker that is no object': [{ _claim_names: 'groups' }, false],
  'a marker that is null': [{ _claim_names: null }, false],
  'hasgroups is true': [{ hasgroups: true }, false],
  'hasgroups is a text': [{ hasgroups: 'true' }, false],
  'hasgroups is false': [{ hasgroups: false }, true],
}
for (const [name, [claims, complete]] of Object.entries(markers)) {
  test(`overage marker: ${name}`, (t) => {
    t.equal(readPerson(claims, notAsked, rules).groups.complete, complete)
    t.equal(readPerson({}, answered(claims), rules).groups.complete, complete)
    t.end()
  })
}

const mail = 'ana@example.com'
const emails: Record<
  string,
  [idToken: Record<string, unknown>, userInfo: UserInfo, known: boolean]
> = {
  verified: [{ email: mail, email_verified: true }, notAsked, true],
  'not verified': [{ email: mail, email_verified: false }, notAsked, false],
  'not said': [{ email: mail }, notAsked, false],
  'the text "true"': [{ email: mail, email_verified: 'true' }, notAsked, false],
  'the text "false"': [{ email: mail, email_verified: 'false' }, notAsked, false],
  'the number 1': [{ email: mail, email_verified: 1 }, notAsked, false],
  'no e-mail': [{ email_verified: true }, notAsked, false],
  'an empty e-mail': [{ email: '', email_verified: true }, notAsked, false],
  'a list of e-mails': [{ email: [mail], email_verified: true }, notAsked, false],
  'an e-mail without end': [
    { email: `${'a'.repeat(320)}@x`, email_verified: true },
    notAsked,
    false,
  ],
  'from UserInfo, verified': [{}, answered({ email: mail, email_verified: true }), true],
  'from UserInfo, not verified': [{}, answered({ email: mail }), false],
  'verified by UserInfo for the same': [
    { email: mail },
    answered({ email: mail, email_verified: true }),
    true,
  ],
  'verified by UserInfo for another': [
    { email: mail },
    answered({ email: 'mallory@example.com', email_verified: true }),
    false,
  ],
  'verified by UserInfo against the ID token': [
    { email: mail, email_verified: false },
    answered({ email: mail, email_verified: true }),
    false,
  ],
  'verified in the ID token, e-mail in UserInfo': [
    { email_verified: true },
    answered({ email: mail }),
    false,
  ],
}
for (const [name, [idToken, userInfo, known]] of Object.entries(emails)) {
  test(`e-mail: ${name}`, (t) => {
    const person = readPerson(idToken, userInfo, rules)
    t.equal(person.email, known ? mail : undefined)
    t.equal(person.claims['email'], known ? mail : undefined, 'nor by its claim')
    t.end()
  })
}

test('the opt-out takes an e-mail as it comes', (t) => {
  const lax = { ...rules, allowUnverifiedEmail: true }
  t.equal(readPerson({ email: mail }, notAsked, lax).email, mail)
  t.equal(readPerson({ email: mail, email_verified: false }, notAsked, lax).email, mail)
  t.equal(readPerson({ email: 7 }, notAsked, lax).email, undefined)
  t.end()
})

test('UserInfo is asked when the ID token says too little', (t) => {
  const full = { email: mail, email_verified: true, name: 'Ana', groups: [] }
  t.equal(lacksClaims(full, rules), false)
  t.equal(lacksClaims({ ...full, email_verified: false }, rules), false)
  for (const name of Object.keys(full)) {
    const less = Object.fromEntries(Object.entries(full).filter(([key]) => key !== name))
    t.equal(lacksClaims(less, rules), true, name)
  }
  t.equal(lacksClaims(full, { ...rules, groupsClaims: ['groups', 'roles'] }), true)
  const { email_verified: _, ...unsaid } = full
  t.equal(lacksClaims(unsaid, { ...rules, allowUnverifiedEmail: true }), false)
  t.end()
})

test('names that objects inherit are no claims', (t) => {
  const odd = { ...rules, groupsClaims: ['constructor', 'toString', '__proto__'] }
  t.same(readPerson({}, notAsked, odd).groups, { list: [], complete: true })
  t.equal(lacksClaims({ email: mail, email_verified: true, name: 'A' }, odd), true)
  const hostile = JSON.parse('{"__proto__": {"groups": ["admins"], "email": "x"}}')
  const person = readPerson(hostile, answered(hostile), rules)
  t.same(person.groups, { list: [], complete: true })
  t.equal(person.email, undefined)
  t.equal(person.name, undefined)
  t.end()
})

test('a name that is no text is none', (t) => {
  t.equal(readPerson({ name: { given: 'Ana' } }, notAsked, rules).name, undefined)
  t.end()
})

function list(length: number, prefix = 'g'): string[] {
  return Array.from({ length }, (_, i) => `${prefix}${i}`)
}

test('an e-mail outside the domains of the provider is not known, nor is its claim', (t) => {
  const within = { ...rules, emailDomains: ['example.com', 'example.org'] }
  const emails: [email: string, isKnown: boolean][] = [
    ['ana@example.com', true],
    ['Ana@EXAMPLE.org', true],
    ['ana@evil.com', false],
    ['ana@sub.example.com', false],
    ['ana@evilexample.com', false],
    ['a@evil@example.com', false],
    ['"a@example.com"@evil.com', false],
    ['ana@example.com.', false],
    ['ana@example.com ', false],
    ['ana@exаmple.com', false],
    ['ana', false],
  ]
  for (const [email, isKnown] of emails) {
    const person = readPerson({ email, email_verified: true, groups: [] }, notAsked, within)
    t.equal(person.email, isKnown ? email : undefined, email)
    t.equal(person.claims['email'], isKnown ? email : undefined)
  }
  const unverified = { ...within, allowUnverifiedEmail: true }
  t.equal(readPerson({ email: 'ana@evil.com' }, notAsked, unverified).email, undefined)
  t.end()
})
