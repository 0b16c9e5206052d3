/** A decision told: the trace, what is missing, which groups a policy names, and what a step-up asks for. */

import { test } from 'tap'
import type { CompiledPolicy } from '../../src/policy/compiled-policy.ts'
import { decide } from '../../src/policy/decide.ts'
import { isForEveryone, missingFor } from '../../src/policy/explain/missing.ts'
import { type NodeTrace, traceDecision } from '../../src/policy/explain/trace.ts'
import { MissingNowError } from '../../src/policy/language/time-criteria.ts'
import { ANONYMOUS, type Facts, type Subject } from '../../src/policy/model.ts'
import { compileText, loadSubjects, policyFile } from './policy-case.ts'

const subjects = loadSubjects()

function person(name: string): Subject {
  const subject = subjects.get(name)
  if (subject === undefined) throw new Error(`no subject ${name}`)
  return subject
}

function compile(policy: string): CompiledPolicy {
  const { routes, problems } = compileText(policyFile(policy))
  const [route] = routes
  if (route === undefined) throw new Error(JSON.stringify(problems))
  return route.policy
}

const GET: Facts = {
  method: 'GET',
  path: '/',
  sourceIp: '192.0.2.10',
  rawHeaders: [],
  now: Date.parse('2026-03-02T09:00:00Z'),
  clientCertificate: undefined,
}

/** A trace as lines, indented. */
function lines(node: NodeTrace, depth = 0): readonly string[] {
  const because = node.because === undefined ? '' : ` (${node.because})`
  const then = node.afterStepUp === node.value ? '' : ` then ${node.afterStepUp}`
  const line = `${'  '.repeat(depth)}${node.at.line}:${node.at.column} ${node.text} = ${node.value}${because}${then}`
  return [line, ...node.items.flatMap((item) => lines(item, depth + 1))]
}

test('a trace shows every rule, every criterion, its value and its place', async (t) => {
  const policy = compile(
    '{conditions: {staff: {domain: harbor.example}}, policy: [{allow: {and: [{use: staff}, {groups: leads}]}}, {deny: {not: [{acr: "urn:harbor:loa:2"}]}}]}',
  )
  const trace = traceDecision(policy, GET, person('dark'))
  t.equal(trace.decision.outcome, 'unavailable')
  t.equal(trace.judgedTwice, true)
  t.strictSame(
    trace.rules.map(({ name, effect, value, afterStepUp }) => [name, effect, value, afterStepUp]),
    [
      ['app[0]', 'allow', 'unknown', 'unknown'],
      ['app[1]', 'deny', 'true', 'false'],
    ],
  )
  t.strictSame(
    trace.rules.flatMap(({ body }) => lines(body)),
    [
      '5:23 and = unknown',
      '  5:30 use: staff = true',
      '    1:22 domain: harbor.example = true',
      '  5:44 groups: leads = unknown (groups unavailable)',
      '5:71 not = true then false',
      '  5:78 acr: "urn:harbor:loa:2" = false then true',
    ],
  )
})

test('a trace says that nobody is signed in', async (t) => {
  const { rules, judgedTwice } = traceDecision(
    compile('{allow: {nor: [{user: a}]}}'),
    GET,
    ANONYMOUS,
  )
  t.equal(judgedTwice, false)
  t.equal(rules[0]?.body.items[0]?.because, 'sign-in needed')
})

test('a time that is asked for and not given is no answer', async (t) => {
  const timeless = { ...GET, now: undefined }
  const monday = compile('{allow: {or: [{day_of_week: mon}]}}')
  t.throws(() => decide(monday, timeless, ANONYMOUS), MissingNowError)
  t.throws(() => traceDecision(monday, timeless, ANONYMOUS), MissingNowError)
  const fresh = compile('{allow: {or: [{auth_age: {below: 15m}}]}}')
  t.throws(() => decide(fresh, timeless, person('lena')), MissingNowError)
  t.equal(decide(fresh, timeless, person('vex')).outcome, 'step_up')
  const lately = compile('{allow: {or: [{amr: sms}]}}')
  const lena = { ...person('lena'), steppedUpAt: 0 }
  t.throws(() => decide(lately, timeless, lena), MissingNowError)
  // What is not reached is not asked for.
  const either = compile('{allow: {or: [{accept: true}, {day_of_week: mon}]}}')
  const { decision, rules } = traceDecision(either, timeless, ANONYMOUS)
  t.equal(decision.outcome, 'allow')
  t.equal(rules[0]?.body.items[1]?.because, 'no time given')
})

const MISSING: Readonly<
  Record<string, readonly [policy: string, who: string, needs: readonly string[]]>
