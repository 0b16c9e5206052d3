/** Which files hold policies, and which do not. */

import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type Test, test } from 'tap'
import { createInputFiles } from '../../src/config/input-files.ts'
import { readPolicyFiles } from '../../src/config/policy-files.ts'
import { formatProblem } from '../../src/support/problem.ts'

const at = { file: 'gatehouse.yaml', line: 9, column: 3 }

async function collect(folder: string, paths: readonly string[]) {
  const roots = paths.map((path) => ({ path: join(folder, path), at }))
  const { sources, problems } = await readPolicyFiles(roots, createInputFiles())
  return {
    files: sources.map((source) => relative(folder, source.file)),
    problems: problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, '')),
  }
}

test('every `*.yaml` below a folder, in the order of names, but no tests and no test data', async (t) => {
  const folder = t.testdir({
    policies: {
      'b.yaml': '',
      'a.yaml': '',
      'a_test.yaml': '',
      'README.md': '',
      team: { 'c.yaml': '', testdata: { 'subjects.yaml': '' }, deep: { 'd.yaml': '' } },
      testdata: { 'subjects.yaml': '' },
      '.hidden.yaml': '',
      '.git': { 'e.yaml': '' },
    },
  })
  t.strictSame(await collect(folder, ['policies']), {
    files: ['a.yaml', 'b.yaml', 'team/c.yaml', 'team/deep/d.yaml'].map(
      (name) => `policies/${name}`,
    ),
    problems: [],
  })
})

test('a ConfigMap is read once, through its links', async (t) => {
  const folder = t.testdir({ '..2026_01': { 'a.yaml': 'x' } })
  await symlink('..2026_01', join(folder, '..data'))
  await symlink('..data/a.yaml', join(folder, 'a.yaml'))
  t.strictSame((await collect(folder, ['.'])).files, ['a.yaml'])
})

test('a file that two paths lead to is read once, and a circle of links ends', async (t) => {
  const folder = t.testdir({ p: { 'a.yaml': '' } })
  await symlink('..', join(folder, 'p', 'up'))
  await symlink('p', join(folder, 'again'))
  t.strictSame((await collect(folder, ['p', 'p/a.yaml', 'again'])).files, ['p/a.yaml'])
})

test('a `.yml` file is warned about', async (t) => {
  const folder = t.testdir({ p: { 'a.yml': '', 'b.yaml': '' } })
  t.strictSame((await collect(folder, ['p'])).problems, [
    'p/a.yml:1:1: warning: the file is not read: policies end in `.yaml`',
  ])
})

const refused: Record<string, { make: (t: Test) => Promise<string>; problem: string }> = {
  'a folder without policies': {
    make: async (t) => t.testdir({ p: { 'a_test.yaml': '' } }),
    problem: 'gatehouse.yaml:9:3: no policies found: there is no file `*.yaml` below this path',
  },
  'a path that is not there': {
    make: async (t) => t.testdir({}),
    problem: 'gatehouse.yaml:9:3: cannot read the policies: no such file',
  },
  'a link to nothing': {
    make: async (t) => {
      const folder = t.testdir({ p: { 'a.yaml': '' } })
      await symlink('gone.yaml', join(folder, 'p', 'b.yaml'))
      return folder
    },
    problem: 'p/b.yaml:1:1: cannot read the policy file: no such file',
  },
  'a file that is not UTF-8': {
    make: async (t) => {
      const folder = t.testdir({})
      await mkdir(join(folder, 'p'))
      await writeFile(join(folder, 'p', 'a.yaml'), Buffer.from([0x61, 0xff, 0xfe]))
      return folder
    },
    problem: 'p/a.yaml:1:1: cannot read the policy file: it is not UTF-8',
  },
}
for (const [name, { make, problem }] of Object.entries(refused)) {
  test(`policy files refused: ${name}`, async (t) => {
    t.strictSame((await collect(await make(t), ['p'])).problems, [problem])
  })
}

test('a test file named as a policy is refused', async (t) => {
  const folder = t.testdir({ 'a_test.yaml': '' })
  t.strictSame((await collect(folder, ['a_test.yaml'])).problems, [
    'gatehouse.yaml:9:3: a `*_test.yaml` file holds tests, not policies',
  ])
})
