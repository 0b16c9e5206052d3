/** Policy tests: what passes, what fails, and what is an error and no test at all. */

import { test } from 'tap'
import { coveragePercent } from '../../src/policy/suite/suite-coverage.ts'
import { runSuite } from './suite-of.ts'

/** A suite of one test; `body` is indented below it. */
function suiteOf(body: string, head = 'subjects: [ana, ben, contractor, anonymous]'): string {
  return `suite: app\n${head}\ntests:\n  - name: one\n${body.replace(/^(?=.)/gm, '    ')}`
}

/** Each check in short: `ana passed allow`. */
function summary(body: string, head?: string): readonly string[] {
  return runSuite(suiteOf(body, head)).checks.map(({ subject, status, outcome, message }) =>
    status === 'error'
      ? `error: ${message}`
      : [subject, status, outcome].filter((part) => part !== undefined).join(' '),
  )
}

const GET = 'request: GET https://grafana.example.com/d/abc\n'

const judged: Record<string, [body: string, checks: string[], head?: string]> = {
  'exactly those who are named are let in': [
    `${GET}allow: [ana, ben]\n`,
    ['ana passed allow', 'ben passed allow', 'contractor passed deny', 'anonymous passed sign_in'],
  ],
  'somebody who is named and refused fails': [
    `${GET}allow: [ana, ben, contractor]\n`,
    ['ana passed allow', 'ben passed allow', 'contractor failed deny', 'anonymous passed sign_in'],
  ],
  'somebody who is let in and not named fails': [
    `${GET}allow: [ana]\n`,
    ['ana passed allow', 'ben failed allow', 'contractor passed deny', 'anonymous passed sign_in'],
  ],
  'nobody gets in': [
    'request: GET https://grafana.example.com/api/admin\nallow: []\n',
    ['ana passed deny', 'ben passed deny', 'contractor passed deny', 'anonymous passed deny'],
  ],
  'an outage is no refusal': [`${GET}allow: []\n`, ['dark failed unavailable'], 'subjects: [dark]'],
  'without a list of subjects everybody tries': [
    `${GET}allow: [ana, ben]\n`,
    [
      'anonymous passed sign_in',
      'ana passed allow',
      'ben passed allow',
      'contractor passed deny',
      'dark failed unavailable',
    ],
    '',
  ],
  'who is let in need not be among the subjects': [
    `${GET}allow: [ana]\n`,
    ['contractor passed deny', 'ana passed allow'],
    'subjects: [contractor]',
  ],
  'each of several requests is tried': [
    'request: [GET https://grafana.example.com/, POST https://grafana.example.com/x]\nallow: [ana]\n',
    ['ana passed allow', 'ana passed allow'],
    'subjects: [ana]',
  ],
  'because checks only whom it names': [
    `${GET}because: { contractor: { outcome: deny, rule: engineering, reason: no-allow-rule } }\n`,
    ['contractor passed deny'],
  ],
  'because with the wrong rule': [
    `${GET}because: { contractor: { outcome: deny, rule: "grafana[0]" } }\n`,
    ['contractor failed deny'],
  ],
  'because with the wrong reason': [
    `${GET}because: { contractor: { reason: denied-by-rule } }\n`,
    ['contractor failed deny'],
  ],
  'because with the wrong outcome': [
    `${GET}because: { anonymous: { outcome: deny } }\n`,
    ['anonymous failed sign_in'],
  ],
  'allow and because are one check': [
    `${GET}allow: [ana, ben]\nbecause: { contractor: { outcome: deny, rule: engineering } }\n`,
    ['ana passed allow', 'ben passed allow', 'contractor passed deny', 'anonymous passed sign_in'],
  ],
  'a request that is to be rejected': [
    'request: GET https://grafana.example.com/d/%2e%2e/api\nrejected: MALFORMED_REQUEST\n',
    ['passed rejected'],
  ],
  'a request that is not rejected': [`${GET}rejected: MALFORMED_REQUEST\n`, ['failed']],
  'a request that is rejected for another reason': [
    'request: GET https://nowhere.example.com/\nrejected: MALFORMED_REQUEST\n',
    ['failed rejected'],
  ],
  'a host without a route, where that is meant': [
    'request: GET https://nowhere.example.com/\nrejected: UNKNOWN_HOST\n',
    ['passed rejected'],
  ],
  'a request that is rejected where it should be judged': [
    'request: GET https://grafana.example.com/a%2fb\nallow: [ana]\n',
    ['ana failed rejected'],
    'subjects: [ana]',
  ],
  'a second Host header': [
    'request: { url: "https://grafana.example.com/", headers: { Host: x.example } }\nrejected: MALFORMED_REQUEST\n',
    ['passed rejected'],
  ],
  'with a client certificate, from an address, with headers': [
    `request:
  url: https://office.example.com/
  source_ip: 203.0.113.9
  headers: { X-Shift: [day, night] }
  client_certificate: { fingerprint: '${'AB:'.repeat(31)}AB', san_dns: [a.example], san_email: [a@b.example] }
allow: [ana]
`,
    ['ana passed allow'],
    'now: 2026-03-02T09:00:00Z\nsubjects: [ana]',
  ],
  'without the directory': [
    `${GET}directory: unavailable\nbecause: { ana: { outcome: unavailable, reason: groups-unavailable } }\n`,
    ['ana passed unavailable'],
  ],
  'before a step-up': [
    'request: GET https://vault.example.com/\nbecause: { ben: { outcome: step_up }, ana: { outcome: allow } }\n',
    ['ben passed step_up', 'ana passed allow'],
  ],
  'after a step-up that gave no more': [
    'request: GET https://vault.example.com/\nstep_up: done\nbecause: { ben: { outcome: deny, reason: step-up-failed } }\n',
    ['ben passed deny'],
    'now: 2026-03-02T09:00:00Z',
  ],
  'a person of another provider is nobody on a route that fixes one': [
    'request: GET https://vault.example.com/\nbecause: { contractor: { outcome: sign_in } }\n',
    ['contractor passed sign_in'],
  ],
  'at the time of the suite': [
    'request: GET https://office.example.com/\nallow: [ana]\n',
    ['ana passed allow'],
    'now: 2026-03-02T09:00:00Z\nsubjects: [ana]',
  ],
  'on a Sunday': [
    'request: GET https://office.example.com/\nallow: []\n',
    ['ana passed deny'],
    'now: 2026-03-01T09:00:00Z\nsubjects: [ana]',
  ],
}
for (const [name, [body, checks, head]] of Object.entries(judged)) {
  test(name, async (t) => {
    t.same(summary(body, head), checks)
  })
}

