/** Policy tests, run through the code that serves: canonicalizer, route table and decide(). */

import type { RouteTable } from '../../routing/route-table.ts'
import type { Position, Problem } from '../../support/problem.ts'
import type { EpochMs } from '../../support/time.ts'
import { decide } from '../decide.ts'
import { UNKNOWN_GROUPS } from '../groups.ts'
import { MissingNowError } from '../language/time-criteria.ts'
import type { Decision, Facts, Outcome, Reason, Subject } from '../model.ts'
import type { Route } from '../route.ts'
import { type AskedRequest, factsOf, type Reading, readRequest } from './asked-request.ts'
import { subjectOnRoute } from './subjects.ts'
import { type Coverage, createCoverage } from './suite-coverage.ts'
import type { Expectation, PolicyTest, Suite } from './suite-file.ts'

/** One request by one subject, or what is wrong with a test or a file. */
export interface Check {
  readonly suite: string
  /** The test's; `undefined` where the file as a whole is wrong. */
  readonly name: string | undefined
  /** `undefined` where the request is to be rejected, whoever asks. */
  readonly subject: string | undefined
  /** METHOD URL, as written. */
  readonly request: string | undefined
  readonly status: 'passed' | 'failed' | 'error'
  readonly expected: string | undefined
  readonly outcome: Outcome | 'rejected' | undefined
  readonly reason: Reason | undefined
  readonly rule: string | undefined
  /** Where the test file says what is expected. */
  readonly at: Position
  /** What else there is to say: why it is an error, or what became of the request. */
  readonly message: string | undefined
  /** What was judged, so that it can be traced; only where the check failed. */
  readonly judged: Judged | undefined
}

export interface Judged {
  readonly route: Route
  readonly facts: Facts
  readonly subject: Subject
}

export interface SuiteReport {
  readonly checks: readonly Check[]
  readonly coverage: Coverage
}

export interface RunOptions {
  readonly table: RouteTable<Route>
  /** Whether a test is to be run; files that are wrong as a whole are errors all the same. */
  readonly isWanted: (suite: string, test: string) => boolean
}

/** Runs the wanted tests of `suites`. Pure: the time is the suite's own. */
export function runSuites(suites: readonly Suite[], options: RunOptions): SuiteReport {
  const coverage = createCoverage(options.table.routes)
  const checks = suites.flatMap((suite) => [
    ...suite.mistakes.map((mistake) => errorCheck(suite, undefined, mistake)),
    ...suite.tests
      .filter((test) => options.isWanted(suite.name, test.name))
      .flatMap((test) => {
        if (test.mistakes.length > 0) {
          return test.mistakes.map((mistake) => errorCheck(suite, test, mistake))
        }
        return test.requests.flatMap((request) =>
          runRequest({ suite, test, request, table: options.table, seen: coverage.see }),
        )
      }),
  ])
  return { checks, coverage: coverage.result() }
}

interface Attempt {
  readonly suite: Suite
  readonly test: PolicyTest
  readonly request: AskedRequest
  readonly table: RouteTable<Route>
  readonly seen: (judged: Judged, decision: Decision) => void
}

function runRequest(attempt: Attempt): readonly Check[] {
  const { test, request, table } = attempt
  const reading = readRequest(table, request)
  if (test.rejected !== undefined) return [checkRejection(attempt, reading, test.rejected)]
  if (reading.kind === 'own') return [lost(attempt, 'it is answered by Gatehouse, not by a route')]
  if (reading.kind === 'rejected' && reading.code !== 'MALFORMED_REQUEST') {
    return [lost(attempt, reading.detail)]
  }
  return [...test.expected].map(([name, expectation]) =>
    reading.kind === 'rejected'
      ? {
          ...started(attempt, name, expectation),
          status: 'failed',
          outcome: 'rejected',
          message: `${reading.code}: ${reading.detail}`,
        }
      : checkSubject(attempt, reading, name, expectation),
  )
}

/** A request that no route takes tests nothing, unless the test says that it must be so. */
function lost(attempt: Attempt, why: string): Check {
  const { suite, test, request } = attempt
  const message = `\`${textOf(request)}\` matches no route: ${why}`
  return {
    ...errorCheck(suite, test, { ...test.at, severity: 'error', message }),
    request: textOf(request),
  }
}

