/** Sessions in one file of the local disk: they outlive the process, without any service beside it. */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Every, every } from '../../support/every.ts'
import type { Log } from '../../support/log.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import type { Replacement, SessionStore, Siblings, StoredSession } from './session-store.ts'
import { openDatabase, unavailable } from './sqlite-database.ts'
import { createFileCheck } from './sqlite-file.ts'

const SWEEP_MS = 60_000
/** Marks are kept beside what is taken once, under names of their own. */
const MARK = 'mark:'
/** Rows deleted or listed at a time, so that no request waits long behind it. */
const BATCH = 500
/** What siblings are told of a session that was replaced begins with this; of one that was deleted, its id and no more. */
const REPLACED = 'replaced '

export interface SqliteStoreOptions {
  readonly now: Clock
  readonly every?: Every
  readonly log?: Log
  /** Processes without any find out what others did when they ask. */
  readonly siblings?: Siblings | undefined
}

/**
 * Opens the file, making it where there is none; its folder must exist.
 * @throws GatehouseError STORE_UNAVAILABLE that says what is wrong with the file
 */
export function createSqliteStore(path: string, options: SqliteStoreOptions): SessionStore {
  const { now, siblings } = options
  const db = openDatabase(path)
  const sql = prepareStatements(db)
  const checkFile = createFileCheck(path, options.log)
  /** What `question` returns, as a promise that rejects only with STORE_UNAVAILABLE. */
  const ask: Ask = (question) =>
    answer(path, () => {
      checkFile()
      return question()
    })
  const sweep = () => {
    try {
      checkFile()
      deleteExpired(sql.purgeSessions, now())
      deleteExpired(sql.purgeOnce, now())
      deleteExpired(sql.purgeLocks, now())
    } catch {
      // Expired rows are never returned, and requests tell of a store that fails: the next sweep tries again.
    }
  }
  const stopSweeping = (options.every ?? every)(SWEEP_MS, sweep)
  let closed = false

  return {
    create: (session) => ask(() => insertSession(db, sql, session)),
    read: (id) =>
      ask(() => {
        const row = sql.read.get(id, now())
        if (row === undefined) return undefined
        const indexKeys = sql.indexKeysOf.all(id).map(({ key }) => String(key))
        const expiresAt = Number(row['expires_at'])
        return { id, ...blobs(row), revision: String(row['revision']), indexKeys, expiresAt }
      }),
    revision: (id) => ask(() => revisionIn(sql.revision.get(id, now()))),
    touch: ({ id, revision }, card, expiresAt) =>
      ask(() =>
        // Losing the last minute's uses to a power cut costs nobody more than that minute: no wait for the disk.
        // All rows, as below: the statement is run to its end.
        withoutSync(db, () => {
          const touched = sql.touch.all(card, expiresAt, id, revision, now())[0]
          return revisionIn(touched ?? sql.revision.get(id, now()))
        }),
      ),
    replace: async (next, previous) => {
      const done = await ask(() => replaceSession(db, sql, next, previous, now()))
      if (done === 'replaced') siblings?.tell(REPLACED + next.id)
      return done
    },
    delete: async (id) => {
      const there = await ask(() => sql.delete.run(id, now()).changes === 1)
      if (there) siblings?.tell(id)
      return there
    },
    findByIndex: (key) =>
      ask(() => sql.findByIndex.all(key, now()).map(({ session_id: id }) => String(id))),
    list: () => listSessions(ask, sql, now),
    count: () => ask(() => Number(sql.count.get(now())?.['count'])),
    putOnce: (key, value, expiresAt) =>
      ask(() =>
        // A code that a power cut brings back is bound to a browser and over in 30 seconds.
        withoutSync(db, () => sql.putOnce.run(key, value, expiresAt, now()).changes === 1),
      ),
    takeOnce: (key) =>
      ask(() =>
        withoutSync(db, () => {
          // All rows, though there is one at most: only a statement that is run to its end tells that it failed.
          const row = sql.takeOnce.all(key)[0]
          return row !== undefined && Number(row['expires_at']) > now()
            ? bytes(row['value'])
            : undefined
        }),
      ),
    mark: (key, value, expiresAt) => ask(() => void sql.mark.run(MARK + key, value, expiresAt)),
    marked: (key) =>
      ask(() => {
        const row = sql.marked.get(MARK + key, now())
        return row === undefined ? undefined : bytes(row['value'])
      }),
    keep: (key, value) =>
      ask(() => {
        sql.keep.run(key, value)
        return bytes(sql.kept.get(key)?.['value'])
      }),
    onDeleted: (listener) =>
      hear(siblings, (news) => {
        if (!news.startsWith(REPLACED)) listener(news)
      }),
    onReplaced: (listener) =>
      hear(siblings, (news) => {
        if (news.startsWith(REPLACED)) listener(news.slice(REPLACED.length))
      }),
    // A lock that a power cut loses is one that its owner has lost too.
    lock: (name, owner, ms) =>
      ask(() => withoutSync(db, () => sql.lock.run(name, owner, now() + ms, now()).changes === 1)),
    renewLock: (name, owner, ms) =>
      ask(() =>
        withoutSync(db, () => sql.renewLock.run(now() + ms, name, owner, now()).changes === 1),
      ),
    unlock: (name, owner) => ask(() => withoutSync(db, () => void sql.unlock.run(name, owner))),
    close: async () => {
      if (closed) return
      closed = true
      stopSweeping()
      db.close()
    },
  }
}

