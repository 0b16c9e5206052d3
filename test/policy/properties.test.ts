/** What holds for every policy, request and person, tried on many that nobody would write by hand. */

import fc from 'fast-check'
import { test } from 'tap'
import type { CompiledPolicy } from '../../src/policy/compiled-policy.ts'
import { decide } from '../../src/policy/decide.ts'
import { missingFor } from '../../src/policy/missing.ts'
import { ANONYMOUS, type Facts, type Groups, type Person } from '../../src/policy/model.ts'
import { type NodeTrace, type TruthName, traceDecision } from '../../src/policy/trace.ts'
import { compileText } from './policy-case.ts'

const NOW = Date.parse('2026-03-02T09:00:00Z')
const NAMES = ['a', 'b', 'c'] as const
const name = fc.constantFrom(...NAMES)

const criterion = fc.oneof(
  fc.constantFrom(
    { accept: true },
    { reject: true },
    { authenticated_user: true },
    { cors_preflight: true },
    { auth_age: { below: '15m' } },
    { day_of_week: 'mon-wed' },
    { time_of_day: { timezone: 'Europe/Berlin', before: '10:30' } },
    { client_certificate: { san_dns: { not: 'a' } } },
  ),
  fc.record({ groups: name }),
  fc.record({ groups: fc.record({ exclude: name }) }),
  fc.record({ groups: fc.record({ is: name }) }),
  fc.record({ groups: fc.record({ has_all: fc.uniqueArray(name, { minLength: 1 }) }) }),
  fc.record({ groups: fc.record({ starts_with: name, not: name }) }),
  fc.record({ user: name }),
  fc.record({ email: fc.record({ not_in: fc.constant(['a@x.example', 'b@x.example']) }) }),
  fc.record({ domain: fc.constantFrom('x.example', 'y.example') }),
  fc.record({ 'claim/team': name }),
  fc.record({ provider: fc.record({ not: name }) }),
  fc.record({ acr: name }),
  fc.record({ acr: fc.record({ not: name }) }),
  fc.record({ amr: fc.record({ has: name, exclude: name }) }),
  fc.record({ http_method: fc.constantFrom('GET', 'POST') }),
  fc.record({ http_path: fc.record({ starts_with: fc.constantFrom('/a', '/b') }) }),
  fc.record({ 'header/X-A': fc.record({ not: name }) }),
  fc.constant({ source_ip: '192.0.2.0/24' }),
)

const { item } = fc.letrec((tie) => ({
  item: fc.oneof({ depthSize: 'small', withCrossShrink: true }, criterion, tie('operator')),
  operator: fc
    .tuple(
      fc.constantFrom('and', 'or', 'not', 'nor'),
      fc.array(tie('item'), { minLength: 1, maxLength: 3 }),
    )
    .map(([operator, items]) => ({ [operator]: items })),
}))
const body = fc
  .tuple(fc.constantFrom('and', 'or', 'not', 'nor'), fc.array(item, { minLength: 1, maxLength: 3 }))
  .map(([operator, items]) => ({ [operator]: items }))
const denyRule = body.map((deny) => ({ deny }))
const rule = fc.oneof(
  body.map((allow) => ({ allow })),
  denyRule,
)
const policy = fc.array(rule, { minLength: 1, maxLength: 4 })

const facts: fc.Arbitrary<Facts> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
  path: fc.constantFrom('/', '/a/x', '/b'),
  sourceIp: fc.constantFrom('192.0.2.7', '198.51.100.1', '2001:db8::1'),
  rawHeaders: fc.constantFrom([], ['x-a', 'a'], ['X-A', 'b', 'Origin', 'o', 'X-A', 'c']),
  now: fc.constantFrom(NOW, NOW + 3 * 86_400_000, NOW + 7_200_000),
  clientCertificate: fc.constantFrom(undefined, {
    fingerprint: '0'.repeat(64),
    sanEmail: [],
    sanDns: ['b'],
  }),
})

function groupsOf(names: readonly string[], complete: boolean): Groups {
  return { list: names.map((group) => ({ name: group })), spellings: new Set(names), complete }
}

const person: fc.Arbitrary<Person> = fc
  .record({
    sub: name,
    provider: fc.option(name, { nil: undefined }),
    email: fc.constantFrom(undefined, 'a@x.example', 'B@Y.example', 'c@y.example'),
    groups: fc.uniqueArray(name),
    complete: fc.boolean(),
    claims: fc.constantFrom({}, { team: 'a' }, { team: ['b', 'c'] }),
    acr: fc.option(name, { nil: undefined }),
    amr: fc.uniqueArray(name),
    authTime: fc.constantFrom(undefined, NOW - 60_000, NOW - 86_400_000),
    steppedUpAt: fc.constantFrom(undefined, undefined, NOW - 60_000),
  })
  .map(({ groups, complete, ...rest }) => ({
    kind: 'person',
    ...rest,
    groups: groupsOf(groups, complete),
  }))

