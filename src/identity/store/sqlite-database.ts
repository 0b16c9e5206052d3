/** The file that sessions lie in: opened, made, and brought from what older releases wrote to what this one reads. */

import { chmodSync, closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GatehouseError } from '../../errors.ts'

/** Another process may be writing. A wait blocks this one, so it is short: every transaction here takes milliseconds. */
const BUSY_TIMEOUT_MS = 2_000

const SCHEMA_1 = `
  CREATE TABLE schema_version (version INTEGER NOT NULL);
  INSERT INTO schema_version VALUES (1);
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

/** Sessions that are replaced, and locks. */
const SCHEMA_2 = `
  ALTER TABLE sessions ADD COLUMN revision TEXT NOT NULL DEFAULT '';
  CREATE TABLE locks (name TEXT PRIMARY KEY, owner TEXT NOT NULL, expires_at INTEGER NOT NULL);
  CREATE INDEX locks_by_end ON locks (expires_at);
`
/** From each version of the file to the next. INVARIANT: what stands here never changes; what is new comes at the end. */
const MIGRATIONS = [SCHEMA_1, SCHEMA_2]

/**
 * WAL, so that readers never wait for a writer. `synchronous = FULL`: a commit is on the disk before anybody is told of
 * it. Against a killed process NORMAL would do, but a power cut could then bring back a session that had been revoked.
 */
export function openDatabase(path: string): DatabaseSync {
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
    const version = versionOf(db)
    if (!(version <= MIGRATIONS.length)) {
      throw new Error(`it has version ${version}; this release reads up to ${MIGRATIONS.length}`)
    }
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
    db.prepare('UPDATE schema_version SET version = ?').run(MIGRATIONS.length)
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

/** 0 where nothing has been made yet. */
function versionOf(db: DatabaseSync): number {
  const made = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").get()
  if (made === undefined) return 0
  return Number(db.prepare('SELECT version FROM schema_version').get()?.['version'])
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

export function unavailable(detail: string, cause: unknown): GatehouseError {
  return new GatehouseError('STORE_UNAVAILABLE', detail, { cause })
}
