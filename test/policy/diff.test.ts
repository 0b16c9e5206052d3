/** Who gains and who loses between two versions of the policies, without a log. */

import fc from 'fast-check'
import { test } from 'tap'
import { isDifferent } from '../../src/policy/review/diff-model.ts'
import { policy } from './any-policy.ts'
import { changeLines, diffOf, PEOPLE, routeLines, versionOf } from './version-of.ts'

const APP = `policies:
  staff: [{ allow: { or: [{ groups: staff }] } }]
routes:
  - name: app
    from: https://app.example.com
    to: http://127.0.0.1:3000
    policy: [{ use: staff }]
`
const TESTS = `suite: app
subjects: [ana]
tests:
  - { name: read, request: GET https://app.example.com/d, allow: [ana] }
`

interface Case {
  readonly after: string
  readonly tests?: string
  readonly changes: readonly string[]
  readonly routes: readonly string[]
}

const WIKI = '  - { name: wiki, from: "https://wiki.example.com", allowed_groups: [ops] }\n'

const cases: Record<string, Case> = {
  'nothing at all': { after: APP, changes: [], routes: [] },
  'layout and comments': {
    after: `# moved\n\n${APP.replace('[{ use: staff }]', '\n      - use: staff')}`,
    changes: [],
    routes: [],
  },
  'a rule by another name': {
    after: APP.replaceAll('staff:', 'people:').replace('use: staff', 'use: people'),
    changes: [],
    routes: [],
  },
  'a route added, which no test asks for': {
    after: APP + WIKI,
    changes: [
      'other anonymous GET https://wiki.example.com/ rejected>sign_in',
      'gains ana GET https://wiki.example.com/ rejected>allow',
      'other ben GET https://wiki.example.com/ rejected>deny',
      'other pia GET https://wiki.example.com/ rejected>deny',
    ],
    routes: ['added wiki +allow wiki.allow'],
  },
  'a route removed': {
    after: 'routes: [{ name: other, from: "https://other.example.com" }]',
    changes: [
      'other anonymous GET https://app.example.com/d sign_in>rejected',
      'loses ana GET https://app.example.com/d allow>rejected',
      'loses ben GET https://app.example.com/d allow>rejected',
      'other pia GET https://app.example.com/d deny>rejected',
      'other anonymous GET https://other.example.com/ rejected>deny',
      'other ana GET https://other.example.com/ rejected>deny',
      'other ben GET https://other.example.com/ rejected>deny',
      'other pia GET https://other.example.com/ rejected>deny',
      'other anonymous GET https://app.example.com/ sign_in>rejected',
      'loses ana GET https://app.example.com/ allow>rejected',
      'loses ben GET https://app.example.com/ allow>rejected',
      'other pia GET https://app.example.com/ deny>rejected',
    ],
    routes: ['added other', 'removed app -allow staff'],
  },
  'an allow widened': {
    after: APP.replace('[{ groups: staff }]', '[{ groups: staff }, { domain: other.example }]'),
    changes: [
      'gains pia GET https://app.example.com/d deny>allow',
      'gains pia GET https://app.example.com/ deny>allow',
    ],
    routes: ['changed app -allow staff +allow staff'],
  },
  'a deny added, for one path': {
    after: APP.replace(
      '[{ use: staff }]',
      '[{ use: staff }, { deny: { and: [{ http_path: { starts_with: /d } }, { not: [{ groups: ops }] }] } }]',
    ),
    changes: ['loses ben GET https://app.example.com/d allow>deny'],
    routes: ['changed app +deny app[0]'],
  },
  'a group renamed': {
    after: APP.replace('groups: staff', 'groups: ops'),
    changes: [
      'loses ben GET https://app.example.com/d allow>deny',
      'loses ben GET https://app.example.com/ allow>deny',
    ],
    routes: ['changed app -allow staff +allow staff'],
  },
  'a group that no test subject has': {
    after: APP.replace('[{ groups: staff }]', '[{ groups: staff }, { groups: new }]'),
    changes: [],
    routes: ['changed app -allow staff +allow staff'],
  },
  'a provider pinned': {
    after: APP.replace('    policy:', '    provider: partners\n    policy:'),
    changes: [
      'loses ana GET https://app.example.com/d allow>sign_in',
      'loses ben GET https://app.example.com/d allow>sign_in',
      'loses ana GET https://app.example.com/ allow>sign_in',
      'loses ben GET https://app.example.com/ allow>sign_in',
    ],
    routes: ['changed app provider any>partners'],
  },
  'a route renamed': {
    after: APP.replace('name: app', 'name: site'),
    changes: [],
    routes: ['changed site name app>site'],
  },
  'a route narrowed to a path': {
    after: APP.replace('    to:', '    prefix: /e\n    to:'),
    changes: [
      'other anonymous GET https://app.example.com/d sign_in>rejected',
      'loses ana GET https://app.example.com/d allow>rejected',
      'loses ben GET https://app.example.com/d allow>rejected',
      'other pia GET https://app.example.com/d deny>rejected',
      'other anonymous GET https://app.example.com/ sign_in>rejected',
      'loses ana GET https://app.example.com/ allow>rejected',
      'loses ben GET https://app.example.com/ allow>rejected',
      'other pia GET https://app.example.com/ deny>rejected',
    ],
    routes: ['changed app address app.example.com>app.example.com/e'],
  },
  'a route that takes a part of another': {
    after: `${APP}  - { name: closed, from: "https://app.example.com", path: /d, allowed_groups: [ops] }\n`,
    changes: ['loses ben GET https://app.example.com/d allow>deny'],
    routes: ['added closed +allow closed.allow'],
  },
  'all let through, only reported': {
    after: APP.replace('    policy:', '    report_only: true\n    policy:'),
    changes: [
      'gains anonymous GET https://app.example.com/d sign_in>allow',
      'gains pia GET https://app.example.com/d deny>allow',
      'gains anonymous GET https://app.example.com/ sign_in>allow',
      'gains pia GET https://app.example.com/ deny>allow',
    ],
    routes: ['changed app report_only false>true'],
  },
  'a step-up asked for': {
    after: APP.replace('[{ groups: staff }]', '[{ and: [{ groups: staff }, { amr: mfa }] }]'),
    changes: [
      'loses ana GET https://app.example.com/d allow>step_up',
      'loses ben GET https://app.example.com/d allow>step_up',
      'loses ana GET https://app.example.com/ allow>step_up',
      'loses ben GET https://app.example.com/ allow>step_up',
    ],
    routes: ['changed app -allow staff +allow staff'],
  },
}
for (const [name, { after, tests = TESTS, changes, routes }] of Object.entries(cases)) {
  test(`from one version to the next: ${name}`, async (t) => {
    const diff = diffOf(versionOf(APP, PEOPLE, TESTS), versionOf(after, PEOPLE, tests))
    t.strictSame(changeLines(diff), changes)
    t.strictSame(routeLines(diff), routes)
    t.equal(isDifferent(diff), changes.length + routes.length > 0)
  })
}

