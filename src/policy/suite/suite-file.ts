/** A `*_test.yaml` as plain tests, each with what is wrong with it. Judges nothing. */

import { checkSchema, valueBelow } from '../../support/check-schema.ts'
import { error, hasErrors, type Position, type Problem } from '../../support/problem.ts'
import { didYouMean } from '../../support/suggest.ts'
import type { EpochMs } from '../../support/time.ts'
import type { YamlDocument, YamlPath } from '../../support/yaml-document.ts'
import { parseInstant } from '../language/time-texts.ts'
import type { Outcome, Reason, Subject } from '../model.ts'
import {
  type AskedRequest,
  DEFAULT_SOURCE_IP,
  readRequestLine,
  readSourceIp,
  splitUrl,
} from './asked-request.ts'
import type { Subjects } from './subjects.ts'
import { type Rejection, SuiteFrame, Test, type WrittenTest } from './suite-schema.ts'

/** What one subject is to get. */
export interface Expectation {
  readonly subject: Subject
  /** Any of these. */
  readonly outcomes: readonly Outcome[]
  readonly rule: string | undefined
  readonly reason: Reason | undefined
  /** Where the test says so. */
  readonly at: Position
}

export interface PolicyTest {
  readonly name: string
  readonly at: Position
  readonly requests: readonly AskedRequest[]
  readonly groupsUnavailable: boolean
  readonly steppedUp: boolean
  /** The code that every request is to be refused with, before any policy. */
  readonly rejected: Rejection | undefined
  /** By the names of subjects; empty where `rejected` is expected. */
  readonly expected: ReadonlyMap<string, Expectation>
  /** Where there are any, the test means nothing and is an error. */
  readonly mistakes: readonly Problem[]
}

export interface Suite {
  readonly name: string
  readonly file: string
  readonly now: EpochMs | undefined
  readonly tests: readonly PolicyTest[]
  /** What is wrong with the file as a whole; then it may have fewer tests than it says, or none. */
  readonly mistakes: readonly Problem[]
}

/** Reads a test file. `defaultName` names the suite where the file does not. */
export function readSuite(document: YamlDocument, subjects: Subjects, defaultName: string): Suite {
  const { file } = document
  const empty = { name: defaultName, file, now: undefined, tests: [] }
  if (hasErrors(document.problems)) return { ...empty, mistakes: document.problems }
  if (document.value === undefined) {
    const at = document.valueAt([])
    return { ...empty, mistakes: [error(at, 'the file is empty; it tests nothing')] }
  }
  const wrong = checkSchema(SuiteFrame, document)
  if (hasErrors(wrong)) return { ...empty, mistakes: wrong }

  const written = document.value as SuiteFrame
  const mistakes: Problem[] = []
  const now = written.now === undefined ? undefined : parseInstant(written.now)
  if (now === undefined && written.now !== undefined) {
    const at = document.valueAt(['now'])
    mistakes.push(error(at, '`now` must be a moment such as 2026-03-02T09:00:00Z'))
  }
  const named = written.subjects ?? [...subjects.keys()]
  const tried = new Map<string, Subject>()
  for (const [i, name] of named.entries()) {
    const subject = subjects.get(name)
    if (subject !== undefined) tried.set(name, subject)
    else mistakes.push(error(document.valueAt(['subjects', i]), unknownSubject(name, subjects)))
  }
  const tests = written.tests.map((test, i) => {
    const path = ['tests', i]
    const mistakes = checkSchema(Test, document, path)
    return hasErrors(mistakes)
      ? brokenTest(test, document.valueAt(path), mistakes, `test ${i + 1}`)
      : readTest({ document, path, test: test as WrittenTest, subjects, tried })
  })
  return { name: written.suite ?? defaultName, file, now, tests, mistakes }
}

/** For messages about somebody who is not in `subjects`. */
export function unknownSubject(name: string, subjects: Subjects): string {
  const hint = subjects.size > 1 ? didYouMean(name, subjects.keys()) : ''
  return `unknown subject \`${name}\`${hint || '; people are named in testdata/subjects.yaml'}`
}

/** A test that is not of the form of one; it is called `defaultName` where its own name is no text. */
function brokenTest(
  written: unknown,
  at: Position,
  mistakes: readonly Problem[],
  defaultName: string,
): PolicyTest {
  const name = valueBelow(written, ['name'])
  return {
    name: typeof name === 'string' ? name : defaultName,
    at,
    requests: [],
    groupsUnavailable: false,
    steppedUp: false,
    rejected: undefined,
    expected: new Map(),
    mistakes,
  }
}

interface TestSource {
  readonly document: YamlDocument
  readonly path: YamlPath
  readonly test: WrittenTest
  readonly subjects: Subjects
  /** The suite's subjects. */
  readonly tried: Subjects
}

