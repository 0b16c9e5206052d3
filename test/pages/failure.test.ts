/** Failure answers: a page, JSON or gRPC, escaped, with the headers that keep them private and inert. */

import { createHash } from 'node:crypto'
import { test } from 'tap'
import { ERRORS, type ErrorCode } from '../../src/errors.ts'
import type { AnswerForm, FailureAnswer } from '../../src/pages/answer.ts'
import { brandOf } from '../../src/pages/brand.ts'
import { renderFailure } from '../../src/pages/failure.ts'
import { withRefresh } from '../../src/pages/retry-pause.ts'
import type { Person } from '../../src/policy/model.ts'

const brand = brandOf({
  config: {
    brand: { name: 'Example Corp', contact: 'it-help@example.com', color: '#0b5fff' },
    server: { public_url: 'https://auth.example.com' },
  },
  logo: undefined,
})

const ana: Person = {
  kind: 'person',
  sub: '00u1',
  provider: 'okta',
  email: 'ana@example.com',
  groups: { list: [], spellings: new Set(), complete: true },
  claims: { name: 'Ana Arias' },
  acr: undefined,
  amr: [],
  authTime: undefined,
  steppedUpAt: undefined,
}

const refusal: FailureAnswer = {
  code: 'ACCESS_DENIED',
  requestId: 'req-1',
  form: 'page',
  head: false,
  reason: 'no-allow-rule',
  rule: 'engineering',
  missing: ['group platform-engineers'],
  subject: ana,
  site: 'grafana.example.com',
  switchAccountUrl: 'https://grafana.example.com/.gatehouse/sign_in?rd=%2F&switch=true',
}

test('the refused page says who, where, which rule, what is missing, whom to ask, and how to change account', async (t) => {
  const { status, body } = renderFailure(refusal, brand)
  t.equal(status, 403)
  for (const text of [
    'Ana Arias',
    'ana@example.com',
    'okta',
    'grafana.example.com',
    'engineering',
    'group platform-engineers',
    'href="mailto:it-help@example.com"',
    'req-1',
    'href="https://grafana.example.com/.gatehouse/sign_in?rd=%2F&amp;switch=true"',
    'href="/.gatehouse/sign_out"',
    'Example Corp',
  ]) {
    t.ok(body.includes(text), text)
  }
})

test('a page has one heading, landmarks, a language, and no script', async (t) => {
  const { body } = renderFailure(refusal, brand)
  t.equal(body.match(/<h1[ >]/g)?.length, 1)
  for (const part of ['<html lang="en">', '<header>', '<main ', '<footer>', 'name="viewport"']) {
    t.ok(body.includes(part), part)
  }
  t.notMatch(body, /<script|javascript:|\son[a-z]+=|style="/i)
})

test('a page can load nothing, run nothing, send nothing and be framed by nobody', async (t) => {
  const { headers, body } = renderFailure(refusal, brand)
  const css = /<style>(.*?)<\/style>/s.exec(body)?.[1] ?? ''
  const hash = createHash('sha256').update(css).digest('base64')
  t.equal(
    headers['content-security-policy'],
    `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'`,
  )
  t.match(headers, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'content-type': 'text/html; charset=utf-8',
  })
})

test('markup in any field is text', async (t) => {
  const evil = '"\'><script>alert(1)</script>'
  const page = renderFailure(
    {
      ...refusal,
      text: evil,
      heading: evil,
      requestId: evil,
      reason: evil,
      rule: evil,
      missing: [evil],
      site: evil,
      subject: { ...ana, sub: evil, email: evil, provider: evil, claims: { name: evil } },
      switchAccountUrl: evil,
      loginUrl: `javascript:${evil}`,
      retryUrl: `//${evil}`,
    },
    { ...brand, name: evil, contact: evil },
  ).body
  t.notMatch(page, /<script/i)
  t.notMatch(page, /javascript:/i)
  t.notMatch(page, /href="\/\//)
  t.match(page, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/)
})

test('JSON says code, text, request id, and why', async (t) => {
  const { status, headers, body } = renderFailure({ ...refusal, form: 'json' }, brand)
  t.equal(status, 403)
  t.equal(headers['content-type'], 'application/json; charset=utf-8')
  t.equal(headers['cache-control'], 'no-store')
  t.same(JSON.parse(body), {
    error: 'ACCESS_DENIED',
    message: ERRORS.ACCESS_DENIED.text,
    request_id: 'req-1',
    reason: 'no-allow-rule',
    rule: 'engineering',
    missing: ['group platform-engineers'],
  })
})

test('JSON for somebody who must sign in says where', async (t) => {
  const { status, headers, body } = renderFailure(
    {
      code: 'SIGN_IN_REQUIRED',
      requestId: 'r',
      form: 'json',
      head: false,
      loginUrl: 'https://a/b',
    },
    brand,
  )
  t.equal(status, 401)
  t.equal(headers['www-authenticate'], 'Bearer realm="gatehouse"')
  t.same(JSON.parse(body), {
    error: 'SIGN_IN_REQUIRED',
    message: ERRORS.SIGN_IN_REQUIRED.text,
    request_id: 'r',
    login_url: 'https://a/b',
  })
})

const grpc: Partial<Record<ErrorCode, string>> = {
  SIGN_IN_REQUIRED: '16',
  STEP_UP_REQUIRED: '16',
  BAD_TOKEN: '16',
  ACCESS_DENIED: '7',
  GROUPS_UNAVAILABLE: '14',
  STORE_UNAVAILABLE: '14',
  UPSTREAM_FAILED: '14',
  UPSTREAM_TIMEOUT: '14',
  RATE_LIMITED: '14',
  NO_ROUTE: '12',
  MALFORMED_REQUEST: '13',
  INTERNAL: '2',
}
for (const [code, expected] of Object.entries(grpc)) {
  test(`gRPC clients get status ${expected} for ${code}, without a body`, async (t) => {
    const answer = renderFailure(
      { code: code as ErrorCode, requestId: 'r', form: 'grpc', head: false, text: 'so: 100 % ü' },
      brand,
    )
    t.equal(answer.status, 200)
    t.equal(answer.body, '')
    t.equal(answer.headers['content-type'], 'application/grpc')
    t.equal(answer.headers['grpc-status'], expected)
    t.equal(answer.headers['grpc-message'], 'so: 100 %25 %C3%BC')
  })
}

for (const code of Object.keys(ERRORS) as ErrorCode[]) {
  for (const form of ['page', 'json'] as AnswerForm[]) {
    test(`${code} as ${form} has its own status and is not stored`, async (t) => {
      const answer = renderFailure({ code, requestId: 'r', form, head: false }, brand)
      t.equal(answer.status, ERRORS[code].status)
      t.equal(answer.headers['cache-control'], 'no-store')
      t.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.body)))
      t.equal(answer.headers['retry-after'] !== undefined, answer.status === 503)
    })
  }
}

