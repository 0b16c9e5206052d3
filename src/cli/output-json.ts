/** The result of policy tests for programs. */

import type { Check, SuiteReport } from '../policy/suite/suite.ts'
import type { CoverageOf } from '../policy/suite/suite-coverage.ts'
import { countsOf } from './output-counts.ts'
import { shownPath } from './print-problems.ts'

/** One JSON document; what is not known is null. */
export function jsonOutput({ checks, coverage }: SuiteReport, cwd: string): string {
  const report = {
    ...countsOf(checks),
    checks: checks.map((check) => jsonCheck(check, cwd)),
    coverage: { routes: jsonCoverage(coverage.routes), rules: jsonCoverage(coverage.rules) },
  }
  return `${JSON.stringify(report, null, 2)}\n`
}

function jsonCheck(check: Check, cwd: string) {
  return {
    suite: check.suite,
    name: check.name ?? null,
    subject: check.subject ?? null,
    request: check.request ?? null,
    status: check.status,
    expected: check.expected ?? null,
    outcome: check.outcome ?? null,
    reason: check.reason ?? null,
    rule: check.rule ?? null,
    file: shownPath(check.at.file, cwd),
    line: check.at.line,
  }
}

function jsonCoverage({ hit, total, missed }: CoverageOf) {
  return { hit, total, missed: missed.map(({ name }) => name) }
}
