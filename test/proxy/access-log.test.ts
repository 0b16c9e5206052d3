import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import type { LiveSession } from '../../src/identity/session.ts'
import type { Decision } from '../../src/policy/model.ts'
import type { Route } from '../../src/policy/route.ts'
import { createAccessLog, formatRecord, type RequestRecord } from '../../src/proxy/access-log.ts'
import { openLineSink } from '../../src/support/line-sink.ts'
import { SILENT } from '../support/silent-log.ts'

const BARE: RequestRecord = {
  time: Date.parse('2026-03-02T09:00:00Z'),
  requestId: 'id-1',
  method: 'GET',
  sourceIp: '192.0.2.10',
  host: undefined,
  path: undefined,
  route: undefined,
  session: undefined,
  namedGroups: [],
  decision: undefined,
  wouldBe: undefined,
  status: 400,
  durationMs: 1.23456,
  upstreamMs: undefined,
  revision: 'abc123',
  detail: 'two Host headers',
  storeFailed: false,
}

const route = { name: 'app' } as Route
const decision: Decision = {
  outcome: 'allow',
  reason: 'allowed',
  rule: { name: 'staff', at: { file: 'policies/app.yaml', line: 7, column: 3 } },
}
const session = {
  id: 'hash',
  subject: { kind: 'person', sub: '00u1', email: 'ana@example.com', groups: { complete: true } },
  record: { provider: 'okta' },
} as unknown as LiveSession

test('a line tells who asked for what, what was decided by which rule, and how long it took', async (t) => {
  const record = {
    ...BARE,
    host: 'app.example.com',
    path: '/d/abc',
    route,
    session,
    namedGroups: ['staff'],
    decision,
    status: 200,
    upstreamMs: 0.5,
    detail: undefined,
  }
  t.same(JSON.parse(formatRecord(record)), {
    time: '2026-03-02T09:00:00.000Z',
    level: 'info',
    msg: 'request',
    request_id: 'id-1',
    route: 'app',
    method: 'GET',
    host: 'app.example.com',
    path: '/d/abc',
    status: 200,
    outcome: 'allow',
    reason: 'allowed',
    rule: 'staff',
    rule_at: 'policies/app.yaml:7',
    subject: '00u1',
    email: 'ana@example.com',
    provider: 'okta',
    groups: ['staff'],
    session: 'hash',
    source_ip: '192.0.2.10',
    duration_ms: 1.235,
    upstream_ms: 0.5,
    policy_revision: 'abc123',
  })
})

test('groups that are not all known are left out, so that nobody takes them for all', async (t) => {
  const dark = {
    ...session,
    subject: { ...session.subject, groups: { list: [], spellings: new Set(), complete: false } },
  } as LiveSession
  const line = JSON.parse(formatRecord({ ...BARE, session: dark, namedGroups: ['staff'] }))
  t.match(line, { subject: '00u1', session: 'hash' })
  t.notOk('groups' in line)
})

test('a refused request is a line too', async (t) => {
  t.match(JSON.parse(formatRecord(BARE)), {
    outcome: 'rejected',
    status: 400,
    detail: 'two Host headers',
  })
})

const hostile: Record<string, string> = {
  'a quote': '"',
  'a backslash': '\\',
  'a line end': '\r\n{"msg":"forged"}',
  'a NUL': '\0',
  'a line separator': '\u2028',
  'another script': '名前',
  'a delete character': '\u007f',
}
for (const [name, text] of Object.entries(hostile)) {
  test(`${name} in a value stays inside its value`, async (t) => {
    const subject = { ...session.subject, sub: text }
    const line = formatRecord({
      ...BARE,
      path: text,
      requestId: text,
      session: { ...session, subject } as LiveSession,
    })
    t.notMatch(line, /[\n\r\0]/)
    t.match(JSON.parse(line), { path: text, request_id: text, subject: text })
  })
}

test('lines are appended to a file, and all are there when it is closed', async (t) => {
  const file = join(t.testdir(), 'logs/decisions.log')
  for (const run of [1, 2]) {
    const log = createAccessLog(openLineSink(file, { key: 'logging.decisions', log: SILENT }))
    for (let i = 0; i < 1_000; i++) log.write({ ...BARE, requestId: `${run}-${i}` })
    await log.close()
    t.equal(log.lost(), 0)
  }
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  t.equal(lines.length, 2_000)
  t.equal(JSON.parse(lines.at(-1) ?? '').request_id, '2-999')
})

test('a file that cannot be opened is refused with the key to change', async (t) => {
  const file = join(t.testdir({ 'a-file': '' }), 'a-file/decisions.log')
  t.throws(() => createAccessLog(openLineSink(file, { key: 'logging.decisions', log: SILENT })), {
    message: /`logging\.decisions`.*(ENOTDIR|EEXIST)/,
  })
})
