/** The result of policy tests for people: short where all is well, the whole trace where it is not. */

import { traceDecision } from '../policy/explain/trace.ts'
import type { Check, SuiteReport } from '../policy/suite/suite.ts'
import type { CoverageOf } from '../policy/suite/suite-coverage.ts'
import { countsOf } from './output-counts.ts'
import { placeText, printable, traceLines } from './output-trace.ts'

/** The report as lines; the last one sums it up. */
export function treeOutput(report: SuiteReport, cwd: string): string {
  const { passed, failed, errors } = countsOf(report.checks)
  const { routes, rules } = report.coverage
  const lines = [
    ...[...groupBy(report.checks, (check) => `${check.at.file}\n${check.suite}`).values()].flatMap(
      (checks) => suiteLines(checks, cwd),
    ),
    ...missedLines('route', routes, cwd),
    ...missedLines('rule', rules, cwd),
    `${passed} passed, ${failed} failed, ${errors} errors; ` +
      `routes ${routes.hit}/${routes.total}, rules ${rules.hit}/${rules.total}`,
  ]
  return `${lines.join('\n')}\n`
}

function suiteLines(checks: readonly Check[], cwd: string): readonly string[] {
  const bad = checks.filter(({ status }) => status !== 'passed')
  const [first] = checks
  const suite = printable(first?.suite ?? '')
  if (bad.length === 0) return [`ok     ${suite} (${checks.length})`]
  const good = checks.length - bad.length
  const tests = groupBy(bad, (check) => check.name ?? '')
  return [
    `       ${suite}${good === 0 ? '' : ` (${good} passed)`}`,
    ...[...tests.values()].flatMap((ofTest) => testLines(ofTest, cwd)),
  ]
}

function testLines(checks: readonly Check[], cwd: string): readonly string[] {
  const [first] = checks
  const isError = checks.some(({ status }) => status === 'error')
  const name = first?.name === undefined ? 'the file' : first.name
  return [
    `${isError ? 'ERROR' : 'FAIL '}  ${printable(name)}`,
    ...checks.flatMap((check) => checkLines(check, cwd)).map((line) => `         ${line}`),
  ]
}

/** What an error is stands on stderr as well, in the form that editors read. */
function checkLines(check: Check, cwd: string): readonly string[] {
  const who = check.subject === undefined ? [] : [check.subject]
  const asked = check.request === undefined ? [] : [check.request]
  const head = [...who, ...asked, placeText(check.at, cwd)].map(printable).join('  ')
  const message = check.message === undefined ? [] : [`  ${printable(check.message)}`]
  if (check.status === 'error') return [head, ...message]
  return [
    head,
    `  expected ${check.expected}`,
    `  got      ${printable(gotText(check))}`,
    ...message,
    ...judgedLines(check, cwd).map((line) => `  ${line}`),
  ]
}

function judgedLines({ judged }: Check, cwd: string): readonly string[] {
  if (judged === undefined) return []
  const { route, facts, subject } = judged
  return [
    `route ${printable(route.name)}  ${placeText(route.at, cwd)}`,
    ...traceLines(traceDecision(route.policy, facts, subject), cwd).map((line) => `  ${line}`),
  ]
}

/** `deny by rule engineering because no-allow-rule`; what came instead of what was expected. */
export function gotText({ outcome, rule, reason }: Check): string {
  return [
    outcome ?? 'no rejection',
    ...(rule === undefined ? [] : [`by rule ${rule}`]),
    ...(reason === undefined ? [] : [`because ${reason}`]),
  ].join(' ')
}

function missedLines(what: string, { missed }: CoverageOf, cwd: string): readonly string[] {
  return missed.map(({ name, at }) => `untested ${what} ${printable(name)}  ${placeText(at, cwd)}`)
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf)
}