const errors: Record<string, [body: string, message: RegExp, head?: string]> = {
  'an unknown subject in allow': [`${GET}allow: [anna]\n`, /unknown subject `anna`.*`ana`/],
  'an unknown subject in because': [`${GET}because: { bob: { outcome: deny } }\n`, /`bob`/],
  'an unknown subject of the suite': [
    `${GET}allow: []\n`,
    /unknown subject `eve`/,
    'subjects: [eve]',
  ],
  'a test without any check': [GET, /checks nothing/],
  'an empty because': [`${GET}because: {}\n`, /checks nothing/],
  'a because that says nothing': [`${GET}because: { ana: {} }\n`, /nothing is checked/],
  'no request': ['request: []\nallow: [ana]\n', /checks nothing/],
  'nobody to try it': [`${GET}allow: []\n`, /checks nothing/, 'subjects: []'],
  'no request key': ['allow: [ana]\n', /missing key `request`/],
  'a misspelt key': [`${GET}alow: [ana]\n`, /unknown key `alow`.*`allow`/],
  'a misspelt key in a request': [
    'request: { url: "https://grafana.example.com/", from: 10.0.0.1 }\nallow: []\n',
    /unknown key `from`/,
  ],
  'a misspelt outcome': [`${GET}because: { ana: { outcome: allowed } }\n`, /outcome/],
  'a misspelt reason': [`${GET}because: { ana: { reason: no-allow } }\n`, /reason/],
  'a code that is none': [`${GET}rejected: BAD_REQUEST\n`, /MALFORMED_REQUEST/],
  'rejected beside allow': [`${GET}rejected: NO_ROUTE\nallow: []\n`, /stands alone/],
  'allow and because at odds': [
    `${GET}allow: [ana]\nbecause: { ana: { outcome: deny } }\n`,
    /`ana` gets `deny` here and something else/,
  ],
  'a host without a route': [
    'request: GET https://nowhere.example.com/\nallow: []\n',
    /matches no route.*nowhere\.example\.com/,
  ],
  'an endpoint of ours': [
    'request: GET https://grafana.example.com/.gatehouse/user\nallow: []\n',
    /matches no route.*Gatehouse/,
  ],
  'a URL without a method': ['request: https://grafana.example.com/\nallow: []\n', /METHOD URL/],
  'a relative URL': ['request: GET /d/abc\nallow: []\n', /METHOD URL/],
  'a source that is no address': [
    'request: { url: "https://grafana.example.com/", source_ip: office }\nallow: []\n',
    /`office` is no address/,
  ],
  'the time without now': [
    'request: GET https://office.example.com/\nallow: [ana]\n',
    /asks for the time/,
    'subjects: [ana]',
  ],
  'the time of a step-up without now': [
    'request: GET https://vault.example.com/\nstep_up: done\nbecause: { ben: { outcome: deny } }\n',
    /asks for the time/,
  ],
  'a now that is no moment': [`${GET}allow: []\n`, /`now` must be a moment/, 'now: soon'],
  'a suite with a slash': [`${GET}allow: []\n`, /without a slash/, 'suite: a/b'],
}
for (const [name, [body, message, head]] of Object.entries(errors)) {
  test(`an error: ${name}`, async (t) => {
    const text = suiteOf(body, head)
    const { checks } = runSuite(head?.startsWith('suite') ? text.replace('suite: app\n', '') : text)
    const errors = checks.filter(({ status }) => status === 'error')
    t.ok(errors.length > 0)
    t.match(errors[0], { message, at: { file: 'policies/app_test.yaml', line: Number } })
  })
}

