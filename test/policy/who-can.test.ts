/** Reviews of access: rules as ways in, and what one subject may open. */

import fc from 'fast-check'
import { test } from 'tap'
import { decide } from '../../src/policy/decide.ts'
import { ANONYMOUS, type Subject } from '../../src/policy/model.ts'
import { whatCan, whoCan } from '../../src/policy/review/who-can.ts'
import type { Route } from '../../src/policy/route.ts'
import { facts, person, policy } from './any-policy.ts'
import { PEOPLE, versionOf } from './version-of.ts'

const version = (policy: string, more = '') =>
  versionOf(
    `conditions: { office: { day_of_week: mon } }
routes: [{ name: app, from: "https://app.example.com", ${more} policy: ${policy} }]`,
    PEOPLE,
  )

function routeOf(policy: string, more = ''): Route {
  const [route] = version(policy, more).table.routes
  if (route === undefined) throw new Error('no route')
  return route
}

/** `allow WHO: WHAT, WHEN by RULE`, one line for each row. */
function rowsOf(policy: string, path?: string, more = ''): readonly string[] {
  return whoCan(routeOf(policy, more), path).map(
    ({ effect, who, what, when, rule }) =>
      `${effect} ${who}: ${[what, when].filter((text) => text !== '').join(', ')}${rule === undefined ? '' : ` by ${rule.name}`}`,
  )
}

const cases: Record<
  string,
  { policy: string; path?: string; more?: string; rows: readonly string[] }
> = {
  'groups, domains, people and claims': {
    policy:
      '{ allow: { or: [{ groups: [ops, leads] }, { domain: example.com }, { email: a@b.example }, { user: 00u1 }, { claim/team: Docks }] } }',
    rows: [
      'allow group ops or leads: everything by app[0]',
      'allow e-mail domain example.com: everything by app[0]',
      'allow e-mail a@b.example: everything by app[0]',
      'allow user 00u1: everything by app[0]',
      'allow claim team: Docks: everything by app[0]',
    ],
  },
  everyone: {
    policy: '{ allow: { or: [{ accept: true }, { groups: ops }] } }',
    rows: ['allow everyone, without signing in: everything by app[0]'],
  },
  'anyone signed in': {
    policy: '{ allow: { or: [{ authenticated_user: true }] } }',
    rows: ['allow anyone signed in: everything by app[0]'],
  },
  'anyone but some': {
    policy: '{ allow: { not: [{ groups: guests }] } }',
    rows: ['allow anyone signed in, not group guests: everything by app[0]'],
  },
  nobody: {
    policy: '{ allow: { or: [{ reject: true }] } }',
    rows: ['allow nobody: everything'],
  },
  'only denies': {
    policy: '{ deny: { or: [{ groups: guests }] } }',
    rows: ['allow nobody: everything', 'deny group guests: everything by app[0]'],
  },
  'shut for all': {
    policy: '[{ allow: { or: [{ groups: ops }] } }, { deny: { or: [{ accept: true }] } }]',
    rows: ['allow nobody: everything', 'deny everyone: everything by app[1]'],
  },
  'methods and paths': {
    policy:
      '{ allow: { or: [{ and: [{ groups: ops }, { http_method: [GET, HEAD] }, { http_path: { starts_with: /a/ } }] }, { and: [{ groups: leads }, { or: [{ http_method: POST }, { source_ip: 10.0.0.0/8 }] }] }] } }',
    rows: [
      'allow group ops: method GET or HEAD and path that starts with /a/ by app[0]',
      'allow group leads: method POST by app[0]',
      'allow group leads: source address 10.0.0.0/8 by app[0]',
    ],
  },
  'times, certificates, and how the sign-in was done': {
    policy:
      '{ allow: { and: [{ use: office }, { amr: mfa }, { client_certificate: { san_dns: x.example } }] } }',
    rows: [
      'allow anyone signed in: everything, a Monday (UTC) and sign-in with amr mfa and client certificate with san_dns x.example by app[0]',
    ],
  },
  'a deny rule is an exception': {
    policy:
      '[{ allow: { or: [{ groups: ops }] } }, { deny: { and: [{ http_path: { starts_with: /admin/ } }, { not: [{ groups: admins }] }] } }]',
    rows: [
      'allow group ops: everything by app[0]',
      'deny anyone signed in, not group admins: path that starts with /admin/ by app[1]',
    ],
  },
  'a deny rule about the request alone': {
    policy: '[{ allow: { or: [{ groups: ops }] } }, { deny: { or: [{ http_method: DELETE }] } }]',
    rows: ['allow group ops: everything by app[0]', 'deny everyone: method DELETE by app[1]'],
  },
  'nor is either of them': {
    policy: '{ allow: { nor: [{ groups: a }, { groups: b }] } }',
    rows: [
      'allow anyone signed in, not group a: everything by app[0]',
      'allow anyone signed in, not group b: everything by app[0]',
    ],
  },
  'several keys of a matcher': {
    policy: '{ allow: { or: [{ groups: { has: a, exclude: b } }] } }',
    rows: ['allow group a, not group b: everything by app[0]'],
  },
  'what contradicts itself is no way in': {
    policy:
      '{ allow: { or: [{ and: [{ groups: a }, { not: [{ groups: a }] }] }, { groups: b }] } }',
    rows: ['allow group b: everything by app[0]'],
  },
  'nobody can show not to have signed in': {
    policy: '{ allow: { or: [{ not: [{ authenticated_user: true }] }, { groups: b }] } }',
    rows: ['allow group b: everything by app[0]'],
  },
  'a provider that the route fixes': {
    policy: '{ allow: { or: [{ groups: a }, { accept: true }] } }',
    more: 'provider: okta,',
    rows: ['allow everyone, without signing in: everything by app[0]'],
  },
  'a provider that the route fixes, for those who sign in': {
    policy: '{ allow: { or: [{ groups: a }] } }',
    more: 'provider: okta,',
    rows: ['allow group a, with provider okta: everything by app[0]'],
  },
  'a path that is asked for': {
    policy:
      '[{ allow: { or: [{ and: [{ groups: ops }, { http_path: { starts_with: /a/ } }] }, { and: [{ groups: leads }, { http_path: /b }] }] } }, { deny: { or: [{ http_path: /c }] } }]',
    path: '/a/x',
    rows: ['allow group ops: everything by app[0]'],
  },
  'a path that is shut': {
    policy: '[{ allow: { or: [{ groups: ops }] } }, { deny: { or: [{ http_path: /c }] } }]',
    path: '/c',
    rows: ['allow nobody: everything', 'deny everyone: everything by app[1]'],
  },
  'a route that only reports': {
    policy: '{ allow: { or: [{ groups: ops }] } }',
    more: 'report_only: true,',
    rows: [
      'allow everyone, without signing in: everything, report_only: what the rules say is only logged',
      'allow group ops: everything by app[0]',
    ],
  },
}
for (const [name, { policy: rules, path, more, rows }] of Object.entries(cases)) {
  test(`who can: ${name}`, async (t) => {
    t.strictSame(rowsOf(rules, path, more), rows)
  })
}

