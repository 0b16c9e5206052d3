/** How many checks came out how. */

import type { Check } from '../policy/suite/suite.ts'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly errors: number
}

export function countsOf(checks: readonly Check[]): Counts {
  const count = (status: Check['status']) =>
    checks.filter((check) => check.status === status).length
  return { passed: count('passed'), failed: count('failed'), errors: count('error') }
}
