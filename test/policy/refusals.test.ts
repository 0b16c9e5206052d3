/** What `check` says of policy files that are wrong: each mistake once, at its place, with what to write instead. */

import { test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import { formatProblem } from '../../src/support/problem.ts'

const APP = 'routes:\n  - name: app\n    from: https://app.example\n'

interface Refusal {
  /** What is appended to the route, or whole files. */
  readonly route?: string
  readonly files?: readonly string[]
  readonly providers?: readonly string[]
  readonly says: readonly string[]
}

/** Items of one `or` of the route's policy, each in a line of its own, from line 7 on. */
function items(...lines: readonly string[]): string {
  return `    policy:\n      - allow:\n          or:\n${lines.map((line) => `            - ${line}\n`).join('')}`
}

const routeRefusals: Readonly<Record<string, Refusal>> = {
  'a misspelt key': {
    route: '    prefx: /x\n',
    says: ['p.yaml:4:5: unknown key `prefx`, did you mean `prefix`?'],
  },
  'a key that only Pomerium has': {
    route: '    allow_spdy: true\n',
    says: [
      "p.yaml:4:5: Gatehouse does not have Pomerium's `allow_spdy`: only WebSocket upgrades pass: `allow_websockets`",
    ],
  },
  'a key without a value': {
    route: '    timeout:\n',
    says: ['p.yaml:4:5: `timeout` has no value; write one, or leave the key out'],
  },
  'two kinds of path': {
    route: '    prefix: /x\n    path: /x\n',
    says: ['p.yaml:5:5: a route has one of `prefix`, `path` and `regex`; drop `path` or `prefix`'],
  },
  'a path that does not begin with a slash': {
    route: '    path: x\n',
    says: ['p.yaml:4:11: `path` begins with a slash: `/x`'],
  },
  'a path with a segment that no request has': {
    route: '    path: /a/../b\n',
    says: [
      'p.yaml:4:11: `path` is never met: paths are read without `//`, `/./` and `/../`; leave them out',
    ],
  },
  'a prefix with an empty segment': {
    route: '    prefix: /a//b\n',
    says: [
      'p.yaml:4:13: `prefix` is never met: paths are read without `//`, `/./` and `/../`; leave them out',
    ],
  },
  'a path of our own': {
    route: '    prefix: /.gatehouse/x\n',
    says: [
      'p.yaml:4:13: what is below `/.gatehouse/` is answered by Gatehouse; no route can take it',
    ],
  },
  'a regex that looks ahead': {
    route: '    regex: ^/(?!private)\n',
    says: [
      'p.yaml:4:12: not an RE2 pattern: invalid or unsupported Perl syntax: `(?!`; RE2 has no look-around and no back-references',
    ],
  },
  'a regex beyond measure': {
    route: `    regex: ${'a'.repeat(2001)}\n`,
    says: ['p.yaml:4:12: the pattern is longer than 2000 characters'],
  },
  'values of the wrong type': {
    route:
      '    description: 5\n    allow_websockets: "yes"\n    timeout: 30\n    encoded_slashes: decode\n',
    says: [
      'p.yaml:4:18: `description` takes a text; put it in quotes',
      'p.yaml:5:23: `allow_websockets` takes `true` or `false`',
      'p.yaml:6:14: `timeout` takes a duration such as `30s`, `15m` or `0s`',
      'p.yaml:7:22: `encoded_slashes` takes `reject` or `keep`',
    ],
  },
  'a duration that no timer takes': {
    route: '    idle_timeout: 25d\n',
    says: ['p.yaml:4:19: `idle_timeout` is at most `24d`'],
  },
  'an empty text': {
    route: '    description: ""\n',
    says: ['p.yaml:4:18: `description` is empty'],
  },
  'a list as a text': {
    route: '    description: []\n',
    says: ['p.yaml:4:18: `description` takes a text'],
  },
  'upstreams with different paths': {
    route: '    to: [http://a.internal/x, http://b.internal/y]\n',
    says: [
      'p.yaml:4:9: the URLs of `to` have different paths; whichever is taken, the path is one',
    ],
  },
  'one upstream twice': {
    route: '    to: [http://a.internal, http://a.internal:80]\n',
    says: ['p.yaml:4:29: `to` names http://a.internal twice; write a `weight`'],
  },
  'an upstream with a weight that is none': {
    route: '    to: [{ url: http://a.internal, weight: 0 }, { weight: 2 }, { uri: x }]\n',
    says: [
      'p.yaml:4:44: `weight` takes a number from 1 to 1000000',
      'p.yaml:4:49: `to` takes `{ url, weight }`; write the `url`',
      'p.yaml:4:66: `to` has no key `uri`, did you mean `url`?',
    ],
  },
  'a way of sharing that is not had': {
    route: '    to: http://a.internal\n    load_balancing_policy: MAGLEV\n',
    says: ['p.yaml:5:28: `load_balancing_policy` takes `ROUND_ROBIN` or `LEAST_REQUEST`'],
  },
  'a health check without a path': {
    route: '    to: http://a.internal\n    health_check: { interval: 1s }\n',
    says: ['p.yaml:5:19: `health_check` needs a `path`, as in `/healthz`'],
  },
  'a health check that never ends or never rests': {
    route: '    to: http://a.internal\n    health_check: { path: /x, timeout: 0s }\n',
    says: ['p.yaml:5:40: `timeout` is not `0s`: a check has to end'],
  },
  'a health check at every moment': {
    route:
      '    to: http://a.internal\n    health_check: { path: /x, interval: 1ms, unhealthy: 0 }\n',
    says: ['p.yaml:5:57: `unhealthy` takes a number from 1 to 100'],
  },
  'a health check of a path that cannot be sent': {
    route: '    to: http://a.internal\n    health_check: { path: /caf\u00e9 }\n',
    says: ['p.yaml:5:27: `path` begins with a slash and is written as it is sent: `/healthz`'],
  },
  'a health check of nothing': {
    route: '    redirect: { host: b.example }\n    health_check: { path: /x }\n',
    says: ['p.yaml:5:5: `health_check` is about upstreams, and this route has no `to`'],
  },
  'no upstream': {
    route: '    to: []\n',
    says: ['p.yaml:4:9: `to` is empty; write the URL of the upstream'],
  },
  'an upstream that is no text': {
    route: '    to: 3000\n',
    says: ['p.yaml:4:9: `to` is the URL of the upstream, as in `http://grafana.internal:3000`'],
  },
  'a certificate file that is not there': {
    route: '    tls_custom_ca_file: missing.pem\n',
    says: ['p.yaml:4:25: cannot read `missing.pem`: no such file'],
  },
  'a certificate file without a certificate': {
    route: '    tls_custom_ca_file: empty.pem\n',
    says: ['p.yaml:4:25: `empty.pem` holds no certificate; it must be a PEM file'],
  },
  'a provider that the config does not have': {
    route: '    provider: octa\n',
    providers: ['okta', 'partners'],
    says: ['p.yaml:4:15: the config has no provider `octa`, did you mean `okta`?'],
  },
  'a list of values that is none': {
    route: '    allowed_users: lena@harbor.example\n    allowed_idp_claims: [a]\n',
    says: [
      'p.yaml:4:20: `allowed_users` takes a list, as in `allowed_users: [a, b]`',
      'p.yaml:5:25: `allowed_idp_claims` takes claims with their values, as in `{ department: [Docks] }`',
    ],
  },
  'a matcher in a shorthand': {
    route: '    allowed_idp_claims: { department: { has: Docks }, "": [a] }\n',
    says: [
      'p.yaml:4:39: `department` takes a list of values; matchers stand in a `policy`',
      'p.yaml:4:55: which claim? write `claim/NAME`',
    ],
  },
  'flags that are no flags': {
    route: '    allow_any_authenticated_user: 1\n    cors_allow_preflight: "true"\n',
    says: [
      'p.yaml:4:35: `allow_any_authenticated_user` takes `true` or `false`',
      'p.yaml:5:27: `cors_allow_preflight` takes `true` or `false`',
    ],
  },
  'a rule that is empty or misspelt': {
    route:
      '    policy:\n      - {}\n      - alow: { or: [{ accept: true }] }\n      - deny: accept\n      - use: [a]\n',
    says: [
      'p.yaml:5:9: an empty rule has no meaning; write `allow`, `deny` or `use`',
      'p.yaml:6:9: unknown key `alow` in a rule, did you mean `allow`?',
      'p.yaml:7:15: `deny`: it takes an operator; write `deny: { or: [...] }`',
      'p.yaml:8:14: `use` takes the name of a policy',
    ],
  },
  'matchers with the wrong keys': {
    route: items(
      'email: { isnt: a }',
      'email: { has: a }',
      'user: { has_all: [a] }',
      'groups: { starts: a }',
      'domain: { weird_long_key: a }',
    ),
    says: [
      "p.yaml:7:24: unknown key `isnt` in the matcher of `email`; a matcher's keys are `is`, `not`, `contains`, `starts_with`, `ends_with`, `matches`, `in`, `not_in`",
      'p.yaml:8:24: `has` is for lists, and `email` is one text; write `is`',
      'p.yaml:9:23: `has_all` is for lists, and `user` is one text',
      "p.yaml:10:25: unknown key `starts` in the matcher of `groups`; a matcher's keys are `has`, `exclude`, `has_any`, `has_all`, `is`, `not`, `contains`, `starts_with`, `ends_with`, `matches`, `in`, `not_in`",
      "p.yaml:11:25: unknown key `weird_long_key` in the matcher of `domain`; a matcher's keys are `is`, `not`, `contains`, `starts_with`, `ends_with`, `matches`, `in`, `not_in`",
    ],
  },
  'matchers with the wrong values': {
    route: items(
      'email: { in: a }',
      'email: { is: [a] }',
      'groups: { has: [a] }',
      'email: { not: [a] }',
      'email: [[a]]',
      'claim/a: { contains: 5 }',
      'claim/a: 12345678901234567890',
      'domain: a@b.example',
      'http_method: get',
      'groups: 7',
    ),
    says: [
      'p.yaml:7:28: `in` takes a list, as in `in: [a, b]`',
      'p.yaml:8:28: `is` takes one value; for several write `in`',
      'p.yaml:9:30: `has` takes one value; for several write `has_any`',
      'p.yaml:10:29: `not` takes one value; for several write `not_in`',
      'p.yaml:11:23: `email` compares with a text here, not with a list',
      'p.yaml:12:36: `5` is a number unless it is written in quotes: `claim/a` compares text',
      'p.yaml:13:24: the number is too large or too small to be compared exactly',
      'p.yaml:14:23: a domain has no `@`; `email` compares whole addresses',
      'p.yaml:15:28: methods are written in upper case: `GET`',
      'p.yaml:16:23: `7` is a number unless it is written in quotes: `groups` compares text',
    ],
  },
  'criteria that take something else': {
    route: items(
      'client_certificate: {}',
      'client_certificate: { fingerprint: abc, colour: red }',
      'header/a b: x',
      'cors_preflight: yes',
      'source_ip: []',
      'auth_age: {}',
      'auth_age: { below: 0s }',
      'email/work: a',
      'domian: x',
      'use: {}',
      '[accept]',
      'staff',
      `claim/${'a/'.repeat(40)}: x`,
      'emial: x',
    ),
    says: [
      'p.yaml:7:35: `client_certificate` takes `fingerprint`, `san_email` or `san_dns`',
      'p.yaml:8:50: a fingerprint is SHA-256: 64 hex digits, with or without colons',
      'p.yaml:8:55: unknown key `colour` in `client_certificate`; it takes `fingerprint`, `san_email` and `san_dns`',
      'p.yaml:9:15: `a b` is no name of a header',
      'p.yaml:10:31: `cors_preflight` takes `true` and nothing else',
      'p.yaml:11:26: an empty list of addresses never holds',
      'p.yaml:12:25: `auth_age` needs `below`, as in `below: 15m`',
      'p.yaml:13:34: `below` takes a duration such as `15m` or `8h`, and more than none',
      'p.yaml:14:15: `email` takes no path; write `email` alone',
      'p.yaml:15:15: unknown criterion `domian`, did you mean `domain`?',
      'p.yaml:16:20: `use` takes the name of a condition',
      'p.yaml:17:15: an item is one criterion, not a list; write the list behind `and` or `or`',
      'p.yaml:18:15: an item is a mapping with one key, as in `domain: example.com`',
      'p.yaml:19:15: the path of the claim has too many steps',
      'p.yaml:20:15: unknown criterion `emial`, did you mean `email`?',
    ],
  },
  'times that cannot be read': {
    route: items(
      'date: {}',
      'date: 2026-03-01',
      'date: { since: 2026-03-01 }',
      'day_of_week: []',
      'day_of_week: 5',
      'day_of_week: mon-tue-wed',
      'day_of_week: { days: mon, zone: UTC }',
      'day_of_week: { days: mon, timezone: "" }',
      'time_of_day: { timezone: UTC }',
      'time_of_day: { timezone: UTC, after: 8 }',
    ),
    says: [
      'p.yaml:7:21: `date` needs `after`, `before` or both',
      'p.yaml:8:21: `date` takes `{ after: 2026-03-01 }`',
      'p.yaml:9:23: unknown key `since` in `date`; it takes after, before',
      'p.yaml:10:28: an empty list of days never holds',
      'p.yaml:11:28: `day_of_week` takes days such as `mon-fri`, `sat,sun` or `"*"`',
      'p.yaml:12:28: `mon-tue-wed` is no day; write `mon`, `monday`, `mon-fri` or `sat,sun`',
      'p.yaml:13:41: unknown key `zone` in `day_of_week`; it takes days, timezone',
      'p.yaml:14:51: `timezone` takes a name such as `Europe/Berlin` or `UTC`',
      'p.yaml:15:28: `time_of_day` needs `after`, `before` or both',
      'p.yaml:16:52: a time is a text such as `"08:00"`, `"17:30:15"`, `8 AM` or `8:15 PM`',
    ],
  },
  'networks that are none': {
    route: items(
      'source_ip: "::1%eth0"',
      'source_ip: "::/129"',
      'source_ip: "g::"',
      'source_ip: "::ffff:0:0/95"',
      'source_ip: 10.1',
    ),
    says: [
      'p.yaml:7:26: `::1%eth0` is no address or CIDR network',
      'p.yaml:8:26: an IPv6 network has at most 128 bits, not `/129`',
      'p.yaml:9:26: `g::` is no IPv6 address',
      'p.yaml:10:26: a network of IPv4-mapped addresses has 96 bits or more; write it as IPv4',
      'p.yaml:11:26: `source_ip` takes an address or a CIDR network, or a list of them',
    ],
  },
}

const fileRefusals: Readonly<Record<string, Refusal>> = {
  'a section that is none': {
    files: ['rules: []\nroute: []\n'],
    says: [
      'p.yaml:1:1: unknown key `rules`; a policy file has `conditions`, `policies` and `routes`',
      'p.yaml:2:1: unknown key `route`, did you mean `routes`?',
    ],
  },
  'a section of the wrong kind': {
    files: ['conditions: []\npolicies:\nroutes: {}\n'],
    says: [
      'p.yaml:1:13: `conditions` takes a mapping of names',
      'p.yaml:2:1: `policies` takes a mapping of names',
      'p.yaml:3:9: `routes` takes a list of routes',
    ],
  },
  'a file that is no mapping': {
    files: ['- from: https://a.example\n'],
    says: ['p.yaml:1:1: a policy file is a mapping with `routes`, `conditions` and `policies`'],
  },
  'a route that is no mapping': {
    files: ['routes: [https://a.example]\n'],
    says: ['p.yaml:1:10: a route is a mapping with `from` and `to`'],
  },
  'a route without a host': {
    files: ['routes:\n  - name: app\n    to: http://a.internal\n'],
    says: ['p.yaml:2:5: a route needs `from`, as in `from: https://app.example.com`'],
  },
  'a name given twice, in two files': {
    files: [APP, 'routes:\n  - from: https://b.example\n    name: app\n'],
    says: ['p-1.yaml:3:11: the name `app` is already that of another route (p.yaml:2)'],
  },
  'a name that does not show': {
    files: ['routes: [{ name: "a\\u200bb", from: https://a.example }]\n'],
    says: ['p.yaml:1:18: `name` holds characters that do not show'],
  },
  'a name without end': {
    files: [`routes: [{ name: ${'a'.repeat(201)}, from: https://a.example }]\n`],
    says: ['p.yaml:1:18: `name` is at most 200 characters'],
  },
  'a condition defined twice, in two files': {
    files: ['conditions: { a: { accept: true } }\n', 'conditions: { a: { reject: true } }\n'],
    says: ['p-1.yaml:1:15: the condition `a` is already defined (p.yaml:1)'],
  },
  'a condition without a name': {
    files: ['conditions: { "": { accept: true } }\n'],
    says: ['p.yaml:1:15: a condition has a name'],
  },
  'a condition that leads through too many': {
    files: [
      `conditions:\n  c0: { accept: true }\n${Array.from({ length: 60 }, (_, i) => `  c${60 - i}: { use: c${59 - i} }\n`).join('')}`,
    ],
    says: ['p.yaml:52:15: `use` leads through more than 50 names'],
  },
  'conditions that come to too much': {
    files: [
      `conditions:\n  c0: { or: [{ accept: true }, { accept: true }] }\n${Array.from({ length: 14 }, (_, i) => `  c${i + 1}: { or: [{ use: c${i} }, { use: c${i} }] }\n`).join('')}`,
    ],
    says: [
      'p.yaml:15:10: with its conditions written out this has more than 10000 criteria or 200 levels',
    ],
  },
  'policies that come to too much': {
    files: [
      `policies:\n  p0: { allow: { or: [{ accept: true }] } }\n${Array.from({ length: 10 }, (_, i) => `  p${i + 1}: [{ use: p${i} }, { use: p${i} }]\n`).join('')}`,
    ],
    says: [
      'p.yaml:12:22: with all that it uses this policy has more than 1000 rules or 10000 criteria',
    ],
  },
  'everything at once': {
    files: [
      'routes:\n  - { fro: https://a.example }\n',
      'routes:\n  - { from: https://b.example, policy: { allow: { or: [{ usr: a }] } } }\n',
      'routes: [\n',
    ],
    says: [
      'p-1.yaml:2:58: unknown criterion `usr`, did you mean `user`?',
      'p-2.yaml:2:1: a `[` before this is not closed by a `]`, or its `]` is indented too little',
      'p.yaml:2:5: a route needs `from`, as in `from: https://app.example.com`',
      'p.yaml:2:7: unknown key `fro`, did you mean `from`?',
    ],
  },
  'a message is one line, however it is written': {
    files: [
      `routes: [{ from: https://a.example, policy: { allow: { or: [{ use: "a\\nb${'c'.repeat(500)}" }] } } }]\n`,
    ],
    says: [`p.yaml:1:68: ${`there is no condition \`a\\nb${'c'.repeat(500)}`.slice(0, 399)}…`],
  },
}

const HOSTS: Readonly<Record<string, string>> = {
  'app.example': '`from` is a scheme and a host, as in `https://app.example.com`',
  'https://': '`` is no host',
  'https://app.example/adm':
    '`from` is a scheme and a host; write the path in `prefix`, `path` or `regex`',
  'https://user@app.example': '`user@app.example` is no host',
  'https://a_b.example': '`a_b.example` is no host',
  'https://*.*.example': 'a wildcard stands alone in front, for one label: `https://*.example.com`',
  'https://app.*.example':
    'a wildcard stands alone in front, for one label: `https://*.example.com`',
  'https://caf\u00e9\u2048.example': '`caf\u00e9\u2048.example` is no host',
  'https://*.10.0.0.1': 'an address has no wildcard',
  'tcp+https://db.example:5432': 'Gatehouse forwards HTTP only; `from` begins with `https://`',
  'http://app.example':
    'plain http beyond loopback lets anyone on the way take over sessions; write `https://`, or set `server.allow_http: true`',
}

const UPSTREAMS: Readonly<Record<string, string>> = {
  'unix:run/app.sock':
    'a unix socket is written with its absolute path, as in `unix:///run/app.sock`',
  [`unix:///${'a'.repeat(107)}`]: 'the path of a unix socket has at most 107 bytes',
  'tcp://app.internal:80':
    'the upstream speaks HTTP; `to` begins with `http://`, `https://`, `h2c://` or `unix:///`',
  'app.internal': '`to` is the URL of the upstream, as in `http://grafana.internal:3000`',
  'http://app.internal:port':
    '`to` is the URL of the upstream, as in `http://grafana.internal:3000`',
  'http://me:secret@app.internal': '`to` holds no user name and no password',
  'http://app.internal/x?y': '`to` holds no query and no fragment',
  'http://a.internal,http://b.internal': 'several upstreams in `to` are a list: `to: [URL, URL]`',
}

function problemsOf(texts: readonly string[], providers?: readonly string[]): readonly string[] {
  const sources = texts.map((text, i) => ({ file: i === 0 ? 'p.yaml' : `p-${i}.yaml`, text }))
  const { problems } = compilePolicies(sources, {
    readText: (path) => {
      if (path.endsWith('empty.pem')) return ''
      throw new Error('no such file')
    },
    providers: providers && new Map(providers.map((name) => [name, {}])),
    allowHttp: false,
  })
  return problems.filter(({ severity }) => severity === 'error').map(formatProblem)
}

for (const [name, { route, files, providers, says }] of Object.entries({
  ...routeRefusals,
  ...fileRefusals,
})) {
  test(name, async (t) => {
    t.strictSame(problemsOf(files ?? [`${APP}${route}`], providers), says)
  })
}

for (const [from, message] of Object.entries(HOSTS)) {
  test(`from: ${from}`, async (t) => {
    const route = `routes:\n  - from: ${JSON.stringify(from)}\n`
    t.strictSame(problemsOf([route]), [`p.yaml:2:11: ${message}`])
  })
}

for (const [to, message] of Object.entries(UPSTREAMS)) {
  test(`to: ${to}`, async (t) => {
    t.strictSame(problemsOf([`${APP}    to: ${to}\n`]), [`p.yaml:4:9: ${message}`])
  })
}
