/** Every worked case of the policy language: cases/*.yaml, each compiled, asked, and its decision compared. */

import { readdirSync } from 'node:fs'
import { type Test, test } from 'tap'
import { decide } from '../../src/policy/decide.ts'
import { traceDecision } from '../../src/policy/explain/trace.ts'
import type { Decision } from '../../src/policy/model.ts'
import type { Problem } from '../../src/support/problem.ts'
import {
  compileText,
  FOLDER,
  loadCases,
  loadSubjects,
  type PolicyCase,
  policyFile,
  readCase,
  subjectOf,
} from './policy-case.ts'

const subjects = loadSubjects()

for (const file of readdirSync(FOLDER)) {
  if (file === 'subjects.yaml') continue
  test(file.replace('.yaml', ''), async (t) => {
    for (const policyCase of loadCases(file)) {
      await t.test(policyCase.name, async (t) => checkCase(t, policyCase))
    }
  })
}

function checkCase(t: Test, policyCase: PolicyCase): void {
  const text = policyFile(policyCase.policy)
  const set = compileText(text)
  const errors = set.problems.filter(({ severity }) => severity === 'error')
  if (policyCase.error !== undefined) {
    checkError(t, policyCase, text, errors)
    return
  }
  t.same(errors, [])
  if (policyCase.warning !== undefined) {
    t.match(set.problems[0]?.message, policyCase.warning)
  }
  const asked = readCase(set, policyCase)
  if (policyCase.rejected === true) {
    t.equal(asked, undefined)
    return
  }
  if (asked === undefined) throw new Error('the request finds no route')
  const { route, facts } = asked
  for (const [name, outcome] of Object.entries(policyCase.expect ?? {})) {
    const subject = subjectOf(subjects, name, policyCase)
    const decision = decide(route.policy, facts, subject)
    t.equal(decision.outcome, outcome, name)
    checkNamed(t, policyCase, decision)
    t.same(traceDecision(route.policy, facts, subject).decision, decision)
  }
}

function checkNamed(t: Test, { rule, reason }: PolicyCase, decision: Decision): void {
  if (reason !== undefined) t.equal(decision.reason, reason)
  if (rule !== undefined) t.equal(decision.rule?.name ?? null, rule)
}

function checkError(
  t: Test,
  policyCase: PolicyCase,
  text: string,
  errors: readonly Problem[],
): void {
  const [first] = errors
  if (first === undefined) {
    t.fail('it compiles')
    return
  }
  t.equal(first.message, policyCase.error)
  const pointedAt = text.split('\n')[first.line - 1]?.slice(first.column - 1) ?? ''
  t.ok(pointedAt.startsWith(policyCase.at ?? '?'), `points at ${pointedAt}`)
}
