/** A changed file is live as a whole or not at all, and what went wrong can be asked for. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config is written with these

import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { loadSnapshot } from '../../src/config/load.ts'
import { createSnapshotHolder, type ReloadResult } from '../../src/config/reload.ts'
import type { Snapshot } from '../../src/config/snapshot.ts'
import { watchFiles } from '../../src/config/watch.ts'
import { type Files, GOOD, GOOD_CONFIG, GOOD_POLICY } from './config-folder.ts'

const NOW = 1_772_442_000_000

interface Options {
  readonly files?: Files
  readonly onSwap?: (next: Snapshot) => void
  readonly prepare?: (folder: string) => Promise<void>
}

/** A holder over a folder of its own, with what it logs and the results of its reloads. */
async function startHolder(t: Test, options: Options = {}) {
  const folder = t.testdir({ ...(options.files ?? GOOD) })
  await options.prepare?.(folder)
  const configFile = join(folder, 'gatehouse.yaml')
  const loadAgain = (previous?: Snapshot) =>
    loadSnapshot({ configFile, env: {}, now: () => NOW, previous })
  const { snapshot, stamps } = await loadAgain()
  if (snapshot === undefined) throw new Error('the first load must be good')
  const logged: string[] = []
  const write = (_fields: object, message: string) => {
    logged.push(message.replaceAll(`${folder}/`, ''))
  }
  const results: ReloadResult[] = []
  const listeners: (() => void)[] = []
  const holder = createSnapshotHolder({
    first: snapshot,
    stamps,
    load: loadAgain,
    configFile,
    now: () => NOW,
    log: { debug: write, info: write, warn: write, error: write },
    onSwap: options.onSwap ?? (() => undefined),
    onReload: (result) => {
      results.push(result)
      for (const listener of listeners.splice(0)) listener()
    },
  })
  return {
    folder,
    holder,
    logged,
    results,
    path: (name: string) => join(folder, name),
    routes: () => holder.current().table.routes.map((route) => route.name),
    nextReload: () => new Promise<void>((resolve) => listeners.push(resolve)),
  }
}

const renamed = (name: string) => GOOD_POLICY.replace('name: app', `name: ${name}`)

test('an edit is live after a reload, and nothing of it before', async (t) => {
  const { holder, path, routes, logged } = await startHolder(t)
  await writeFile(path('policies/app.yaml'), renamed('edited'))
  t.strictSame(routes(), ['app'])
  t.equal(await holder.reload(), 'swapped')
  t.strictSame(routes(), ['edited'])
  t.equal(holder.status().lastError, undefined)
  t.strictSame(logged, ['reloaded'])
})

test('without a change nothing is swapped and nothing logged', async (t) => {
  const { holder, logged } = await startHolder(t)
  const before = holder.current()
  t.equal(await holder.reload(), 'unchanged')
  t.equal(holder.current(), before)
  t.strictSame(logged, [])
})

test('a bad file changes nothing, and says where it is bad until it is mended', async (t) => {
  const { holder, path, routes, logged } = await startHolder(t)
  await writeFile(path('policies/app.yaml'), GOOD_POLICY.replace('groups', 'grops'))
  t.equal(await holder.reload(), 'failed')
  t.strictSame(routes(), ['app'])
  t.strictSame(holder.status().lastError, {
    message: 'unknown criterion `grops`, did you mean `groups`?',
    file: path('policies/app.yaml'),
    line: 5,
    column: 32,
    at: NOW,
  })
  t.strictSame(logged, [
    'policies/app.yaml:5:32: unknown criterion `grops`, did you mean `groups`?',
  ])
  await writeFile(path('policies/app.yaml'), GOOD_POLICY)
  t.equal(await holder.reload(), 'restored')
  t.equal(holder.status().lastError, undefined)
  t.equal(await holder.reload(), 'unchanged')
})

test('one bad file among good changes keeps all of them out', async (t) => {
  const { holder, path, routes } = await startHolder(t)
  await writeFile(path('policies/app.yaml'), renamed('edited'))
  await writeFile(path('policies/new.yaml'), 'routes: [')
  t.equal(await holder.reload(), 'failed')
  t.strictSame(routes(), ['app'])
})

const OTHER_POLICY = renamed('other').replace('app.example', 'other.example')

test('a removed file takes its routes along; the last one stays', async (t) => {
  const files = { ...GOOD, policies: { 'app.yaml': GOOD_POLICY, 'other.yaml': OTHER_POLICY } }
  const { holder, path, routes, logged } = await startHolder(t, { files })
  await rm(path('policies/app.yaml'))
  t.equal(await holder.reload(), 'swapped')
  t.strictSame(routes(), ['other'])

  await writeFile(path('policies/other.yaml'), '')
  t.equal(await holder.reload(), 'failed')
  t.strictSame(routes(), ['other'])
  t.match(holder.status().lastError, {
    message: 'no route is left in the policies; the last good ones stay in force',
    file: path('gatehouse.yaml'),
  })
  t.match(logged.at(-1), /^reload refused: no route is left/)

  await rm(path('policies/other.yaml'))
  t.equal(await holder.reload(), 'failed')
  t.match(holder.status().lastError, { message: /^no policies found/ })
})

