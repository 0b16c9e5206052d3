/** The result of policy tests as JUnit XML, which CI systems show. */

import { traceDecision } from '../policy/explain/trace.ts'
import type { Check, SuiteReport } from '../policy/suite/suite.ts'
import { countsOf } from './output-counts.ts'
import { traceLines } from './output-trace.ts'
import { gotText } from './output-tree.ts'
import { shownPath } from './print-problems.ts'

/** One `testsuite` for each suite, one `testcase` for each check. */
export function junitOutput({ checks }: SuiteReport, cwd: string): string {
  const suites = Map.groupBy(checks, ({ suite, at }) => `${at.file}\n${suite}`)
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="gatehouse" ${countAttributes(checks)}>`,
    ...[...suites.values()].flatMap((ofSuite) => suiteLines(ofSuite, cwd)),
    '</testsuites>',
  ]
  return `${lines.join('\n')}\n`
}

function suiteLines(checks: readonly Check[], cwd: string): readonly string[] {
  const [first] = checks
  const name = attribute('name', first?.suite ?? '')
  const file = attribute('file', shownPath(first?.at.file ?? '', cwd))
  return [
    `  <testsuite ${name} ${file} ${countAttributes(checks)}>`,
    ...checks.flatMap((check) => caseLines(check, cwd)),
    '  </testsuite>',
  ]
}

function caseLines(check: Check, cwd: string): readonly string[] {
  const parts = [check.name ?? 'the file', check.subject, check.request]
  const attributes = [
    attribute('classname', check.suite),
    attribute('name', parts.filter((part) => part !== undefined).join(' / ')),
    attribute('file', shownPath(check.at.file, cwd)),
    attribute('line', String(check.at.line)),
    'time="0"',
  ].join(' ')
  if (check.status === 'passed') return [`    <testcase ${attributes}/>`]
  const { tag, message, text } = resultOf(check, cwd)
  return [
    `    <testcase ${attributes}>`,
    `      <${tag} ${attribute('message', message)}>${escapeXml(text)}</${tag}>`,
    '    </testcase>',
  ]
}

function resultOf(check: Check, cwd: string) {
  if (check.status === 'error') {
    return { tag: 'error', message: check.message ?? '', text: '' }
  }
  const trace = check.judged && traceOf(check.judged, cwd)
  return {
    tag: 'failure',
    message: `expected ${check.expected}, got ${gotText(check)}`,
    text: [check.message, trace].filter((part) => part !== undefined).join('\n'),
  }
}

function traceOf({ route, facts, subject }: NonNullable<Check['judged']>, cwd: string): string {
  return traceLines(traceDecision(route.policy, facts, subject), cwd).join('\n')
}

function countAttributes(checks: readonly Check[]): string {
  const { failed, errors } = countsOf(checks)
  return `tests="${checks.length}" failures="${failed}" errors="${errors}"`
}

function attribute(name: string, value: string): string {
  return `${name}="${escapeXml(value)}"`
}

/** XML 1.0 has no way to write most controls: they are shown by their number. */
function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, (char) => {
      return `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
    })
}
