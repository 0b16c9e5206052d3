/** The log of everything but requests: JSON lines on stderr. */

import { type Logger, pino } from 'pino'

/** @param base fields of every line */
export function createLogger(level: string, base: Readonly<Record<string, unknown>> = {}): Logger {
  return pino(
    {
      level,
      base,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}
