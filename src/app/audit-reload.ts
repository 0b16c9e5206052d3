/** What the audit log says of a reload. One that finds nothing changed is no event, but that a mistake was taken back is one. */

import type { ReloadResult, ReloadStatus } from '../config/reload.ts'
import type { Audit } from '../support/audit.ts'

export function auditReload(tell: Audit, result: ReloadResult, status: ReloadStatus): void {
  if (result === 'unchanged') return
  const { revision, lastError } = status
  const event = 'config_reload'
  if (lastError === undefined) tell({ event, outcome: 'success', revision })
  else {
    const { message: reason, file, line } = lastError
    tell({ event, outcome: 'failed', revision, reason, file, line })
  }
}
