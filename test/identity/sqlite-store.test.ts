import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'tap'
import { openStore } from '../../src/identity/store/open-store.ts'
import { createSqliteStore } from '../../src/identity/store/sqlite-store.ts'
import { manualTimer } from './manual-timer.ts'
import { type Logged, recorder } from './session-fixture.ts'
import { START, storeContract, storedSession } from './store-contract.ts'

const now = () => START

test('the sqlite store keeps the contract of session stores', (t) => {
  let count = 0
  const folder = t.testdir()
  return storeContract(t, (_t, clock) =>
    createSqliteStore(join(folder, `sessions-${count++}.db`), { now: clock }),
  )
})

test('sessions, values and kept values outlive the process', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const first = createSqliteStore(file, { now })
  await first.create(storedSession('a', { indexKeys: ['k'] }))
  await first.create(storedSession('b'))
  await first.delete('b')
  await first.putOnce('code', Buffer.from('x'), START + 1_000)
  await first.keep('key', Buffer.from('first'))
  await first.close()
  const second = createSqliteStore(file, { now })
  t.teardown(() => second.close())
  t.type(await second.revision('a'), 'string')
  t.same(await second.findByIndex('k'), ['a'])
  t.equal(await second.revision('b'), undefined, 'what was revoked stays revoked')
  t.same(Buffer.from((await second.takeOnce('code')) ?? []), Buffer.from('x'))
  t.same(Buffer.from(await second.keep('key', Buffer.from('second'))), Buffer.from('first'))
})

test('what a killed process had answered for is there afterwards', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const child = fork(join(import.meta.dirname, 'write-sessions.ts'), [file], {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const told: string[] = []
  child.on('message', (id) => {
    told.push(String(id))
    if (told.length === 50) child.kill('SIGKILL')
  })
  await once(child, 'exit')
  const store = createSqliteStore(file, { now })
  t.teardown(() => store.close())
  t.ok(told.length >= 50)
  for (const id of told) t.type(await store.revision(id), 'string', id)
})

test('two processes share one file', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const [one, other] = [createSqliteStore(file, { now }), createSqliteStore(file, { now })]
  t.teardown(() => Promise.all([one.close(), other.close()]))
  await one.create(storedSession('a'))
  t.type(await other.revision('a'), 'string')
  await other.delete('a')
  t.equal(await one.revision('a'), undefined)
  t.equal(await one.putOnce('k', Buffer.of(1), START + 1), true)
  t.equal(await other.putOnce('k', Buffer.of(2), START + 1), false)
  t.same(Buffer.from((await other.takeOnce('k')) ?? []), Buffer.of(1))
  t.equal(await one.takeOnce('k'), undefined)
})

test('a writer that holds the file too long is an outage, not an empty store', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const store = createSqliteStore(file, { now })
  t.teardown(() => store.close())
  await store.create(storedSession('a'))
  const blocker = new DatabaseSync(file)
  t.teardown(() => blocker.close())
  blocker.exec('BEGIN IMMEDIATE')
  t.type(await store.revision('a'), 'string', 'readers do not wait')
  await t.rejects(store.create(storedSession('b')), { code: 'STORE_UNAVAILABLE' })
  blocker.exec('ROLLBACK')
  await store.create(storedSession('b'))
  t.equal(await store.delete('a'), true)
})

test('a session is stored whole or not at all', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const store = createSqliteStore(file, { now })
  t.teardown(() => store.close())
  const broken = storedSession('a', { indexKeys: ['k', undefined as unknown as string] })
  await t.rejects(store.create(broken), { code: 'STORE_UNAVAILABLE' })
  t.equal(await store.revision('a'), undefined)
  t.same(await store.findByIndex('k'), [])
  await store.create(storedSession('a', { indexKeys: ['k'] }))
  t.same(await store.findByIndex('k'), ['a'])
})

test('only the owner may read the files, also those that were there before', async (t) => {
  const folder = t.testdir({ 'old.db': '' })
  chmodSync(join(folder, 'old.db'), 0o644)
  for (const name of ['old.db', 'new.db']) {
    const store = createSqliteStore(join(folder, name), { now })
    t.teardown(() => store.close())
    await store.create(storedSession('a'))
  }
  for (const name of readdirSync(folder)) {
    t.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
})

test('what has ended is purged from the file', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const clock = { time: START }
  const timer = manualTimer()
  const store = createSqliteStore(file, { now: () => clock.time, every: timer.every })
  for (let i = 0; i < 1_100; i++) await store.putOnce(`k${i}`, Buffer.of(1), START + 10)
  await store.create(storedSession('short', { indexKeys: ['k'], expiresAt: START + 10 }))
  await store.create(storedSession('long', { expiresAt: START + 10_000 }))
  clock.time = START + 10
  timer.tick()
  await store.close()
  t.equal(timer.running(), 0)
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']
  t.equal(count('sessions'), 1)
  t.equal(count('session_index'), 0)
  t.equal(count('once'), 0)
  timer.tick()
})

