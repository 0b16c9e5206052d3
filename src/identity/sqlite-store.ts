/** Sessions in one file of the local disk: they outlive the process, without any service beside it. */

import { chmodSync, closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { GatehouseError } from '../errors.ts'
import { type Every, every } from '../support/every.ts'
import type { Clock } from '../support/time.ts'
import type { SessionStore, Siblings, StoredSession } from './session-store.ts'

const SCHEMA_VERSION = 1
/** Another process may be writing. A wait blocks this one, so it is short: every transaction here takes milliseconds. */
const BUSY_TIMEOUT_MS = 2_000
const SWEEP_MS = 60_000
/** Rows deleted or listed at a time, so that no request waits long behind it. */
const BATCH = 500

const SCHEMA = `
  CREATE TABLE schema_version (version INTEGER NOT NULL);
  INSERT INTO schema_version VALUES (${SCHEMA_VERSION});
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    record BLOB NOT NULL,
    groups BLOB NOT NULL,
    tokens BLOB NOT NULL,
    card BLOB NOT NULL,
    expires_at INTEGER NOT NULL
  );
  CREATE INDEX sessions_by_end ON sessions (expires_at);
  CREATE TABLE session_index (
    key TEXT NOT NULL,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    PRIMARY KEY (key, session_id)
  ) WITHOUT ROWID;
  CREATE INDEX session_index_by_session ON session_index (session_id);
  CREATE TABLE once (key TEXT PRIMARY KEY, value BLOB NOT NULL, expires_at INTEGER NOT NULL);
  CREATE INDEX once_by_end ON once (expires_at);
  CREATE TABLE kept (key TEXT PRIMARY KEY, value BLOB NOT NULL);
`

export interface SqliteStoreOptions {
  readonly now: Clock
  readonly every?: Every
  /** Processes without any find out about deleted sessions when they ask. */
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
  const sweep = () => {
    try {
      deleteExpired(sql.purgeSessions, now())
      deleteExpired(sql.purgeOnce, now())
    } catch {
      // Expired rows are never returned, and requests tell of a store that fails: the next sweep tries again.
    }
  }
  const stopSweeping = (options.every ?? every)(SWEEP_MS, sweep)
  let closed = false

  return {
    create: (session) => answer(path, () => insertSession(db, sql, session)),
    read: (id) =>
      answer(path, () => {
        const row = sql.read.get(id, now())
        if (row === undefined) return undefined
        const indexKeys = sql.indexKeysOf.all(id).map(({ key }) => String(key))
        return { id, ...blobs(row), indexKeys, expiresAt: Number(row['expires_at']) }
      }),
    has: (id) => answer(path, () => sql.has.get(id, now()) !== undefined),
    touch: (id, card, expiresAt) =>
      answer(path, () =>
        // Losing the last minute's uses to a power cut costs nobody more than that minute: no wait for the disk.
        withoutSync(db, () => sql.touch.run(card, expiresAt, id, now()).changes === 1),
      ),
    delete: async (id) => {
      const there = await answer(path, () => sql.delete.run(id, now()).changes === 1)
      if (there) siblings?.tell(id)
      return there
    },
    findByIndex: (key) =>
      answer(path, () => sql.findByIndex.all(key, now()).map(({ session_id: id }) => String(id))),
    list: () => listSessions(path, sql, now),
    count: () => answer(path, () => Number(sql.count.get(now())?.['count'])),
    putOnce: (key, value, expiresAt) =>
      answer(path, () =>
        // A code that a power cut brings back is bound to a browser and over in 30 seconds.
        withoutSync(db, () => sql.putOnce.run(key, value, expiresAt, now()).changes === 1),
      ),
    takeOnce: (key) =>
      answer(path, () =>
        withoutSync(db, () => {
          // All rows, though there is one at most: only a statement that is run to its end tells that it failed.
          const row = sql.takeOnce.all(key)[0]
          return row !== undefined && Number(row['expires_at']) > now()
            ? bytes(row['value'])
            : undefined
        }),
      ),
    keep: (key, value) =>
      answer(path, () => {
        sql.keep.run(key, value)
        return bytes(sql.kept.get(key)?.['value'])
      }),
    onDeleted: (listener) => siblings?.listen(listener) ?? (() => undefined),
    close: async () => {
      if (closed) return
      closed = true
      stopSweeping()
      db.close()
    },
  }
}

/**
 * WAL, so that readers never wait for a writer. `synchronous = FULL`: a commit is on the disk before anybody is told of
 * it. Against a killed process NORMAL would do, but a power cut could then bring back a session that had been revoked.
 */
function openDatabase(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    createPrivateFile(path)
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON')
    migrate(db)
    return db
  } catch (cause) {
    db?.close()
    throw unavailable(`session store \`${path}\`: ${openingProblem(path, cause)}`, cause)
  }
}

