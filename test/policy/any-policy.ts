/** Policies, requests and people that nobody would write by hand, for properties. */

import fc from 'fast-check'
import type { CompiledPolicy } from '../../src/policy/compiled-policy.ts'
import type { Facts, Groups, Person } from '../../src/policy/model.ts'
import { compileText } from './policy-case.ts'

export const NOW = Date.parse('2026-03-02T09:00:00Z')
const NAMES = ['a', 'b', 'c'] as const
export const name = fc.constantFrom(...NAMES)

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
export const denyRule = body.map((deny) => ({ deny }))
const rule = fc.oneof(
  body.map((allow) => ({ allow })),
  denyRule,
)
export const policy = fc.array(rule, { minLength: 1, maxLength: 4 })

export const facts: fc.Arbitrary<Facts> = fc.record({
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

export function groupsOf(names: readonly string[], complete: boolean): Groups {
  return { list: names.map((group) => ({ name: group })), spellings: new Set(names), complete }
}

export const person: fc.Arbitrary<Person> = fc
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

/** The policy of a route that has these rules. */
export function compile(rules: readonly object[]): CompiledPolicy {
  const routes = [{ name: 'app', from: 'https://app.example', policy: rules }]
  const { routes: compiled, problems } = compileText(JSON.stringify({ routes }))
  const [route] = compiled
  if (route === undefined) throw new Error(JSON.stringify(problems))
  return route.policy
}
