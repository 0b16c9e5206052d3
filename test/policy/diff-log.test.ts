/** A decision log judged by two versions: what a line tells, what it cannot, and lines that are none. */

import fc from 'fast-check'
import { test } from 'tap'
import type { LiveSession } from '../../src/identity/session.ts'
import { decide } from '../../src/policy/decide.ts'
import { ANONYMOUS, type Facts, type Subject } from '../../src/policy/model.ts'
import { compareLog } from '../../src/policy/review/diff-log.ts'
import type { LogCounts, PolicyDiff, Version } from '../../src/policy/review/diff-model.ts'
import { createVersions } from '../../src/policy/review/diff-verdict.ts'
import type { Route } from '../../src/policy/route.ts'
import { formatRecord } from '../../src/proxy/access-log.ts'
import { facts, person, policy } from './any-policy.ts'
import { changeLines, versionOf } from './version-of.ts'

type LogResult = Pick<PolicyDiff, 'changes' | 'moreChanges' | 'untold'> & {
  readonly log: LogCounts
}

function judge(before: string, after: string, lines: readonly (object | string)[]): LogResult {
  return judgeBetween(versionOf(before), versionOf(after), lines)
}

function judgeBetween(base: Version, now: Version, lines: readonly (object | string)[]): LogResult {
  const comparison = compareLog(createVersions(base.table, now.table), base.table)
  for (const line of lines) {
    comparison.add(typeof line === 'string' ? line : JSON.stringify(line))
  }
  return comparison.result()
}

const route = (policy: string, more = '') =>
  `routes: [{ name: app, from: "https://app.example.com", ${more} policy: ${policy} }]`

const STAFF = route('{ allow: { or: [{ groups: staff }] } }')

const BEN = {
  time: '2026-03-02T09:00:00.123Z',
  level: 'info',
  msg: 'request',
  request_id: 'r1',
  route: 'app',
  method: 'GET',
  host: 'app.example.com',
  path: '/d',
  status: 200,
  outcome: 'allow',
  reason: 'allowed',
  rule: 'app[0]',
  subject: '00u2',
  email: 'ben@example.com',
  provider: 'okta',
  groups: ['staff'],
  source_ip: '192.0.2.10',
}
const PIA = { ...BEN, outcome: 'deny', subject: '00u3', email: 'pia@other.example', groups: [] }
const NOBODY = {
  ...BEN,
  outcome: 'sign_in',
  subject: undefined,
  email: undefined,
  groups: undefined,
}

type Came = 'same' | 'cannot tell' | string

const cases: Record<
  string,
  { readonly before?: string; readonly after: string; readonly line: object; readonly is: Came }
