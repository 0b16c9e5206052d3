/** Every way in which files change is noticed within two seconds, and nothing else is. */

import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createInputFiles, type Stamps, stampOf } from '../../src/config/input-files.ts'
import { readPolicyFiles } from '../../src/config/policy-files.ts'
import { watchFiles } from '../../src/config/watch.ts'
import { until } from '../support/start-redis.ts'

const at = { file: 'gatehouse.yaml', line: 1, column: 1 }

/** Watches the policies below `folder` as a gateway would: each change is answered by reading all anew. */
async function startWatch(t: Test, folder: string) {
  let stamps: Stamps = new Map()
  let texts = ''
  const read = async () => {
    const files = createInputFiles()
    const { sources } = await readPolicyFiles([{ path: folder, at }], files)
    stamps = files.stamps()
    texts = sources.map((source) => source.text).join('|')
    for (const listener of waiting.splice(0)) listener()
  }
  const waiting: (() => void)[] = []
  await read()
  const watch = watchFiles({ stamps: () => stamps, onChange: read, intervalMs: 40, settleMs: 15 })
  t.teardown(() => watch.close())
  return {
    /** Resolves once the policies read `wanted`. */
    async reads(wanted: string) {
      while (texts !== wanted) await new Promise<void>((resolve) => waiting.push(resolve))
      t.equal(texts, wanted)
    },
  }
}

test('an edit in place is noticed, also of the same length', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one' })
  const watch = await startWatch(t, folder)
  await writeFile(join(folder, 'a.yaml'), 'two')
  await watch.reads('two')
  await writeFile(join(folder, 'a.yaml'), 'six')
  await watch.reads('six')
})

test('a file renamed over another is noticed', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one', 'new.tmp': 'two' })
  const watch = await startWatch(t, folder)
  await rename(join(folder, 'new.tmp'), join(folder, 'a.yaml'))
  await watch.reads('two')
})

test('the swap of the link of a ConfigMap is noticed', async (t) => {
  const folder = t.testdir({ '..1': { 'a.yaml': 'one' }, '..2': { 'a.yaml': 'two' } })
  await symlink('..1', join(folder, '..data'))
  await symlink('..data/a.yaml', join(folder, 'a.yaml'))
  const watch = await startWatch(t, folder)
  await symlink('..2', join(folder, '..tmp'))
  await rename(join(folder, '..tmp'), join(folder, '..data'))
  await watch.reads('two')
})

test('the swap of the link to the whole folder is noticed, as git-sync does it', async (t) => {
  const folder = t.testdir({ one: { 'a.yaml': 'one' }, two: { 'a.yaml': 'two', 'b.yaml': 'more' } })
  await symlink('one', join(folder, 'current'))
  const watch = await startWatch(t, join(folder, 'current'))
  await symlink('two', join(folder, 'next'))
  await rename(join(folder, 'next'), join(folder, 'current'))
  await watch.reads('two|more')
})

test('added and removed files and folders are noticed', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one' })
  const watch = await startWatch(t, folder)
  await writeFile(join(folder, 'b.yaml'), 'two')
  await watch.reads('one|two')
  await mkdir(join(folder, 'team'))
  await writeFile(join(folder, 'team', 'c.yaml'), 'three')
  await watch.reads('one|two|three')
  await rm(join(folder, 'a.yaml'))
  await watch.reads('two|three')
})

test('what was missing is noticed when it comes', async (t) => {
  const folder = t.testdir({})
  const watch = await startWatch(t, join(folder, 'policies'))
  await mkdir(join(folder, 'policies'))
  await writeFile(join(folder, 'policies', 'a.yaml'), 'one')
  await watch.reads('one')
})

test('a change between the reading of a file and the first look is noticed', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one' })
  const files = createInputFiles()
  await files.read(join(folder, 'a.yaml'))
  await writeFile(join(folder, 'a.yaml'), 'two')
  await new Promise<void>((resolve) => {
    const onChange = async () => resolve()
    const watch = watchFiles({ stamps: files.stamps, onChange, intervalMs: 20, settleMs: 5 })
    t.teardown(() => watch.close())
  })
  t.pass('noticed')
})

test('a file that is being written is not read before it has come to rest', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one' })
  const file = join(folder, 'a.yaml')
  const files = createInputFiles()
  await files.read(file)
  const writes = ['t', 'tw', 'two']
  const atChange = new Promise<string>((resolve) => {
    const watch = watchFiles({
      stamps: files.stamps,
      onChange: async () => {
        watch.close()
        resolve(await readFile(file, 'utf8'))
      },
      // A part is written whenever the watch rests, until there is none left.
      rest: async (_ms, signal) => {
        signal.throwIfAborted()
        const part = writes.shift()
        if (part !== undefined) await writeFile(file, part)
      },
    })
  })
  t.equal(await atChange, 'two')
})

test('a change that somebody else has read while it came to rest is not read again', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one' })
  const file = join(folder, 'a.yaml')
  // A clock far away: no stamp is young.
  let files = createInputFiles(undefined, () => 0)
  await files.read(file)
  await writeFile(file, 'other')
  await until(async () => !(await stampOf(file)).endsWith(':young'))
  let calls = 0
  let rests = 0
  await new Promise<void>((resolve) => {
    const watch = watchFiles({
      stamps: () => files.stamps(),
      onChange: async () => {
        calls++
      },
      rest: async (_ms, signal) => {
        signal.throwIfAborted()
        if (++rests === 2) {
          files = createInputFiles(undefined, () => 0)
          await files.read(file)
        }
        if (rests === 5) resolve()
      },
    })
    t.teardown(() => watch.close())
  })
  t.equal(calls, 0)
})

test('nothing is called where nothing changes, nor after it is closed', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'one' })
  // A clock far away: no stamp is young.
  const files = createInputFiles(undefined, () => 0)
  await files.read(join(folder, 'a.yaml'))
  let calls = 0
  let looks = 0
  const fiveLooks = new Promise<void>((resolve) => {
    const stamps = () => {
      if (++looks === 5) resolve()
      return files.stamps()
    }
    const onChange = async () => {
      calls++
    }
    const watch = watchFiles({ stamps, onChange, intervalMs: 110, settleMs: 5 })
    t.teardown(() => watch.close())
  })
  await fiveLooks
  t.equal(calls, 0)
})
