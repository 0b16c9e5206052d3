/** `gatehouse explain`: stage by stage, for people and for programs. */

import { test } from 'tap'
import { commandsIn, GOOD_FOLDER } from './policy-folder.ts'

test('an allow, stage by stage', async (t) => {
  const gatehouse = commandsIn(t, GOOD_FOLDER)
  const { exitCode, out, err } = await gatehouse(
    'explain',
    '--as',
    'ana',
    'GET',
    'https://APP.example.com:8443//caf%c3%a9?x=1',
  )
  t.same([exitCode, err], [0, ''])
  t.equal(
    out,
    `request    GET https://APP.example.com:8443//caf%c3%a9?x=1
canonical  GET app.example.com /café
           sent upstream as /caf%C3%A9
           the query ?x=1 is sent as written and not judged
route      app  policies/app.yaml:5
           the only one that takes the path, by prefix /
subject    ana: sub 00u1; e-mail ana@example.com; groups staff
rules      true     allow staff  policies/app.yaml:3
           true       or  policies/app.yaml:3
           true         groups: staff  policies/app.yaml:3
           false    deny app[0]  policies/app.yaml:10
           false      and  policies/app.yaml:10
           false        http_path: {starts_with: /admin}  policies/app.yaml:10
           false        not  policies/app.yaml:10
           true           email: ana@example.com  policies/app.yaml:10
outcome    allow: allowed by rule staff  policies/app.yaml:3
`,
  )
})

test('a refusal says what would have to be different', async (t) => {
  const { exitCode, out } = await commandsIn(t, GOOD_FOLDER)(
    'explain',
    '--as',
    'ben',
    'GET',
    'https://app.example.com/',
  )
  t.equal(exitCode, 0)
  t.match(
    out,
    'outcome    deny: no-allow-rule by rule staff  policies/app.yaml:3\n' +
      '           it would be allow with: group staff\n',
  )
})

const PATHS = `routes:
  - { name: rest, from: "https://a.example", to: "http://127.0.0.1:1", allow_any_authenticated_user: true }
  - { name: items, from: "https://a.example", prefix: /v1, to: "http://127.0.0.1:1", allow_any_authenticated_user: true }
  - { name: versions, from: "https://a.example", regex: "/v[0-9]+/.*", to: "http://127.0.0.1:1", policy: { allow: { or: [{ amr: mfa }] } } }
  - { name: wild, from: "https://*.example.org", to: "http://127.0.0.1:1", provider: okta, policy: { deny: { or: [{ accept: true }] } } }
`

test('the route that wins, and those that lose', async (t) => {
  const { out } = await commandsIn(t, { 'policies/a.yaml': PATHS })(
    'explain',
    '--as',
    '{"sub":"00u1"}',
    'GET',
    'https://a.example/v1/x',
  )
  t.match(
    out,
    `route      versions  policies/a.yaml:4
           a regex goes before the others: regex /v[0-9]+/.*
           not rest, by prefix /  policies/a.yaml:2
           not items, by prefix /v1  policies/a.yaml:3
subject    as given: sub 00u1; no verified e-mail; groups none
rules      false    allow versions[0], true after a step-up  policies/a.yaml:4
`,
  )
  t.match(out, 'outcome    step_up: step-up-needed by rule versions[0]')
})

test('somebody of another provider, where nothing would help', async (t) => {
  const { out } = await commandsIn(t, { 'policies/a.yaml': PATHS })(
    'explain',
    '--as',
    '{"provider":"partners","groups":"unavailable"}',
    'GET',
    'https://x.example.org/',
  )
  t.match(out, 'by prefix /, and no route names this host without a wildcard\n')
  t.match(out, 'as given: no verified e-mail; provider partners; groups not known\n')
  t.match(out, 'for this route nobody: it asks for another provider\n')
  t.match(out, 'nothing about the subject or the request would change that\n')
})

const early: Record<string, [url: string, outcome: string]> = {
  'dot segments': [
    'https://app.example.com/a/../b',
    'rejected: MALFORMED_REQUEST, dot segment in the path',
  ],
  'an unknown host': [
    'https://b.example.com/',
    'rejected: UNKNOWN_HOST, no route has the host `b.example.com`',
  ],
  'an endpoint of ours': [
    'https://app.example.com/.gatehouse/user',
    'answered by Gatehouse itself, whoever asks',
  ],
}
for (const [name, [url, outcome]] of Object.entries(early)) {
  test(`what ends before any policy: ${name}`, async (t) => {
    const gatehouse = commandsIn(t, GOOD_FOLDER)
    const { exitCode, out } = await gatehouse('explain', '--as', 'anonymous', 'GET', url)
    t.equal(exitCode, 0)
    t.match(out, `subject    anonymous: nobody has signed in\noutcome    ${outcome}\n`)
    const json = JSON.parse(
      (await gatehouse('explain', '--json', '--as', 'anonymous', 'GET', url)).out,
    )
    t.match(json, { route: null, rules: [], rule: null, outcome: /^(rejected|own_endpoint)$/ })
  })
}

