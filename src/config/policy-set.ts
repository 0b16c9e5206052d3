/** Policies with their people and tests, for the commands that judge without serving: `test`, `explain` and the like. */

import { basename, dirname, join } from 'node:path'
import type { Route } from '../policy/route.ts'
import { NO_SUBJECTS, readSubjects, type Subjects } from '../policy/suite/subjects.ts'
import type { RouteTable } from '../routing/route-table.ts'
import { error, type Problem, startOf } from '../support/problem.ts'
import { readYaml } from '../support/yaml-document.ts'
import { compileRoots } from './compile-roots.ts'
import { type InputFiles, whyUnreadable } from './input-files.ts'
import { decodeUtf8, type PolicySource } from './policy-files.ts'
import { type PolicyRoots, SUBJECTS_PATH } from './policy-roots.ts'

export interface PolicySet {
  readonly table: RouteTable<Route>
  readonly subjects: Subjects
  /** Errors and warnings of policies and people. With an error in it the rest means nothing. */
  readonly problems: readonly Problem[]
}

/** Loads the policies below `set.roots`, and the `testdata/subjects.yaml` of each. */
export async function loadPolicySet(set: PolicyRoots, files: InputFiles): Promise<PolicySet> {
  const compiled = await compileRoots(set, files)
  const people = await loadSubjects(set, files)
  return {
    table: compiled.table,
    subjects: people.subjects,
    problems: [...compiled.problems, ...people.problems],
  }
}

/** The people of the tests: `testdata/subjects.yaml` of each root. */
export async function loadSubjects(
  set: PolicyRoots,
  files: InputFiles,
): Promise<{ readonly subjects: Subjects; readonly problems: readonly Problem[] }> {
  const subjects = new Map(NO_SUBJECTS)
  const problems: Problem[] = []
  for (const folder of foldersOf(set)) {
    const file = join(folder, SUBJECTS_PATH)
    if ((await files.kindOf(file)) === 'missing') continue
    const source = await readSource(file, files)
    if ('severity' in source) {
      problems.push(source)
      continue
    }
    const document = readYaml(file, source.text)
    const read = readSubjects(document)
    problems.push(...read.problems)
    for (const [name, subject] of read.subjects) {
      if (subject.kind === 'person' && subjects.has(name)) {
        const at = document.keyAt(['subjects', name])
        problems.push(error(at, `the subject \`${name}\` is defined in another folder as well`))
      }
      subjects.set(name, subject)
    }
  }
  return { subjects, problems }
}

/** Test files, and what could not be read. */
export interface TestFiles {
  readonly sources: readonly PolicySource[]
  readonly problems: readonly Problem[]
}

/** The `*_test.yaml` of a set: below all of its roots. */
export async function readAllTests(set: PolicyRoots, files: InputFiles): Promise<TestFiles> {
  const found: string[] = []
  for (const { path } of set.roots) {
    if ((await files.kindOf(path)) === 'folder') found.push(...(await testsBelow(path, files)))
    // A root that is one file has its tests beside it, under its own name.
    else found.push(...(await existing(path.replace(/\.yaml$/, '_test.yaml'), files)))
  }
  return readSources(found, files)
}

/** The test files that `paths` name, or that lie below them. */
export async function readTests(paths: readonly string[], files: InputFiles): Promise<TestFiles> {
  const found: string[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const kind = await files.kindOf(path)
    if (kind === 'folder') found.push(...(await testsBelow(path, files)))
    else if (kind === 'missing' || isTest(basename(path))) found.push(path)
    else problems.push(error(startOf(path), 'no test file: their names end in `_test.yaml`'))
  }
  const read = await readSources(found, files)
  return { sources: read.sources, problems: [...problems, ...read.problems] }
}

async function existing(path: string, files: InputFiles): Promise<readonly string[]> {
  return isTest(basename(path)) && (await files.kindOf(path)) === 'file' ? [path] : []
}

async function testsBelow(
  folder: string,
  files: InputFiles,
  seen = new Set<string>(),
): Promise<readonly string[]> {
  // A link may lead back to a folder above.
  const real = await files.realPath(folder)
  if (seen.has(real)) return []
  seen.add(real)
  const found: string[] = []
  for (const entry of await files.list(folder)) {
    if (entry.name.startsWith('.') || entry.name === 'testdata') continue
    if (entry.kind === 'folder') found.push(...(await testsBelow(entry.path, files, seen)))
    else if (isTest(entry.name)) found.push(entry.path)
  }
  return found
}

async function readSources(paths: readonly string[], files: InputFiles): Promise<TestFiles> {
  const read = await Promise.all([...new Set(paths)].sort().map((path) => readSource(path, files)))
  return {
    sources: read.flatMap((source) => ('severity' in source ? [] : [source])),
    problems: read.flatMap((source) => ('severity' in source ? [source] : [])),
  }
}

async function readSource(file: string, files: InputFiles): Promise<PolicySource | Problem> {
  try {
    return { file, text: decodeUtf8(await files.read(file)) }
  } catch (cause) {
    return error(startOf(file), `cannot read the file: ${whyUnreadable(cause)}`)
  }
}

function foldersOf(set: PolicyRoots): readonly string[] {
  const folders = set.roots.map(({ path }) => (path.endsWith('.yaml') ? dirname(path) : path))
  return [...new Set(folders)]
}

function isTest(name: string): boolean {
  return name.endsWith('_test.yaml')
}
