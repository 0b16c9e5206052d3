/** Files as a revision has them, at the paths that they have on disk; the checkout is not touched. */

import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { type GitRevision, openRevision } from '../../src/config/git-revision.ts'
import { createInputFiles } from '../../src/config/input-files.ts'
import { gitRepository, type Repository } from '../support/git-repository.ts'
import { tempFolder } from '../support/temp-folder.ts'

async function revision(
  t: Test,
  { folder, env }: Repository,
  ref: string,
  from = folder,
): Promise<GitRevision> {
  const opened = await openRevision(ref, from, env, createInputFiles())
  if ('reason' in opened) throw new Error(opened.reason)
  t.teardown(() => opened.close())
  return opened
}

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'read',
    (cause: { code?: unknown }) => cause.code,
  )

test('content is that of the revision, whatever is on disk', async (t) => {
  const repository = gitRepository(t, { 'p/a.yaml': 'one', 'p/sub/b.yaml': 'b' })
  repository.commit({ 'p/a.yaml': 'two' })
  const { folder } = repository
  writeFileSync(join(folder, 'p/a.yaml'), 'three')
  const before = repository.git('status', '--porcelain')
  const { files, top } = await revision(t, repository, 'HEAD~1')
  t.equal(top, folder)
  t.equal((await files.read(join(folder, 'p/a.yaml'))).toString(), 'one')
  t.equal(files.readSync(join(folder, 'p/a.yaml')).toString(), 'one')
  t.strictSame(
    (await files.list(join(folder, 'p'))).map(({ name, kind, path }) => [name, kind, path]),
    [
      ['a.yaml', 'file', join(folder, 'p/a.yaml')],
      ['sub', 'folder', join(folder, 'p/sub')],
    ],
  )
  t.equal(await files.kindOf(folder), 'folder')
  t.equal(await files.kindOf(join(folder, 'p/none')), 'missing')
  t.equal(repository.git('status', '--porcelain'), before)
})

test('every name that git has for a commit will do', async (t) => {
  const repository = gitRepository(t, { a: 'one' })
  const first = repository.git('rev-parse', 'HEAD')
  repository.git('tag', '--annotate', 'v1', '--message', 'v1')
  repository.commit({ a: 'two' })
  repository.git('branch', 'feature/x')
  for (const [ref, content] of [
    ['v1', 'one'],
    [first, 'one'],
    [first.slice(0, 10), 'one'],
    ['main~1', 'one'],
    ['feature/x', 'two'],
    ['refs/heads/main', 'two'],
    ['HEAD@{0}', 'two'],
  ] as const) {
    const { files } = await revision(t, repository, ref)
    t.equal((await files.read(join(repository.folder, 'a'))).toString(), content, ref)
  }
})

const refused: Record<string, { ref: string; says: RegExp }> = {
  'an option': { ref: '--output=/tmp/x', says: /^it is no name of a revision/ },
  'another option': { ref: '-h', says: /^it is no name of a revision/ },
  nothing: { ref: '', says: /^it is no name of a revision/ },
  'a line end': { ref: 'main\nx', says: /^it is no name of a revision/ },
  'a zero byte': { ref: 'main\0', says: /^it is no name of a revision/ },
  'a name that is not there': {
    ref: 'origin/main',
    says: /has no such revision; .* fetch it first/,
  },
  'a file of a revision': { ref: 'main:a', says: /has no such revision/ },
  'a range': { ref: 'main..main', says: /has no such revision/ },
  'a path': { ref: '../../etc', says: /has no such revision/ },
}
for (const [name, { ref, says }] of Object.entries(refused)) {
  test(`no revision: ${name}`, async (t) => {
    const { folder, env } = gitRepository(t, { a: 'one' })
    t.match(await openRevision(ref, folder, env, createInputFiles()), { reason: says })
  })
}

test('a folder without a repository, and a machine without git, have no revisions', async (t) => {
  const { env } = gitRepository(t, { a: 'one' })
  const folder = tempFolder(t)
  const bounded = { ...env, GIT_CEILING_DIRECTORIES: join(folder, '..') }
  const disk = createInputFiles()
  t.match(await openRevision('main', folder, bounded, disk), { reason: /not a git repository/ })
  t.match(await openRevision('main', folder, { PATH: folder }, disk), {
    reason: 'the program `git` is not there',
  })
})