test('a verdict names the rule, its place, the route and the reason', async (t) => {
  const after = APP.replace('groups: staff', 'groups: ops')
  const { changes } = diffOf(versionOf(APP, PEOPLE, TESTS), versionOf(after, PEOPLE, TESTS))
  t.match(changes[0], {
    subject: 'ben',
    source: 'tests',
    count: 1,
    before: { reason: 'allowed', rule: { name: 'staff', at: { line: 2 } }, route: { name: 'app' } },
    after: { reason: 'no-allow-rule', rule: { name: 'staff', at: { line: 2 } } },
  })
})

test('requests of both versions count, and what a test says of them besides', async (t) => {
  const after = APP.replace(
    '[{ use: staff }]',
    '[{ use: staff }, { deny: { or: [{ source_ip: 203.0.113.0/24 }, { header/X-A: b }] } }]',
  )
  const before = versionOf(APP, PEOPLE, TESTS)
  const more = `now: 2026-03-02T09:00:00Z
subjects: [ana]
tests:
  - name: from afar
    request:
      - { url: "https://app.example.com/far", source_ip: 203.0.113.9 }
      - { method: POST, url: "https://app.example.com/far", headers: { X-A: b } }
    allow: []
`
  const lines = (diff: ReturnType<typeof diffOf>) =>
    diff.changes
      .filter(({ subject }) => subject === 'ana')
      .map(({ request, when }) => [request, when])
  const expected = [
    ['GET https://app.example.com/far', 'at 2026-03-02T09:00:00Z, from 203.0.113.9'],
    ['POST https://app.example.com/far', 'at 2026-03-02T09:00:00Z, with X-A: b'],
  ]
  t.strictSame(lines(diffOf(before, versionOf(after, PEOPLE, more))), expected)
  t.strictSame(
    lines(diffOf(versionOf(APP, PEOPLE, more), versionOf(after, PEOPLE, TESTS))),
    expected,
  )
})

