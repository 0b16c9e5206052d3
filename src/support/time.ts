/** Units of time, named so that a reader and the compiler see which is meant. */

/** Seconds since 1970-01-01T00:00:00Z. */
export type EpochSeconds = number
/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number
/** The clock, passed in so that tests choose the time. */
export type Clock = () => EpochMs