test('HEAD gets the headers of the page and no body', async (t) => {
  const full = renderFailure(refusal, brand)
  const head = renderFailure({ ...refusal, head: true }, brand)
  t.equal(head.body, '')
  t.same(head.headers, full.headers)
})

test('status, text, heading, retry and further headers may be others than the code’s own', async (t) => {
  const { status, headers, body } = renderFailure(
    {
      code: 'UPSTREAM_FAILED',
      status: 503,
      text: 'The sign-in service cannot be reached.',
      heading: 'Sign-in does not work right now',
      requestId: 'r',
      form: 'page',
      head: false,
      retryUrl: '/.gatehouse/sign_in?rd=%2F',
      retryAfterSeconds: 1.2,
      headers: { 'access-control-allow-origin': 'https://a.example.com' },
    },
    brand,
  )
  t.equal(status, 503)
  t.equal(headers['retry-after'], '2')
  t.equal(headers['access-control-allow-origin'], 'https://a.example.com')
  t.match(body, 'The sign-in service cannot be reached.')
  t.match(body, '<h1>Sign-in does not work right now</h1>')
  t.match(body, 'href="/.gatehouse/sign_in?rd=%2F"')
})

const outage: FailureAnswer = {
  code: 'STORE_UNAVAILABLE',
  requestId: 'r',
  form: 'page',
  head: false,
}

test('a page of an outage comes again by itself, and later the longer it lasts', async (t) => {
  const inForce = {}
  const start = Date.UTC(2026, 2, 2, 9)
  const pauses: (string | undefined)[] = []
  for (let at = start; at < start + 600_000; ) {
    const answer = withRefresh(outage, 'GET', inForce, at)
    const { headers, body } = renderFailure(answer, brand)
    const pause = Number(headers['refresh'])
    t.match(body, `by itself in ${pause} seconds`)
    t.notMatch(body, 'http-equiv', 'with the header alone no markup moves the page')
    pauses.push(headers['refresh'])
    at += pause * 1_000
  }
  t.equal(pauses[0], '5')
  t.equal(pauses.at(-1), '60')
  t.same(
    pauses,
    pauses.toSorted((one, other) => Number(one) - Number(other)),
  )
  const later = withRefresh(outage, 'GET', inForce, start + 3_600_000)
  t.equal(later.refreshAfterSeconds, 5, 'what is down an hour later is another outage')
})

test('only the page of a GET comes again, and only where something is down', async (t) => {
  const refresh = (answer: FailureAnswer, method = 'GET') =>
    renderFailure(withRefresh(answer, method, {}, 0), brand).headers['refresh']
  t.equal(refresh(outage, 'POST'), undefined)
  t.equal(refresh(outage, 'HEAD'), undefined)
  t.equal(refresh({ ...outage, form: 'json' }), undefined)
  t.equal(refresh({ ...outage, code: 'UPSTREAM_FAILED' }), undefined)
  t.equal(refresh({ ...outage, code: 'GROUPS_UNAVAILABLE', retryAfterSeconds: 30 }), '30')
  t.equal(
    refresh({ ...outage, retryUrl: '/.gatehouse/sign_in?rd=%2F' }),
    '5; url=/.gatehouse/sign_in?rd=%2F',
  )
  t.equal(refresh({ ...outage, retryUrl: 'javascript:alert(1)' }), '5')
})

test('whoever came too often is told when to come again', async (t) => {
  const limited: FailureAnswer = { ...outage, code: 'RATE_LIMITED', retryAfterSeconds: 41.2 }
  const { body, headers } = renderFailure(limited, brand)
  t.match(body, 'Try again in 42 seconds.')
  t.equal(headers['retry-after'], '42')
})