test('an outage and a step-up of a test are those of the comparison', async (t) => {
  const suite = `tests:
  - { name: dark, request: GET https://app.example.com/d, directory: unavailable, because: { ana: { outcome: unavailable } } }
`
  const after = APP.replace('[{ groups: staff }]', '[{ groups: staff }, { user: 00u1 }]')
  const diff = diffOf(versionOf(APP, PEOPLE, suite), versionOf(after, PEOPLE, suite))
  t.strictSame(
    diff.changes.filter(({ source }) => source === 'tests').map(({ when }) => when),
    ['directory unavailable'],
  )
  t.match(changeLines(diff)[0], 'gains ana GET https://app.example.com/d unavailable>allow')
})

test('people who differ are judged as they were and as they are', async (t) => {
  const people = PEOPLE.replace('[staff, ops]', '[staff]')
  const after = APP.replace('groups: staff', 'groups: ops')
  const diff = diffOf(versionOf(APP, PEOPLE, TESTS), versionOf(after, people, TESTS))
  t.strictSame(
    changeLines(diff).filter((line) => line.includes('/d')),
    [
      'loses ana GET https://app.example.com/d allow>deny',
      'loses ben GET https://app.example.com/d allow>deny',
    ],
  )
  const widened = APP.replace('[{ groups: staff }]', '[{ groups: staff }, { groups: ops }]')
  const onlyOps = PEOPLE.replace('[staff, ops]', '[ops]')
  const gained = diffOf(versionOf(APP, onlyOps, TESTS), versionOf(widened, PEOPLE, TESTS))
  t.strictSame(
    changeLines(gained).filter((line) => line.includes('/d')),
    ['gains ana (as in main) GET https://app.example.com/d deny>allow'],
  )
})

test('a change of the people alone is no difference', async (t) => {
  const diff = diffOf(
    versionOf(APP, PEOPLE, TESTS),
    versionOf(APP, PEOPLE.replace('ops', 'x'), TESTS),
  )
  t.notOk(isDifferent(diff))
})

test('without a time, what asks for it cannot be told, unless it is the same in both', async (t) => {
  const timed = APP.replace('[{ groups: staff }]', '[{ day_of_week: mon }]')
  const both = diffOf(versionOf(timed, PEOPLE, TESTS), versionOf(timed, PEOPLE, TESTS))
  t.notOk(isDifferent(both))
  const diff = diffOf(versionOf(APP, PEOPLE, TESTS), versionOf(timed, PEOPLE, TESTS))
  t.strictSame(changeLines(diff), [])
  t.match(diff.untold, [{ source: 'tests', route: 'app', asks: ['day_of_week: mon'] }, {}])
  const denied = timed.replace(
    '[{ use: staff }]',
    '[{ use: staff }, { deny: { or: [{ user: 00u1 }] } }]',
  )
  const narrowed = diffOf(versionOf(timed, PEOPLE, TESTS), versionOf(denied, PEOPLE, TESTS))
  t.strictSame(
    narrowed.untold.map(({ source, count }) => [source, count]),
    [
      ['tests', 2],
      ['routes', 2],
    ],
    'anonymous and ana, whom the new rule is about',
  )
})

