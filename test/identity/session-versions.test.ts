/** Sessions of other releases: what the one before wrote is read, what a later one wrote is left as it is. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { compact, expand } from '../../src/identity/compact.ts'
import { createSealer } from '../../src/identity/seal.ts'
import type { LiveSession, SessionTokens } from '../../src/identity/session.ts'
import { createSessionSeals } from '../../src/identity/session-seals.ts'
import type { StoredSession } from '../../src/identity/store/session-store.ts'
import { createSqliteStore } from '../../src/identity/store/sqlite-store.ts'
import { startRedis, until } from '../support/start-redis.ts'
import { openRedis } from './open-redis.ts'
import { ana, context, HOST, HOUR, MINUTE, secretA, startSessions } from './session-fixture.ts'
import { START } from './store-contract.ts'

/**
 * Written by the release before sessions were refreshed, at START and under `secretA`: Ana, with a refresh token, and an
 * access token that runs out half an hour later. If this does not open, an upgrade signs people out.
 */
const VERSION_1 = {
  cookie:
    'AQys1eI3h9p0vT32ksDXtE6pel0psvtJyNNqzDU4B-bI6Ct_8kUd1kKFuHu-SVZTnPXLtV7y9cD0ll5_qUVCC8Vm' +
    'j80E4c8GOU6z7guPpLMXe0z7rD8eYCCujS8d8ELD4rA9CHWnimWqvunFeMgRqw',
  id: 'rG49aoHf291ArF9llj9KldKx_L3o2BB26ypm6DSsp5E',
  record:
    'ATSdtnoKY5d99nlhybzPAZ6VxD0TtgDh5fqy4pchE3HjC1LCqBGU2At1TM3cLSAsHbkt8t9Zc6Tx9Ao2NkUbqQUU' +
    'JFuKgh79GCyKd+f5Li0ObI1ksYMId9b+MBwMmz2Dt+k+COBdVbLtqH1kx67a9xJF5uw=',
  groups:
    'ATSdtnqd20k19dvpqdLFzPjk3VqUitzJvYa9LUrm96wCTUZRNtoNWf3bGM3H2r+CWpJBB8J+48s3A6abhYgPtDSp' +
    'qA==',
  tokens:
    'ATSdtnozMCLiFdjmW3K4lDIGFHd3gtkfq/vbevpO7iPELxirnEFzC9ninVZusacinUoO3ly6SitfteQfkFdqGQfy' +
    'p+BqMm+pVi3nnlU=',
  card:
    'AXxh1CU4dXr1sVfUlbVbjILGJm4pU+wbuyTTf2NRCpbcEM7GX8UyiS3oahWAOceMFgVtOYwuqmcgOBxYX/kIMAly' +
    'FHaPhDawCEqS7b6wmwaJTehQFv5ULFH3YuPnZm03l4wDUSQz',
  indexKeys: [
    'Qq_TDd5LqdTisTVH0wZBYjrOLlk9SvQGOtVzgkcOR5M',
    'az21t2j1cg27dZriVD3Uhk-pTb-Rci84Wvyumtqx2is',
    'wFdBTT1yeSvn13U6E_iAaKxEbAINBSnsjmVGUYV-vaE',
  ],
  redisSession:
    'MTc3MjQ0NTY2MDAwMCAxMTYgUXFfVERkNUxxZFRpc1RWSDB3WkJZanJPTGxrOVN2UUdPdFZ6Z2tjT1I1TSxhejIx' +
    'dDJqMWNnMjdkWnJpVkQzVWhrLXBUYi1SY2k4NFd2eXVtdHF4MmlzLHdGZEJUVDF5ZVN2bjEzVTZFX2lBYUt4RWJB' +
    'SU5CU25zam1WR1VZVi12YUUKATSdtnoKY5d99nlhybzPAZ6VxD0TtgDh5fqy4pchE3HjC1LCqBGU2At1TM3cLSAs' +
    'Hbkt8t9Zc6Tx9Ao2NkUbqQUUJFuKgh79GCyKd+f5Li0ObI1ksYMId9b+MBwMmz2Dt+k+COBdVbLtqH1kx67a9xJF' +
    '5uwBfGHUJTh1evWxV9SVtVuMgsYmbilT7Bu7JNN/Y1EKltwQzsZfxTKJLehqFYA5x4wWBW05jC6qZyA4HFhf+Qgw' +
    'CXIUdo+ENrAISpLtvrCbBolN6FAW/lQsUfdi4+dmbTeXjANRJDM=',
  redisParts:
    'NjcKATSdtnqd20k19dvpqdLFzPjk3VqUitzJvYa9LUrm96wCTUZRNtoNWf3bGM3H2r+CWpJBB8J+48s3A6abhYgP' +
    'tDSpqAE0nbZ6MzAi4hXY5ltyuJQyBhR3d4LZH6v723r6Tu4jxC8Yq5xBcwvZ4p1WbrGnIp1KDt5cukorX7XkH5BX' +
    'ahkH8qfgajJvqVYt555V',
}

