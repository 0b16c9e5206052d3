/** A log that nobody reads. */

import type { Log } from '../../src/support/log.ts'

export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}
