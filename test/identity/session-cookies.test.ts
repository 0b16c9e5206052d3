import { test } from 'tap'
import type { LiveSession } from '../../src/identity/session.ts'
import {
  ana,
  context,
  HOST,
  HOUR,
  MINUTE,
  OTHER_HOST,
  secretA,
  secretB,
  startSessions,
} from './session-fixture.ts'
import { START } from './store-contract.ts'

test('a session opens from the cookie that it was given', async (t) => {
  const { sessions, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value, maxAge } = sessions.cookieFor(made, HOST)
  t.equal(maxAge, (14 * HOUR) / 1_000)
  for (const side of [sessions, replica()]) {
    const opened = await side.open(value, HOST)
    t.same(opened?.record, made.record)
    t.same(opened?.subject, {
      kind: 'person',
      sub: '00u1',
      provider: 'okta',
      email: 'Ana@example.com',
      groups: { ...ana.groups, spellings: new Set(['engineers', '00g7', 'ops']) },
      claims: ana.claims,
      acr: undefined,
      amr: ['pwd', 'mfa'],
      authTime: START - MINUTE,
      steppedUpAt: undefined,
    })
    t.equal(opened?.id, made.id)
    t.equal(opened?.ended, false)
  }
})

test('a step-up is noted in the record', async (t) => {
  const { sessions } = startSessions(t)
  const made = await sessions.create(ana, { ...context, stepUp: true })
  t.equal(made.record.steppedUpAt, START)
  t.equal(made.subject.steppedUpAt, START)
})

test('every sign-in has a handle of its own', async (t) => {
  const { sessions } = startSessions(t)
  const ids = new Set<string>()
  for (let i = 0; i < 20; i++) ids.add((await sessions.create(ana, context)).id)
  t.equal(ids.size, 20)
})

test('a cookie of one host is refused on another, opened before or not', async (t) => {
  const { sessions, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  const other = replica()
  t.equal(await other.open(value, OTHER_HOST), undefined)
  t.ok(await other.open(value, HOST))
  t.equal(await other.open(value, OTHER_HOST), undefined)
  t.ok(await other.open(value, HOST), 'and still opens on its own')
})

test('a cookie stays below 400 bytes and shows nothing', async (t) => {
  const { sessions } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, `${'a'.repeat(60)}.internal.example.com`)
  t.ok(value.length < 400, `${value.length} bytes`)
  t.match(value, /^[A-Za-z0-9_-]+$/)
  const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`
  t.ok(await sessions.open(sessions.cookieFor(made, longest).value, longest))
})

test('what is no cookie of ours is no session', async (t) => {
  const { sessions, secrets, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const { value } = sessions.cookieFor(made, HOST)
  const cases: Record<string, string> = {
    empty: '',
    truncated: value.slice(0, -1),
    'cut to a byte': value.slice(0, 2),
    lengthened: `${value}A`,
    'one character changed': `${value.slice(0, 50)}${value[50] === 'A' ? 'B' : 'A'}${value.slice(51)}`,
    padded: `${value}=`,
    quoted: `"${value}"`,
    'not base64url': '%%%%',
    'a JSON text': '{"sub":"root"}',
    'a JWT without signature': 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.',
    'a megabyte': 'A'.repeat(1_000_000),
    'control characters': '\u0000\u0001',
    'non-ASCII': 'é'.repeat(200),
  }
  for (const [name, cookie] of Object.entries(cases)) {
    t.equal(await sessions.open(cookie, HOST), undefined, name)
  }
  secrets.list = [secretB]
  t.equal(await replica().open(value, HOST), undefined, 'sealed under another secret')
})

test('hosts of one sign-in share one session object', async (t) => {
  const { sessions, replica } = startSessions(t)
  const made = await sessions.create(ana, context)
  const here = sessions.cookieFor(made, HOST).value
  const there = sessions.cookieFor(made, OTHER_HOST).value
  t.equal(await sessions.open(here, HOST), made)
  t.equal(await sessions.open(there, OTHER_HOST), made)
  const other = replica()
  const opened = await Promise.all([
    other.open(here, HOST),
    other.open(there, OTHER_HOST),
    other.open(here, HOST),
  ])
  t.ok(opened[0])
  t.equal(opened[1], opened[0])
  t.equal(opened[2], opened[0])
})

test('after a rotation older cookies open, and new ones need the new secret', async (t) => {
  const { sessions, secrets, clock } = startSessions(t)
  const made = await sessions.create(ana, context)
  const older = sessions.cookieFor(made, HOST).value
  secrets.list = [secretB, secretA]
  t.equal(await sessions.open(older, HOST), made)
  const newer = sessions.cookieFor(made, HOST).value
  clock.time += MINUTE
  sessions.seen(made)
  secrets.list = [secretB]
  t.equal(await sessions.open(older, HOST), undefined, 'at once, although it was open')
  t.equal(await sessions.open(newer, HOST), made)
})

test('a session of another maker is a mistake, not a pass', async (t) => {
  const { sessions } = startSessions(t)
  const made = await sessions.create(ana, context)
  t.throws(() => sessions.cookieFor({ ...made } as LiveSession, HOST), TypeError)
})