> = {
  'a group that the route names, and they have': {
    after: route('{ allow: { or: [{ groups: other }, { groups: staff }] } }'),
    line: BEN,
    is: 'same',
  },
  'a group that the route names, and they have not': {
    after: route('[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ user: 00u3 }] } }]'),
    line: PIA,
    is: 'same',
  },
  'a group that the route did not name': {
    after: route('{ allow: { or: [{ groups: other }] } }'),
    line: BEN,
    is: 'cannot tell',
  },
  'a deny by a group that the route did not name': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ groups: banned }] } }]',
    ),
    line: BEN,
    is: 'cannot tell',
  },
  'a deny by such a group for those who were refused anyway': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ groups: banned }] } }]',
    ),
    line: PIA,
    is: 'same',
  },
  'a domain': {
    after: route('{ allow: { or: [{ groups: staff }, { domain: other.example }] } }'),
    line: PIA,
    is: 'gains deny>allow',
  },
  'the sub': {
    after: route('[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ user: 00u2 }] } }]'),
    line: BEN,
    is: 'loses allow>deny',
  },
  'the provider': {
    after: route('{ allow: { or: [{ groups: staff }] } }', 'provider: partners,'),
    line: BEN,
    is: 'loses allow>sign_in',
  },
  'the address of the client': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ source_ip: 192.0.2.0/24 }] } }]',
    ),
    line: BEN,
    is: 'loses allow>deny',
  },
  'an address that the line lacks': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ source_ip: 192.0.2.0/24 }] } }]',
    ),
    line: { ...BEN, source_ip: undefined },
    is: 'cannot tell',
  },
  'the time': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ day_of_week: mon }] } }]',
    ),
    line: BEN,
    is: 'loses allow>deny',
  },
  'a time that the line lacks': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ day_of_week: mon }] } }]',
    ),
    line: { ...BEN, time: undefined },
    is: 'cannot tell',
  },
  'the path, as it was sent': {
    after: route(
      '[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ http_path: "/é" }] } }]',
    ),
    line: { ...BEN, path: '/%C3%A9' },
    is: 'loses allow>deny',
  },
  'a claim': {
    after: route('{ allow: { or: [{ groups: staff }, { claim/team: Docks }] } }'),
    line: PIA,
    is: 'cannot tell',
  },
  'a claim that both versions ask for': {
    before: route('{ allow: { and: [{ groups: staff }, { claim/team: Docks }] } }'),
    after: route(
      '[{ allow: { and: [{ groups: staff }, { claim/team: Docks }] } }, { deny: { or: [{ user: x }] } }]',
    ),
    line: BEN,
    is: 'same',
  },
  'how the sign-in was done': {
    after: route('{ allow: { and: [{ groups: staff }, { amr: mfa }] } }'),
    line: BEN,
    is: 'cannot tell',
  },
  'a header': {
    after: route('[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ header/X-A: b }] } }]'),
    line: BEN,
    is: 'cannot tell',
  },
  'a certificate': {
    after: route('{ allow: { and: [{ groups: staff }, { client_certificate: { san_dns: x } }] } }'),
    line: BEN,
    is: 'cannot tell',
  },
  'a preflight, by another method': {
    after: route('{ allow: { or: [{ groups: staff }] } }', 'cors_allow_preflight: true,'),
    line: PIA,
    is: 'same',
  },
  'a preflight': {
    after: route('{ allow: { or: [{ groups: staff }] } }', 'cors_allow_preflight: true,'),
    line: { ...PIA, method: 'OPTIONS' },
    is: 'cannot tell',
  },
  'that they are in no other group': {
    after: route('{ allow: { or: [{ groups: { is: staff } }] } }'),
    line: BEN,
    is: 'cannot tell',
  },
  'groups of a kind that the route named': {
    before: route('{ allow: { or: [{ groups: { starts_with: team- } }] } }'),
    after: route(
      '[{ allow: { or: [{ groups: { starts_with: team- } }] } }, { allow: { or: [{ user: 00u9 }] } }]',
    ),
    line: PIA,
    is: 'same',
  },
  'groups of another kind': {
    after: route('{ allow: { or: [{ groups: { starts_with: team- } }] } }'),
    line: PIA,
    is: 'cannot tell',
  },
  'a group of that kind that they have': {
    after: route('{ allow: { or: [{ groups: { starts_with: sta } }] } }'),
    line: BEN,
    is: 'same',
  },
  'groups that are not in the line': {
    after: route('{ allow: { or: [{ groups: staff }, { user: x }] } }'),
    line: { ...PIA, groups: undefined },
    is: 'same',
  },
  'groups that are not in the line, and another question': {
    after: route('{ allow: { nor: [{ groups: staff }] } }'),
    line: { ...PIA, groups: null },
    is: 'cannot tell',
  },
  'groups that the gateway did not know': {
    after: route('{ allow: { nor: [{ groups: staff }] } }'),
    line: { ...PIA, outcome: 'unavailable', reason: 'groups-unavailable' },
    is: 'cannot tell',
  },
  'a route that the base does not have names nothing': {
    after: route('{ allow: { nor: [{ groups: staff }] } }'),
    line: { ...PIA, route: 'gone' },
    is: 'cannot tell',
  },
  'nobody signed in': {
    after: route('[{ allow: { or: [{ groups: other }] } }, { deny: { or: [{ user: x }] } }]'),
    line: NOBODY,
    is: 'same',
  },
  'nobody signed in, and now nobody has to': {
    after: route('{ allow: { or: [{ accept: true }] } }'),
    line: NOBODY,
    is: 'gains sign_in>allow',
  },
  'a request that no route took, and now all may': {
    after: `${STAFF.slice(0, -1)}, { name: open, from: "https://open.example.com", allow_public_unauthenticated_access: true }]`,
    line: { ...NOBODY, host: 'open.example.com', route: undefined, outcome: 'rejected' },
    is: 'gains rejected>allow',
  },
  'a request that no route took, by nobody knows whom': {
    after: `${STAFF.slice(0, -1)}, { name: new, from: "https://new.example.com", allowed_groups: [staff] }]`,
    line: { ...NOBODY, host: 'new.example.com', route: undefined, outcome: 'rejected' },
    is: 'cannot tell',
  },
  'a route that is gone': {
    after: 'routes: [{ name: b, from: "https://b.example.com" }]',
    line: BEN,
    is: 'loses allow>rejected',
  },
  'a route that now only reports': {
    after: route('{ allow: { or: [{ groups: other }] } }', 'report_only: true,'),
    line: PIA,
    is: 'gains deny>allow',
  },
  'what Gatehouse answers itself': {
    after: route('{ allow: { or: [{ accept: true }] } }'),
    line: { ...NOBODY, path: '/.gatehouse/user', outcome: undefined },
    is: 'same',
  },
}
for (const [name, { before = STAFF, after, line, is }] of Object.entries(cases)) {
  test(`a line tells, or does not: ${name}`, async (t) => {
    const { changes, log } = judge(before, after, [line])
    const came: Came =
      log.same === 1
        ? 'same'
        : log.cannotTell === 1
          ? 'cannot tell'
          : changes.map((c) => `${c.kind} ${c.before.outcome}>${c.after.outcome}`).join()
    t.equal(came, is)
    t.equal(log.same + log.cannotTell + log.changed, 1)
    t.equal(log.loggedOtherwise, 0)
  })
}

