/** What the operator's pages are made from; plain functions of the gateway, whether it is one process or several. */

import type { Snapshot } from '../../config/snapshot.ts'
import type { Sessions } from '../../identity/sessions.ts'
import type { Subjects } from '../../policy/suite/subjects.ts'
import type { Audit } from '../../support/audit.ts'
import type { Log } from '../../support/log.ts'
import type { Problem } from '../../support/problem.ts'
import type { Clock, EpochMs } from '../../support/time.ts'
import type { ConfigStatus } from '../admin-server.ts'
import type { SessionRouteParts } from '../session-routes.ts'

/** What one process knows of a provider and its directory. Plain data: it travels between processes. */
export interface ProviderHealth {
  readonly name: string
  readonly issuer: string
  /** What is known of it was good enough to send somebody there. */
  readonly ready: boolean
  readonly lastError: string | undefined
  readonly directory: DirectoryHealth | undefined
}

export interface DirectoryHealth {
  /** The last call and how it came out; `undefined` before the first. */
  readonly lastCall: { readonly result: string; readonly at: EpochMs } | undefined
  readonly callsLeft: number | undefined
  readonly oldestInUseMs: number
}

/** The people of the policy tests, as they lie there now. */
export interface TestPeople {
  readonly subjects: Subjects
  readonly problems: readonly Problem[]
}

export interface OperatorParts {
  snapshot(): Snapshot
  /** Of each process that serves and answers in time. */
  health(): Promise<readonly (readonly ProviderHealth[])[]>
  testPeople(): Promise<TestPeople>
  ready(): boolean
  configStatus(): ConfigStatus
  recentDecisions(): readonly string[]
  readonly sessions: Pick<Sessions, 'count'> & SessionRouteParts['sessions']
  readonly audit: Audit
  readonly now: Clock
  readonly log: Log
}