function checkRejection(attempt: Attempt, reading: Reading<Route>, code: string): Check {
  const { suite, test, request } = attempt
  const base: Check = {
    ...errorCheck(suite, test, { ...test.at, severity: 'error', message: '' }),
    request: textOf(request),
    expected: `rejected as ${code}`,
    message: undefined,
  }
  if (reading.kind !== 'rejected') {
    const became = reading.kind === 'own' ? 'Gatehouse itself' : `route \`${reading.route.name}\``
    const message = `it is no malformed request: it is for ${became}, as \`${reading.path.encoded}\``
    return { ...base, status: 'failed', message }
  }
  const message = `${reading.code}: ${reading.detail}`
  const passed = reading.code === code
  return { ...base, status: passed ? 'passed' : 'failed', outcome: 'rejected', message }
}

function checkSubject(
  attempt: Attempt,
  reading: Extract<Reading<Route>, { kind: 'routed' }>,
  name: string,
  expectation: Expectation,
): Check {
  const { suite, test, request } = attempt
  const { route } = reading
  const base = started(attempt, name, expectation)
  const facts = factsOf(request, reading.path, suite.now)
  const subject = subjectOnRoute(asTested(expectation.subject, test, suite.now), route)
  const judged: Judged = { route, facts, subject }
  const decision = tryToDecide(judged)
  if (decision === undefined) {
    return { ...base, message: 'the policy asks for the time, and the suite has no `now`' }
  }
  attempt.seen(judged, decision)
  const passed = meets(decision, expectation)
  return {
    ...base,
    status: passed ? 'passed' : 'failed',
    outcome: decision.outcome,
    reason: decision.reason,
    rule: decision.rule?.name,
    judged: passed ? undefined : judged,
  }
}

function tryToDecide({ route, facts, subject }: Judged): Decision | undefined {
  try {
    return decide(route.policy, facts, subject)
  } catch (cause) {
    if (cause instanceof MissingNowError) return undefined
    throw cause
  }
}

/** The subject in the circumstances of a test. */
export function asTested(subject: Subject, test: PolicyTest, now: EpochMs | undefined): Subject {
  if (subject.kind === 'anonymous') return subject
  return {
    ...subject,
    groups: test.groupsUnavailable ? UNKNOWN_GROUPS : subject.groups,
    // Without `now` the policy cannot ask how long ago it was: that is an error, whatever stands here.
    steppedUpAt: test.steppedUp ? (now ?? 0) : subject.steppedUpAt,
  }
}

function meets(decision: Decision, { outcomes, rule, reason }: Expectation): boolean {
  return (
    outcomes.includes(decision.outcome) &&
    (rule === undefined || rule === decision.rule?.name) &&
    (reason === undefined || reason === decision.reason)
  )
}

/** The check of one subject before anything is known: an error until it is judged. */
function started(attempt: Attempt, subject: string, expectation: Expectation): Check {
  const { suite, test, request } = attempt
  return {
    suite: suite.name,
    name: test.name,
    subject,
    request: textOf(request),
    status: 'error',
    expected: expectedText(expectation),
    outcome: undefined,
    reason: undefined,
    rule: undefined,
    at: expectation.at,
    message: undefined,
    judged: undefined,
  }
}

function errorCheck(suite: Suite, test: PolicyTest | undefined, mistake: Problem): Check {
  return {
    suite: suite.name,
    name: test?.name,
    subject: undefined,
    request: undefined,
    status: 'error',
    expected: undefined,
    outcome: undefined,
    reason: undefined,
    rule: undefined,
    at: { file: mistake.file, line: mistake.line, column: mistake.column },
    message: mistake.message,
    judged: undefined,
  }
}

function textOf(request: AskedRequest): string {
  return `${request.method} ${request.url}`
}

/** `allow`, `deny, sign_in or step_up`, `deny by rule engineering because no-allow-rule`. */
function expectedText({ outcomes, rule, reason }: Expectation): string {
  const any = outcomes.length === 5
  const last = outcomes.at(-1) ?? ''
  const listed = outcomes.length > 1 ? `${outcomes.slice(0, -1).join(', ')} or ${last}` : last
  return [
    any ? 'any outcome' : listed,
    ...(rule === undefined ? [] : [`by rule ${rule}`]),
    ...(reason === undefined ? [] : [`because ${reason}`]),
  ].join(' ')
}