test('requests of one person that are alike are counted, and the first is shown', async (t) => {
  const after = route('{ allow: { or: [{ groups: staff }, { domain: other.example }] } }')
  const result = judge(STAFF, after, [
    PIA,
    { ...PIA, path: '/e' },
    { ...PIA, email: 'q@other.example' },
  ])
  t.strictSame(changeLines(result), [
    'gains pia@other.example GET https://app.example.com/d deny>allow',
    'gains q@other.example GET https://app.example.com/d deny>allow',
  ])
  t.strictSame(
    result.changes.map(({ count, source }) => [count, source]),
    [
      [2, 'requests'],
      [1, 'requests'],
    ],
  )
})

test('what cannot be told is counted by route, with what it asks for', async (t) => {
  const after = route('{ allow: { or: [{ groups: other }, { claim/team: Docks }] } }')
  const { untold } = judge(STAFF, after, [BEN, PIA, BEN])
  t.strictSame(untold, [
    {
      source: 'requests',
      route: 'app',
      count: 3,
      asks: ['groups: other', 'claim/team: Docks'],
    },
  ])
})

test('lines that are no text are counted with the unreadable ones', async (t) => {
  const base = versionOf(STAFF)
  const comparison = compareLog(createVersions(base.table, base.table), base.table)
  comparison.addUnreadable()
  comparison.add('{}')
  t.equal(comparison.lines(), 2)
  t.match(comparison.result().log, { lines: 2, unreadable: 2, same: 0 })
})

