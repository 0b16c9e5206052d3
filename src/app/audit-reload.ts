/**
 * What the audit log says of reloads. One that finds nothing changed is no event, nor is one that finds the mistake that was told
 * last; that a mistake was taken back is one.
 */

import type { ReloadResult, ReloadStatus } from '../config/reload.ts'
import type { Audit } from '../support/audit.ts'

/** To be called after each reload. */
export function createReloadAudit(
  tell: Audit,
): (result: ReloadResult, status: ReloadStatus) => void {
  let told: string | undefined
  return (result, status) => {
    if (result === 'unchanged') return
    const { revision, lastError } = status
    const event = 'config_reload'
    if (lastError === undefined) {
      told = undefined
      tell({ event, outcome: 'success', revision })
      return
    }
    const { message: reason, file, line } = lastError
    const mistake = JSON.stringify([revision, reason, file, line])
    if (mistake === told) return
    told = mistake
    tell({ event, outcome: 'failed', revision, reason, file, line })
  }
}
