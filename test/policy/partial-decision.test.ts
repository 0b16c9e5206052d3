/** Decisions where not all is known: they say what holds whatever the rest may be, or that it cannot be told. */

import fc from 'fast-check'
import { test } from 'tap'
import { decide } from '../../src/policy/decide.ts'
import { ANONYMOUS, type Facts, type Person, type Subject } from '../../src/policy/model.ts'
import { createPartialPolicy } from '../../src/policy/review/partial-decision.ts'
import {
  ask,
  factsOfPath,
  SOMEBODY,
  tellByAsking,
  untold,
} from '../../src/policy/review/partial-facts.ts'
import { compile, facts, person, policy } from './any-policy.ts'

function decided(rules: readonly object[], asked: Facts, subject: Subject) {
  return createPartialPolicy(compile(rules), tellByAsking).decide(asked, subject)
}

const allow = (...items: readonly object[]) => ({ allow: { or: items } })
const deny = (...items: readonly object[]) => ({ deny: { or: items } })
const not = (item: object) => ({ not: [item] })

const ANA: Person = {
  kind: 'person',
  sub: 'ana',
  provider: undefined,
  email: 'ana@x.example',
  groups: { list: [{ name: 'a' }], spellings: new Set(['a']), complete: true },
  claims: {},
  acr: undefined,
  amr: [],
  authTime: undefined,
  steppedUpAt: undefined,
}

const cases: Record<
  string,
  { rules: readonly object[]; path?: string; subject: Subject; is: string | undefined }
> = {
  'what is open to all needs no knowledge': {
    rules: [allow({ accept: true })],
    subject: SOMEBODY,
    is: 'allow',
  },
  'a group of somebody cannot be told': {
    rules: [allow({ groups: 'a' })],
    subject: SOMEBODY,
    is: undefined,
  },
  'anybody known to be nobody is told': {
    rules: [allow({ groups: 'a' })],
    subject: ANONYMOUS,
    is: 'sign_in',
  },
  'the method of a request cannot be told': {
    rules: [allow({ http_method: 'GET' })],
    subject: ANA,
    is: undefined,
  },
  'but does not matter beside a group': {
    rules: [allow({ http_method: 'GET' }, { groups: 'a' })],
    subject: ANA,
    is: 'allow',
  },
  'a deny that may hold leaves it open': {
    rules: [allow({ groups: 'a' }), deny({ 'header/X-A': 'b' })],
    subject: ANA,
    is: undefined,
  },
  'a deny of another path does not': {
    rules: [allow({ groups: 'a' }), deny({ http_path: { starts_with: '/admin' } })],
    path: '/d',
    subject: ANA,
    is: 'allow',
  },
  'negation turns the worst into the best': {
    rules: [allow({ groups: 'a' }), deny(not({ 'header/X-A': 'b' }))],
    subject: ANA,
    is: undefined,
  },
  'a preflight by its method': {
    rules: [allow({ cors_preflight: true })],
    subject: ANONYMOUS,
    is: undefined,
  },
  'without the time': { rules: [allow({ day_of_week: 'mon' })], subject: ANA, is: undefined },
  'a better sign-in would do, whatever the header': {
    rules: [allow({ acr: 'high' }), deny({ acr: { not: 'high' } })],
    subject: ANA,
    is: 'step_up',
  },
}
for (const [name, { rules, path, subject, is }] of Object.entries(cases)) {
  test(`partly known: ${name}`, async (t) => {
    t.equal(decided(rules, factsOfPath(path), subject)?.outcome, is)
  })
}

test('a step-up that has just failed leaves open what the groups would say', async (t) => {
  const rules = [allow({ domain: 'x.example' }), deny({ groups: 'b' }), deny(not({ acr: 'high' }))]
  const asked = { ...factsOfPath('/'), now: 60_000 }
  const tried: Person = { ...ANA, steppedUpAt: 0 }
  t.equal(decided(rules, asked, hiding(tried, ['groups'])), undefined)
  t.equal(decided(rules, asked, tried)?.reason, 'step-up-failed')
})

test('reason and rule are named only where they are sure', async (t) => {
  const asked = factsOfPath('/')
  const sure = decided([allow({ groups: 'a' }), allow({ http_method: 'GET' })], asked, ANA)
  t.match(sure, { outcome: 'allow', reason: 'allowed', rule: { name: 'app[0]' } })
  const unsure = decided([allow({ http_method: 'GET' }), allow({ groups: 'a' })], asked, ANA)
  t.match(unsure, { outcome: 'allow', reason: 'allowed', rule: undefined })
  const refused = decided([allow({ groups: 'b' }), deny({ http_method: 'GET' })], asked, ANA)
  t.match(refused, { outcome: 'deny', reason: undefined, rule: undefined })
})

test('a fault of a criterion is no gap in what is known', async (t) => {
  const partial = createPartialPolicy(compile([allow({ groups: 'a' })]), () => () => {
    throw new TypeError('broken')
  })
  t.throws(() => partial.decide(factsOfPath('/'), ANA), { message: 'broken' })
  const criterion = {
    evaluate: () => {
      throw new TypeError('broken')
    },
  }
  t.throws(() => ask(criterion, factsOfPath('/'), ANA, false), { message: 'broken' })
})

/** Hides what `hidden` names of a request or a person. */
function hiding<T extends object>(whole: T, hidden: readonly string[]): T {
  return new Proxy(whole, {
    get: (target, key) =>
      hidden.includes(String(key)) ? untold() : (Reflect.get(target, key) as unknown),
  })
}

const hiddenFacts = fc.subarray(['method', 'path', 'sourceIp', 'rawHeaders', 'clientCertificate'])
const hiddenPerson = fc.subarray(['sub', 'email', 'groups', 'claims', 'acr', 'amr', 'authTime'])

test('what is told holds for everything that is left open', async () => {
  fc.assert(
    fc.property(
      policy,
      facts,
      person,
      hiddenFacts,
      hiddenPerson,
      (rules, asked, somebody, ofFacts, ofPerson) => {
        const compiled = compile(rules)
        const partial = createPartialPolicy(compiled, tellByAsking)
        return [somebody, ANONYMOUS].every((subject) => {
          const told = partial.decide(hiding(asked, ofFacts), hiding(subject, ofPerson))
          const whole = decide(compiled, asked, subject)
          return (
            told === undefined ||
            (told.outcome === whole.outcome &&
              (told.reason === undefined || told.reason === whole.reason) &&
              (told.rule === undefined || told.rule === whole.rule))
          )
        })
      },
    ),
    { numRuns: 2_000 },
  )
})

test('with all known it is the decision', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      const partial = createPartialPolicy(compiled, tellByAsking)
      return [somebody, ANONYMOUS].every(
        (subject) => partial.decide(asked, subject) === decide(compiled, asked, subject),
      )
    }),
    { numRuns: 400 },
  )
})