test('a hook of git leads to no other repository', async (t) => {
  const repository = gitRepository(t, { a: 'one' })
  const other = gitRepository(t, { a: 'other' })
  const env = {
    ...repository.env,
    GIT_DIR: join(other.folder, '.git'),
    GIT_WORK_TREE: other.folder,
    GIT_INDEX_FILE: join(other.folder, '.git/index'),
    GIT_PREFIX: 'x/',
  }
  const { files } = await revision(t, { ...repository, env }, 'main')
  t.equal((await files.read(join(repository.folder, 'a'))).toString(), 'one')
  t.equal(files.readSync(join(repository.folder, 'a')).toString(), 'one')
})

test('the repository is found from a folder within, and by a link to it', async (t) => {
  const repository = gitRepository(t, { 'deep/er/a': 'one' })
  const inner = await revision(t, repository, 'main', join(repository.folder, 'deep/er'))
  t.equal(inner.top, repository.folder)
  const link = join(tempFolder(t), 'link')
  symlinkSync(repository.folder, link)
  const { top, files } = await revision(t, repository, 'main', join(link, 'deep'))
  t.equal(top, link)
  t.equal((await files.read(join(link, 'deep/er/a'))).toString(), 'one')
})

test('links are followed within the revision, and out of it to the disk', async (t) => {
  const repository = gitRepository(t, { 'shared/x.yaml': 'x', 'p/a.yaml': 'a' })
  const { folder } = repository
  const outside = tempFolder(t, { 'o.yaml': 'outside' })
  const link = (target: string, path: string) => symlinkSync(target, join(folder, path))
  link('../shared', 'p/shared')
  link('shared/x.yaml', 'p/again.yaml')
  link(join(outside, 'o.yaml'), 'p/out.yaml')
  link(outside, 'p/out')
  link('none', 'p/dangling.yaml')
  link('.', 'p/self')
  link('two.yaml', 'p/one.yaml')
  link('one.yaml', 'p/two.yaml')
  repository.commit({})
  rmSync(join(folder, 'shared'), { recursive: true })
  const { files } = await revision(t, repository, 'main')
  const at = (path: string) => join(folder, 'p', path)
  t.strictSame(
    (await files.list(at(''))).map(({ name, kind }) => `${name} ${kind}`),
    [
      'a.yaml file',
      'again.yaml file',
      'dangling.yaml missing',
      'one.yaml missing',
      'out folder',
      'out.yaml file',
      'self folder',
      'shared folder',
      'two.yaml missing',
    ],
  )
  t.equal((await files.read(at('shared/x.yaml'))).toString(), 'x')
  t.equal((await files.read(at('again.yaml'))).toString(), 'x')
  t.equal((await files.read(at('out.yaml'))).toString(), 'outside')
  t.equal((await files.read(at('out/o.yaml'))).toString(), 'outside')
  t.equal((await files.list(at('out')))[0]?.name, 'o.yaml')
  t.equal(await files.realPath(at('self/self/a.yaml')), at('a.yaml'))
  t.equal(await files.realPath(at('shared/x.yaml')), join(folder, 'shared/x.yaml'))
  t.equal(await files.realPath(at('out')), outside)
  t.equal(await codeOf(files.read(at('dangling.yaml'))), 'ENOENT')
  t.equal(await codeOf(files.read(at('one.yaml'))), 'ELOOP')
  t.equal(await codeOf(files.realPath(at('two.yaml'))), 'ELOOP')
})

test('what cannot be read says why, as a disk does', async (t) => {
  const { folder, ...repository } = gitRepository(t, { 'p/a.yaml': 'a' })
  const { files } = await revision(t, { folder, ...repository }, 'main')
  const at = (path: string) => join(folder, path)
  t.equal(await codeOf(files.read(at('none'))), 'ENOENT')
  t.equal(await codeOf(files.read(at('p'))), 'EISDIR')
  t.equal(await codeOf(files.read(at('p/a.yaml/x'))), 'ENOENT')
  t.equal(await codeOf(files.list(at('p/a.yaml'))), 'ENOTDIR')
  t.equal(await codeOf(files.list(at('none'))), 'ENOENT')
  t.throws(() => files.readSync(at('none')), { code: 'ENOENT' })
  t.throws(() => files.readSync(at('p')), { code: 'EISDIR' })
})

