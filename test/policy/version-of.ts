/** Versions of policies from text, and what a comparison of two of them comes to, in short. */

import { compilePolicies } from '../../src/policy/compile.ts'
import { comparePolicies } from '../../src/policy/review/diff.ts'
import type { PolicyDiff, Version } from '../../src/policy/review/diff-model.ts'
import { createVersions } from '../../src/policy/review/diff-verdict.ts'
import { readSubjects } from '../../src/policy/suite/subjects.ts'
import { readSuite } from '../../src/policy/suite/suite-file.ts'
import { hasErrors } from '../../src/support/problem.ts'
import { readYaml } from '../../src/support/yaml-document.ts'

export const PEOPLE = `subjects:
  ana: { sub: 00u1, email: ana@example.com, provider: okta, groups: [staff, ops] }
  ben: { sub: 00u2, email: ben@example.com, provider: okta, groups: [staff] }
  pia: { sub: 00u3, email: pia@other.example, provider: partners, groups: [] }
`

/** A version of these policies, with these people and this test file. */
export function versionOf(policies: string, people = PEOPLE, tests?: string): Version {
  const { table, problems } = compilePolicies([{ file: 'policies/app.yaml', text: policies }], {
    readText: () => '',
    providers: undefined,
    allowHttp: false,
  })
  const { subjects, problems: mistakes } = readSubjects(readYaml('subjects.yaml', people))
  const suites =
    tests === undefined ? [] : [readSuite(readYaml('app_test.yaml', tests), subjects, 'app')]
  const all = [
    ...problems,
    ...mistakes,
    ...suites.flatMap((suite) => [...suite.mistakes, ...suite.tests.flatMap((t) => t.mistakes)]),
  ]
  if (hasErrors(all)) throw new Error(JSON.stringify(all))
  return { table, subjects, suites }
}

/** What differs from `before` to `after`. */
export function diffOf(before: Version, after: Version): PolicyDiff {
  return comparePolicies(before, after, createVersions(before.table, after.table), 'main')
}

/** `gains ana GET https://... deny>allow`, one line for each change. */
export function changeLines({ changes }: Pick<PolicyDiff, 'changes'>): readonly string[] {
  return changes.map(
    ({ kind, subject, request, before, after }) =>
      `${kind} ${subject} ${request} ${before.outcome}>${after.outcome}`,
  )
}

/** `changed app provider any>okta -allow app[0] +deny app[1]`, one line for each route. */
export function routeLines({ routes }: Pick<PolicyDiff, 'routes'>): readonly string[] {
  return routes.map(({ kind, before, after, details, rulesBefore, rulesAfter }) =>
    [
      kind,
      (after ?? before)?.name,
      ...details.map((detail) => `${detail.what} ${detail.before}>${detail.after}`),
      ...rulesBefore.map(({ effect, name }) => `-${effect} ${name}`),
      ...rulesAfter.map(({ effect, name }) => `+${effect} ${name}`),
    ].join(' '),
  )
}
