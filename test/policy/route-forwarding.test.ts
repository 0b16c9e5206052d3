/** Keys that say how a route forwards or answers: what is refused, where, and what to write instead. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as policy files write them

import { test } from 'tap'
import { compilePolicies } from '../../src/policy/compile.ts'
import { formatProblem } from '../../src/support/problem.ts'
import { selfSigned } from '../support/self-signed.ts'

const ONE = selfSigned(['a.example'])
const OTHER = selfSigned(['a.example'])
const WEAK = selfSigned(['a.example'], { curve: 'prime192v1' })
const FILES: Readonly<Record<string, string>> = {
  'one.pem': ONE.cert,
  'one.key': ONE.key,
  'weak.pem': WEAK.cert,
  'weak.key': WEAK.key,
  'other.key': OTHER.key,
}

function compile(keys: string) {
  const text = `routes:\n  - { name: app, from: https://app.example, ${keys} }\n`
  return compilePolicies([{ file: 'p.yaml', text }], {
    readText: (path) => {
      const content = FILES[path.split('/').at(-1) ?? '']
      if (content === undefined) throw new Error('no such file')
      return content
    },
    providers: undefined,
    allowHttp: false,
  })
}

/** Errors without their places, which begin after the keys before. */
function errorsOf(keys: string): readonly string[] {
  const errors = compile(keys).problems.filter(({ severity }) => severity === 'error')
  return errors.map((problem) => formatProblem(problem).replace(/^p\.yaml:2:\d+: /, ''))
}

const TO = 'to: http://a.internal, '
const TRAVELS = (name: string) => `\`${name}\` says how a message travels; it is Gatehouse's own`
const KNOWN = '`${claim.NAME}`, `${jwt}`, `${id_token}` and `${access_token}`'