/** Nobody but the owner may read it. SQLite gives its other files the mode of this one. */
function createPrivateFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600))
  try {
    chmodSync(path, 0o600)
  } catch {
    // The file is another owner's, who decides its mode.
  }
}

function migrate(db: DatabaseSync): void {
  // The lock comes first: two processes that start at once must not both make the tables.
  db.exec('BEGIN IMMEDIATE')
  try {
    const made = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").get()
    if (made === undefined) db.exec(SCHEMA)
    const version = db.prepare('SELECT version FROM schema_version').get()?.['version']
    if (version !== SCHEMA_VERSION) {
      throw new Error(`it has version ${version}; this release reads version ${SCHEMA_VERSION}`)
    }
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

function openingProblem(path: string, cause: unknown): string {
  if (!(cause instanceof Error)) return 'it cannot be opened'
  switch ('code' in cause ? cause.code : undefined) {
    case 'ENOENT':
      return `the folder \`${dirname(path)}\` does not exist`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'it cannot be written; check owner and mode of the file and of its folder'
    case 'EISDIR':
      return 'it is a folder; name a file in it'
    default:
      return cause.message
  }
}

function prepareStatements(db: DatabaseSync) {
  return {
    insert: db.prepare(
      'INSERT INTO sessions (id, record, groups, tokens, card, expires_at) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    insertIndex: db.prepare(
      'INSERT INTO session_index (key, session_id) VALUES (?, ?) ON CONFLICT DO NOTHING',
    ),
    read: db.prepare(
      'SELECT record, groups, tokens, card, expires_at FROM sessions WHERE id = ? AND expires_at > ?',
    ),
    indexKeysOf: db.prepare('SELECT key FROM session_index WHERE session_id = ?'),
    has: db.prepare('SELECT 1 FROM sessions WHERE id = ? AND expires_at > ?'),
    touch: db.prepare(
      'UPDATE sessions SET card = ?, expires_at = ? WHERE id = ? AND expires_at > ?',
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
    takeOnce: db.prepare('DELETE FROM once WHERE key = ? RETURNING value, expires_at'),
    keep: db.prepare('INSERT INTO kept (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING'),
    kept: db.prepare('SELECT value FROM kept WHERE key = ?'),
    purgeSessions: db.prepare(
      `DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at <= ? LIMIT ${BATCH})`,
    ),
    purgeOnce: db.prepare(
      `DELETE FROM once WHERE key IN (SELECT key FROM once WHERE expires_at <= ? LIMIT ${BATCH})`,
    ),
  }
}
type Statements = ReturnType<typeof prepareStatements>

function insertSession(db: DatabaseSync, sql: Statements, session: StoredSession): void {
  const { id, record, groups, tokens, card, expiresAt } = session
  db.exec('BEGIN IMMEDIATE')
  try {
    sql.insert.run(id, record, groups, tokens, card, expiresAt)
    for (const key of session.indexKeys) sql.insertIndex.run(key, id)
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

async function* listSessions(path: string, sql: Statements, now: Clock) {
  let after = ''
  for (;;) {
    const rows = await answer(path, () => sql.list.all(after, now()))
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

/** What `ask` returns, as a promise that rejects only with STORE_UNAVAILABLE. */
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

function unavailable(detail: string, cause: unknown): GatehouseError {
  return new GatehouseError('STORE_UNAVAILABLE', detail, { cause })
}
