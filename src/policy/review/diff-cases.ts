/** Whom and what to compare: everybody of both versions' people at every request of both versions' tests. */

import type { EpochMs } from '../../support/time.ts'
import type { Subject } from '../model.ts'
import { type AskedRequest, DEFAULT_SOURCE_IP } from '../suite/asked-request.ts'
import { asTested } from '../suite/suite.ts'
import type { PolicyTest } from '../suite/suite-file.ts'
import type { Source, Version } from './diff-model.ts'

/** A request and the circumstances in which a test makes it. */
export interface CaseRequest {
  readonly source: Source
  readonly request: AskedRequest
  readonly now: EpochMs | undefined
  /** What is not in METHOD and URL, in words. */
  readonly when: string
  /** Nothing but METHOD, URL and perhaps the time. */
  readonly isPlain: boolean
  /** The subject as they are in these circumstances. */
  readonly meet: (subject: Subject) => Subject
}

/**
 * Everybody of both versions, by the names under which they are shown. Somebody who is not the same in both stands there
 * twice: what a change of the tests' people shows is no change of the policies.
 */
export function peopleOf(
  before: Version,
  after: Version,
  baseName: string,
): ReadonlyMap<string, Subject> {
  const people = new Map(after.subjects)
  for (const [name, subject] of before.subjects) {
    const other = people.get(name)
    if (other === undefined) people.set(name, subject)
    else if (!isSame(subject, other)) people.set(`${name} (as in ${baseName})`, subject)
  }
  return people
}

function isSame(one: Subject, other: Subject): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** Every request of the tests of both versions, once. */
export function testRequests(before: Version, after: Version): readonly CaseRequest[] {
  const requests = new Map<string, CaseRequest>()
  for (const { suites } of [before, after]) {
    for (const { tests, now } of suites) {
      for (const test of tests) {
        for (const request of test.requests) {
          const made = caseOf(request, now, test)
          requests.set(keyOf(made, test), made)
        }
      }
    }
  }
  return [...requests.values()]
}

function caseOf(request: AskedRequest, now: EpochMs | undefined, test: PolicyTest): CaseRequest {
  const more = circumstances(request, test)
  const at = now === undefined ? [] : [`at ${new Date(now).toISOString().replace('.000Z', 'Z')}`]
  return {
    source: 'tests',
    request,
    now,
    when: [...at, ...more].join(', '),
    isPlain: more.length === 0,
    meet: (subject) => asTested(subject, test, now),
  }
}

/** The request that nothing else is said of, as a test would make it. */
export function plainCase(request: AskedRequest): CaseRequest {
  return {
    source: 'routes',
    request,
    now: undefined,
    when: '',
    isPlain: true,
    meet: (subject) => subject,
  }
}

function keyOf({ request, now }: CaseRequest, test: PolicyTest): string {
  return JSON.stringify([request, now, test.groupsUnavailable, test.steppedUp])
}

function circumstances(
  { headers, sourceIp, clientCertificate }: AskedRequest,
  test: PolicyTest,
): readonly string[] {
  const lines: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`)
  return [
    ...(sourceIp === DEFAULT_SOURCE_IP ? [] : [`from ${sourceIp}`]),
    ...(lines.length === 0 ? [] : [`with ${lines.join('; ')}`]),
    ...(clientCertificate === undefined ? [] : ['with a client certificate']),
    ...(test.groupsUnavailable ? ['directory unavailable'] : []),
    ...(test.steppedUp ? ['after a step-up'] : []),
  ]
}