test('JSON has each stage', async (t) => {
  const { exitCode, out } = await commandsIn(t, GOOD_FOLDER)(
    'explain',
    '--json',
    '--as',
    'ben',
    'POST',
    'https://app.example.com/%61dmin?q',
  )
  t.equal(exitCode, 0)
  t.match(JSON.parse(out), {
    request: { method: 'POST', url: 'https://app.example.com/%61dmin?q' },
    canonical: { host: 'app.example.com', path: '/admin', sent: '/admin', query: '?q' },
    subject: { name: 'ben', kind: 'person', sub: '00u2', provider: null, groups: [] },
    route: 'app',
    route_at: 'policies/app.yaml:5',
    why: 'the only one that takes the path, by prefix /',
    others: [],
    rules: [
      {
        name: 'staff',
        effect: 'allow',
        value: 'false',
        body: { text: 'or', items: [{ value: 'false' }] },
      },
      { name: 'app[0]', effect: 'deny', value: 'true', file: 'policies/app.yaml', line: 10 },
    ],
    outcome: 'deny',
    reason: 'denied-by-rule',
    rule: 'app[0]',
    rule_at: 'policies/app.yaml:10',
    missing: [{ kind: 'group', text: 'group staff' }, { kind: 'email' }],
  })
})

const refused: Record<string, [args: string[], message: RegExp]> = {
  'an unknown subject': [
    ['--as', 'anna', 'GET', 'https://app.example.com/'],
    /unknown subject `anna`, did you mean `ana`\?/,
  ],
  'a subject with a misspelt key': [
    ['--as', '{"grups":[]}', 'GET', 'https://app.example.com/'],
    /unknown key `grups`/,
  ],
  'no subject': [['GET', 'https://app.example.com/'], /--as/],
  'no URL': [['--as', 'ana', 'GET'], /url/],
  'a relative URL': [['--as', 'ana', 'GET', '/x'], /METHOD URL/],
  'a config that is not there': [
    ['--config', 'x.yaml', '--as', 'ana', 'GET', 'https://a/'],
    /x\.yaml:1:1: cannot read/,
  ],
}
for (const [name, [args, message]] of Object.entries(refused)) {
  test(`exit code 2: ${name}`, async (t) => {
    const { exitCode, out, err } = await commandsIn(t, GOOD_FOLDER)('explain', ...args)
    t.same([exitCode, out], [2, ''])
    t.match(err, message)
  })
}

test('what is asked cannot move the cursor of the terminal', async (t) => {
  const { out } = await commandsIn(t, GOOD_FOLDER)(
    'explain',
    '--as',
    'ana',
    'GET',
    'https://app.example.com/%C2%9B2J\u001b[2J',
  )
  t.notMatch(out.replaceAll('\n', ''), /\p{Cc}/u)
})

const FOLLOW_UPS = `routes:
  - { name: moved, from: "https://a.example", prefix: /docs, redirect: { host: docs.example, prefix_rewrite: / }, allow_public_unauthenticated_access: true }
  - { name: fixed, from: "https://a.example", path: /robots.txt, response: { status: 404 }, allow_public_unauthenticated_access: true }
  - { name: inner, from: "https://a.example", prefix: /api, to: "http://127.0.0.1:1", prefix_rewrite: /v2, allow_public_unauthenticated_access: true }
  - { name: cut, from: "https://a.example", prefix: /cut, to: "http://127.0.0.1:1", regex_rewrite_pattern: x, regex_rewrite_substitution: "", allow_public_unauthenticated_access: true }
  - { name: trial, from: "https://a.example", prefix: /trial, to: "http://127.0.0.1:1", report_only: true, policy: { deny: { or: [{ accept: true }] } } }
`

const NEXT: Readonly<Record<string, string>> = {
  '/docs/a?b=1': 'redirected to https://docs.example/a?b=1 (302)',
  '/robots.txt': 'answered by the route itself (404)',
  '/api/caf%c3%a9': 'sent upstream as /v2/caf%C3%A9',
  '/cut/.x./a': 'refused with MALFORMED_REQUEST: rewritten: dot segment in the path',
  '/trial': 'let through all the same: the route only reports',
}

for (const [target, next] of Object.entries(NEXT)) {
  test(`what comes next: ${next}`, async (t) => {
    const gatehouse = commandsIn(t, { ...GOOD_FOLDER, 'policies/next.yaml': FOLLOW_UPS })
    const url = `https://a.example${target}`
    const { out } = await gatehouse('explain', '--as', 'anonymous', 'GET', url)
    t.match(out, `\nnext       ${next}\n`)
    t.equal(out.split('sent upstream as').length - 1, next.startsWith('sent') ? 1 : 0)
  })
}