test('a person without an e-mail is shown by the sub', async (t) => {
  const after = route('{ allow: { or: [{ accept: true }] } }')
  const { changes } = judge(STAFF, after, [{ ...PIA, email: undefined }])
  t.equal(changes[0]?.subject, '00u3')
})

test('a log of other policies is noticed', async (t) => {
  const { log } = judge(STAFF, STAFF, [
    { ...BEN, groups: [] },
    BEN,
    { ...PIA, outcome: 'rejected' },
  ])
  t.match(log, { same: 3, loggedOtherwise: 1 })
})

test('no more changes are kept than can be read, the rest are counted', async (t) => {
  const after = route('{ allow: { or: [{ accept: true }] } }')
  const lines = Array.from({ length: 10_050 }, (_, i) => ({ ...PIA, subject: `u${i}` }))
  const { changes, moreChanges, log } = judge(STAFF, after, lines)
  t.strictSame([changes.length, moreChanges, log.changed], [10_000, 50, 10_050])
})

const lines: Record<string, { line: string; is: keyof LogCounts }> = {
  'no JSON': { line: 'GET / 200', is: 'unreadable' },
  'half a line': { line: JSON.stringify(BEN).slice(0, 200), is: 'unreadable' },
  'two objects': { line: `${JSON.stringify(BEN)}${JSON.stringify(BEN)}`, is: 'unreadable' },
  'a list': { line: '[1]', is: 'unreadable' },
  null: { line: 'null', is: 'unreadable' },
  'a number': { line: '1e400', is: 'unreadable' },
  'another message': { line: '{"msg":"listening","level":"info"}', is: 'others' },
  'no message': { line: '{"level":"info"}', is: 'unreadable' },
  'a message that is no text': { line: '{"msg":{"request":1}}', is: 'unreadable' },
  'a method that is no text': { line: JSON.stringify({ ...BEN, method: 1 }), is: 'unreadable' },
  'no method': { line: JSON.stringify({ ...BEN, method: undefined }), is: 'unreadable' },
  'a subject that is no text': { line: JSON.stringify({ ...BEN, subject: {} }), is: 'unreadable' },
  'an e-mail that is a list': { line: JSON.stringify({ ...BEN, email: ['a'] }), is: 'unreadable' },
  'a provider that is a number': {
    line: JSON.stringify({ ...BEN, provider: 7 }),
    is: 'unreadable',
  },
  'groups that are a text': { line: JSON.stringify({ ...BEN, groups: 'staff' }), is: 'unreadable' },
  'groups that are numbers': { line: JSON.stringify({ ...BEN, groups: [1] }), is: 'unreadable' },
  'a route that is a list': { line: JSON.stringify({ ...BEN, route: ['app'] }), is: 'unreadable' },
  'a time that is none': { line: JSON.stringify({ ...BEN, time: 'soon' }), is: 'unreadable' },
  'a time that is a number': { line: JSON.stringify({ ...BEN, time: 1 }), is: 'unreadable' },
  'an address that is none': { line: JSON.stringify({ ...BEN, source_ip: 'x' }), is: 'unreadable' },
  'levels without end': { line: `${'['.repeat(1_000_000)}`, is: 'unreadable' },
  'no host': { line: JSON.stringify({ ...BEN, host: undefined }), is: 'notJudged' },
  'no path': { line: JSON.stringify({ ...BEN, path: null }), is: 'notJudged' },
  'a prototype': {
    line: JSON.stringify(BEN).replace('{', '{"__proto__":{"outcome":"deny"},"constructor":1,'),
    is: 'same',
  },
  'a key twice, the last of which counts': {
    line: JSON.stringify(BEN).replace('}', ',"groups":["staff"]}'),
    is: 'same',
  },
  'a host that is none': { line: JSON.stringify({ ...BEN, host: 'a b' }), is: 'same' },
  'a path that climbs': { line: JSON.stringify({ ...BEN, path: '/a/../b' }), is: 'same' },
  'a method that is none': { line: JSON.stringify({ ...BEN, method: 'get' }), is: 'same' },
  'a route called like a part of an object': {
    line: JSON.stringify({ ...BEN, route: '__proto__' }),
    is: 'same',
  },
  'groups called like one': {
    line: JSON.stringify({ ...PIA, groups: ['constructor', '__proto__'] }),
    is: 'same',
  },
}
const OTHERWISE = route('[{ allow: { or: [{ groups: staff }] } }, { deny: { or: [{ user: x }] } }]')
for (const [name, { line, is }] of Object.entries(lines)) {
  test(`a line with ${name} is ${is}`, async (t) => {
    const { log } = judge(STAFF, OTHERWISE, [line])
    t.strictSame([log.lines, log[is]], [1, 1])
  })
}

