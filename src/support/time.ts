/** Units of time, named so that a reader and the compiler see which is meant. */

/** Seconds since 1970-01-01T00:00:00Z. */
export type EpochSeconds = number
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number
/** A time as people write it: ISO 8601 with its zone, `2026-03-01T00:00:00Z`. `Date.parse` reads it. */
export const TIME_PATTERN =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,3})?)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$'
/** As `TIME_PATTERN`, or a date, which is its beginning in UTC. */
export const DATE_OR_TIME_PATTERN: string = TIME_PATTERN.replace(/T(.*)\$$/, '(T$1)?$')
/** The longest time that a timer takes: 2^31 - 1. */
export const MAX_TIMER_MS = 2_147_483_647
/** The clock, passed in so that tests choose the time. */
export type Clock = () => EpochMs