function compile(rules: readonly object[]): CompiledPolicy {
  const routes = [{ name: 'app', from: 'https://app.example', policy: rules }]
  const { routes: compiled, problems } = compileText(JSON.stringify({ routes }))
  const [route] = compiled
  if (route === undefined) throw new Error(JSON.stringify(problems))
  return route.policy
}

test('nobody is let in unless an allow rule holds and no deny rule may', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      for (const subject of [somebody, ANONYMOUS]) {
        const { decision, rules: traced } = traceDecision(compiled, asked, subject)
        if (decision.outcome !== 'allow') continue
        const values = (effect: string): readonly TruthName[] =>
          traced.filter((one) => one.effect === effect).map(({ value }) => value)
        if (!values('allow').includes('true')) return false
        if (values('deny').some((value) => value !== 'false')) return false
      }
      return true
    }),
    { numRuns: 400 },
  )
})

test('one more deny rule never lets anyone in', async () => {
  fc.assert(
    fc.property(policy, denyRule, facts, person, (rules, deny, asked, somebody) => {
      const before = compile(rules)
      const after = compile([...rules, deny])
      return [somebody, ANONYMOUS].every(
        (subject) =>
          decide(after, asked, subject).outcome !== 'allow' ||
          decide(before, asked, subject).outcome === 'allow',
      )
    }),
    { numRuns: 400 },
  )
})

const TRUTHS = ['false', 'true', 'unknown'] as const

test('the traced decision is the hot one, and its values are what the rules say', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      return [somebody, ANONYMOUS].every((subject) => {
        const trace = traceDecision(compiled, asked, subject)
        if (trace.decision !== decide(compiled, asked, subject)) return false
        return compiled.rules.every(({ evaluate }, i) => {
          const traced = trace.rules[i]
          return (
            traced?.value === TRUTHS[evaluate(asked, subject, false)] &&
            traced.afterStepUp === TRUTHS[evaluate(asked, subject, true)] &&
            traced.value === foldKleene(traced.body)
          )
        })
      })
    }),
    { numRuns: 400 },
  )
})

/** Kleene's logic from the definition, by numbers: false 0, unknown 1, true 2. */
function foldKleene(node: NodeTrace): TruthName {
  const number = (name: TruthName): number => ['false', 'unknown', 'true'].indexOf(name)
  const values = node.items.map((child) => number(foldKleene(child)))
  const least = Math.min(...values)
  const most = Math.max(...values)
  const folded = {
    and: least,
    or: most,
    not: 2 - most,
    nor: 2 - least,
  }[node.text]
  if (node.kind !== 'operator' || folded === undefined) return node.value
  return (['false', 'unknown', 'true'] as const)[folded] ?? 'unknown'
}

test('what is certain of nobody is certain of everybody', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      const { outcome } = decide(compiled, asked, ANONYMOUS)
      if (outcome === 'sign_in') return true
      return outcome === decide(compiled, asked, somebody).outcome
    }),
    { numRuns: 600 },
  )
})

test('what is certain without all groups stays so with them', async () => {
  const more = fc.uniqueArray(name)
  fc.assert(
    fc.property(policy, facts, person, more, (rules, asked, somebody, others) => {
      const compiled = compile(rules)
      const known = somebody.groups.list.map((group) => group.name ?? '')
      const before = { ...somebody, groups: groupsOf(known, false) }
      const after = { ...somebody, groups: groupsOf([...new Set([...known, ...others])], true) }
      const { outcome } = decide(compiled, asked, before)
      if (outcome !== 'allow' && outcome !== 'deny') return true
      return decide(compiled, asked, after).outcome === outcome
    }),
    { numRuns: 600 },
  )
})

test('who gets the groups that are missing gets in', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const compiled = compile(rules)
      const needs = missingFor(compiled, asked, somebody)
      const granted = needs.map(({ text }) => /^group ([abc])$/.exec(text)?.[1])
      if (granted.length === 0 || granted.includes(undefined)) return true
      const known = somebody.groups.list.map((group) => group.name ?? '')
      const all = [...new Set([...known, ...granted.map(String)])]
      const member = { ...somebody, groups: groupsOf(all, true) }
      // A key that describes groups may hold for one that another key names.
      const describes = /"(is|starts_with)"/.test(JSON.stringify(rules))
      return describes || decide(compiled, asked, member).outcome === 'allow'
    }),
    { numRuns: 600 },
  )
})
