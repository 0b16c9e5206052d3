/** What the tests beside the policies leave out, as `check` warns of it. Tests that fail are the business of `test`. */

import { basename } from 'node:path'
import { visit } from '../policy/language/rule-facets.ts'
import type { Route } from '../policy/route.ts'
import type { Subjects } from '../policy/suite/subjects.ts'
import { runSuites } from '../policy/suite/suite.ts'
import { readSuite } from '../policy/suite/suite-file.ts'
import type { RouteTable } from '../routing/route-table.ts'
import { hasErrors, type Problem, warning } from '../support/problem.ts'
import { readYaml } from '../support/yaml-document.ts'
import type { InputFiles } from './input-files.ts'
import type { PolicyRoots } from './policy-roots.ts'
import { loadSubjects, readAllTests, type TestFiles } from './policy-set.ts'

/** Groups that no subject has, where there are subjects; rules that no test reaches, where there are tests. */
export async function untestedWarnings(
  table: RouteTable<Route>,
  set: PolicyRoots,
  files: InputFiles,
): Promise<readonly Problem[]> {
  const people = await loadSubjects(set, files)
  const tests = await readAllTests(set, files)
  const problems = [...people.problems, ...tests.problems]
  // Policies are not worse for it.
  if (hasErrors(problems)) return problems.map((problem) => warning(problem, problem.message))
  return [
    ...unknownGroups(table, people.subjects),
    ...(tests.sources.length === 0 ? [] : unreachedRules(table, people.subjects, tests)),
  ]
}

function unknownGroups(table: RouteTable<Route>, subjects: Subjects): readonly Problem[] {
  const known = new Set<string>()
  let people = 0
  for (const subject of subjects.values()) {
    if (subject.kind === 'anonymous') continue
    people++
    for (const spelling of subject.groups.spellings) known.add(spelling)
  }
  if (people === 0) return []
  const problems = new Map<string, Problem>()
  for (const rule of table.routes.flatMap(({ policy }) => policy.rules)) {
    if (!rule.facets.needsGroups) continue
    visit(rule.body, true, ({ at, groups }) => {
      for (const group of groups.flatMap(({ exact }) => exact)) {
        if (known.has(group)) continue
        // A named policy or condition is the same wherever it is used.
        const key = JSON.stringify([at.file, at.line, at.column, group])
        problems.set(key, warning(at, `no test subject has the group \`${group}\``))
      }
    })
  }
  return [...problems.values()]
}

function unreachedRules(
  table: RouteTable<Route>,
  subjects: Subjects,
  { sources }: TestFiles,
): readonly Problem[] {
  const suites = sources.map(({ file, text }) =>
    readSuite(readYaml(file, text), subjects, basename(file).replace(/_test\.yaml$/, '')),
  )
  const { coverage } = runSuites(suites, { table, isWanted: () => true })
  return coverage.rules.missed.map(({ name, at }) =>
    warning(at, `no test reaches the rule \`${name}\``),
  )
}
