/** Wall clock time in a time zone, fast enough to be asked for on every request. */

import type { EpochMs } from '../../support/time.ts'

const MINUTE_MS = 60_000

/** Milliseconds that the zone's wall clock is ahead of UTC at `now`. */
export type ZoneOffset = (now: EpochMs) => number

/** `undefined` where there is no such zone. `name` is of the IANA database, as in `Europe/Berlin`. */
export function createZoneOffset(name: string): ZoneOffset | undefined {
  if (/^(utc|etc\/utc|gmt|z)$/i.test(name)) return () => 0
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
      era: 'short',
    })
  } catch {
    return undefined
  }
  // Zones change their offset at whole minutes: one that is known for a minute need not be asked for again in it.
  let knownMinute = Number.NaN
  let knownOffset = 0
  return (now) => {
    const minute = Math.floor(now / MINUTE_MS)
    if (minute !== knownMinute) {
      knownOffset = offsetAt(format, minute * MINUTE_MS)
      knownMinute = minute
    }
    return knownOffset
  }
}

function offsetAt(format: Intl.DateTimeFormat, at: EpochMs): number {
  const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
  let beforeChrist = false
  for (const { type, value } of format.formatToParts(at)) {
    if (type in parts) parts[type as keyof typeof parts] = Number(value)
    if (type === 'era') beforeChrist = value.startsWith('B')
  }
  const year = beforeChrist ? 1 - parts.year : parts.year
  const wall = new Date(0)
  wall.setUTCFullYear(year, parts.month - 1, parts.day)
  wall.setUTCHours(parts.hour, parts.minute, parts.second)
  return wall.getTime() - at
}