test('a step-up of a test without a time is no fault', async (t) => {
  const suite = `tests:
  - { name: proved, request: GET https://app.example.com/d, step_up: done, because: { pia: { outcome: deny } } }
`
  const proof = (rule: string) => APP.replace('[{ groups: staff }]', rule)
  const before = proof('[{ and: [{ groups: staff }, { amr: mfa }] }]')
  const after = proof('[{ and: [{ groups: staff }, { amr: otp }] }, { user: 00u3 }]')
  const diff = diffOf(versionOf(before, PEOPLE, suite), versionOf(after, PEOPLE, suite))
  t.match(changeLines(diff)[0], 'gains pia GET https://app.example.com/d deny>allow')
  t.strictSame(diff.untold, [], 'whatever it leads to, it is the same in both')
})

test('a condition behind a name is part of the rule', async (t) => {
  const named = (days: string) => `conditions: { open: { day_of_week: ${days} } }
routes: [{ name: app, from: "https://app.example.com", policy: { allow: { or: [{ use: open }] } } }]`
  const diff = diffOf(versionOf(named('mon')), versionOf(named('tue')))
  t.strictSame(routeLines(diff), ['changed app -allow app[0] +allow app[0]'])
})

const samples: Record<string, { route: string; request: string | undefined }> = {
  'a prefix': { route: 'prefix: /a b', request: 'GET https://x.example.com/a%20b' },
  'an exact path': { route: 'path: /café', request: 'GET https://x.example.com/caf%C3%A9' },
  'a percent sign': { route: 'path: /a%20b', request: 'GET https://x.example.com/a%2520b' },
  'a kept slash': {
    route: 'path: /x%2Fy, encoded_slashes: keep',
    request: 'GET https://x.example.com/x%2Fy',
  },
  'half of a character, which no request has': {
    route: 'path: "/\\ud800"',
    request: undefined,
  },
  'a regex': { route: 'regex: "/v[0-9]+"', request: undefined },
}
for (const [name, { route, request }] of Object.entries(samples)) {
  test(`a route without tests is asked for by a request made up: ${name}`, async (t) => {
    const text = `${APP}  - { name: x, from: "https://x.example.com", ${route}, allow_public_unauthenticated_access: true }\n`
    const diff = diffOf(versionOf(APP, PEOPLE, TESTS), versionOf(text, PEOPLE, TESTS))
    const asked = new Set(diff.changes.map((change) => change.request))
    t.strictSame([...asked], request === undefined ? [] : [request])
  })
}

test('a wildcard is asked for by a label that no other route has', async (t) => {
  const text = `${APP}  - { name: any, from: "https://any.w.example.com" }
  - { name: wild, from: "https://*.w.example.com", allow_public_unauthenticated_access: true }\n`
  const diff = diffOf(versionOf(APP), versionOf(text))
  t.match(changeLines(diff).at(-1), /^gains pia GET https:\/\/any-other\.w\.example\.com\/ /)
})

test('a version compared with itself has no difference', async () => {
  fc.assert(
    fc.property(policy, (rules) => {
      const text = JSON.stringify({
        routes: [{ name: 'app', from: 'https://app.example.com', policy: rules }],
      })
      const diff = diffOf(versionOf(text, PEOPLE, TESTS), versionOf(text, PEOPLE, TESTS))
      return !isDifferent(diff) && diff.untold.length === 0
    }),
    { numRuns: 300 },
  )
})