function prepareStatements(db: DatabaseSync) {
  return {
    insert: db.prepare(
      `INSERT INTO sessions (id, record, groups, tokens, card, revision, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    replace: db.prepare(
      `UPDATE sessions SET record = ?, groups = ?, tokens = ?, card = ?, revision = ?,
         expires_at = max(expires_at, ?)
       WHERE id = ? AND revision = ? AND expires_at > ?`,
    ),
    clearIndex: db.prepare('DELETE FROM session_index WHERE session_id = ?'),
    insertIndex: db.prepare(
      'INSERT INTO session_index (key, session_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    read: db.prepare(
      `SELECT record, groups, tokens, card, revision, expires_at FROM sessions
       WHERE id = ? AND expires_at > ?`,
    ),
    indexKeysOf: db.prepare('SELECT key FROM session_index WHERE session_id = ?'),
    revision: db.prepare('SELECT revision FROM sessions WHERE id = ? AND expires_at > ?'),
    touch: db.prepare(
      `UPDATE sessions SET card = ?, expires_at = ?
       WHERE id = ? AND revision = ? AND expires_at > ? RETURNING revision`,
    ),
    delete: db.prepare('DELETE FROM sessions WHERE id = ? AND expires_at > ?'),
    findByIndex: db.prepare(
      `SELECT session_id FROM session_index JOIN sessions ON sessions.id = session_id
       WHERE key = ? AND expires_at > ?`,
    ),
    list: db.prepare(
      `SELECT id, card, expires_at FROM sessions WHERE id > ? AND expires_at > ? ORDER BY id LIMIT ${BATCH}`,
    ),
    count: db.prepare('SELECT count(*) AS count FROM sessions WHERE expires_at > ?'),
    // A guard whose time is over is free again.
    putOnce: db.prepare(
      `INSERT INTO once (key, value, expires_at) VALUES (?1, ?2, ?3)
       ON CONFLICT (key) DO UPDATE SET value = ?2, expires_at = ?3 WHERE expires_at <= ?4`,
    ),
    mark: db.prepare('INSERT OR REPLACE INTO once (key, value, expires_at) VALUES (?, ?, ?)'),
    marked: db.prepare('SELECT value FROM once WHERE key = ? AND expires_at > ?'),
    takeOnce: db.prepare('DELETE FROM once WHERE key = ? RETURNING value, expires_at'),
    keep: db.prepare('INSERT INTO kept (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    kept: db.prepare('SELECT value FROM kept WHERE key = ?'),
    lock: db.prepare(
      `INSERT INTO locks (name, owner, expires_at) VALUES (?1, ?2, ?3)
       ON CONFLICT (name) DO UPDATE SET owner = ?2, expires_at = ?3 WHERE expires_at <= ?4`,
    ),
    renewLock: db.prepare(
      'UPDATE locks SET expires_at = ? WHERE name = ? AND owner = ? AND expires_at > ?',
    ),
    unlock: db.prepare('DELETE FROM locks WHERE name = ? AND owner = ?'),
    purgeLocks: db.prepare(
      `DELETE FROM locks WHERE name IN (SELECT name FROM locks WHERE expires_at <= ? LIMIT ${BATCH})`,
    ),
    purgeSessions: db.prepare(
      `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ${BATCH})`,
    ),
    purgeOnce: db.prepare(
      `DELETE FROM once WHERE key IN (SELECT key FROM once WHERE expires_at <= ? LIMIT ${BATCH})`,
    ),
  }
}
type Statements = ReturnType<typeof prepareStatements>

function hear(siblings: Siblings | undefined, listener: (news: string) => void): () => void {
  return siblings?.listen(listener) ?? (() => undefined)
}

function insertSession(db: DatabaseSync, sql: Statements, session: StoredSession): void {
  const { id, record, groups, tokens, card, revision, expiresAt } = session
  inTransaction(db, () => {
    sql.insert.run(id, record, groups, tokens, card, revision, expiresAt)
    for (const key of session.indexKeys) sql.insertIndex.run(key, id)
  })
}

function replaceSession(
  db: DatabaseSync,
  sql: Statements,
  next: StoredSession,
  previous: Pick<StoredSession, 'revision'>,
  time: EpochMs,
): Replacement {
  const { id, record, groups, tokens, card, revision, expiresAt } = next
  const put = [record, groups, tokens, card, revision, expiresAt] as const
  return inTransaction(db, () => {
    const { changes } = sql.replace.run(...put, id, previous.revision, time)
    if (changes === 0) return sql.revision.get(id, time) === undefined ? 'gone' : 'changed'
    sql.clearIndex.run(id)
    for (const key of next.indexKeys) sql.insertIndex.run(key, id)
    return 'replaced'
  })
}

function inTransaction<T>(db: DatabaseSync, write: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = write()
    db.exec('COMMIT')
    return result
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

function revisionIn(row: Record<string, unknown> | undefined): string | undefined {
  return row === undefined ? undefined : String(row['revision'])
}

async function* listSessions(ask: Ask, sql: Statements, now: Clock) {
  let after = ''
  for (;;) {
    const rows = await ask(() => sql.list.all(after, now()))
    for (const row of rows) {
      after = String(row['id'])
      yield { id: after, card: bytes(row['card']), expiresAt: Number(row['expires_at']) }
    }
    if (rows.length < BATCH) return
  }
}

function deleteExpired(statement: StatementSync, time: number): void {
  while (Number(statement.run(time).changes) === BATCH);
}

/** The setting belongs to the connection, and all of this is synchronous: nobody else's commit falls in between. */
function withoutSync<T>(db: DatabaseSync, write: () => T): T {
  db.exec('PRAGMA synchronous = NORMAL')
  try {
    return write()
  } finally {
    db.exec('PRAGMA synchronous = FULL')
  }
}

type Ask = <T>(question: () => T) => Promise<T>

async function answer<T>(path: string, ask: () => T): Promise<T> {
  try {
    return ask()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown'
    throw unavailable(`session store \`${path}\`: ${reason}`, cause)
  }
}

function blobs(row: Record<string, unknown>) {
  return {
    record: bytes(row['record']),
    groups: bytes(row['groups']),
    tokens: bytes(row['tokens']),
    card: bytes(row['card']),
  }
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw new TypeError('a value in the store is no blob')
}