test('a route without a policy lets nobody in', async (t) => {
  const { table } = versionOf('routes: [{ name: app, from: "https://app.example.com" }]')
  t.match(whoCan(table.routes[0] as Route, undefined), [{ who: 'nobody', rule: undefined }])
})

test('a rule with too many ways is shown as it is written', async (t) => {
  const pair = (i: number) => `{ or: [{ groups: a${i} }, { groups: b${i} }] }`
  const items = Array.from({ length: 20 }, (_, i) => pair(i)).join(', ')
  const [row] = whoCan(routeOf(`{ allow: { and: [${items}] } }`), undefined)
  t.match(row?.who, /^as the rule says: allow app\[0\]: \{and: \[\{or: \[\{groups: a0\}/)
})

const opens: Record<
  string,
  { policy: string; as: string; path?: string; more?: string; is: string }
> = {
  'a member': { policy: '{ allow: { or: [{ groups: ops }] } }', as: 'ana', is: 'allow' },
  'no member': { policy: '{ allow: { or: [{ groups: ops }] } }', as: 'ben', is: 'deny' },
  nobody: { policy: '{ allow: { or: [{ groups: ops }] } }', as: 'anonymous', is: 'sign_in' },
  'another provider': {
    policy: '{ allow: { or: [{ groups: ops }] } }',
    more: 'provider: partners,',
    as: 'ana',
    is: 'sign_in',
  },
  'a better sign-in': {
    policy: '{ allow: { and: [{ groups: ops }, { amr: mfa }] } }',
    as: 'ana',
    is: 'step_up',
  },
  'some of it': {
    policy:
      '[{ allow: { and: [{ groups: ops }, { http_method: GET }] } }, { deny: { or: [{ http_path: /x }, { groups: no }] } }]',
    as: 'ana',
    is: 'depends may method GET except path /x',
  },
  'some of it, at a path': {
    policy:
      '[{ allow: { and: [{ groups: ops }, { http_method: GET }] } }, { deny: { or: [{ http_path: /x }] } }]',
    path: '/y',
    as: 'ana',
    is: 'depends may method GET',
  },
  'all but some of it': {
    policy: '[{ allow: { or: [{ groups: ops }] } }, { deny: { or: [{ http_path: /x }] } }]',
    as: 'ana',
    is: 'depends may everything except path /x',
  },
  'a route that only reports': {
    policy: '{ allow: { or: [{ groups: none }] } }',
    more: 'report_only: true,',
    as: 'ben',
    is: 'allow',
  },
}
for (const [name, { policy: rules, as, path, more, is }] of Object.entries(opens)) {
  test(`what one may open: ${name}`, async (t) => {
    const { subjects } = version(rules, more)
    const subject = subjects.get(as) as Subject
    const { outcome, may, except } = whatCan(routeOf(rules, more), subject, path)
    const ways = [
      outcome,
      ...may.map(({ text }) => `may ${text}`),
      ...except.map(({ text }) => `except ${text}`),
    ]
    t.equal(ways.join(' '), is)
  })
}

test('what one may open is what the gateway decides, whatever is asked', async () => {
  fc.assert(
    fc.property(policy, facts, person, (rules, asked, somebody) => {
      const route = routeOf(JSON.stringify(rules))
      return [{ ...somebody, steppedUpAt: undefined }, ANONYMOUS].every((subject) => {
        const decided = decide(route.policy, asked, subject).outcome
        const { outcome } = whatCan(route, subject, asked.path)
        return outcome === 'depends' || outcome === decided
      })
    }),
    { numRuns: 400 },
  )
})