test("a new password for the store needs a restart, though it prints as the old one's does", async (t) => {
  const withPassword = (password: string) =>
    GOOD_CONFIG.replace('sqlite:sessions.db', `redis://:${password}@redis`)
  const files = { ...GOOD, 'gatehouse.yaml': withPassword('old') }
  const { holder, path } = await startHolder(t, { files })
  await writeFile(path('gatehouse.yaml'), withPassword('new'))
  t.equal(await holder.reload(), 'swapped')
  t.strictSame(holder.status().restartNeeded, ['store'])
})

test('what needs a restart is named while the rest goes live, until it is as at the start', async (t) => {
  const { holder, path, routes, logged } = await startHolder(t)
  const config = GOOD_CONFIG.replace(
    'server:',
    'server:\n  listen: 127.0.0.1:8081\n  admin_listen: 127.0.0.1:9902\n  workers: 2',
  ).replace('sessions.db', 'other.db')
  await writeFile(path('gatehouse.yaml'), config)
  await writeFile(path('policies/app.yaml'), renamed('edited'))
  t.equal(await holder.reload(), 'swapped')
  t.strictSame(routes(), ['edited'])
  t.strictSame(holder.status().restartNeeded, ['listen', 'admin_listen', 'workers', 'store'])
  t.ok(logged.includes('restart needed for: listen, admin_listen, workers, store'))
  await writeFile(path('gatehouse.yaml'), GOOD_CONFIG)
  await holder.reload()
  t.strictSame(holder.status().restartNeeded, [])
})

test('a snapshot that cannot be put in force is refused', async (t) => {
  const { holder, path, routes } = await startHolder(t, {
    onSwap: () => {
      throw new Error('the new parts do not start')
    },
  })
  await writeFile(path('policies/app.yaml'), renamed('edited'))
  t.equal(await holder.reload(), 'failed')
  t.strictSame(routes(), ['app'])
  t.match(holder.status().lastError, { message: 'the new parts do not start' })
})

test('reloads run one at a time, and what changed during one is seen by the next', async (t) => {
  const swaps: Snapshot[] = []
  const { holder, path, routes, results } = await startHolder(t, {
    onSwap: (next) => void swaps.push(next),
  })
  await writeFile(path('policies/app.yaml'), renamed('first'))
  const first = holder.reload()
  const others = [holder.reload(), holder.reload()]
  await first
  await writeFile(path('policies/app.yaml'), renamed('second'))
  await Promise.all(others)
  await holder.reload()
  t.strictSame(routes(), ['second'])
  t.ok(results.length <= 3, 'those who asked together shared one')
  t.equal(swaps.at(-1), holder.current())
})

test('a change of a file that the config names is live by itself', async (t) => {
  const config = GOOD_CONFIG.replace('0oa1', '"${file:client.txt}"')
  const files = { ...GOOD, 'gatehouse.yaml': config, 'client.txt': 'one\n' }
  const { holder, path, nextReload } = await startHolder(t, { files })
  startWatching(t, holder)
  await writeFile(path('client.txt'), 'two\n')
  while (holder.current().config.providers['okta']?.client_id !== 'two') await nextReload()
  t.pass('live')
})

test('a swapped link to the policies is live by itself, as is a bad version of it', async (t) => {
  const prepare = async (folder: string) => {
    await mkdir(join(folder, 'v2'))
    await writeFile(join(folder, 'v2', 'app.yaml'), renamed('second'))
    await mkdir(join(folder, 'v3'))
    await writeFile(join(folder, 'v3', 'app.yaml'), 'routes: 7')
    await symlink('v1', join(folder, 'policies'))
  }
  const files = { 'gatehouse.yaml': GOOD_CONFIG, v1: { 'app.yaml': GOOD_POLICY } }
  const { holder, path, routes, nextReload } = await startHolder(t, { files, prepare })
  startWatching(t, holder)
  const swapTo = async (version: string) => {
    await symlink(version, path('next'))
    await rename(path('next'), path('policies'))
  }
  await swapTo('v2')
  while (routes()[0] !== 'second') await nextReload()
  await swapTo('v3')
  while (holder.status().lastError === undefined) await nextReload()
  t.strictSame(routes(), ['second'])
  t.match(holder.status().lastError, { file: path('policies/app.yaml'), line: 1 })
})

function startWatching(t: Test, holder: Awaited<ReturnType<typeof startHolder>>['holder']) {
  const onChange = async () => void (await holder.reload())
  const watch = watchFiles({ stamps: holder.stamps, onChange, intervalMs: 40, settleMs: 10 })
  t.teardown(() => watch.close())
}
