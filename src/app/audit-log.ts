/** `logging.audit`: events become lines, and lines go to where the config says. */

import { type Audit, auditLine } from '../support/audit.ts'
import type { LineSinkOptions } from '../support/line-sink.ts'
import { type MovingSink, openMovingSink } from '../support/moving-sink.ts'
import type { Clock } from '../support/time.ts'

export interface AuditLog extends Pick<MovingSink, 'prepare' | 'reopen' | 'lost' | 'close'> {
  readonly tell: Audit
  /** A line that another process of the gateway has made. */
  write(line: string): void
}

/** @throws Error that names the config's key where the destination cannot be had */
export function openAuditLog(
  first: string,
  { now, ...options }: Omit<LineSinkOptions, 'key'> & { readonly now: Clock },
): AuditLog {
  const sink = openMovingSink(first, { key: 'logging.audit', ...options })
  const write = (line: string) => sink.write(Buffer.from(`${line}\n`))
  return { ...sink, write, tell: (event) => write(auditLine(event, now())) }
}
