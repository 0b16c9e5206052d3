/** Points in time as few bytes: cookies are sent with every request. */

import type { EpochMs } from '../support/time.ts'

/** Milliseconds until the year 10889. */
const TIME_BYTES = 6

export function writeTimes(times: readonly EpochMs[]): Buffer {
  const bytes = Buffer.alloc(times.length * TIME_BYTES)
  for (const [index, time] of times.entries()) {
    bytes.writeUIntBE(time, index * TIME_BYTES, TIME_BYTES)
  }
  return bytes
}

/** What `writeTimes` wrote; incomplete bytes at the end are ignored. */
export function readTimes(bytes: Buffer): EpochMs[] {
  const times: EpochMs[] = []
  for (let at = 0; at + TIME_BYTES <= bytes.length; at += TIME_BYTES) {
    times.push(bytes.readUIntBE(at, TIME_BYTES))
  }
  return times
}
