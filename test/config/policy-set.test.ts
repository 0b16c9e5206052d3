/** Policies with their people and tests, from several roots, single files and folders with links. */

import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type Test, test } from 'tap'
import { createInputFiles } from '../../src/config/input-files.ts'
import { configuredRoots, rootsOf } from '../../src/config/policy-roots.ts'
import { loadPolicySet, readAllTests } from '../../src/config/policy-set.ts'
import { formatProblem } from '../../src/support/problem.ts'
import { tempFolder } from '../support/temp-folder.ts'

function policy(host: string): string {
  return `routes:\n  - { from: "https://${host}", to: "http://127.0.0.1:1", allowed_groups: [staff] }\n`
}

const TEST = 'tests: []\n'

/** What `gatehouse test` would find with this config. */
async function load(t: Test, files: Readonly<Record<string, string>>, policies: string) {
  const folder = tempFolder(t, { ...files, 'gatehouse.yaml': `policies: ${policies}\n` })
  const input = createInputFiles()
  const { set } = await configuredRoots({
    cwd: folder,
    env: {},
    configFile: join(folder, 'gatehouse.yaml'),
    files: input,
  })
  const { table, subjects, problems } = await loadPolicySet(set, input)
  const tests = await readAllTests(set, input)
  return {
    folder,
    set,
    input,
    hosts: table.hosts(),
    people: [...subjects.keys()],
    problems: problems.map((problem) => formatProblem(problem).replaceAll(`${folder}/`, '')),
    tests: tests.sources.map(({ file }) => file.slice(folder.length + 1)),
  }
}

test('several roots are one set, with the people and tests of each', async (t) => {
  const { hosts, people, tests, problems } = await load(
    t,
    {
      'a/a.yaml': policy('a.example'),
      'a/a_test.yaml': TEST,
      'a/testdata/subjects.yaml': 'subjects: { ana: {} }\n',
      'b/deep/b.yaml': policy('b.example'),
      'b/deep/b_test.yaml': TEST,
      'b/testdata/subjects.yaml': 'subjects: { ben: {} }\n',
    },
    '[a, b]',
  )
  t.same(problems, [])
  t.same(hosts, ['a.example', 'b.example'])
  t.same(people, ['anonymous', 'ana', 'ben'])
  t.same(tests, ['a/a_test.yaml', 'b/deep/b_test.yaml'])
})

test('a person whom two roots define is an error', async (t) => {
  const { problems } = await load(
    t,
    {
      'a/a.yaml': policy('a.example'),
      'a/testdata/subjects.yaml': 'subjects: { ana: {} }\n',
      'b/b.yaml': policy('b.example'),
      'b/testdata/subjects.yaml': 'subjects:\n  ana: {}\n',
    },
    '[a, b]',
  )
  t.same(problems, [
    'b/testdata/subjects.yaml:2:3: the subject `ana` is defined in another folder as well',
  ])
})

test('a root that is one file has its tests and people beside it', async (t) => {
  const { hosts, people, tests } = await load(
    t,
    {
      'a/a.yaml': policy('a.example'),
      'a/a_test.yaml': TEST,
      'a/other_test.yaml': TEST,
      'a/testdata/subjects.yaml': 'subjects: { ana: {} }\n',
    },
    '[a/a.yaml]',
  )
  t.same([hosts, people, tests], [['a.example'], ['anonymous', 'ana'], ['a/a_test.yaml']])
})

test('hidden folders and testdata hold no tests, and a link in a circle ends', async (t) => {
  const folder = tempFolder(t, {
    'p/a.yaml': policy('a.example'),
    'p/a_test.yaml': TEST,
    'p/.git/b_test.yaml': TEST,
    'p/testdata/c_test.yaml': TEST,
  })
  symlinkSync(join(folder, 'p'), join(folder, 'p/again'))
  const files = createInputFiles()
  const { set } = await configuredRoots({ cwd: folder, env: {}, configFile: undefined, files })
  const roots = await rootsOf(join(folder, 'p'), set, files)
  const { sources } = await readAllTests(roots, files)
  t.same(
    sources.map(({ file }) => file),
    [join(folder, 'p/a_test.yaml')],
  )
})

test('a path lies in a configured root, else below the nearest folder with people', async (t) => {
  const { folder, set, input } = await load(
    t,
    {
      'policies/deep/a_test.yaml': TEST,
      'policies-old/testdata/subjects.yaml': '',
      'policies-old/deep/b_test.yaml': TEST,
      'lone/c_test.yaml': TEST,
    },
    '[policies]',
  )
  const rootOf = async (path: string) => {
    const { roots } = await rootsOf(join(folder, path), set, input)
    return roots.map((root) => root.path.slice(folder.length + 1))
  }
  t.same(await rootOf('policies/deep/a_test.yaml'), ['policies'])
  t.same(await rootOf('policies'), ['policies'])
  t.same(await rootOf('policies-old/deep/b_test.yaml'), ['policies-old'])
  t.same(await rootOf('policies-old/deep'), ['policies-old'])
  t.same(await rootOf('lone/c_test.yaml'), ['lone'])
})

test('an empty config file is an error', async (t) => {
  const folder = tempFolder(t, { 'gatehouse.yaml': '' })
  const { problems } = await configuredRoots({
    cwd: folder,
    env: {},
    configFile: join(folder, 'gatehouse.yaml'),
    files: createInputFiles(),
  })
  t.match(problems, [{ severity: 'error', line: 1 }])
})