test("the gateway's own lines are read", async (t) => {
  const [route] = versionOf(STAFF).table.routes as readonly [Route]
  const ana = { kind: 'person', sub: '00u1', email: 'ana@example.com', groups: { complete: true } }
  const record = {
    time: Date.parse('2026-03-02T09:00:00Z'),
    requestId: 'r1',
    method: 'GET',
    sourceIp: '2001:db8::1',
    host: 'app.example.com',
    path: '/caf%C3%A9',
    route,
    session: { id: 's', subject: ana, record: { provider: 'okta' } } as unknown as LiveSession,
    namedGroups: ['staff'],
    decision: route.policy.allowRules[0]?.decisions.holds,
    wouldBe: undefined,
    status: 200,
    durationMs: 1,
    upstreamMs: 1,
    revision: 'abc',
    detail: undefined,
    storeFailed: false,
  }
  const anonymous = { ...record, session: undefined, decision: undefined, host: undefined }
  const after = STAFF.replace('groups: staff', 'source_ip: 192.0.2.1')
  const { log, changes } = judge(STAFF, after, [formatRecord(record), formatRecord(anonymous)])
  t.match(log, { changed: 1, notJudged: 1, unreadable: 0, loggedOtherwise: 0 })
  t.match(changes, [{ kind: 'loses', subject: 'ana@example.com' }])
})

/** The line that the gateway writes of a request by `subject` on the route `app` with this policy. */
function lineOf({ table }: Version, asked: Facts, subject: Subject): object {
  const [{ policy: before }] = table.routes as readonly [Route]
  const { outcome, reason } = decide(before, asked, subject)
  const base = {
    ...NOBODY,
    time: new Date(asked.now ?? 0).toISOString(),
    method: asked.method,
    path: asked.path,
    source_ip: asked.sourceIp,
    outcome,
    reason,
  }
  if (subject.kind === 'anonymous') return base
  const { sub, email, provider, groups } = subject
  const named = [...groups.spellings].filter((group) => before.namesGroup(group))
  return { ...base, subject: sub, email, provider, groups: groups.complete ? named : undefined }
}

test('what a line tells is what the gateway would decide of the person whom it is about', async () => {
  fc.assert(
    fc.property(policy, policy, facts, person, (before, after, asked, somebody) => {
      const versions = [before, after].map((rules) => versionOf(route(JSON.stringify(rules)), ''))
      const [base, now] = versions as [Version, Version]
      return [{ ...somebody, steppedUpAt: undefined }, ANONYMOUS].every((subject) => {
        const { log, changes } = judgeBetween(base, now, [lineOf(base, asked, subject)])
        if (log.cannotTell === 1) return true
        const outcomes = versions.map(
          ({ table }) => decide((table.routes[0] as Route).policy, asked, subject).outcome,
        )
        if (log.same === 1) return outcomes[0] === outcomes[1]
        const [change] = changes
        return change?.before.outcome === outcomes[0] && change?.after.outcome === outcomes[1]
      })
    }),
    { numRuns: 400 },
  )
})
