/** Kinds of values in the config's schema: how they are written, and by `x-kind` what they are once loaded. */

import { Type } from 'typebox'
import { DURATION_PATTERN } from '../support/duration.ts'
import { RATE_PATTERN, type Rate } from '../support/rate.ts'
import type { Secret } from '../support/secret.ts'
import { DATE_OR_TIME_PATTERN, type EpochMs, TIME_PATTERN } from '../support/time.ts'

/** No other keys than those that are named. */
export const closed = { additionalProperties: false }

/** Milliseconds once loaded. `default` is written as in the file. */
export function Duration(description: string, byDefault?: string) {
  return Type.Unsafe<number>({
    type: 'string',
    pattern: DURATION_PATTERN,
    'x-kind': 'duration',
    description,
    ...(byDefault === undefined ? {} : { default: byDefault }),
  })
}

/** So many in so many seconds once loaded. `default` is written as in the file. */
export function RateText(description: string, byDefault: string) {
  return Type.Unsafe<Rate>({
    type: 'string',
    pattern: RATE_PATTERN,
    'x-kind': 'rate',
    'x-expects': 'a rate such as `5/m`: so many in a second, minute, hour or day',
    description,
    default: byDefault,
  })
}

/** Milliseconds since 1970 once loaded. */
export function Time(description: string) {
  return Type.Unsafe<EpochMs>({
    type: 'string',
    pattern: TIME_PATTERN,
    'x-kind': 'time',
    'x-expects': 'a time with its zone such as `2026-03-01T00:00:00Z`',
    description,
  })
}

/** As `Time`; a date is its beginning in UTC. */
export function DateOrTime(description: string) {
  return Type.Unsafe<EpochMs>({
    type: 'string',
    pattern: DATE_OR_TIME_PATTERN,
    'x-kind': 'time',
    'x-expects': 'a date or a time with its zone such as `2026-03-01T00:00:00Z`',
    description,
  })
}

export function SecretText(description: string) {
  return Type.Unsafe<Secret>({ type: 'string', minLength: 1, 'x-kind': 'secret', description })
}

/** A path in the file's own folder; absolute once loaded. */
export function FilePath(description: string) {
  return Type.Unsafe<string>({ type: 'string', minLength: 1, 'x-kind': 'path', description })
}