const bytes = (text: string) => Buffer.from(text, 'base64')

function versionOne(): StoredSession {
  const { id, record, groups, tokens, card, indexKeys } = VERSION_1
  const parts = { record: bytes(record), groups: bytes(groups), tokens: bytes(tokens) }
  return {
    id,
    ...parts,
    card: bytes(card),
    indexKeys,
    revision: '',
    expiresAt: START + HOUR + MINUTE,
  }
}

const isAna = {
  record: {
    sub: '00u1',
    provider: 'okta',
    email: 'Ana@example.com',
    sid: 'sid-1',
    signedInAt: START,
  },
  subject: { claims: { department: 'Platform' }, amr: ['pwd', 'mfa'], groups: { complete: true } },
}

function startRefreshing(t: Parameters<typeof startSessions>[0]) {
  const refresh = async (before: SessionTokens) => ({
    kind: 'refreshed' as const,
    tokens: { ...before, refreshToken: 'refresh-1', accessTokenExpiresAt: START + 10 * HOUR },
    person: { ...ana, claims: { sub: '00u1', city: 'Bonn' } },
  })
  return startSessions(t, { provider: () => ({ refresh }), beforeMs: () => MINUTE })
}

test('a session that the release before wrote opens, is listed, and is refreshed', async (t) => {
  const { sessions, store, clock, replica } = startRefreshing(t)
  await store.create(versionOne())
  const session = await sessions.open(VERSION_1.cookie, HOST)
  t.match(session, isAna)
  t.match(await sessions.list(), [{ id: VERSION_1.id, sub: '00u1', userAgent: 'Browser/1.0' }])
  t.match(await sessions.tokens(session as LiveSession), { refreshToken: 'refresh-0' })
  t.match(await replica().listOf('okta', '00u1'), [{ id: VERSION_1.id }])
  clock.time = START + 29 * MINUTE
  await sessions.open(VERSION_1.cookie, HOST)
  await until(async () => session?.record.claims['city'] === 'Bonn')
  t.match((await replica().open(VERSION_1.cookie, HOST))?.record, { claims: { city: 'Bonn' } })
  t.not((await store.read(VERSION_1.id))?.revision, '')
})

test('... as it lies in Redis, and in a file of sqlite', async (t) => {
  const redis = await startRedis(t)
  const { id, redisSession, redisParts } = VERSION_1
  await redis.admin.set(`gatehouse:session:{${id}}`, bytes(redisSession))
  await redis.admin.set(`gatehouse:parts:{${id}}`, bytes(redisParts))
  const file = join(t.testdir(), 'sessions.db')
  versionOneFile(file)
  const now = () => START
  // Redis forgets by its own clock.
  const end = Date.now() + HOUR
  const inRedis = await openRedis(t, `redis://127.0.0.1:${redis.port}`, { now })
  const inFile = createSqliteStore(file, { now })
  t.teardown(() => inFile.close())
  for (const [of, other] of Object.entries({ inRedis, inFile })) {
    const sessions = startRefreshing(t).replica({ ...other })
    t.match(await sessions.open(VERSION_1.cookie, HOST), isAna, of)
    t.equal(await other.revision(id), '', of)
    t.equal(await other.touch(versionOne(), bytes(VERSION_1.card), end), '', of)
    const next = { ...versionOne(), revision: 'next', expiresAt: end }
    t.equal(await other.replace(next, versionOne()), 'replaced', of)
    t.equal(await other.revision(id), 'next', of)
    const later = { ...ofLater(versionOne(), { version: 4, needs: 3 }), expiresAt: end }
    t.equal(await other.replace(later, next), 'replaced', of)
    const before = startRefreshing(t).replica({ ...other })
    t.equal(await before.open(VERSION_1.cookie, HOST), undefined, of)
    const left = await other.read(id)
    t.equal(left?.revision, 'later', of)
    t.ok(later.record.equals(left?.record ?? Buffer.alloc(0)), `${of}: byte for byte`)
    t.equal(
      await before.endOf('okta', 'sub', '00u1'),
      1,
      `${of}: it is found and ended all the same`,
    )
  }
})