function readTest(source: TestSource): PolicyTest {
  const { document, path, test } = source
  const mistakes: Problem[] = []
  const requests = readRequests(source, mistakes)
  const expected = readExpectations(source, mistakes)
  const at = document.valueAt(path)
  if (test.rejected !== undefined && (test.allow !== undefined || test.because !== undefined)) {
    const text = '`rejected` stands alone: a rejected request reaches no policy'
    mistakes.push(error(document.keyAt([...path, 'rejected']), text))
  }
  const checksNothing = test.rejected === undefined && expected.size === 0
  if (mistakes.length === 0 && (checksNothing || requests.length === 0)) {
    mistakes.push(error(at, `the test \`${test.name}\` checks nothing`))
  }
  return {
    name: test.name,
    at,
    requests,
    groupsUnavailable: test.directory === 'unavailable',
    steppedUp: test.step_up === 'done',
    rejected: test.rejected,
    expected,
    mistakes,
  }
}

const REFUSED: readonly Outcome[] = ['deny', 'sign_in', 'step_up']

function readExpectations(
  source: TestSource,
  mistakes: Problem[],
): ReadonlyMap<string, Expectation> {
  const { document, path, test, subjects, tried } = source
  const expected = new Map<string, Expectation>()
  const find = (name: string, at: Position): Subject | undefined => {
    const subject = subjects.get(name)
    if (subject === undefined) mistakes.push(error(at, unknownSubject(name, subjects)))
    return subject
  }
  const expect = (name: string, subject: Subject, outcomes: readonly Outcome[], at: Position) => {
    expected.set(name, { subject, outcomes, rule: undefined, reason: undefined, at })
  }
  if (test.allow !== undefined) {
    const at = document.keyAt([...path, 'allow'])
    for (const [name, subject] of tried) expect(name, subject, REFUSED, at)
    for (const [i, name] of test.allow.entries()) {
      const subject = find(name, document.valueAt([...path, 'allow', i]))
      if (subject !== undefined) expect(name, subject, ['allow'], at)
    }
  }
  for (const [name, because] of Object.entries(test.because ?? {})) {
    const at = document.keyAt([...path, 'because', name])
    const subject = find(name, at)
    if (subject === undefined) continue
    const { outcome, rule, reason } = because
    if (outcome === undefined && rule === undefined && reason === undefined) {
      mistakes.push(error(at, `for \`${name}\` nothing is checked; write outcome, rule or reason`))
      continue
    }
    const outcomes = outcomesFor(expected.get(name)?.outcomes, outcome)
    if (outcomes.length === 0) {
      mistakes.push(
        error(at, `\`${name}\` gets \`${outcome}\` here and something else by \`allow\``),
      )
    }
    expected.set(name, { subject, outcomes, rule, reason, at })
  }
  return expected
}

const ANY: readonly Outcome[] = ['allow', 'deny', 'sign_in', 'step_up', 'unavailable']

/** What both `allow` and `because` say, where they say anything. */
function outcomesFor(byAllow: readonly Outcome[] = ANY, byCause?: Outcome): readonly Outcome[] {
  return byCause === undefined ? byAllow : byAllow.filter((outcome) => outcome === byCause)
}

function readRequests(source: TestSource, mistakes: Problem[]): readonly AskedRequest[] {
  const { document, test } = source
  const path = [...source.path, 'request']
  const isList = Array.isArray(test.request)
  const written = Array.isArray(test.request) ? test.request : [test.request]
  return written.flatMap((request, i) => {
    const at = isList ? [...path, i] : path
    const read = typeof request === 'string' ? readRequestLine(request) : readFields(request)
    if (typeof read !== 'string') return [read]
    mistakes.push(error(document.valueAt(at), read))
    return []
  })
}

type WrittenFields = Exclude<WrittenTest['request'], string | readonly unknown[]>

function readFields(fields: WrittenFields): AskedRequest | string {
  const url = splitUrl(fields.url)
  if (url === undefined) return `\`${fields.url}\` is no absolute http URL`
  const sourceIp = readSourceIp(fields.source_ip ?? DEFAULT_SOURCE_IP)
  if (sourceIp === undefined) return `\`source_ip\` \`${fields.source_ip}\` is no address`
  const certificate = fields.client_certificate
  return {
    method: fields.method ?? 'GET',
    ...url,
    headers: Object.entries(fields.headers ?? {}).flatMap(([name, value]) =>
      [value].flat().flatMap((line) => [name, line]),
    ),
    sourceIp,
    clientCertificate:
      certificate === undefined
        ? undefined
        : {
            fingerprint: (certificate.fingerprint ?? '').replaceAll(':', '').toLowerCase(),
            sanEmail: certificate.san_email ?? [],
            sanDns: certificate.san_dns ?? [],
          },
  }
}