test('a deleted session leaves no bytes behind in the file', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const store = createSqliteStore(file, { now })
  const tokens = Buffer.from('tokens-of-a-revoked-session'.repeat(50))
  await store.create(storedSession('a', { tokens }))
  await store.delete('a')
  await store.close()
  t.notOk(readFileSync(file).includes('tokens-of-a-revoked-session'))
  t.notOk(existsSync(`${file}-wal`))
})

test('a file that is deleted or replaced while it serves is an outage, said once, and over when it is back', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  const logged: Logged[] = []
  const timer = manualTimer()
  const store = createSqliteStore(file, { now, log: recorder(logged), every: timer.every })
  t.teardown(() => store.close())
  await store.create(storedSession('a'))
  renameSync(file, `${file}.away`)
  timer.tick()
  t.match(logged, [{ level: 'error', message: /was deleted or moved away; put it back, or/ }])
  const away = { code: 'STORE_UNAVAILABLE', message: /the file was deleted or moved away/ }
  await t.rejects(store.revision('a'), away)
  await t.rejects(store.create(storedSession('b')), away, 'nothing is taken that would be lost')
  await t.rejects(store.delete('a'), away)
  writeFileSync(file, '')
  await t.rejects(store.read('a'), { message: /was replaced by another file/ })
  t.equal(logged.length, 1)
  renameSync(`${file}.away`, file)
  t.type(await store.revision('a'), 'string')
  t.equal(await store.revision('b'), undefined)
  t.match(logged.at(-1), { level: 'info', message: 'the file of sessions is back' })

  rmSync(file)
  await t.rejects(store.count(), away)
  const next = createSqliteStore(file, { now })
  t.teardown(() => next.close())
  t.equal(await next.count(), 0, 'a gateway that starts makes a new one')
})

test('a place where no store can be is refused with the reason', (t) => {
  const folder = t.testdir({ 'not-a-database.db': 'x'.repeat(5_000), folder: {} })
  const places: Record<string, [path: string, reason: RegExp]> = {
    'a missing folder': [join(folder, 'missing', 's.db'), /the folder `.*missing` does not exist/],
    'a folder': [join(folder, 'folder'), /it is a folder/],
    'another kind of file': [join(folder, 'not-a-database.db'), /not a database/],
  }
  for (const [name, [path, reason]] of Object.entries(places)) {
    t.throws(
      () => createSqliteStore(path, { now }),
      { code: 'STORE_UNAVAILABLE', message: reason },
      name,
    )
  }
  t.end()
})

test('a folder that may not be written is refused with the reason', (t) => {
  const locked = join(t.testdir(), 'locked')
  mkdirSync(locked, { mode: 0o500 })
  // Modes do not bind root: for a moment the process is nobody.
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid?.(65_534)
  try {
    t.throws(() => createSqliteStore(join(locked, 's.db'), { now }), {
      code: 'STORE_UNAVAILABLE',
      message: /cannot be written/,
    })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
  t.end()
})

test('a file of a later release is refused and left as it is', async (t) => {
  const file = join(t.testdir(), 'sessions.db')
  await createSqliteStore(file, { now }).close()
  const db = new DatabaseSync(file)
  db.exec('UPDATE schema_version SET version = 99')
  db.close()
  t.throws(() => createSqliteStore(file, { now }), { message: /version 99/ })
  t.throws(() => createSqliteStore(file, { now }), { message: /version 99/ })
})

test('the config names the store', async (t) => {
  const log = recorder([])
  const memory = await openStore({ kind: 'memory' }, { now, log })
  const file = join(t.testdir(), 'sessions.db')
  const sqlite = await openStore({ kind: 'sqlite', file }, { now, log })
  for (const store of [memory, sqlite]) {
    await store.create(storedSession('a'))
    t.type(await store.revision('a'), 'string')
    await store.close()
  }
  t.ok(existsSync(file))
})