/** The tables as the release before made them. */
function versionOneFile(file: string): void {
  const db = new DatabaseSync(file)
  db.exec(`
    CREATE TABLE schema_version (version INTEGER NOT NULL);
    INSERT INTO schema_version VALUES (1);
    CREATE TABLE sessions (
      id TEXT PRIMARY KEY, record BLOB NOT NULL, groups BLOB NOT NULL, tokens BLOB NOT NULL,
      card BLOB NOT NULL, expires_at INTEGER NOT NULL
    );
    CREATE INDEX sessions_by_end ON sessions (expires_at);
    CREATE TABLE session_index (
      key TEXT NOT NULL, session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
      PRIMARY KEY (key, session_id)
    ) WITHOUT ROWID;
    CREATE INDEX session_index_by_session ON session_index (session_id);
    CREATE TABLE once (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER NOT NULL);
    CREATE INDEX once_by_end ON once (expires_at);
    CREATE TABLE kept (key TEXT PRIMARY KEY, value BLOB NOT NULL);
  `)
  const { id, record, groups, tokens, card, expiresAt, indexKeys } = versionOne()
  const insert = db.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)')
  insert.run(id, record, groups, tokens, card, expiresAt)
  const index = db.prepare('INSERT INTO session_index VALUES (?, ?)')
  for (const key of indexKeys) index.run(key, id)
  db.close()
}

/** What a later release might write in the place of `stored`: more is in it, and it says whom it needs to be read. */
function ofLater(
  stored: StoredSession,
  needs: { readonly version: number; readonly needs?: number },
) {
  const seals = createSessionSeals([secretA])
  const key = seals.openCookie(VERSION_1.cookie, HOST)?.key ?? Buffer.alloc(0)
  const own = createSealer([key], 'session')
  const record = expand(own.openBytes(stored.record, `record/${stored.id}`) as Buffer) as object
  const cards = createSealer([secretA], 'session-card')
  const card = expand(cards.openBytes(stored.card, stored.id) as Buffer) as object
  const later = { ...needs, laterField: { deep: true } }
  return {
    ...stored,
    record: own.sealBytes(compact({ ...record, ...later }), `record/${stored.id}`),
    card: cards.sealBytes(compact({ ...card, ...later }), stored.id),
    revision: 'later',
  }
}

test('what a later release wrote for readers of this one opens too', async (t) => {
  const { sessions, store } = startRefreshing(t)
  await store.create(ofLater(versionOne(), { version: 3, needs: 2 }))
  t.match(await sessions.open(VERSION_1.cookie, HOST), isAna)
  t.match(await sessions.list(), [{ id: VERSION_1.id }])
})

for (const needs of [{ version: 3 }, { version: 4, needs: 3 }]) {
  test(`what a later release wrote for later readers is no session, and stays as it is: ${JSON.stringify(needs)}`, async (t) => {
    const { sessions, store, clock, timer, logged, replica } = startRefreshing(t)
    const later = ofLater(versionOne(), needs)
    await store.create(later)
    t.equal(await sessions.open(VERSION_1.cookie, HOST), undefined)
    t.strictSame(await sessions.list(), [])
    t.strictSame(await sessions.listOf('okta', '00u1'), [])
    t.ok(logged.every(({ level }) => level === 'warn'))
    clock.time += 40 * MINUTE
    timer.tick()
    t.equal(await replica().open(VERSION_1.cookie, HOST), undefined)
    // Whoever it is may sign in here meanwhile, and is then at both.
    const here = await sessions.create(ana, context)
    t.equal((await sessions.list()).length, 1)
    await sessions.end(here)
    t.strictSame(await store.read(VERSION_1.id), later, 'byte for byte')
  })
}

test('a session that is open here, and that a later release replaces, is none here from then on', async (t) => {
  const { sessions, store, clock } = startRefreshing(t)
  const first = versionOne()
  await store.create(first)
  const session = await sessions.open(VERSION_1.cookie, HOST)
  const later = ofLater(first, { version: 3 })
  t.equal(await store.replace(later, first), 'replaced')
  clock.time += 1_000
  t.equal(await sessions.open(VERSION_1.cookie, HOST), undefined)
  t.equal(session?.ended, true)
  t.strictSame((await store.read(VERSION_1.id))?.record, later.record)
})