test('files outside of the repository are those on disk', async (t) => {
  const repository = gitRepository(t, { a: 'one' })
  const outside = tempFolder(t, { 'x/o': 'outside' })
  const { files } = await revision(t, repository, 'main')
  t.equal((await files.read(join(outside, 'x/o'))).toString(), 'outside')
  t.equal(files.readSync(join(outside, 'x/o')).toString(), 'outside')
  t.equal(await files.kindOf(join(outside, 'x')), 'folder')
  t.equal((await files.list(join(outside, 'x')))[0]?.name, 'o')
  t.equal(await files.realPath(join(outside, 'x')), join(outside, 'x'))
})

test('a submodule is an error, never an empty folder', async (t) => {
  const inner = gitRepository(t, { 'a.yaml': 'a' })
  const repository = gitRepository(t, { 'p/b.yaml': 'b' })
  const { folder, git } = repository
  git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', inner.folder, 'p/inner')
  repository.commit({})
  const { files } = await revision(t, repository, 'main')
  t.strictSame(
    (await files.list(join(folder, 'p'))).map(({ name, kind }) => `${name} ${kind}`),
    ['b.yaml file', 'inner folder'],
  )
  t.match(await codeOf(files.list(join(folder, 'p/inner'))), /^it is a submodule/)
  t.match(await codeOf(files.read(join(folder, 'p/inner/a.yaml'))), /^it is a submodule/)
  t.equal(await files.realPath(join(folder, 'p/inner')), join(folder, 'p/inner'))
})

test('names with spaces, quotes and other scripts are names; one with a line end cannot be asked for', async (t) => {
  const names = ['a b.yaml', 'quote".yaml', 'back\\slash.yaml', 'café.yaml', '-x.yaml', ':y.yaml']
  const files = Object.fromEntries(names.map((name) => [`p/${name}`, name]))
  const repository = gitRepository(t, { ...files, 'p/line\nend.yaml': 'x' })
  const opened = await revision(t, repository, 'main')
  for (const name of names) {
    t.equal((await opened.files.read(join(repository.folder, 'p', name))).toString(), name)
  }
  const folder = join(repository.folder, 'p')
  t.ok((await opened.files.list(folder)).some(({ name }) => name === 'line\nend.yaml'))
  t.equal(await codeOf(opened.files.read(join(folder, 'line\nend.yaml'))), 'ENOENT')
  t.throws(() => opened.files.readSync(join(folder, 'line\nend.yaml')), { code: 'ENOENT' })
})

test('large files and many files come whole', async (t) => {
  const large = 'x'.repeat(3_000_000)
  const many = Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`many/${i}.yaml`, `content ${i}\n`.repeat(i)]),
  )
  const repository = gitRepository(t, { 'large.yaml': large, 'empty.yaml': '', ...many })
  const { files } = await revision(t, repository, 'main')
  const read = async (path: string) => (await files.read(join(repository.folder, path))).toString()
  const [first, nothing, ...others] = await Promise.all(
    ['large.yaml', 'empty.yaml', ...Object.keys(many)].map(read),
  )
  t.ok(first === large)
  t.equal(nothing, '')
  t.strictSame(others, Object.values(many))
})

test('repositories with longer hashes, and worktrees, are repositories', async (t) => {
  const sha256 = gitRepository(t, { 'p/a': 'one' }, '--object-format=sha256')
  const { files } = await revision(t, sha256, 'main')
  t.equal((await files.read(join(sha256.folder, 'p/a'))).toString(), 'one')
  t.equal((await files.list(join(sha256.folder, 'p')))[0]?.name, 'a')
  const repository = gitRepository(t, { a: 'one' })
  const worktree = join(tempFolder(t), 'tree')
  repository.git('worktree', 'add', '--quiet', '-b', 'work', worktree)
  const { top, files: there } = await revision(t, repository, 'main', worktree)
  t.equal(top, worktree)
  t.equal((await there.read(join(worktree, 'a'))).toString(), 'one')
})

test('a repository that goes away is an error, not a wait', async (t) => {
  const repository = gitRepository(t, { a: 'one' })
  const { files } = await revision(t, repository, 'main')
  rmSync(join(repository.folder, '.git'), { recursive: true })
  mkdirSync(join(repository.folder, '.git'))
  await t.rejects(files.read(join(repository.folder, 'a')), /git ended/)
  await t.rejects(files.read(join(repository.folder, 'a')), /git ended/)
  t.ok(readdirSync(repository.folder).includes('a'))
})