const REFUSED: Readonly<Record<string, string>> = {
  // Rewrites
  [`${TO}prefix_rewrite: x`]: '`prefix_rewrite` begins with a slash: `/x`',
  [`${TO}prefix_rewrite: "/x?y"`]: '`prefix_rewrite` is a path, without `?` and `#`',
  [`${TO}prefix_rewrite: /a/../b`]:
    '`prefix_rewrite` is a plain path, without `//`, `.`, `..` and backslashes',
  [`${TO}prefix_rewrite: //evil.example`]:
    '`prefix_rewrite` is a plain path, without `//`, `.`, `..` and backslashes',
  [`${TO}prefix_rewrite: 5`]: '`prefix_rewrite` takes a text; put it in quotes',
  [`${TO}regex: /x.*, prefix_rewrite: /y`]:
    '`prefix_rewrite` goes with `prefix`; write `regex_rewrite_pattern` for a regex',
  [`${TO}regex_rewrite_pattern: x`]:
    '`regex_rewrite_pattern` and `regex_rewrite_substitution` stand together',
  [`${TO}regex_rewrite_substitution: x`]:
    '`regex_rewrite_pattern` and `regex_rewrite_substitution` stand together',
  [`${TO}regex_rewrite_pattern: "(?!x)", regex_rewrite_substitution: y`]:
    'not an RE2 pattern: invalid or unsupported Perl syntax: `(?!`; RE2 has no look-around and no back-references',
  [`${TO}regex_rewrite_pattern: "(x)", regex_rewrite_substitution: '\\2'`]:
    'the pattern has no group `\\2`; it has 1',
  [`${TO}regex_rewrite_pattern: x, regex_rewrite_substitution: 'a\\b'`]:
    'a backslash stands before the number of a group: `\\1`',
  [`${TO}regex_rewrite_pattern: x, regex_rewrite_substitution: "a?b"`]:
    '`regex_rewrite_substitution` is part of a path, without `?`, `#` and controls',
  [`${TO}prefix_rewrite: /x, regex_rewrite_pattern: x, regex_rewrite_substitution: y`]:
    'a route has `prefix_rewrite` or `regex_rewrite_pattern`; drop one of them',
  [`${TO}host_rewrite: a/b`]:
    '`host_rewrite` is a host, as in `app.internal` or `app.internal:3000`',
  [`${TO}host_rewrite: a.internal, preserve_host_header: true`]:
    '`host_rewrite` beside `preserve_host_header: true`; drop one of them',
  // Answers of its own
  [`${TO}redirect: { https: false, host: b.example }`]:
    'a route has one of `to`, `redirect` and `response`; drop `redirect` or `to`',
  'redirect: { host: b.example }, response: { body: x }':
    'a route has one of `to`, `redirect` and `response`; drop `redirect` or `response`',
  'redirect: https://b.example':
    '`redirect` takes a mapping with `https`, `scheme`, `host`, `port`, `path`, `prefix_rewrite`, `code`, `strip_query`',
  'redirect: { hosts: b.example }': '`redirect` has no key `hosts`, did you mean `host`?',
  'redirect: { https: true }': '`redirect` leads to the same address again; say what changes',
  'redirect: { strip_query: true }': '`redirect` leads to the same address again; say what changes',
  'redirect: { host: b.example, code: 304 }': '`code` takes 301, 302, 303, 307, 308',
  'redirect: { host: "b.example:80" }': 'write the port of `host` in `port`',
  'redirect: { host: "b.example/x" }': '`host` is a host, as in `new.example.com`',
  'redirect: { host: "b.example\\r\\nX: 1" }': '`host` is a host, as in `new.example.com`',
  'redirect: { scheme: ftp }': '`scheme` takes `http` or `https`',
  'redirect: { scheme: http, https: true }': '`scheme: http` beside `https: true`',
  'redirect: { port: 65536 }': '`port` takes a number from 1 to 65535',
  'redirect: { path: x }': '`path` begins with a slash: `/x`',
  'redirect: { path: /x, prefix_rewrite: /y }':
    '`redirect` has `path` or `prefix_rewrite`; drop one of them',
  'response: {}': '`response` takes a mapping with `status`, `body`, `content_type`',
  'response: { status: 101 }': '`status` takes a number from 200 to 599',
  'response: { status: 204, body: x }': 'an answer with status 204 has no body',
  'response: { body: x, content_type: "text/html\\r\\nX: 1" }':
    'a header value is printable ASCII; other characters are sent percent-encoded',
  'response: { body: x, content_type: html }':
    '`content_type` is a media type, as in `text/html; charset=utf-8`',
  // Headers
  [`${TO}set_request_headers: [X-A]`]:
    '`set_request_headers` takes a mapping, as in `set_request_headers: { X-Name: value }`',
  [`${TO}set_request_headers: { "X A": b }`]:
    '`X A` is no header name; use letters, digits and `-`',
  [`${TO}set_request_headers: { "X-A:": b }`]:
    '`X-A:` is no header name; use letters, digits and `-`',
  [`${TO}set_request_headers: { X-A: "b\\r\\nX-Evil: 1" }`]:
    'a header value is printable ASCII; other characters are sent percent-encoded',
  [`${TO}set_request_headers: { X-A: "é" }`]:
    'a header value is printable ASCII; other characters are sent percent-encoded',
  [`${TO}set_request_headers: { X-A: " b" }`]:
    'a header value neither begins nor ends with a space',
  [`${TO}set_request_headers: { X-A: 5 }`]: 'the value of `X-A` is a text; put it in quotes',
  [`${TO}set_request_headers: { X-A: a, x_a: b }`]: '`x_a` and `X-A` are one header',
  [`${TO}set_request_headers: { host: b.example }`]:
    '`Host` is changed by `host_rewrite` or `preserve_host_header`',
  [`${TO}set_request_headers: { Content-Length: "5" }`]: TRAVELS('Content-Length'),
  [`${TO}set_request_headers: { Transfer_Encoding: chunked }`]: TRAVELS('Transfer_Encoding'),
  [`${TO}set_request_headers: { connection: close }`]: TRAVELS('connection'),
  [`${TO}set_request_headers: { X-Forwarded-For: 10.0.0.1 }`]:
    '`X-Forwarded-For` is set anew by Gatehouse for each request',
  [`${TO}set_request_headers: { X-Gatehouse-Who: me }`]:
    'under `X-Gatehouse-Who` only Gatehouse speaks; see `identity_headers`',
  [`${TO}set_request_headers: { X-A: "\${clam.sub}" }`]: `\`\${clam.sub}\` is not known; there are ${KNOWN}`,
  [`${TO}set_request_headers: { X-A: "\${refresh_token}" }`]: `\`\${refresh_token}\` is not known; there are ${KNOWN}`,
  [`${TO}set_request_headers: { X-A: "\${pomerium.client_cert_fingerprint}" }`]: `\`\${pomerium.client_cert_fingerprint}\` is not known; there are ${KNOWN}`,
  [`${TO}set_request_headers: { X-A: "\${claim.}" }`]:
    '`${claim.NAME}` takes the name of a claim, as in `${claim.department}`',
  [`${TO}set_request_headers: { X-A: "\${jwt" }`]: 'a `${` without its `}`',
  [`${TO}set_request_headers: { X-A: "Bearer $pomerium.jwt" }`]: `a reference stands in braces: ${KNOWN}`,
  [`${TO}remove_request_headers: X-A`]:
    '`remove_request_headers` takes a list of names, as in `remove_request_headers: [X-Name]`',
  [`${TO}remove_request_headers: [Content-Length]`]: TRAVELS('Content-Length'),
  [`${TO}remove_request_headers: [x-pomerium-jwt-assertion]`]:
    'under `x-pomerium-jwt-assertion` only Gatehouse speaks; see `identity_headers`',
  [`${TO}set_response_headers: { X-A: "\${jwt}" }`]:
    'an answer takes no references; write plain text',
  [`${TO}set_response_headers: { Set-Cookie: a=b }`]:
    '`Set-Cookie` would take the place of the cookies of the app',
  [`${TO}set_response_headers: { Transfer-Encoding: gzip }`]: TRAVELS('Transfer-Encoding'),
  [`${TO}set_response_headers: { X-A: "b\\nX-Evil: 1" }`]:
    'a header value is printable ASCII; other characters are sent percent-encoded',
  [`${TO}identity_headers: { groups: some }`]: '`groups` takes `named` or `all` or `none`',
  [`${TO}identity_headers: { header: { X-A: sub } }`]:
    '`identity_headers` has no key `header`, did you mean `headers`?',
  [`${TO}identity_headers: { headers: { Authorization: sub } }`]:
    '`Authorization` has a meaning of its own and cannot carry an identity',
  [`${TO}identity_headers: { headers: { X-Forwarded-Proto: sub } }`]:
    '`X-Forwarded-Proto` is set anew by Gatehouse for each request',
  // Others
  [`${TO}report_only: maybe`]: '`report_only` takes `true` or `false`',
  [`${TO}logo_url: http://a.example/x.png`]:
    '`logo_url` is the address of an image, beginning with `https://`',
  [`${TO}logo_url: "https://a.example;sandbox/x.png"`]:
    '`logo_url` is the address of an image, beginning with `https://`',
  [`${TO}logo_url: "https://a.example,sandbox/x.png"`]:
    '`logo_url` is the address of an image, beginning with `https://`',
  [`${TO}logo_url: "https://*/x.png"`]:
    '`logo_url` is the address of an image, beginning with `https://`',
  [`${TO}logo_url: "javascript:alert(1)"`]:
    '`logo_url` is the address of an image, beginning with `https://`',
  [`${TO}websocket_origins: [a.example]`]:
    '`websocket_origins` takes origins, as in `https://app.example.com`, or `"*"`',
  [`${TO}websocket_origins: ["https://*.a.example"]`]:
    '`websocket_origins` takes origins, as in `https://app.example.com`, or `"*"`',
  [`${TO}websocket_origins: [https://a.example/x]`]:
    '`websocket_origins` takes origins, as in `https://app.example.com`, or `"*"`',
  [`${TO}websocket_origins: ["*", https://a.example]`]:
    '`"*"` in `websocket_origins` takes all origins; drop it or the others',
  [`${TO}websocket_origins: []`]: '`websocket_origins` is empty; name an origin',
  [`${TO}tls_server_name: 10.0.0.1`]: '`tls_server_name` is a host name, as in `app.internal`',
  [`${TO}tls_server_name: "a.internal:443"`]:
    '`tls_server_name` is a host name, as in `app.internal`',
  [`${TO}tls_client_cert_file: one.pem`]:
    '`tls_client_cert_file` and `tls_client_key_file` stand together',
  [`${TO}tls_client_cert_file: one.pem, tls_client_key_file: other.key`]:
    'the key is not that of the certificate',
  [`${TO}tls_client_cert_file: weak.pem, tls_client_key_file: weak.key`]:
    'TLS does not take `tls_client_cert_file`: ee key too small',
  [`${TO}tls_client_cert_file: one.key, tls_client_key_file: one.key`]:
    '`tls_client_cert_file` holds no certificate in PEM',
  [`${TO}tls_client_cert_file: one.pem, tls_client_key_file: one.pem`]:
    '`tls_client_key_file` holds no PEM key without passphrase',
  [`${TO}tls_client_cert_file: none.pem, tls_client_key_file: one.key`]:
    'cannot read `none.pem`: no such file',
  // Sessions
  [`${TO}session: 5m`]: '`session` takes a mapping with `lifetime`, `idle`',
  [`${TO}session: {}`]: '`session` takes a mapping with `lifetime`, `idle`',
  [`${TO}session: { life: 5m }`]: '`session` has no key `life`; it takes `lifetime`, `idle`',
  [`${TO}session: { idle: 300 }`]: '`idle` takes a duration such as `30s`, `15m` or `0s`',
  [`${TO}session: { idle: 0s }`]: '`idle` is longer than `0s`',
  [`${TO}session: { lifetime: }`]: '`lifetime` has no value; write one, or leave the key out',
  // Access tokens
  [`${TO}bearer: okta`]: '`bearer` takes a mapping with `provider`, `audience`, `forward`',
  [`${TO}bearer: {}`]: '`bearer` takes a mapping with `provider`, `audience`, `forward`',
  [`${TO}bearer: { audience: [x] }`]: '`bearer` needs `provider`: whose access tokens are admitted',
  [`${TO}bearer: { provider: okta }`]:
    '`bearer` needs `audience`: without it a token that was made for another service would pass',
  [`${TO}bearer: { provider: okta, audience: [] }`]: '`audience` is empty; name an audience',
  [`${TO}bearer: { provider: okta, audience: [5] }`]:
    '`audience` takes texts, as in `audience: [api://default]`',
  [`${TO}bearer: { provider: okta, audience: "" }`]:
    '`audience` takes texts, as in `audience: [api://default]`',
  [`${TO}bearer: { provider: okta, audience: x, forward: yes }`]:
    '`forward` takes `true` or `false`',
  [`${TO}bearer: { provider: okta, audiences: x }`]:
    '`bearer` has no key `audiences`, did you mean `audience`?',
}