const files: Record<string, [text: string, message: RegExp]> = {
  'an empty file': ['', /tests nothing/],
  'a file without tests': ['suite: app\n', /missing key `tests`/],
  'a file with an empty list': ['suite: app\ntests: []\n', /`tests` must not be empty/],
  'a file that is no YAML': ['suite: [', /./],
  'a duplicate key': ['suite: a\nsuite: b\n', /unique|already/],
}
for (const [name, [text, message]] of Object.entries(files)) {
  test(`an error: ${name}`, async (t) => {
    const [check] = runSuite(text).checks
    t.match(check, { status: 'error', name: undefined, message })
  })
}

test('one bad test does not keep the others from being run', async (t) => {
  const { checks } = runSuite(`${suiteOf(`${GET}allow: [nobody]\n`)}
  - name: two
    ${GET}    because: { ana: { outcome: allow } }
`)
  t.same(
    checks.map(({ name, status }) => `${name} ${status}`),
    ['one error', 'two passed'],
  )
  const misspelt = `suite: app\nsubjects: [ana]\ntests:
  - { name: alow, request: "GET https://grafana.example.com/", alow: [ana] }
  - { name: good, request: "GET https://grafana.example.com/", allow: [ana] }
  - just text
  - { nam: x, request: "GET https://grafana.example.com/", allow: [] }
`
  t.same(
    runSuite(misspelt).checks.map(({ name, status, at }) => `${name} ${status} ${at.line}`),
    ['alow error 4', 'good passed 5', 'test 3 error 6', 'test 4 error 7', 'test 4 error 7'],
  )
})

test('a check tells what it expected, what came, and where it is written', async (t) => {
  const because =
    'because:\n  contractor: { outcome: deny, rule: engineering, reason: no-allow-rule }\n'
  const [check] = runSuite(suiteOf(GET + because)).checks
  t.match(check, {
    suite: 'app',
    name: 'one',
    subject: 'contractor',
    request: 'GET https://grafana.example.com/d/abc',
    expected: 'deny by rule engineering because no-allow-rule',
    outcome: 'deny',
    rule: 'engineering',
    reason: 'no-allow-rule',
    at: { file: 'policies/app_test.yaml', line: 7 },
  })
  const [other] = runSuite(suiteOf(`${GET}allow: []\n`)).checks
  t.equal(other?.expected, 'deny, sign_in or step_up')
})

test('only what failed can be traced', async (t) => {
  const { checks } = runSuite(suiteOf(`${GET}allow: [ana]\n`))
  t.same(
    checks.map(({ subject, judged }) => [subject, judged?.route.name]),
    [
      ['ana', undefined],
      ['ben', 'grafana'],
      ['contractor', undefined],
      ['anonymous', undefined],
    ],
  )
})

test('coverage counts routes that were judged and rules that held or were named', async (t) => {
  const { coverage } = runSuite(suiteOf(`${GET}allow: [ana, ben]\n`))
  t.match(coverage.routes, { hit: 1, total: 3, missed: [{ name: 'office' }, { name: 'vault' }] })
  t.match(coverage.rules, {
    hit: 1,
    total: 4,
    missed: [{ name: 'grafana[0]' }, { name: 'office[0]' }, { name: 'vault[0]' }],
  })
  t.equal(coveragePercent(coverage), 25)
})

test('a rule with allow and deny is one, and reached when both are', async (t) => {
  const missedFrom = (source: string) => {
    const request = `request: { url: "https://office.example.com/", source_ip: ${source} }\n`
    const text = suiteOf(`${request}because: { ana: { rule: "office[0]" } }\n`)
    const { rules } = runSuite(`now: 2026-03-02T09:00:00Z\n${text}`).coverage
    return rules.missed.map(({ name }) => name)
  }
  t.same(missedFrom('192.0.2.1'), ['engineering', 'grafana[0]', 'office[0]', 'vault[0]'])
  t.same(missedFrom('10.0.0.1'), ['engineering', 'grafana[0]', 'vault[0]'])
})

test('a request that is rejected covers nothing', async (t) => {
  const { coverage } = runSuite(
    suiteOf('request: GET https://grafana.example.com/../x\nrejected: MALFORMED_REQUEST\n'),
  )
  t.same([coverage.routes.hit, coverage.rules.hit], [0, 0])
})

test('tests that are not wanted are not run', async (t) => {
  const text = suiteOf(`${GET}allow: [ana, ben]\n`)
  t.equal(runSuite(text, ['app/two']).checks.length, 0)
  t.equal(runSuite(text, ['app/one']).checks.length, 4)
})