> = {
  'nothing, who is let in': ['{allow: {or: [{user: 00uVEX}]}}', 'vex', []],
  'nothing would help': ['{allow: {or: [{reject: true}]}}', 'vex', []],
  'a sign-in': ['{allow: {or: [{authenticated_user: true}]}}', 'anonymous', ['a sign-in']],
  'a group': ['{allow: {or: [{groups: leads}]}}', 'vex', ['group leads']],
  'one of several groups': [
    '{allow: {or: [{groups: [leads, tally]}]}}',
    'vex',
    ['group leads or tally'],
  ],
  'those of all groups that are not there': [
    '{allow: {or: [{groups: {has_all: [crane-crew, tally, night]}}]}}',
    'lena',
    ['group tally', 'group night'],
  ],
  'the shorter of two ways': [
    '[{allow: {and: [{groups: leads}, {groups: tally}]}}, {allow: {and: [{groups: night}]}}]',
    'vex',
    ['group night'],
  ],
  'the first of two ways that are as long': [
    '{allow: {or: [{groups: leads}, {groups: tally}]}}',
    'vex',
    ['group leads'],
  ],
  'a way in and a deny out of the way': [
    '[{allow: {or: [{groups: leads}]}}, {deny: {or: [{domain: rival.example}]}}]',
    'vex',
    ['group leads', 'not e-mail domain rival.example'],
  ],
  'a group to leave': ['{allow: {or: [{groups: {exclude: tally}}]}}', 'pia', ['not group tally']],
  'a group under nor and not': [
    '{allow: {nor: [{not: [{groups: leads}]}, {not: [{groups: tally}]}]}}',
    'vex',
    ['group leads'],
  ],
  'no group that would be denied': [
    '[{allow: {or: [{groups: leads}]}}, {allow: {and: [{groups: tally}, {claim/a: b}]}}, {deny: {or: [{groups: leads}]}}]',
    'vex',
    ['group tally', 'claim a: b'],
  ],
  'a person before a request': [
    '{allow: {or: [{http_method: POST}, {and: [{groups: leads}, {claim/department: Docks}]}]}}',
    'vex',
    ['group leads', 'claim department: Docks'],
  ],
  'a request, where no person helps': [
    '{allow: {and: [{http_method: [POST, PUT]}, {http_path: {starts_with: /a/}}]}}',
    'vex',
    ['method POST or PUT', 'path that starts with /a/'],
  ],
  'an address': [
    '{allow: {or: [{source_ip: [10.0.0.0/8, 172.16.0.0/12]}]}}',
    'vex',
    ['source address 10.0.0.0/8 or 172.16.0.0/12'],
  ],
  'not an address': [
    '{allow: {not: [{source_ip: 192.0.2.0/24}]}}',
    'vex',
    ['not source address 192.0.2.0/24'],
  ],
  'a preflight': ['{allow: {or: [{cors_preflight: true}]}}', 'vex', ['a CORS preflight']],
  'a header': ['{allow: {or: [{header/X-Shift: night}]}}', 'vex', ['header X-Shift: night']],
  'a certificate': [
    '{allow: {or: [{client_certificate: {san_dns: {ends_with: .harbor.example}}}]}}',
    'vex',
    ['client certificate with san_dns that ends with .harbor.example'],
  ],
  'an hour': [
    '{allow: {or: [{time_of_day: {timezone: UTC, after: "22:00", before: "6 AM"}}]}}',
    'vex',
    ['a time after 22:00 and before 6 AM (UTC)'],
  ],
  'a day': ['{allow: {or: [{day_of_week: "sat,sun"}]}}', 'vex', ['a Saturday or Sunday (UTC)']],
  'not a day': ['{allow: {not: [{day_of_week: mon}]}}', 'vex', ['not a Monday (UTC)']],
  'a date': ['{allow: {or: [{date: {after: 2031-01-01}}]}}', 'vex', ['a date after 2031-01-01']],
  'a better sign-in': [
    '{allow: {and: [{acr: "urn:harbor:loa:2"}, {amr: mfa}, {auth_age: {below: 5m}}]}}',
    'lena',
    ['sign-in with acr urn:harbor:loa:2', 'sign-in with amr mfa', 'sign-in less than 5m ago'],
  ],
  'an older sign-in': [
    '{allow: {or: [{authenticated_user: true}]}, deny: {or: [{auth_age: {below: 15m}}]}}',
    'lena',
    ['not sign-in less than 15m ago'],
  ],
  nobody: ['{allow: {not: [{authenticated_user: true}]}}', 'vex', ['nobody signed in']],
  'nothing, where only preflights are let in': ['{cors_allow_preflight: true}', 'vex', []],
  'what is no preflight': ['{allow: {not: [{cors_preflight: true}]}}', 'vex', []],
  'the only group': [
    '{allow: {or: [{groups: {is: leads}}]}}',
    'lena',
    ['group leads and no other'],
  ],
}