for (const [keys, message] of Object.entries(REFUSED)) {
  test(`refused: ${keys}`, async (t) => {
    t.strictSame(errorsOf(keys), [message])
  })
}

test('every mistake is reported at its place, in one run', async (t) => {
  const { problems } = compile(
    `${TO}set_request_headers: { Host: a, X-A: "\${b}" }, host_rewrite: "?"`,
  )
  t.strictSame(
    problems.map(({ line, column }) => `${line}:${column}`),
    ['2:91', '2:105', '2:129'],
  )
})

const TAKEN = [
  `${TO}session: { lifetime: 30d }`,
  `${TO}session: { lifetime: 8h, idle: 15m }`,
  `${TO}bearer: { provider: okta, audience: api }`,
  `${TO}bearer: { provider: okta, audience: [api, other], forward: true }`,
  'redirect: { https: false, scheme: http }',
  'redirect: { https: true, port: 8443 }',
  'response: { status: 404 }',
  `${TO}prefix: /a, prefix_rewrite: /b`,
  `${TO}path: /a, prefix_rewrite: /b`,
  `${TO}regex_rewrite_pattern: a, regex_rewrite_substitution: ""`,
  `${TO}set_request_headers: { X-Forwarded-Access-Token: "\${access_token}", Remote-User: "\${claim.sub}" }`,
  `${TO}identity_headers: { headers: { X-Pomerium-Claim-Email: email } }`,
  `${TO}tls_client_cert_file: one.pem, tls_client_key_file: one.key, tls_server_name: A.internal`,
]

for (const keys of TAKEN) {
  test(`taken: ${keys}`, async (t) => {
    t.strictSame(errorsOf(keys), [])
  })
}

test('a route that only reports is warned about', async (t) => {
  const { problems } = compile(`${TO}report_only: true`)
  t.strictSame(problems.map(formatProblem), [
    'p.yaml:2:5: warning: route `app` only reports: everyone is let through, whatever its policy says',
  ])
})
