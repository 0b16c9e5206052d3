/** Audit events: what the rooms tell, and the line that it becomes. Never a token, a code or a cookie. */

import type { AuditLine } from './audit-schema.ts'
import type { EpochMs } from './time.ts'

type Told = Omit<AuditLine, 'time' | 'level' | 'msg' | 'version'>

/** What is `undefined` is left out. */
export type AuditEvent = { readonly [K in keyof Told]: Told[K] | undefined } & {
  readonly event: Told['event']
  readonly outcome: Told['outcome']
}

/** Tells one event. Never throws. */
export type Audit = (event: AuditEvent) => void

/** How a signal of a provider, or anybody else, ends sessions. */
export type EndedBy = NonNullable<Told['by']>

/** Of texts, some of which others choose. */
const MAX_LENGTH = 300

/** One line of JSON without its end (docs/audit-events.md). */
export function auditLine(event: AuditEvent, time: EpochMs): string {
  const { event: name, outcome, ...rest } = event
  return JSON.stringify(
    {
      time: new Date(time).toISOString(),
      level: 'info',
      msg: 'audit',
      version: 1,
      event: name,
      outcome,
      ...rest,
    } satisfies { readonly [K in keyof AuditLine]: AuditLine[K] | undefined },
    (_key, value: unknown) => (typeof value === 'string' ? value.slice(0, MAX_LENGTH) : value),
  )
}