for (const [name, [policy, who, needs]] of Object.entries(MISSING)) {
  test(`missing: ${name}`, async (t) => {
    t.strictSame(
      missingFor(compile(policy), GET, person(who)).map(({ text }) => text),
      needs,
    )
  })
}

test('needs that name other people are told apart', async (t) => {
  const missing = (policy: string) => missingFor(compile(policy), GET, person('vex'))
  t.notOk(missing('{allowed_users: [lena@harbor.example]}').some(isForEveryone))
  t.notOk(missing('{allow: {or: [{email: lena@harbor.example}]}}').some(isForEveryone))
  t.ok(missing('{allow: {or: [{provider: okta}]}}').every(isForEveryone))
})

test('a policy names the groups that any of its keys speaks of', async (t) => {
  const policy = compile(
    '{allowed_groups: [ops], policy: [{allow: {or: [{groups: {has_any: [a, b], exclude: c}}]}}, {deny: {or: [{groups: {starts_with: team-}}]}}]}',
  )
  const named = ['ops', 'a', 'b', 'c', 'team-x', 'd', 'OPS', 'x-team-'].filter((group) =>
    policy.namesGroup(group),
  )
  t.strictSame(named, ['ops', 'a', 'b', 'c', 'team-x'])
  t.ok(policy.needsGroups)
  t.notOk(compile('{allow: {or: [{claim/groups: a}]}}').needsGroups)
})

test('a step-up asks for what would let somebody in', async (t) => {
  const { stepUp, asksForProof } = compile(
    '[{allow: {or: [{acr: [loa3, loa2]}, {acr: {starts_with: x}}]}}, {allow: {and: [{acr: loa2}, {auth_age: {below: 15m}}]}}, ' +
      '{deny: {or: [{acr: {not: loa4}}, {acr: weak}, {not: [{auth_age: {below: 90s}}]}]}}]',
  )
  t.ok(asksForProof)
  t.strictSame(stepUp, { acrValues: ['loa3', 'loa2', 'loa4'], maxAgeSeconds: 90 })
  t.strictSame(compile('{allow: {or: [{amr: mfa}]}}').stepUp, {
    acrValues: [],
    maxAgeSeconds: undefined,
  })
  t.notOk(compile('{allow: {or: [{user: a}]}}').asksForProof)
})

test('an outage soon after a step-up says that the step-up failed', async (t) => {
  const policy = compile('{allow: {or: [{groups: leads}, {acr: "urn:harbor:loa:2"}]}}')
  const dark = { ...person('dark'), steppedUpAt: Date.parse('2026-03-02T08:59:00Z') }
  const { outcome, reason, rule } = decide(policy, GET, dark)
  t.strictSame([outcome, reason, rule?.name], ['unavailable', 'step-up-failed', 'app[0]'])
})

test('groups that are known in part decide only where that is enough', async (t) => {
  const names = ['leads', 'tally']
  const inPart = {
    ...person('vex'),
    groups: { list: names.map((name) => ({ name })), spellings: new Set(names), complete: false },
  }
  const outcome = (criterion: string): string =>
    decide(compile(`{allow: {or: [{groups: ${criterion}}]}}`), GET, inPart).outcome
  t.equal(outcome('leads'), 'allow')
  t.equal(outcome('{starts_with: tal}'), 'allow')
  t.equal(outcome('{exclude: leads}'), 'deny')
  t.equal(outcome('night'), 'unavailable')
  t.equal(outcome('{ends_with: night}'), 'unavailable')
  t.equal(outcome('{exclude: night}'), 'unavailable')
  t.equal(outcome('{is: leads}'), 'unavailable')
})

test('what is written is told on one line', async (t) => {
  const long = Array.from({ length: 60 }, (_, i) => `group-${i}`)
  const policy = compile(
    `{allow: {or: [{groups: [${long.join(', ')}]}, {"claim/a b": {has: "x: y", not: 3}}, {header/X-A: "true"}]}}`,
  )
  const texts = traceDecision(policy, GET, ANONYMOUS).rules[0]?.body.items.map(({ text }) => text)
  t.match(texts?.[0], /^groups: \[group-0, .*…$/)
  t.strictSame(texts?.slice(1), ['claim/a b: {has: "x: y", not: 3}', 'header/X-A: "true"'])
})
