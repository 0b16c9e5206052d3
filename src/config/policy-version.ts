/** One version of policies for a comparison: compiled, with its people and its tests. */

import { basename } from 'node:path'
import type { Version } from '../policy/review/diff-model.ts'
import { readSuite, type Suite } from '../policy/suite/suite-file.ts'
import { hasErrors, type Problem } from '../support/problem.ts'
import { readYaml } from '../support/yaml-document.ts'
import type { InputFiles } from './input-files.ts'
import type { PolicyRoots } from './policy-roots.ts'
import { loadPolicySet, readAllTests } from './policy-set.ts'

/** Loads what lies below `set.roots`. With an error among the problems the version means nothing. */
export async function loadVersion(
  set: PolicyRoots,
  files: InputFiles,
): Promise<{ readonly version: Version; readonly problems: readonly Problem[] }> {
  const { table, subjects, problems } = await loadPolicySet(set, files)
  const tests = await readAllTests(set, files)
  const found = [...problems, ...tests.problems]
  // Tests speak of people: where those are wrong, what is wrong with tests says nothing new.
  const suites = hasErrors(found)
    ? []
    : tests.sources.map(({ file, text }) =>
        readSuite(readYaml(file, text), subjects, basename(file)),
      )
  return {
    version: { table, subjects, suites },
    problems: [...found, ...suites.flatMap(mistakesOf)],
  }
}

/** A test that cannot be read is one whose requests nobody compares. */
function mistakesOf({ mistakes, tests }: Suite): readonly Problem[] {
  return [...mistakes, ...tests.flatMap((test) => test.mistakes)]
}
